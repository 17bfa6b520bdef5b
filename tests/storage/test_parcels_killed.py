"""A process that is killed at any statement leaves what was before, and the next one does all of it, once.

Each transaction is killed at its first statement, at its second, and so on until it has none left; each time all that
is stored is as it was. At last it is committed, and its process is killed before it hears of it.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy import select
from support.deliveries import subscribe
from support.parcels import (
    NEWS,
    Held,
    Kill,
    Killed,
    Process,
    append,
    failed,
    fill,
    killing,
    number,
    of_feeds,
    pairs,
    piece,
    rows,
    stored,
    taken,
    unsent,
)

from publisher.model import Change, DeliveryState, EventType, Match
from publisher.storage.engine import tables
from publisher.storage.engine.database import Database, Tx
from publisher.storage.items import erasure
from publisher.storage.subscriptions import (
    crashes,
    deliveries,
    folding,
    lanes,
    queue,
    rights,
    seats,
    settling,
    spilling,
    stretches,
    subscriptions,
)
from publisher.storage.subscriptions.deliveries import Outcome

OpenDatabase = Callable[[], Awaitable[Database]]
DELIVERED = DeliveryState.DELIVERED
FOLLOWERS, EVENTS = 6, 3


def dead(one: Held) -> Outcome:
    """It was refused for good."""
    return failed(one, wait=None)


WAYS: list[Callable[[Held], Outcome]] = [taken, taken, failed, unsent, dead]


class Killing:
    """Two processes' ways to one database: what ``db`` writes is killed, and ``other`` sees what is left."""

    def __init__(self, db: Database, other: Database, kill: Kill) -> None:
        self.db, self.other, self._kill = db, other, kill

    async def everywhere(self, write: Callable[[], Awaitable[Any]]) -> Any:
        """Write, killed at each statement in turn; returns what the transaction did that came to its end."""
        before = await stored(self.other)
        for at in range(1, 200):
            self._kill.at, self._kill.seen = at, 0
            try:
                result = await write()
            except Killed:
                assert await stored(self.other) == before, f"killed at statement {at}"
                continue
            finally:
                self._kill.at = 0
            assert at > 3, "it was not killed within it"
            await pairs(self.other)
            return result
        raise AssertionError("it has no end")


@pytest.fixture
async def both(open_database: OpenDatabase, monkeypatch: pytest.MonkeyPatch) -> Any:
    db, other = await open_database(), await open_database()
    with killing(db, monkeypatch) as kill:
        yield Killing(db, other, kill)


async def followed(db: Database, apart: int = 0) -> None:
    """Followers of one roster, the last ``apart`` of them without a seat, and events that are not fanned out."""

    def join(tx: Tx) -> None:
        for _ in range(FOLLOWERS):
            subscribe(tx, together=True)

    def leave(tx: Tx) -> None:
        stretches.hold(tx)
        seats.leave(tx, range(FOLLOWERS - apart + 1, FOLLOWERS + 1))

    await db.write(join)
    await append(db, EVENTS)
    await db.write(leave)


async def open_parcels(db: Database) -> None:
    """As :func:`followed`, all in parcels."""
    await followed(db)
    while await piece(db):
        pass


async def finish(db: Database) -> None:
    """All that is open is taken, by a process that knows nothing of those before; each pair is there, once."""
    await (await Process.begun(db, "last")).take_all()
    found = await pairs(db)
    assert set(found) == {(seq, n) for seq in range(1, EVENTS + 1) for n in range(1, FOLLOWERS + 1)}
    assert await rows(db, tables.journal) == []


@pytest.mark.parametrize("chunk", [2, 1000])
@pytest.mark.parametrize("held", [False, True])
async def test_fan_out(both: Killing, chunk: int, held: bool) -> None:
    await followed(both.db, apart=3)
    told = Match(EventType.ARTICLE_PUBLISHED, Change.ENTERED, held="news" if held else None)
    matches = of_feeds("news", match=told)
    pieces = 0
    while await more(both.db):
        await both.everywhere(lambda: piece(both.db, matches, chunk=chunk))
        pieces += 1

    assert pieces > EVENTS if chunk == 2 else pieces == 1
    await finish(both.other)


async def more(db: Database) -> bool:
    """Whether anything is left to be fanned out."""
    places = {row.name: row.seq for row in await rows(db, tables.cursors)}
    return bool(places["fanout"] < places["log"])


async def test_giving_seats(both: Killing) -> None:
    await followed(both.db, apart=3)
    while await piece(both.db):
        pass
    assert await both.everywhere(lambda: fill(both.db)) == 3
    await finish(both.other)


async def test_settling_with_a_journal_moves_and_closing(both: Killing) -> None:
    """The memory of what was read is lost with each process, as what was settled is not."""
    await open_parcels(both.db)
    chance = random.Random(7)
    for _ in range(8):
        await both.db.write(lanes.take_over, "ours")
        fresh = await Process.begun(both.db)
        some = sorted(chance.sample(fresh.open(), min(4, len(fresh.open()))), key=lambda one: (one.parcel.id, one.seat))
        ways = [chance.choice(WAYS)(one) for one in some]
        if not some:
            break
        await both.everywhere(lambda: both.db.write(settling.settle, ways, "ours", fresh.aboard.journaled))  # noqa: B023
        once = await pairs(both.other)
        # It never heard that this was committed, and settles it again.
        await fresh.settle(ways)
        assert await pairs(both.other) == once

    assert all(row.closed_at is not None for row in await rows(both.other, tables.parcels))
    await finish(both.other)


