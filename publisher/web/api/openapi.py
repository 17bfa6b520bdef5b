"""``/api/openapi.json``: the whole API for programs, as OpenAPI 3.1."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from publisher.web.http.headers import READ
from publisher.web.http.response import json_response
from publisher.web.services import services_of

routes = web.RouteTableDef()


@routes.get("/api/openapi.json")
async def show(request: web.Request) -> web.Response:
    """This description, the same for every caller."""
    return json_response(described(request), headers=READ)


@routes.get("/api/v1/openapi.json")
async def show_as_before(request: web.Request) -> web.Response:
    """This description, at the address that it had first."""
    return json_response(described(request), headers=READ)


def described(request: web.Request) -> dict[str, Any]:
    """The description of the application that serves this request."""
    from publisher.web.api.described.document import document

    site = services_of(request).site()
    return document(request.app, site.url, site.title)
