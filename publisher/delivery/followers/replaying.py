"""Replays, and what ended holds leave behind: work that goes on beside what is sent as it happens.

The process that has a subscription's lane does its replays. Each step is short: a page of the log is judged, or a few
deliveries are made, as many as the replay's rate allows for the time that has passed.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from publisher import telemetry
from publisher.delivery.followers import sendable
from publisher.delivery.followers.sendable import Known, Right
from publisher.errors import NotAdopted, told
from publisher.model import Event, EventType, Filter, Match, Subscription, SubscriptionState
from publisher.model.replay import Replay, Which
from publisher.storage.engine.database import Database, Tx
from publisher.storage.engine.turns import Urgency, writing_as
from publisher.storage.engine.values import AnyRow
from publisher.storage.log import events
from publisher.storage.subscriptions import fanout, holds, replays, rights, subscriptions
from publisher.unbroken import unbroken

log = telemetry.logger(__name__)

PAGE = 100
"""Events judged before they are noted."""

POLL_SECONDS = 1.0
TICK_SECONDS = 0.1
"""Between two steps: while nothing is to be done, and while something is."""

LOOKED = 2000
"""Events of the log that are looked through at once to count what was missed."""


@dataclass(frozen=True, slots=True)
class Missed:
    """How many events a webhook was not sent while it was disabled: of those from ``since_seq`` to ``until_seq``.
    ``more``: there were too many to look through; at least so many. ``cut_off`` are the earlier events that were still
    to be sent as it was disabled, and were cancelled.
    """

    events: int
    since_seq: int
    until_seq: int
    more: bool
    cut_off: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class _Page:
    """What is judged at once, by what, up to which event; ``access`` is the fan-out's."""

    upto: int
    access: int
    right: Right
    filter: Filter
    narrowed: bool
    events: Sequence[Event] = ()
    known: Mapping[int, Known] | None = None
    filters: Mapping[int, Filter] | None = None
    """With ``failed``: the filter by which each event was followed."""


class Replaying:
    """Goes on with every replay of the subscriptions in ``lanes``, and with holds that have ended.

    ``check`` is the fan-out's: it raises where this process does not go by the definitions in force.
    """

    def __init__(
        self,
        db: Database,
        *,
        lanes: Callable[[], Collection[int]],
        check: Callable[[Tx], None] = lambda _tx: None,
        page: int = PAGE,
    ) -> None:
        self._db = db
        self._lanes = lanes
        self._check = check
        self._page = page
        self._allowed: dict[int, float] = {}
        """How many deliveries each replay may make by now."""
        self._releasing: dict[int, int] = {}
        self._cancelling: dict[int, holds.Pair] = {}

    async def run(self) -> None:
        """Do so until cancelled. A fault is logged, and the step is done again."""
        before = time.monotonic()
        while True:
            busy = False
            try:
                now = time.monotonic()
                busy = await unbroken(self.step(now - before))
                before = now
            except Exception as error:
                if not isinstance(error, NotAdopted) and not told(error):
                    log.error("replay.failed", error=str(error)[:300])
            await asyncio.sleep(TICK_SECONDS if busy else POLL_SECONDS)

    async def step(self, seconds: float) -> bool:
        """Go on with each, after so many seconds; returns whether there is more to be done soon."""
        lanes = self._lanes()
        left, open_ = await self._db.read(lambda tx: (holds.unsettled(tx), replays.open_in(tx, lanes)))
        for hold in left if lanes else ():
            await self._go_on(hold)
        self._allowed = {row.n: self._allowed.get(row.n, 1.0) for row in open_}
        with writing_as(Urgency.READING):  # what happens meanwhile goes first
            busy = [await self._advance(row, seconds) for row in open_]
        return bool(left) or any(busy)

    async def _go_on(self, hold: AnyRow) -> None:
        if hold.ended_at is None:
            reached = await self._db.write(holds.cancel_some, hold.n, self._cancelling.get(hold.n, (0, 0)))
            if reached is not None:
                self._cancelling[hold.n] = reached
                return
            self._cancelling.pop(hold.n, None)
            log.warning("hold.cancelled", id=hold.id)
            return
        after = await self._db.write(holds.release_some, hold.n, self._releasing.get(hold.n, 0))
        if after is None:
            self._releasing.pop(hold.n, None)
        else:
            self._releasing[hold.n] = after

    async def _advance(self, row: AnyRow, seconds: float) -> bool:
        judged = row.judged < row.until_seq and await self._judge(row)
        allowed = self._allowed[row.n] = min(self._allowed[row.n] + seconds * row.rate, float(row.rate))
        if allowed < 1.0 or not await self._db.read(replays.ready, row):
            return judged
        made = await self._db.write(_made, row.n, int(allowed))
        self._allowed[row.n] = allowed - made
        return judged or made > 0

    async def _judge(self, row: AnyRow) -> bool:
        """Judge the next page of the log for a replay; returns whether there was one."""
        page = await self._db.read(self._next_page, row)
        if page is None:
            return False
        judge, found = page.right.judge(), {}
        for event in page.events:
            await asyncio.sleep(0)
            known = (page.known or {}).get(event.seq, Known())
            filter = page.filter if page.narrowed or page.filters is None else page.filters[event.seq]
            match = sendable.what(event, filter, known, page.right, judge, narrowed=page.narrowed)
            if match is not None:
                found[event.seq] = match
        await self._db.write(self._take, row, page, found)
        return True

    def _next_page(self, tx: Tx, row: AnyRow) -> _Page | None:
        self._check(tx)
        until = min(row.until_seq, replays.fanned_out(tx))
        if until <= row.judged:
            return None
        return _page(tx, row, until, self._page)

    def _take(self, tx: Tx, row: AnyRow, page: _Page, found: Mapping[int, Match]) -> None:
        self._check(tx)
        # What was judged by other definitions, or before a right was lost, is judged again.
        if fanout.hold(tx).access != page.access:
            return
        held = replays.hold(tx, row.n)
        if held is not None and held.judged == row.judged:
            replays.take(tx, held, page.upto, found)


