"""``/api/v1/event-types``: every type of event, with the JSON Schema of the whole event and an example."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from aiohttp import web

from publisher.web.http.headers import READ
from publisher.web.http.response import Problem, json_response, nearest

routes = web.RouteTableDef()


@routes.get("/api/v1/event-types")
async def list_event_types(request: web.Request) -> web.Response:
    """Every type of event: its version, the JSON Schema of the whole event, that of what is sent to webhooks whose
    ``content`` is ``thin``, and an example.

    Fields may be added to a version; what is taken away, or means something else, is a new one.
    """
    return json_response({"event_types": event_types_json()}, headers=READ)


@routes.get("/api/v1/event-types/{type}")
async def show_event_type(request: web.Request) -> web.Response:
    """One type of event."""
    name, known = request.match_info["type"], {one["type"]: one for one in event_types_json()}
    if name not in known:
        raise Problem(404, f"{name[:80]!r} is no type of event; {nearest(name[:80], known)}")
    return json_response(known[name], headers=READ)


@lru_cache(maxsize=1)
def event_types_json() -> list[dict[str, Any]]:
    """Every type of event as the API shows it."""
    from publisher.model.envelope import EVENT_KINDS

    return [
        {
            "type": one.name,
            "version": one.version,
            "items": one.items,
            "description": one.description,
            "schema": one.json_schema(),
            "thin_schema": one.thin_schema(),
            "example": one.example,
        }
        for one in EVENT_KINDS.values()
    ]
