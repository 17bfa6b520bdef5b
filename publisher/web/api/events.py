"""``/api/v1/events``: the log, page by page. Following it needs no registration, and no event is missed."""

from __future__ import annotations

import asyncio
from contextlib import nullcontext

import orjson
from aiohttp import web

from publisher.configfile import seconds
from publisher.errors import LogPruned
from publisher.storage.log.tail import Entry, Stretch
from publisher.web.access.auth import Caller, caller, revoked
from publisher.web.access.views import Offer, View, view_of
from publisher.web.api.cursors import cursor, log_pruned, log_reset, opened, page_url
from publisher.web.api.filters import asked
from publisher.web.api.following import Left, following_of, offer_of
from publisher.web.api.lists import BATCH_BYTES
from publisher.web.api.patience import Patience
from publisher.web.http.connection import gone
from publisher.web.http.headers import READ
from publisher.web.http.parameters import takes
from publisher.web.http.proxies import client_address
from publisher.web.http.request import integer
from publisher.web.http.response import Fault, invalid, json_response
from publisher.web.services import Services, services_of

routes = web.RouteTableDef()

LIST = "events"

PAGE, MAX_PAGE = 100, 1_000
BATCH = 500

PAGE_BYTES = BATCH_BYTES
"""The most bytes of a page; one event may be larger. It is small enough to be made whole, so that the place where it
ends can stand in its head.
"""

SCANNED, SCANNED_BYTES = 5_000, 4 * 1024 * 1024
"""Events looked at for one page, and the bytes they hold; those that are not for the caller are skipped."""

LONGEST_WAIT = 30.0
"""Seconds; proxies commonly give up after 60."""

LAST = 2**63 - 1

LATEST = "latest"


@routes.get("/api/v1/events")
@takes("after", "limit", "wait", many=("feed", "type"))
async def list_events(request: web.Request) -> web.StreamResponse:
    """Events after the place ``after``, oldest first. ``next`` is the ``after`` of the following page: ask again with
    it later; ``next_url``, and a ``Link``, are the whole request for it.

    Without ``after`` from the beginning, with ``latest`` from now on; with ``feed`` and ``type`` those that a webhook
    with this filter would be told. A page may hold fewer than asked for, or none, and still go on; with ``wait`` one
    without events comes only once that time is up. 410 for a place from before the log was reset, or before what is
    kept of it.
    """
    limit = integer(request, "limit", PAGE, low=1, high=MAX_PAGE)
    patience = _patience(request)
    services, client = services_of(request), await caller(request)
    after = await _place(request, services)
    address = client_address(request, services.trusted_proxies)
    with services.limits.waiting(client.key, address) if patience else nullcontext():
        reading = _Reading(request, client, after, limit)
        async with Patience(patience, following_of(request).stopping, gone(request)) as waiting:
            found = await reading.page(waiting)
    url = page_url(request, reading.next)
    page = {"events": [orjson.Fragment(one) for one in found], "next": reading.next, "next_url": url}
    return json_response(page, headers={**READ, "Link": f'<{url}>; rel="next"'})


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
    start = cursor(request, LIST, [begin])
    raise log_reset(advice, start, page_url(request, start))


def _patience(request: web.Request) -> float:
    """The seconds that ``wait`` names; 422 for what is no duration, or too long."""
    text = request.query.get("wait")
    if text is None:
        return 0.0
    try:
        # A bare number is one of seconds, as in HTTP's own fields.
        found = float(text) if text.isascii() and text.isdecimal() else seconds(text)
    except ValueError:
        found = -1.0
    if not 0 <= found <= LONGEST_WAIT:
        longest = f"{LONGEST_WAIT:.0f}"
        raise invalid(Fault("wait", f'must be seconds up to {longest}, such as "20" or "20s", not {text[:40]!r}'))
    return 0.0 if request.method == "HEAD" else found


class _Reading:
    """One request's way through the log."""

    def __init__(self, request: web.Request, client: Caller, after: int | None, limit: int) -> None:
        self._request, self._client = request, client
        self._services = services_of(request)
        self._following = following_of(request)
        self._tail = self._services.tail
        self._generation = self._tail.generation
        self._after, self._left, self._room = after or 0, limit, PAGE_BYTES
        self._from_beginning = after is None
        self._offer: Offer | None = None
        self._view: View

    @property
    def next(self) -> str:
        """Where the following page begins."""
        return cursor(self._request, LIST, [self._after], self._generation.id)

    async def page(self, patience: Patience) -> list[bytes]:
        """The events for the caller, until there are enough or enough was read; with patience, as soon as there is one.

        Each is JSON.
        """
        found: list[bytes] = []
        scanned = size = 0
        waited = False
        while self._left > 0 and self._room > 0 and scanned < SCANNED and size < SCANNED_BYTES:
            await self._look()
            stretch = await self._read_on(begun=bool(found))
            if stretch is None or self._tail.generation != self._generation:
                break  # the next request is told so
            found += await self._seen(stretch)
            if stretch.ends and self._left > 0 and self._room > 0:
                if found or not await patience.awaits(self._growth):
                    break
                waited = True
            if not stretch.ends:
                await asyncio.sleep(0)  # what is in memory is judged without a pause; let others run in between
            scanned, size = scanned + len(stretch.entries), size + stretch.length
        if waited and found:
            await self._still_allowed()
        return found

    async def _growth(self) -> int:
        return await self._tail.grown(self._after)

    async def _look(self) -> None:
        """Judge what the caller may see, and judge it anew by each definitions that come into force meanwhile."""
        offer = await offer_of(self._request)
        if offer is not self._offer:
            self._view = view_of(self._client, asked(self._request, self._client, offer.feeds), offer)
            self._offer = offer

    async def _still_allowed(self) -> None:
        """401 where the key was revoked while it waited."""
        key = self._client.key
        if key is not None and not await self._following.holds(self._services.db, key):
            raise revoked()

    async def _read_on(self, *, begun: bool) -> Stretch | None:
        """The next piece of the log; None where the page has ``begun`` and what came next is gone meanwhile."""
        while True:
            try:
                return await self._tail.after(self._after, limit=BATCH, size=BATCH_BYTES, types=self._view.reads)
            except LogPruned as gone:
                if begun:
                    return None
                if not self._from_beginning:
                    start = cursor(self._request, LIST, [gone.begin])
                    raise log_pruned(start, page_url(self._request, start)) from gone
                self._after = gone.begin

    async def _seen(self, stretch: Stretch) -> list[bytes]:
        erased = frozenset(entry.event.subject for entry in stretch.entries if entry.event.erased)
        left = await self._following.left(self._services.db, erased) if erased else {}
        found: list[bytes] = []
        for entry in stretch.entries:
            if (seen := _shown(entry, self._view, left)) is not None:
                found.append(seen)
                self._left -= 1
                self._room -= len(seen)
            self._after = entry.seq
            if self._left <= 0 or self._room <= 0:
                return found
        self._after = stretch.reached
        return found


def _shown(entry: Entry, view: View, left: Left) -> bytes | None:
    """The event as JSON, made once for all who are told the same; None where it is not told."""
    match = view.match(entry, left.get(entry.event.subject, ()))
    if match is None:
        return None
    told = (match, view.everything)
    return entry.encoded(told, lambda event: orjson.dumps(view.written(event, match)))
