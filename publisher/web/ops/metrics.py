"""``/metrics`` for Prometheus.

What this process did since it started (requests, attempts, events seen) is counted as it happens; the present state is
read from the database at each scrape. Each application has its own registry.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection
from dataclasses import replace
from ipaddress import ip_address
from typing import Literal

from aiohttp import web

from publisher.model import Role
from publisher.storage import metrics as storage
from publisher.storage.engine.database import Database
from publisher.storage.metrics import Present, Totals
from publisher.web.access.auth import require
from publisher.web.ops.measures import Metrics
from publisher.web.services import SERVICES

Access = Literal["loopback", "key", "open"]
"""The values of ``[server] metrics``, which say who may read it: this machine where ``trusted_proxies`` is set, and
operators; operators alone; or anyone."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

TOTALS_SECONDS = 10.0
"""Counts of whole tables are this old at most, unless taking them costs more than :data:`TOTALS_SHARE` of the time."""

TOTALS_SHARE = 0.05

FORWARDED = ("X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP", "Forwarded", "Via")


class _Reader:
    """Reads the database for the scrapes of one application."""

    def __init__(
        self,
        metrics: Metrics,
        db: Database,
        sources: Callable[[], Collection[str]] | None,
        definitions: Callable[[], int],
    ) -> None:
        self._metrics = metrics
        self._db = db
        self._sources = sources
        self._definitions = definitions
        self._reading = asyncio.Lock()
        self._seen: int | None = None
        self._totals: Totals | None = None
        self._again_at = 0.0

    async def start(self, _app: web.Application) -> None:
        """Events are counted from here on."""
        self._seen = (await self._db.read(storage.present)).last_seq

    async def read(self) -> None:
        """Bring the metrics up to date; scrapes that come together wait for one reading."""
        async with self._reading:
            present = await self._db.read(storage.present)
            await self._count_events(present.last_seq)
            totals = await self._count_totals()
            self._metrics.stands(self._known(present), totals, self._definitions())

    async def _count_events(self, last: int) -> None:
        if self._seen is not None and last > self._seen:
            self._metrics.logged(await self._db.read(storage.events_between, self._seen, last))
        self._seen = last

    async def _count_totals(self) -> Totals:
        started = time.monotonic()
        if self._totals is None or started >= self._again_at:
            self._totals = await self._db.read(storage.totals)
            ended = time.monotonic()
            self._again_at = ended + max(TOTALS_SECONDS, (ended - started) / TOTALS_SHARE)
        return self._totals

    def _known(self, present: Present) -> Present:
        if self._sources is None:
            return present
        # A source that was taken out of the configuration would look as if it were failing ever longer.
        known = self._sources()
        health = {name: one for name, one in present.sources.items() if name in known}
        return replace(present, sources=health)


def add_metrics(
    app: web.Application,
    metrics: Metrics | None = None,
    *,
    access: Access = "loopback",
    sources: Callable[[], Collection[str]] | None = None,
    definitions: Callable[[], int] = lambda: 0,
) -> Metrics:
    """Add ``/metrics``, and the middleware that counts requests for feeds; returns what it counts in.

    ``metrics`` is given where the deliverer counts in it too. ``sources`` names those that are configured; without it
    every source that was ever read is shown. ``definitions`` gives the number of those that this process goes by.
    """
    found = metrics or Metrics()
    reader = _Reader(found, app[SERVICES].db, sources, definitions)

    async def answer(request: web.Request) -> web.Response:
        await _allow(request, access)
        await reader.read()
        body, content_type = found.text(request.headers.get("Accept", ""))
        return web.Response(body=body, headers={"Content-Type": content_type, "Cache-Control": "no-store"})

    @web.middleware
    async def count(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            response = await handler(request)
        except web.HTTPException as error:
            found.requested(request.path, error.status)
            raise
        found.requested(request.path, response.status)
        return response

    app.middlewares.insert(0, count)  # outside of the middleware that turns errors into responses
    app.on_startup.append(reader.start)
    app.router.add_get("/metrics", answer)
    return found


async def _allow(request: web.Request, access: Access) -> None:
    trusted = request.app[SERVICES].trusted_proxies
    if access == "open" or (access == "loopback" and trusted and local(request)):
        return
    unsure = access == "loopback" and not trusted
    await require(
        request,
        Role.OPERATOR,
        to="read the metrics" + (" while [server] trusted_proxies names no proxy" if unsure else ""),
    )


def local(request: web.BaseRequest) -> bool:
    """Whether a request comes from this machine itself, provided that every proxy on it names its client.

    A proxy that does not makes strangers look local. An operator who names none in ``trusted_proxies`` may have such a
    proxy, so being local counts for nothing there.
    """
    if any(name in request.headers for name in FORWARDED):
        return False
    try:
        address = ip_address(request.remote or "")
    except ValueError:
        return False
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback
