"""What became of every delivery, wherever it is kept; and a process that settles parcels without sending anything."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import pytest
from sqlalchemy import Table, event, select

from publisher import clock
from publisher.delivery.aboard import Aboard
from publisher.model import Change, DeliveryState, Event, EventType, Filter, Match, Subscription
from publisher.storage.engine import tables
from publisher.storage.engine.database import Database, Tx
from publisher.storage.log import events
from publisher.storage.subscriptions import bitmaps, fanout, lanes, listing, parcels, rosters, settling, stretches
from publisher.storage.subscriptions.deliveries import Outcome
from publisher.storage.subscriptions.fanout import Cursor, Followed, Judged
from publisher.storage.subscriptions.parcels import Parcel
from publisher.storage.subscriptions.settling import Recorded
from support.deliveries import subscribe
from support.items import MORNING, an_event

TOLD = Match(EventType.ARTICLE_PUBLISHED, Change.ENTERED)

Pair = tuple[int, int]
"""An event (its ``seq``) and a subscription (its ``n``)."""

Matches = Callable[[Event, Followed], Match | None]


async def append(db: Database, count: int = 1) -> list[int]:
    """So many events of as many articles in the log; returns their numbers."""
    new = [an_event() for _ in range(count)]
    new = [one.model_copy(update={"subject": one.id}) for one in new]
    return [one.seq for one in await db.write(events.append, new)]


def of_feeds(*feeds: str, match: Match = TOLD) -> Matches:
    """Every event but a notice is in these feeds, and this to all who follow one of them."""
    return lambda event, one: match if event.type.items == "articles" and set(one.filter.feeds) & set(feeds) else None


NEWS = of_feeds("news")


async def piece(db: Database, matches: Matches = NEWS, *, chunk: int = fanout.CHUNK) -> Cursor | None:
    """One transaction of a fan-out; None if nothing was left."""
    page = await db.read(fanout.page, 100)
    if not page.events:
        return None
    followed = {one.id: one for one in page.filters}
    judged = [
        Judged(event.seq, {id_: match for id_, one in followed.items() if (match := matches(event, one)) is not None})
        for event in page.events
    ]
    return await db.write(fanout.advance, page.cursor, judged, followed, chunk)


async def fan_out(db: Database, matches: Matches = NEWS, *, chunk: int = fanout.CHUNK) -> None:
    """Fan out all that is in the log."""
    while await piece(db, matches, chunk=chunk):
        pass


async def fill(db: Database) -> int:
    """Give seats, as the fan-out does between two pieces of work."""

    def under_lock(tx: Tx) -> int:
        stretches.hold(tx)
        return rosters.fill(tx)

    return await db.write(under_lock)


async def followed(db: Database, count: int = 4, events: int = 1) -> list[Subscription]:
    """So many subscriptions of one roster, with so many parcels."""
    made = await db.write(lambda tx: [subscribe(tx, together=True) for _ in range(count)])
    await append(db, events)
    await fan_out(db)
    return made


class Held(NamedTuple):
    """An open seat of a parcel that was read, and whose it is."""

    parcel: Parcel
    seat: int
    n: int


class Process:
    """Has lanes and what is in their parcels, and settles what it is told became of it."""

    def __init__(self, db: Database, name: str) -> None:
        self.db, self.name = db, name
        self.aboard = Aboard()
        self.lanes: frozenset[int] = frozenset()
        self._holders: dict[int, Sequence[int]] = {}

    @classmethod
    async def begun(cls, db: Database, name: str = "ours", *, alone: bool = True) -> Process:
        """A process that has every lane for good, or (not ``alone``) its share of them."""
        new = cls(db, name)
        if alone:
            new.lanes = await db.write(lanes.take_over, name)
        else:
            new.lanes, _ = await db.write(lanes.hold, name, 60.0)
        await db.read(new.aboard.gain, new.lanes)
        await new.read()
        return new

    async def read(self, room: int = 100_000) -> None:
        """Read the parcels that it does not know yet, up to about this many seats."""
        for _ in range(2 + len(self.lanes)):
            if room <= 0 or not self.lanes:
                return
            found = await self.db.read(self.aboard.read, self.lanes, room, self.aboard.ids)
            self._holders |= await self.db.read(self.aboard.holders, found)
            for one in found:
                self.aboard.take(one)
                room -= one.open.bit_count()

    def open(self) -> list[Held]:
        """What it could send."""
        return [
            Held(one, seat, self._holders[one.roster][seat]) for one in self.aboard for seat in bitmaps.seats(one.open)
        ]

    async def settle(self, outcomes: Sequence[Outcome]) -> Recorded:
        """Have outcomes recorded, and go by it."""
        recorded = await self.db.write(settling.settle, outcomes, self.name, self.aboard.journaled)
        self.aboard.recorded(recorded)
        return recorded

    async def look(self) -> Recorded:
        """Learn what others have moved, and settle parcels of which nothing else is open, as a sender does."""
        moved = await self.db.read(parcels.moved, [one.id for one in self.aboard])
        left = []
        for one in list(self.aboard):
            gone = moved.get(one.id, 0)
            if gone & ~one.moved or not one.open:
                one.moved |= gone
                one.open &= ~gone
                left.append(Outcome(0, "", "moved", parcel=one, seat=0))
        return await self.settle(left)

    async def take_all(self) -> None:
        """Have all that is open taken by its receivers."""
        await self.read()
        await self.settle([taken(one) for one in self.open()])
        await self.look()


def taken(one: Held, *, ms: int = 12, status: int = 200, after: float = 0.0) -> Outcome:
    """It was taken: its attempt began ``after`` seconds, and took so many milliseconds."""
    at = clock.from_micros(clock.to_micros(MORNING) + round(after * 1e6))
    return Outcome(
        0, "", "delivered", number=1, at=at, duration_ms=ms, status=status, subscription=one.n, parcel=one.parcel,
        seat=one.seat,
    )  # fmt: skip


def failed(one: Held, *, wait: float | None = 60.0, status: int = 503) -> Outcome:
    """It was refused; without ``wait`` for good."""
    state: Any = "dead" if wait is None else "retrying"
    return taken(one, status=status)._replace(state=state, wait=wait)


def unsent(one: Held) -> Outcome:
    """There was no room for it: nothing was sent."""
    return Outcome(0, "", "pending", wait=0.0, subscription=one.n, parcel=one.parcel, seat=one.seat)


def moved(one: Held) -> Outcome:
    """Someone else made a row of it."""
    return Outcome(0, "", "moved", subscription=one.n, parcel=one.parcel, seat=one.seat)


def whole(tx: Tx) -> dict[Pair, DeliveryState]:
    """Every delivery there is as it happened (but those that were folded), read from the tables themselves.

    Asserts that none is in two places, that every event which is fanned out was counted as it was sent, and that
    nothing refers to what is not there. An open seat is pending.
    """
    found: dict[Pair, DeliveryState] = {}
    rows = tx.conn.execute(select(tables.deliveries)).all()
    for row in rows:
        if not row.run:
            assert (row.seq, row.subscription) not in found, f"two rows of {row}"
            found[row.seq, row.subscription] = DeliveryState(row.state)
        assert (row.due_at is None) == (row.settled_at is not None and row.state not in _OPEN), row
    of_rows = set(found)
    for pair, state in _seated(tx, of_rows):
        assert pair not in found, f"{pair} is in two places"
        found[pair] = state
    _counted(tx, found)
    tried = set(tx.conn.execute(select(tables.attempts.c.delivery_id)).scalars())
    assert tried <= {row.id for row in rows}
    return found


_OPEN = ("pending", "sending", "retrying")


def _seated(tx: Tx, of_rows: Collection[Pair]) -> Iterator[tuple[Pair, DeliveryState]]:
    holders = {(row.roster, row.seat): row for row in tx.conn.execute(select(tables.seats))}
    entries: dict[int, dict[int, set[bool]]] = {}
    for row in tx.conn.execute(select(tables.journal)):
        for parcel, seat, _, status, _ in parcels.ENTRY.iter_unpack(row.entries):
            entries.setdefault(parcel, {}).setdefault(seat, set()).add(status != parcels.MOVED)
    folded = set(tx.conn.execute(select(tables.folded.c.seq)).scalars())
    for row in tx.conn.execute(select(tables.parcels)).all():
        members, gone = bitmaps.unpacked(row.members), bitmaps.unpacked(row.moved)
        journaled = entries.get(row.id, {})
        assert gone & ~members == 0 and members.bit_count() == row.size
        assert all(len(how) == 1 for how in journaled.values()), f"{row.id} has two outcomes of one seat"
        for seat in bitmaps.seats(members):
            holder = holders[row.roster, seat]
            pair = row.seq, holder.subscription
            assert holder.from_seq <= row.seq and (holder.until_seq is None or row.seq <= holder.until_seq)
            out = bool(gone >> seat & 1)
            if row.closed_at is None:
                assert not (out and seat in journaled), f"{pair} moved twice"
                out = out or journaled.get(seat) == {False}
            assert not out or pair in of_rows or row.seq in folded, f"{pair} is lost"
            if not out:
                done = row.closed_at is not None or seat in journaled
                yield pair, DeliveryState.DELIVERED if done else DeliveryState.PENDING
        if row.closed_at is not None:
            times = zlib.decompress(row.times, -zlib.MAX_WBITS)
            assert row.sent == (members & ~gone).bit_count() == len(times) // 4


def _counted(tx: Tx, found: Mapping[Pair, DeliveryState]) -> None:
    done = tx.conn.execute(select(tables.cursors.c.seq).where(tables.cursors.c.name == "fanout")).scalar_one()
    by_event: dict[int, Counter[DeliveryState]] = {}
    for (seq, _), how in found.items():
        by_event.setdefault(seq, Counter())[how] += 1
    for seq, state, count in tx.conn.execute(select(tables.folded)):
        by_event.setdefault(seq, Counter())[DeliveryState(state)] += count
    seqs = list(tx.conn.execute(select(tables.events.c.seq)).scalars())
    for account in listing.accounting(tx, seqs):
        assert account.states == dict(by_event.get(account.seq, {})), account
        if account.seq <= done:
            assert account.matched == sum(account.states.values()), account


async def pairs(db: Database) -> dict[Pair, DeliveryState]:
    """As :func:`whole`."""
    return await db.read(whole)


async def number(db: Database, id: str) -> int:
    """The ``n`` of a subscription."""
    own = select(tables.subscriptions.c.n).where(tables.subscriptions.c.id == id)
    return int(await db.read(lambda tx: tx.conn.execute(own).scalar_one()))


async def rows(db: Database, table: Table) -> list[Any]:
    """All that a table holds, in the order of its columns."""
    return await db.read(lambda tx: list(tx.conn.execute(select(table).order_by(*table.columns))))


_STORED = (
    tables.events, tables.cursors, tables.subscriptions, tables.follows, tables.rosters, tables.seats, tables.matches,
    tables.deliveries, tables.parcels, tables.journal, tables.attempts, tables.folded, tables.replays,
    tables.replay_events, tables.holds, tables.successes,
)  # fmt: skip


async def stored(db: Database) -> list[list[Any]]:
    """All that is stored of events, subscriptions and deliveries."""
    return [await rows(db, table) for table in _STORED]


class Killed(Exception):
    """The process was killed here."""


class Kill:
    """Counts what a database is told; ``at`` is at which of it the process is killed, 0 for never."""

    def __init__(self) -> None:
        self.at = self.seen = 0

    def __call__(self) -> None:
        """Something is told."""
        self.seen += 1
        if self.seen == self.at:
            raise Killed


@contextmanager
def killing(db: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[Kill]:
    """Kills the process at a statement of a writing transaction, before the database is told of it."""
    kill = Kill()

    def told(*_told: Any) -> None:
        kill()

    writing = {id(one): one.sync_engine for one in (db._writer, db._loose)}.values()
    for engine in writing:
        event.listen(engine, "before_cursor_execute", told)
    with monkeypatch.context() as patch:
        if db.single_node:  # what the dialect tells the driver itself passes the engine by
            for name in ("fetch", "many"):
                patch.setattr(db._dialect, name, _counted_call(getattr(db._dialect, name), kill), raising=False)
        yield kill
    for engine in writing:
        event.remove(engine, "before_cursor_execute", told)


def _counted_call(call: Callable[..., Any], kill: Kill) -> Callable[..., Any]:
    def counted(*args: Any) -> Any:
        kill()
        return call(*args)

    return counted


def filter_of(*feeds: str) -> Filter:
    """The filter of these feeds."""
    return Filter(feeds=feeds)