def missed(tx: Tx, before: Subscription) -> Missed | None:
    """What a webhook has missed that was disabled ``before`` and is active now; None where nothing is known of it."""
    webhook = subscriptions.existing(tx, before.id)
    enabled = before.state is SubscriptionState.DISABLED and webhook.state is SubscriptionState.ACTIVE
    if not enabled or before.until_seq is None:
        return None
    since, until = before.until_seq + 1, webhook.from_seq - 1
    right = Right.of(tx, webhook.owner, webhook.granted, since - 1)
    own = replays.followed(tx, before.id)
    loaded = events.after(tx, since - 1, LOOKED, until=until)
    stored = replays.stored(tx, [one.seq for one in loaded], [own])
    judge, count = right.judge(), 0
    for event in loaded:
        known = Known.of(stored.get((event.seq, own)))
        count += sendable.what(event, webhook.filter, known, right, judge, narrowed=False) is not None
    cut_off = replays.cut_off(tx, subscriptions.number(tx, before.id), before.from_seq, before.until_seq)
    return Missed(count, since, until, len(loaded) == LOOKED and loaded[-1].seq < until, cut_off)


def start(
    tx: Tx, id: str, *, only: Which, since: int, until: int | None, feeds: Collection[str], types: Collection[str],
    rate: int, by: str,
) -> Replay:  # fmt: skip
    """Make a replay to the subscription ``id`` of what it follows, or of these of its feeds and types alone.

    ``until`` is the log's last event where it is None, and no later. Raises NotFound, or Conflict where the
    subscription is not active.
    """
    replays.active(tx, id)
    webhook = subscriptions.existing(tx, id)
    narrowed = {"feeds": tuple(feeds)} if feeds else {}
    wanted = webhook.filter.model_copy(update=narrowed | ({"events": tuple(map(EventType, types))} if types else {}))
    last = events.last_seq(tx)
    right = Right.of(tx, webhook.owner, webhook.granted, since - 1)
    return replays.create(
        tx, id, only=only, since=since, until=last if until is None else min(until, last), filter=wanted,
        public=not right.all, rate=rate, by=by,
    )  # fmt: skip


def _made(tx: Tx, n: int, most: int) -> int:
    """Make up to ``most`` deliveries, none where another process is at it, or it is over; returns how many."""
    row = replays.hold(tx, n)
    if row is None:
        return 0
    why = replays.stopped(tx, row)
    if why is not None:
        replays.end(tx, row, why)
        log.warning("replay.cancelled", id=row.id, reason=why)
        return 0
    return replays.advance(tx, row, most)


def _page(tx: Tx, row: AnyRow, until: int, limit: int) -> _Page:
    webhook = replays.holder(tx, row)
    own, followed = replays.filter_of(tx, row)
    narrowed = followed is None
    right = Right.of(tx, webhook.owner, webhook.granted, row.judged)
    access = fanout.access(tx)
    if row.only == Which.FAILED.value:
        failed = replays.failed(tx, row, limit, until)
        loaded = events.among(tx, failed)
        filters = {id_: rights.filter_of(tx, id_) for id_ in set(failed.values())}
        stored = replays.stored(tx, failed, set(failed.values()))
        known = {seq: Known.of(stored.get((seq, id_))) for seq, id_ in failed.items()}
        upto = max(failed) if len(failed) == limit else until
        by = {seq: filters[id_] for seq, id_ in failed.items()}
        return _Page(upto, access, right, own, narrowed, loaded, known, by)
    loaded = events.after(tx, row.judged, limit, until=until)
    like = -1 if followed is None else followed
    stored = replays.stored(tx, [one.seq for one in loaded], [like])
    known = {one.seq: Known.of(stored.get((one.seq, like))) for one in loaded}
    upto = loaded[-1].seq if len(loaded) == limit else until
    return _Page(upto, access, right, own, narrowed, loaded, known)
