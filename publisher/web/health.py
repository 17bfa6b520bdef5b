"""``/healthz``: the process is alive. ``/readyz``: it can do its work."""

from __future__ import annotations

from aiohttp import web

from publisher import telemetry
from publisher.errors import StorageError
from publisher.storage import events
from publisher.web.answers import json_response
from publisher.web.services import Services, services_of

log = telemetry.logger(__name__)

routes = web.RouteTableDef()

STOPPING: web.AppKey[list[bool]] = web.AppKey("stopping", list)
"""Holds something once the application is shutting down."""


@routes.get("/healthz")
async def healthz(request: web.Request) -> web.Response:
    """200 while the process answers at all."""
    return json_response({"status": "ok"})


@routes.get("/readyz")
async def readyz(request: web.Request) -> web.Response:
    """200 while every part works, else 503; each part is named."""
    services = services_of(request)
    parts = {"database": await _database(services)}
    parts |= {name: "ok" if running() else "not running" for name, running in services.probes.items()}
    if request.app[STOPPING]:
        parts["service"] = "stopping"
    ready = all(state == "ok" for state in parts.values())
    told = {"status": "ok" if ready else "unavailable", "parts": parts}
    if notes := services.notes():
        told["notes"] = dict(notes)
    return json_response(told, status=200 if ready else 503)


async def _database(services: Services) -> str:
    try:
        await services.db.read(events.last_seq)
    except StorageError as error:
        log.error("readiness.database", error=str(error))
        return "no answer"
    return "ok"
