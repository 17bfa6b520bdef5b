"""``/api/v1/events``: the log, page by page. Following it needs no registration, and no event is missed."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from publisher.model import EventType
from publisher.storage.configuration import feeds
from publisher.storage.engine.database import Database, Tx
from publisher.storage.log import events
from publisher.web.access.auth import caller
from publisher.web.access.visibility import Sight, sight_of
from publisher.web.api.lists import BATCH_BYTES, PAGE_BYTES, Batches, list_response
from publisher.web.http.parameters import takes
from publisher.web.http.request import integer
from publisher.web.services import services_of

routes = web.RouteTableDef()

PAGE, MAX_PAGE = 100, 1_000
BATCH = 500
SCANNED = 5_000
"""Events looked at for one page; what the caller may not see is passed over."""

LAST = 2**63 - 1


@routes.get("/api/v1/events")
@takes("after", "limit")
async def list_events(request: web.Request) -> web.StreamResponse:
    """Events above ``after``, oldest first. ``next`` is the ``after`` of the following page: ask again with it later.

    A page without events whose ``next`` is its own ``after`` is the end of the log for now. One may hold fewer than
    asked for, or none, and still go on.
    """
    after = integer(request, "after", 0, low=0, high=LAST)
    limit = integer(request, "limit", PAGE, low=1, high=MAX_PAGE)
    services = services_of(request)
    sight = sight_of(await caller(request), services.catalog().feeds)
    reading = _Reading(services.db, sight, after, limit)
    return await list_response(request, "events", reading.batches(), lambda: {"next": reading.after})


class _Reading:
    """One request's way through the log."""

    def __init__(self, db: Database, sight: Sight, after: int, limit: int) -> None:
        self._db, self._sight = db, sight
        self._types = [type for type in EventType if type.items in sight.kinds()]
        self.after = after
        self._left = limit

    async def batches(self) -> Batches:
        """The events in sight, until there are enough or enough was read."""
        scanned = size = 0
        while self._left and scanned < SCANNED and size < PAGE_BYTES:
            found, read, held = await self._db.read(self._step)
            yield found
            if held is None:
                return
            scanned, size = scanned + read, size + held

    def _step(self, tx: Tx) -> tuple[list[dict[str, Any]], int, int | None]:
        """What is in sight of the next stretch, how many events that has and the bytes they hold."""
        stretch, held = events.stretch(tx, self.after, limit=BATCH, size=BATCH_BYTES, types=self._types)
        left = feeds.left(tx, {event.subject for event in stretch if event.erased})
        found: list[dict[str, Any]] = []
        for event in stretch:
            self.after = event.seq
            seen = self._sight.event(event, left.get(event.subject, ()))
            if seen is not None:
                found.append(seen)
                self._left -= 1
            if not self._left:
                break
        return found, len(stretch), held