async def test_a_settling_that_meets_what_others_moved(both: Killing) -> None:
    await open_parcels(both.db)
    process = await Process.begun(both.db)
    a, b, c, *_ = process.open()
    await both.db.write(spilling.of_subscriptions, [1, 2])
    some = [taken(a), failed(b), taken(c)]
    await both.everywhere(lambda: both.db.write(settling.settle, some, "ours", process.aboard.journaled))
    found = await pairs(both.other)
    assert [found[1, n] for n in (1, 2, 3)] == [DELIVERED, DeliveryState.RETRYING, DELIVERED]
    await finish(both.other)


def _cancel_matched(tx: Tx) -> None:
    [filter_id] = set(tx.conn.execute(select(tables.parcels.c.filter_id)).scalars())
    deliveries.cancel_matched(tx, filter_id, [1, 2], "access", [1, 2, 3])


def _cancel_of(tx: Tx) -> None:
    stretches.hold(tx)
    seats.leave(tx, [1, 2])
    deliveries.cancel_of(tx, [1, 2], "access")


def _lose(tx: Tx) -> None:
    rights.lose(tx, [1, 4], "gone", stretches.hold(tx)[0])


def _stand_still(tx: Tx) -> None:
    stretches.hold(tx)
    rights.stand_still(tx, {"no feed": [1, 2]})


def _lower(tx: Tx) -> None:
    _, done = stretches.hold(tx)
    rights.lower(tx, rights.holders(tx), done)
    rights.judge_again(tx)


def _raise(tx: Tx) -> None:
    last, _ = stretches.hold(tx)
    rights.raise_(tx, rights.holders(tx), last)


def _erase(tx: Tx) -> None:
    subject = tx.conn.execute(select(tables.events.c.subject).where(tables.events.c.seq == 2)).scalar_one()
    erasure.erase(tx, subject, "/v1/articles/x")


def _of(n: int, change: Callable[[Tx, str], object]) -> Callable[[Tx], None]:
    def changed(tx: Tx) -> None:
        own = tx.conn.execute(select(tables.subscriptions.c.id).where(tables.subscriptions.c.n == n)).scalar_one()
        change(tx, own)

    return changed


CHANGES = {
    "cancel_matched": _cancel_matched,
    "cancel_of": _cancel_of,
    "lose": _lose,
    "stand_still": _stand_still,
    "lower": _lower,
    "raise": _raise,
    "erase": _erase,
    "delete": _of(3, subscriptions.delete),
    "disable": _of(3, subscriptions.disable),
    "url": _of(3, lambda tx, id: subscriptions.update(tx, id, url="https://elsewhere.example/hook")),
}


@pytest.mark.parametrize("half_done", [False, True])
@pytest.mark.parametrize("change", CHANGES)
async def test_what_spills_leaves_and_cancels(both: Killing, change: str, half_done: bool) -> None:
    """With some of it in the journal, and with the last event fanned out in part."""
    await followed(both.db, apart=3 if half_done else 0)
    for _ in range(EVENTS + 2 if half_done else EVENTS):
        await piece(both.db, chunk=2)
    process = await Process.begun(both.db)
    a, b, *_ = process.open()
    await process.settle([taken(a), failed(b)])
    places = {row.name: row.subscription for row in await rows(both.db, tables.cursors)}
    assert bool(places["fanout"]) == half_done
    await both.everywhere(lambda: both.db.write(CHANGES[change]))
    while await piece(both.other, NEWS, chunk=2):
        pass
    await process.look()
    await finish(both.other)


async def test_counting_what_ended_processes_had(both: Killing) -> None:
    """The seats that they had become rows, and the rows are suspected."""

    def end(tx: Tx) -> crashes.Found:
        ended = lanes.owners(tx)
        lanes.take_over(tx, "next")
        return crashes.count(tx, ended)

    def take(tx: Tx) -> list[int]:
        ids = tx.conn.execute(select(tables.deliveries.c.id)).scalars().all()
        return queue.take(tx, ids, lease="next.1", seconds=60.0)

    await followed(both.db, apart=2)
    while await piece(both.db):
        pass
    await both.db.write(lanes.take_over, "before")
    await both.everywhere(lambda: both.db.write(end))
    assert (await both.everywhere(lambda: both.db.write(end))).spilled == (FOLLOWERS - 2) * EVENTS
    for crash in (1, 2):
        assert len(await both.db.write(take)) == FOLLOWERS * EVENTS
        found = await both.everywhere(lambda: both.db.write(end))
        assert found.taken == FOLLOWERS * EVENTS
        assert found.suspects == (FOLLOWERS * EVENTS if crash == 2 else (FOLLOWERS - 2) * EVENTS)
        await both.db.write(lambda tx: tx.conn.execute(tables.deliveries.update().values(due_at=tx.now)))
    found_all = await pairs(both.other)
    assert set(found_all.values()) == {DeliveryState.PENDING}


async def test_folding(both: Killing) -> None:
    await open_parcels(both.db)
    process = await Process.begun(both.db)
    await process.settle([failed(one, wait=None) if one.n < 4 else taken(one) for one in process.open()])
    assert (await both.everywhere(lambda: both.db.write(folding.fold_of, 1, 2, 100))).deliveries == 6


async def test_a_subscription_is_made_with_its_seat(both: Killing) -> None:
    await open_parcels(both.db)
    made = await both.everywhere(lambda: both.db.write(lambda tx: subscribe(tx, together=True)))
    n = await number(both.other, made.id)
    assert [row.subscription for row in await rows(both.other, tables.seats)][FOLLOWERS:] == [n]
    await finish(both.other)
