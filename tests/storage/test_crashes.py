"""Counting how often a process ended with a delivery: what is suspected, what is taken alone, and what is dead."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select, update
from support import parcels as parcelled
from support.clock import ManualClock
from support.deliveries import append, claim, fan_out, settle, subscribe
from support.parcels import Process, followed, pairs, rows, taken

from publisher.model import DeliveryState
from publisher.storage.engine import tables
from publisher.storage.engine.database import Database, Tx
from publisher.storage.subscriptions import crashes, deliveries, lanes, queue
from publisher.storage.subscriptions.crashes import ALONE, FATAL, SEVERAL, TOGETHER, Fatal, Found, Taken
from publisher.storage.subscriptions.deliveries import SUSPECT, Outcome

PENDING, DELIVERED, DEAD, CANCELLED = (
    DeliveryState.PENDING,
    DeliveryState.DELIVERED,
    DeliveryState.DEAD,
    DeliveryState.CANCELLED,
)
HELD = 60.0
table = tables.deliveries


class Node:
    """Processes that follow one another: each has every lane, and ends without giving them back."""

    def __init__(self, db: Database, clock: ManualClock) -> None:
        self._db, self._clock = db, clock
        self._name = ""
        self._count = 0

    async def begins(self) -> Found:
        """The next process takes over."""
        self._clock.advance(HELD)
        self._count += 1
        self._name = f"p{self._count}"

        def over(tx: Tx) -> Found:
            ended = lanes.ended(tx, self._name)
            lanes.hold(tx, self._name, HELD)
            return crashes.count(tx, ended)

        return await self._db.write(over)

    async def stops(self) -> None:
        """It ends in good order."""
        await self._db.write(lanes.leave, self._name)

    async def takes(self, limit: int = 100) -> list[int]:
        """Take rows as they are taken that are not suspected."""
        found = await claim(self._db, limit=limit, lease=f"{self._name}.1", lease_seconds=HELD)
        return [one.id for one in found.deliveries]

    async def takes_suspects(self, room: int = TOGETHER, alone: int = FATAL) -> Taken:
        self._count += 1
        lease = f"{self._name}.{self._count}"

        def take(tx: Tx) -> Taken:
            return crashes.take(tx, range(lanes.COUNT), room, alone=alone, lease=lease, seconds=HELD)

        return await self._db.write(take)

    async def ends_with(self, id: int, crashes: int) -> Found:
        """Processes end with this row as the only suspect until its count is so high; returns what the next found."""
        found = Found()
        while (await one_row(self._db, id)).crashes < crashes:
            if (await self.takes_suspects(room=TOGETHER)).ids != [id]:
                raise AssertionError("another was taken")
            found = await self.begins()
        return found


@pytest.fixture
async def node(db: Database, clock: ManualClock) -> Node:
    one = Node(db, clock)
    await one.begins()
    return one


async def waiting(db: Database, count: int) -> None:
    """So many rows of one webhook."""
    await db.write(subscribe)
    await append(db, count)
    await fan_out(db)


async def suspected(db: Database, node: Node, count: int = 1, crashes: int = SUSPECT) -> None:
    """So many rows that were under way at so many ends of the process."""
    await waiting(db, count)
    await given(db, crashes)


async def given(db: Database, crashes: int, *ids: int) -> None:
    """Rows are taken to have been under way so often: all, or these."""

    def give(tx: Tx) -> None:
        own = update(table).where(table.c.id.in_(ids)) if ids else update(table)
        tx.conn.execute(own.values(crashes=crashes, due_at=deliveries.PARKED))

    await db.write(give)


async def one_row(db: Database, id: int) -> Any:
    return await db.read(lambda tx: tx.conn.execute(select(table).where(table.c.id == id)).one())


async def counts(db: Database) -> list[int]:
    """How often a process ended with each row, in order."""
    return [row.crashes for row in await rows(db, table)]


def came(id: int, lease: str, state: Any = "retrying", wait: float | None = 60.0) -> Outcome:
    return Outcome(id, lease, state, wait, number=1, status=503)


async def test_what_was_taken_counts_only_where_its_process_gave_nothing_back(db: Database, node: Node) -> None:
    await waiting(db, 2)
    assert await node.takes() == [1, 2]
    await node.stops()
    assert await node.begins() == Found()
    assert await node.begins() == Found()  # what is left was not its own
    assert await counts(db) == [0, 0]

    assert await node.takes(1) == [1]
    assert await node.begins() == Found(taken=1)
    assert await counts(db) == [1, 0]


@pytest.mark.parametrize(
    ("outcome", "left"),
    [(lambda row: came(row.id, row.lease), 0), (lambda row: Outcome(row.id, row.lease, "pending", wait=0.0), 1)],
    ids=["a failure", "not sent"],
)
async def test_whatever_comes_of_an_attempt_clears_the_count(
    outcome: Callable[[Any], Outcome], left: int, db: Database, node: Node
) -> None:
    await waiting(db, 1)
    await node.takes()
    await node.begins()
    assert await node.takes() == [1]
    await db.write(settle, [outcome(await one_row(db, 1))])
    assert await counts(db) == [left]


async def test_a_suspect_is_found_by_no_one_else_until_something_came_of_it(db: Database, node: Node) -> None:
    await suspected(db, node)
    assert await node.takes() == []
    assert await db.write(lambda tx: queue.probe(tx, 1, newest=True, lease="p1.9", seconds=HELD)) == []
    await db.write(deliveries.resume, [1])
    assert await node.takes() == []

    assert await node.takes_suspects() == Taken([1])
    assert await node.takes_suspects() == Taken([])
    row = await one_row(db, 1)
    await db.write(settle, [Outcome(1, row.lease, "pending", wait=0.0)])
    assert await node.takes() == []
    assert await node.takes_suspects() == Taken([1])
    row = await one_row(db, 1)
    await db.write(settle, [came(1, row.lease, wait=0.0)])
    assert await node.takes_suspects() == Taken([], any=False)
    assert await node.takes() == [1]


async def test_one_that_could_not_be_sent_is_left_for_as_long_as_was_said(
    db: Database, node: Node, clock: ManualClock
) -> None:
    await suspected(db, node)
    await node.takes_suspects()
    await db.write(settle, [Outcome(1, (await one_row(db, 1)).lease, "pending", wait=30.0)])
    clock.advance(29)
    assert await node.takes_suspects() == Taken([])
    clock.advance(1)
    assert await node.takes_suspects() == Taken([1])


async def test_one_of_a_paused_webhook_waits_until_that_goes_on(db: Database, node: Node) -> None:
    await suspected(db, node)

    async def is_(state: str) -> None:
        await db.write(lambda tx: tx.conn.execute(update(tables.subscriptions).values(state=state)))

    await is_("paused")
    assert await node.takes_suspects() == Taken([])
    await is_("active")
    assert await node.takes_suspects() == Taken([1])


async def test_few_are_taken_at_a_time_and_then_one_alone_and_the_most_suspected_first(
    db: Database, node: Node
) -> None:
    await suspected(db, node, TOGETHER + 4)
    await given(db, ALONE, 1, 2)
    await given(db, ALONE + 1, 3)
    assert await node.takes_suspects() == Taken(list(range(4, 4 + TOGETHER)))
    assert await node.takes_suspects(room=0) == Taken([])
    assert await node.takes_suspects(room=5) == Taken([4 + TOGETHER])
    assert await node.takes_suspects(room=5) == Taken([])  # it would not be alone
    assert await node.takes_suspects(alone=ALONE) == Taken([])
    assert await node.takes_suspects(alone=ALONE + 1) == Taken([3], alone=True)


async def test_where_many_must_be_alone_they_come_first(db: Database, node: Node) -> None:
    await suspected(db, node, TOGETHER + 3)
    await given(db, ALONE, *range(1, TOGETHER + 2))
    assert await node.takes_suspects() == Taken([1], alone=True)


async def test_only_what_was_alone_is_dead_in_the_end(db: Database, node: Node) -> None:
    await waiting(db, 2)
    for crashes_ in (1, SUSPECT):
        assert await node.takes() == [1, 2]
        await node.begins()
        assert await counts(db) == [crashes_] * 2
    for _ in range(FATAL):
        assert await given_together(db, node) == [1, 2]
        await node.begins()
    assert await counts(db) == [ALONE] * 2

    webhook = (await rows(db, tables.subscriptions))[0].id
    found = await node.ends_with(1, FATAL)
    assert found == Found(1, 0, 0, (Fatal(webhook, 1, f"it ended the process {FATAL} times"),))
    row = await one_row(db, 1)
    assert (row.state, row.reason, row.due_at, row.lease) == ("dead", "crashed", None, None)
    assert row.settled_at is not None
    [attempt] = [one for one in await rows(db, tables.attempts) if one.delivery_id == 1]
    assert (attempt.number, attempt.status, attempt.error) == (1, None, f"it ended the process {FATAL} times")
    assert row.attempts == 1
    await pairs(db)
    assert (await one_row(db, 2)).state == "pending"
    assert await node.takes_suspects() == Taken([2], alone=True)


async def given_together(db: Database, node: Node) -> list[int]:
    """Both are under way under a lease that does not say that they were alone."""

    def take(tx: Tx) -> None:
        tx.conn.execute(update(table).values(state="sending", lease=f"{node._name}.7", due_at=tx.now + 1))

    await db.write(take)
    return [row.id for row in await rows(db, table) if row.state == "sending"]


async def test_one_that_was_cancelled_meanwhile_stays_so(db: Database, node: Node) -> None:
    await suspected(db, node, crashes=FATAL - 1)
    assert (await node.takes_suspects()).ids == [1]
    await db.write(deliveries.cancel, 1, "disabled")
    assert (await node.begins()).dead == ()
    row = await one_row(db, 1)
    assert (row.state, row.reason, row.due_at) == ("cancelled", "disabled", None)


@pytest.mark.parametrize("of", ["event", "webhook"])
async def test_where_several_of_one_event_or_webhook_were_found_out_the_other_suspects_are_dead_with_them(
    of: str, db: Database, node: Node
) -> None:
    alike = SEVERAL + 2
    await db.write(lambda tx: [subscribe(tx) for _ in range(alike if of == "event" else 1)])
    await append(db, 1 if of == "event" else alike)
    await fan_out(db)
    await db.write(subscribe)
    await append(db)
    await fan_out(db)
    await given(db, FATAL - 1)
    ids = [row.id for row in await rows(db, table) if (row.seq == 1 if of == "event" else row.subscription == 1)]
    other = (await rows(db, table))[-1].id
    for id_ in ids[:SEVERAL]:
        assert not {row.state for row in await rows(db, table) if row.id in ids[ids.index(id_) :]} - {"pending"}
        assert await node.takes_suspects() == Taken([id_], alone=True)
        if id_ == ids[SEVERAL - 1]:
            await given(db, SUSPECT, *ids[SEVERAL:])
        found = await node.begins()
    assert [row.id for row in await rows(db, table) if row.state == "dead"] == ids
    assert len(found.dead) == 1 + len(ids) - SEVERAL
    assert {row.last_error for row in await rows(db, table) if row.id in ids[SEVERAL:]} == {
        "it was under way as others of its event or webhook ended the process"
    }
    assert (await one_row(db, other)).state == "pending"


async def test_seats_become_rows_once_processes_ended_twice_with_their_parcels_open(db: Database, node: Node) -> None:
    await followed(db, 3, events=2)
    process = await lanes_of(db, node)
    assert await node.begins() == Found()
    assert await rows(db, table) == []
    process = await lanes_of(db, node)
    await process.settle([taken(one) for one in process.open() if one.parcel.seq == 1 or one.n == 1])
    await parcelled.append(db)
    await parcelled.fan_out(db)

    assert await node.begins() == Found(spilled=2)
    assert [(row.seq, row.subscription, row.state, row.crashes, row.lease) for row in await rows(db, table)] == [
        (2, 2, "pending", 1, None), (2, 3, "pending", 1, None),
    ]  # fmt: skip
    assert (await pairs(db))[3, 1] == PENDING
    assert await node.takes() == [1, 2]


async def test_ends_of_which_none_met_what_the_one_before_did_leave_seats_in_their_parcels(
    db: Database, node: Node
) -> None:
    await followed(db, 3)
    for _ in range(4):
        process = await lanes_of(db, node)
        await process.take_all()
        await parcelled.append(db)
        await parcelled.fan_out(db)
        assert await node.begins() == Found()
    assert await rows(db, table) == []


async def lanes_of(db: Database, node: Node) -> Process:
    """What the present process has read."""
    process = Process(db, node._name)
    process.lanes = frozenset(range(lanes.COUNT))
    await db.read(process.aboard.gain, process.lanes)
    await process.read()
    return process
