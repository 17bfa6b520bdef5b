"""``/api/v1/sources``: how the sources are doing."""

from __future__ import annotations

from aiohttp import web

from publisher.catalog.condition import source_json
from publisher.model import Role, SourceState
from publisher.storage.configuration import sources
from publisher.web.access.auth import require
from publisher.web.http.headers import READ
from publisher.web.http.response import json_response
from publisher.web.services import services_of

routes = web.RouteTableDef()


@routes.get("/api/v1/sources")
async def list_sources(request: web.Request) -> web.Response:
    """Every source that is configured, in its order: when it was read, what came of it, and what went wrong."""
    key = await require(request, Role.EDITOR, to="see how sources are doing")
    services = services_of(request)
    states = await services.db.read(sources.states)
    known = [(one, states.get(one.name) or SourceState(name=one.name)) for one in services.catalog().sources]
    shown = [source_json(*one, operator=key.role is Role.OPERATOR) for one in known]
    return json_response({"sources": shown}, headers=READ)
