"""``/api/v1/events``: the log, page by page. Following it needs no registration, and no event is missed."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from typing import Any

import orjson
from aiohttp import web

from publisher.configfile import seconds
from publisher.errors import LogPruned
from publisher.model import Event, EventType, FeedDefinition, Role
from publisher.storage.configuration import feeds
from publisher.storage.engine.database import Database
from publisher.storage.log.tail import Entry, Stretch
from publisher.web.access.auth import Caller, caller
from publisher.web.access.visibility import Sight, sight_of
from publisher.web.api.cursors import cursor, log_pruned, log_reset, opened
from publisher.web.api.lists import BATCH_BYTES, PAGE_BYTES, Batches, list_response
from publisher.web.http.connection import gone
from publisher.web.http.parameters import takes
from publisher.web.http.proxies import client_address
from publisher.web.http.request import integer
from publisher.web.http.response import Fault, invalid
from publisher.web.services import Services, services_of

routes = web.RouteTableDef()

LIST = "events"

PAGE, MAX_PAGE = 100, 1_000
BATCH = 500
SCANNED = 5_000
"""Events looked at for one page; those that the caller may not see are skipped."""

LONGEST_WAIT = 30.0

LAST = 2**63 - 1

LATEST = "latest"


class View:
    """What callers with the same rights see: the same object for all of them, so that an event is encoded once."""

    def __init__(self, sight: Sight) -> None:
        self.sight = sight
        self.types = frozenset(type for type in EventType if type.items in sight.kinds())

    def encoded(self, event: Event) -> bytes | None:
        """The event as they see it, None if they do not."""
        seen = self.sight.event(event)
        return None if seen is None else orjson.dumps(seen)


Left = Mapping[str, set[str]]


class Following:
    """What the requests of one application share. ``stopping`` is set once waiting requests must end."""

    def __init__(self) -> None:
        self.stopping = asyncio.Event()
        self._feeds: Mapping[str, FeedDefinition] | None = None
        self._views: dict[tuple[bool, bool], View] = {}
        self._left_of: tuple[frozenset[str], int] | None = None
        self._left: asyncio.Task[Left] | None = None

    def view(self, caller: Caller, feeds: Mapping[str, FeedDefinition]) -> View:
        """What this caller sees by these definitions."""
        if feeds is not self._feeds:
            self._feeds, self._views = feeds, {}
        rights = caller.may(Role.EDITOR), caller.may(Role.OPERATOR)
        if rights not in self._views:
            self._views[rights] = View(sight_of(caller, feeds))
        return self._views[rights]

    async def left(self, db: Database, articles: frozenset[str]) -> Left:
        """For each of these articles the feeds that it left; read once for all requests about the same articles."""
        key, task = (articles, db.edition), self._left
        if task is None or key != self._left_of or (task.done() and task.exception() is not None):
            task = asyncio.create_task(db.read(feeds.left, articles), name="feeds that were left")
            self._left_of, self._left = key, task
        return await asyncio.shield(task)


FOLLOWING: web.AppKey[Following] = web.AppKey("following", Following)


def prepare(app: web.Application) -> None:
    """Let requests wait for events until the application shuts down."""
    app[FOLLOWING] = following = Following()

    async def stop(_app: web.Application) -> None:
        following.stopping.set()

    app.on_shutdown.append(stop)


@routes.get("/api/v1/events")
@takes("after", "limit", "wait")
async def list_events(request: web.Request) -> web.StreamResponse:
    """Events after the place ``after``, oldest first. ``next`` is the ``after`` of the following page: ask again with
    it later.

    Without ``after`` from the beginning, with ``latest`` from now on. A page may hold fewer than asked for, or none,
    and still go on; with ``wait`` one without events comes only once that time is up. 410 for a place from before the
    log was reset, or before what is kept of it.
    """
    limit = integer(request, "limit", PAGE, low=1, high=MAX_PAGE)
    patience = _patience(request)
    services, client = services_of(request), await caller(request)
    after = await _place(request, services)
    address = client_address(request, services.trusted_proxies)
    with services.limits.waiting(client.key, address) if patience else nullcontext():
        reading = _Reading(request, client, after, limit, patience)
        return await list_response(request, LIST, reading.batches(), lambda: {"next": reading.next})


async def _place(request: web.Request, services: Services) -> int | None:
    """The number that ``after`` stands for, None where it is left out.

    A bare number is accepted too where it can mean only one event.
    """
    text = request.query.get("after")
    if text is None:
        return None
    if text == LATEST:
        return await services.db.refresh()
    if text.isascii() and text.isdecimal():
        generation, seq = None, integer(request, "after", 0, low=0, high=LAST)
    else:
        generation, place = opened(request, LIST, text, others=f", {LATEST!r}, or the number of an event")
        seq = int(place[0])
    begin = services.db.generation.reset_to(generation, seq)
    if begin is None or (generation is None and begin == seq):
        return seq
    advice = "go on with `begin`: what comes after it is all that you may have missed"
    raise log_reset(advice, cursor(request, LIST, [begin]))


def _patience(request: web.Request) -> float:
    """The seconds that ``wait`` names; 422 for what is no duration, or too long."""
    text = request.query.get("wait")
    if text is None:
        return 0.0
    try:
        found = seconds(text)
    except ValueError:
        found = -1.0
    if not 0 <= found <= LONGEST_WAIT:
        raise invalid(
            Fault("wait", f'must be a duration up to "{LONGEST_WAIT:.0f}s", such as "20s", not {text[:40]!r}')
        )
    return 0.0 if request.method == "HEAD" else found


class _Reading:
    """One request's way through the log."""

    def __init__(self, request: web.Request, client: Caller, after: int | None, limit: int, patience: float) -> None:
        self._request, self._client = request, client
        self._services = services_of(request)
        self._tail = self._services.tail
        self._generation = self._tail.generation
        self._after, self._left = after or 0, limit
        self._from_beginning = after is None
        self._until = asyncio.get_running_loop().time() + patience if patience else 0.0

    @property
    def next(self) -> str:
        """Where the following page begins."""
        return cursor(self._request, LIST, [self._after], self._generation.id)

    async def batches(self) -> Batches:
        """The visible events, until there are enough or enough was read; with patience, as soon as there is one."""
        scanned = size = 0
        found = waited = False
        while self._left and scanned < SCANNED and size < PAGE_BYTES:
            view = self._request.app[FOLLOWING].view(self._client, self._services.catalog().feeds)
            stretch = await self._read_on(view, begun=found)
            if stretch is None or self._tail.generation != self._generation:
                return  # the next request is told so
            seen = await self._seen(stretch, view)
            if seen and waited and self._client.key is not None:
                await caller(self._request)  # 401 where the key was revoked meanwhile
            if seen:
                found = True
                yield seen
            if stretch.ends and self._left:
                if found or not await self._more():
                    return
                waited = True
            scanned, size = scanned + len(stretch.entries), size + stretch.length

    async def _read_on(self, view: View, *, begun: bool) -> Stretch | None:
        """The next piece of the log; None where the page has ``begun`` and what came next is gone meanwhile."""
        while True:
            try:
                return await self._tail.after(self._after, limit=BATCH, size=BATCH_BYTES, types=view.types)
            except LogPruned as gone:
                if begun:
                    return None
                if not self._from_beginning:
                    raise log_pruned(cursor(self._request, LIST, [gone.begin])) from gone
                self._after = gone.begin

    async def _seen(self, stretch: Stretch, view: View) -> Sequence[Any]:
        erased = frozenset(entry.event.subject for entry in stretch.entries if entry.event.erased)
        left = await self._request.app[FOLLOWING].left(self._services.db, erased) if erased else {}
        found: list[Any] = []
        for entry in stretch.entries:
            if (seen := _shown(entry, view, left)) is not None:
                found.append(seen)
                self._left -= 1
            self._after = entry.seq
            if not self._left:
                return found
        self._after = stretch.reached
        return found

    async def _more(self) -> bool:
        """Wait for the log to grow; False once the time is up, the client has gone or the service stops."""
        patience = self._until - asyncio.get_running_loop().time()
        if patience <= 0:
            return False
        growth = asyncio.ensure_future(self._tail.grown(self._after))
        ends = [
            asyncio.ensure_future(one.wait()) for one in (self._request.app[FOLLOWING].stopping, gone(self._request))
        ]
        try:
            await asyncio.wait([growth, *ends], timeout=patience, return_when=asyncio.FIRST_COMPLETED)
            return growth.done() and not any(one.done() for one in ends)
        finally:
            for task in (growth, *ends):
                task.cancel()


def _shown(entry: Entry, view: View, left: Left) -> Any:
    if entry.event.erased:
        return view.sight.event(entry.event, left.get(entry.event.subject, ()))
    encoded = entry.encoded(view, view.encoded)
    return None if encoded is None else orjson.Fragment(encoded)
