"""``/healthz``: the process is alive. ``/readyz``: it can do its work.

Requests for ``/readyz`` within a second share one response, and it comes within :data:`PATIENCE` whatever hangs: a load
balancer that waited for it would go on sending requests here.
"""

from __future__ import annotations

import asyncio
import time

from aiohttp import web

from publisher.errors import StorageError
from publisher.storage import steps
from publisher.storage.engine.database import Database
from publisher.storage.log import events
from publisher.web.http.prebuilt import STOPPING
from publisher.web.http.response import json_response
from publisher.web.services import Services, services_of

routes = web.RouteTableDef()

PATIENCE = 3.0
"""Seconds within which ``/readyz`` answers."""

FRESH_SECONDS = 1.0
"""Seconds for which a response is reused."""

COMMIT_SECONDS = 10.0
"""A commit that went well so lately shows that commits can be made; after that, or a failure, one is tried."""


class Readiness:
    """Looks at every part, once at a time."""

    def __init__(self) -> None:
        self._looking: asyncio.Task[dict[str, str]] | None = None
        self._looked_at = float("-inf")

    async def parts(self, services: Services) -> dict[str, str]:
        """Each part with ``ok`` or what is wrong with it."""
        if self._looking is None or (self._looking.done() and time.monotonic() - self._looked_at > FRESH_SECONDS):
            self._looking = asyncio.create_task(self._look(services), name="readiness")
        await asyncio.wait([self._looking], timeout=PATIENCE)
        # A probe that hangs is left running and found again by the next request, instead of one more for each.
        return self._looking.result() if self._looking.done() else {"database": "no answer"}

    async def close(self, _app: web.Application) -> None:
        """Stop looking."""
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.wait([self._looking])

    async def _look(self, services: Services) -> dict[str, str]:
        try:
            parts = {"database": await _database(services.db)}
            for name, running in services.probes.items():
                # In a thread: one that looks at a disk may hang with it.
                state = await asyncio.to_thread(running)
                parts[name] = state if isinstance(state, str) else "ok" if state else "not running"
            return parts
        finally:
            self._looked_at = time.monotonic()


READINESS: web.AppKey[Readiness] = web.AppKey("readiness", Readiness)


def add_health(app: web.Application) -> None:
    """Serve both."""
    app[READINESS] = Readiness()
    app.on_cleanup.append(app[READINESS].close)
    app.add_routes(routes)


@routes.get("/healthz")
async def healthz(request: web.Request) -> web.Response:
    """200 as long as the process responds at all."""
    return json_response({"status": "ok"})


@routes.get("/readyz")
async def readyz(request: web.Request) -> web.Response:
    """200 while every part works, else 503; each part is named."""
    services = services_of(request)
    parts = dict(await request.app[READINESS].parts(services))
    if request.app[STOPPING]:
        parts["service"] = "stopping"
    ready = all(state == "ok" for state in parts.values())
    shown = {"status": "ok" if ready else "unavailable", "parts": parts}
    if notes := services.notes():
        shown["notes"] = dict(notes)
    return json_response(shown, status=200 if ready else 503)


async def _database(db: Database) -> str:
    """Whether the database can be read and committed to. Details are only in the log, since anyone may read this."""
    try:
        await db.read(events.last_seq)
    except StorageError:
        return "no answer"
    writing, now = db.writing, time.monotonic()
    worked = writing.worked_at if writing.worked_at is not None else float("-inf")
    failed = writing.failed_at if writing.failed_at is not None else float("-inf")
    if now - worked > COMMIT_SECONDS or failed > worked:
        try:
            await db.write(steps.touch)
        except StorageError:
            return "commits fail"
    # A small commit may find room on a full disk where the others do not.
    return "commits fail" if now - failed < COMMIT_SECONDS else "ok"
