"""``/api/v1/events``: the log, page by page. Following it needs no registration, and no event is missed."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from publisher.storage import events, feeds
from publisher.storage.database import Tx
from publisher.web.answers import json_response
from publisher.web.asking import integer
from publisher.web.auth import caller
from publisher.web.headers import READ
from publisher.web.parameters import takes
from publisher.web.services import services_of
from publisher.web.visibility import Sight, sight_of

routes = web.RouteTableDef()

PAGE, MAX_PAGE = 100, 1_000
BATCH = 500
SCANNED = 5_000
"""Events looked at for one page; what the caller may not see is passed over."""

LAST = 2**63 - 1


@routes.get("/api/v1/events")
@takes("after", "limit")
async def list_events(request: web.Request) -> web.Response:
    """Events above ``after``, oldest first. ``next`` is the ``after`` of the following page: ask again with it later.

    A page without events whose ``next`` is its own ``after`` is the end of the log for now.
    """
    after = integer(request, "after", 0, low=0, high=LAST)
    limit = integer(request, "limit", PAGE, low=1, high=MAX_PAGE)
    services = services_of(request)
    sight = sight_of(await caller(request), services.catalog().feeds)
    found, following = await services.db.read(_visible, sight, after, limit)
    return json_response({"events": found, "next": following}, headers=READ)


def _visible(tx: Tx, sight: Sight, after: int, limit: int) -> tuple[list[dict[str, Any]], int]:
    found: list[dict[str, Any]] = []
    for _ in range(0, SCANNED, BATCH):
        batch = events.after(tx, after, BATCH)
        left = feeds.left(tx, {event.subject for event in batch if event.erased})
        for event in batch:
            after = event.seq
            seen = sight.event(event, left.get(event.subject, ()))
            if seen is not None:
                found.append(seen)
            if len(found) == limit:
                return found, after
        if len(batch) < BATCH:
            break
    return found, after
