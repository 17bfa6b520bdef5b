"""Many at work on the same rows: nobody waits in a circle, and the accounts come out right."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from support.clock import ManualClock
from support.deliveries import append, claim, fan_out, fan_out_once, settle, states, subscribe
from support.delivering import eventually
from support.items import an_event

from publisher.model import Change, DeliveryState, EventType, SubscriptionState
from publisher.model.change import FeedTouch
from publisher.storage import steps
from publisher.storage.configuration import feeds, sources
from publisher.storage.engine.database import Database, Tx
from publisher.storage.items.record import Reading, record
from publisher.storage.log import events
from publisher.storage.subscriptions import listing, subscriptions
from publisher.storage.subscriptions.deliveries import Outcome

OpenDatabase = Callable[[], Awaitable[Database]]


class Holding:
    """A transaction that is held open after its first step, to be met by others there."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self.holds = asyncio.Event()
        self.go_on = asyncio.Event()

    async def run(self, first: Callable[[Tx], Any], then: Callable[[Tx], Any] = lambda tx: None) -> None:
        async with self._db._writer.connect() as connection:
            now = await connection.run_sync(self._db._dialect.now)
            await connection.run_sync(lambda conn: first(Tx(conn, self._db._dialect, now)))
            self.holds.set()
            await self.go_on.wait()
            await connection.run_sync(lambda conn: then(Tx(conn, self._db._dialect, now)))
            await connection.commit()


async def waiting(db: Database) -> int:
    """How many transactions of this database wait for a lock."""

    def count(tx: Tx) -> int:
        told = "datname = current_database() AND wait_event_type = 'Lock'"
        return int(tx.conn.execute(text(f"SELECT count(*) FROM pg_stat_activity WHERE {told}")).scalar_one())

    return await db.read(count)


def read_as_they_lie(tx: Tx) -> None:
    """Have every later connection find rows where they lie, never by an index."""
    name = tx.conn.execute(text("SELECT current_database()")).scalar_one()
    for setting in ("enable_indexscan", "enable_indexonlyscan", "enable_bitmapscan"):
        tx.conn.execute(text(f"ALTER DATABASE {name} SET {setting} = off"))


async def open_without_indexes(url: str, folder: Path) -> Database:
    first = await Database.open(url, folder)
    await first.write(read_as_they_lie)
    await first.close()
    return await Database.open(url, folder)


async def test_settling_and_cancelling_lock_deliveries_in_one_order(postgres_url: str, tmp_path: Path) -> None:
    db = await open_without_indexes(postgres_url, tmp_path)
    try:
        subscription = await db.write(subscribe)
        await append(db, 6)
        await fan_out(db)
        taken = (await claim(db)).deliveries
        last_first = [Outcome(one.id, one.lease, "retrying", wait=0.0) for one in reversed(taken)]
        # Written backwards, so that where the rows lie says the opposite of their numbers.
        for one in last_first:
            await db.write(lambda tx, id_=one.id: tx.conn.execute(_touch(id_)))
        held = Holding(db)
        middle = asyncio.create_task(held.run(lambda tx: tx.conn.execute(_touch(taken[3].id))))
        await held.holds.wait()
        cancelling = asyncio.create_task(db.write(subscriptions.disable, subscription.id))
        await eventually(lambda: waiting(db), 1)
        settling = asyncio.create_task(db.write(settle, last_first))
        await eventually(lambda: waiting(db), 2)
        held.go_on.set()
        await asyncio.gather(middle, cancelling, settling)
        found = await db.read(listing.page, subscription.id, limit=10)
    finally:
        await db.close()

    assert [one.state for one in found] == [DeliveryState.CANCELLED] * 6


def _touch(id_: int) -> Any:
    return text("UPDATE deliveries SET last_error = 'x' WHERE id = :id").bindparams(id=id_)


async def test_a_node_that_starts_and_one_that_records_do_not_wait_for_each_other(
    postgres_url: str, tmp_path: Path
) -> None:
    db = await open_without_indexes(postgres_url, tmp_path)
    names = [f"feed{n}" for n in range(8)]
    try:
        for name in reversed(names):  # where the rows lie says the opposite of their names
            await db.write(feeds.sync, {name: "d1"})
        held = Holding(db)
        middle = asyncio.create_task(held.run(lambda tx: feeds.touch(tx, [FeedTouch("feed4", None, Change.STAYED)])))
        await held.holds.wait()
        touches = [FeedTouch(name, None, Change.STAYED) for name in names]
        recording = asyncio.create_task(db.write(record, events=[an_event()], touches=touches))
        await eventually(lambda: waiting(db), 1)
        starting = asyncio.create_task(db.write(feeds.sync, dict.fromkeys(names, "d2")))
        await eventually(lambda: waiting(db), 2)
        held.go_on.set()
        await asyncio.gather(middle, recording, starting)
        states = await db.read(feeds.states)
    finally:
        await db.close()

    assert {state.digest for state in states.values()} == {"d2"}


async def test_a_reader_whose_source_was_taken_over_and_the_one_that_took_it_do_not_wait_for_each_other(
    postgres_url: str, tmp_path: Path
) -> None:
    def fail(tx: Tx) -> None:
        sources.failed(tx, "desk", "answered 403", None)
        record(tx, events=[an_event(EventType.SOURCE_FAILING, "desk", data={})])

    db = await Database.open(postgres_url, tmp_path)
    try:
        await db.write(sources.claim, "desk", "lease", 60)
        reading = Reading("desk", "lease", {}, None, 0)
        held = Holding(db)
        late = asyncio.create_task(held.run(events.lock, lambda tx: record(tx, reading=reading)))
        await held.holds.wait()
        failing = asyncio.create_task(db.write(fail))
        await eventually(lambda: waiting(db), 1)
        held.go_on.set()
        await asyncio.gather(late, failing)
        state = await db.read(sources.state, "desk")
    finally:
        await db.close()

    assert (state.failures, state.last_error) == (1, "answered 403")


async def test_recorders_fan_out_senders_and_owners_at_once_leave_every_account_right(
    db: Database, open_database: OpenDatabase
) -> None:
    """Six of each kind of worker on four nodes; an error of any, a deadlock among them, fails this."""
    nodes = [db, *[await open_database() for _ in range(3)]]
    names = ["news", "other"]
    await db.write(feeds.sync, dict.fromkeys(names, "d"))
    owned = [await db.write(subscribe) for _ in range(6)]
    busy = 0
    seqs: list[int] = []

    async def recorder(node: Database) -> None:
        for n in range(10):
            touches = [FeedTouch(name, None, Change.STAYED) for name in (names if n % 2 else reversed(names))]
            made = await node.write(record, events=[an_event(), an_event()], touches=touches)
            seqs.extend(event.seq for event in made)

    async def starter(node: Database) -> None:
        for n in range(10):
            await node.write(feeds.sync, dict.fromkeys(names, f"d{n}"))

    async def owner(node: Database, id_: str) -> None:
        for _ in range(4):
            await node.write(subscriptions.update, id_, state=SubscriptionState.DISABLED)
            await node.write(subscriptions.update, id_, state=SubscriptionState.ACTIVE)

    async def sender(node: Database, name: int) -> None:
        n = 0
        while busy:
            n += 1
            taken = (await claim(node, lease=f"{name}.{n}", limit=20)).deliveries
            # Those of a batch come back in any order.
            done = [_outcome(one, n) for one in sorted(taken, key=lambda one: hash((one.id, n)))]
            await node.write(settle, done)

    async def fan_outer(node: Database) -> None:
        while busy:
            await fan_out_once(node, chunk=7)

    async def at_work(work: Awaitable[None]) -> None:
        nonlocal busy
        busy += 1
        try:
            await work
        finally:
            busy -= 1

    async with asyncio.timeout(120), asyncio.TaskGroup() as group:
        for node in nodes:
            group.create_task(at_work(recorder(node)))
            group.create_task(at_work(starter(node)))
        for n, one in enumerate(owned):
            group.create_task(at_work(owner(nodes[n % 4], one.id)))
        await asyncio.sleep(0)
        for n, node in enumerate(nodes):
            group.create_task(sender(node, n))
            group.create_task(fan_outer(node))
    await fan_out(db, chunk=7)

    assert sorted(seqs) == list(range(1, 81))
    for account in await db.read(listing.accounting, seqs):
        assert sum(account.states.values()) == account.matched


def _outcome(one: Any, n: int) -> Outcome:
    if one.cancelled:
        return Outcome(one.id, one.lease, "cancelled")
    if (one.id + n) % 3:
        return Outcome(one.id, one.lease, "delivered")
    return Outcome(one.id, one.lease, "retrying", wait=0.0)


async def test_outcomes_and_a_step_of_the_clock_do_not_wait_for_each_other(
    postgres_url: str, tmp_path: Path, clock: ManualClock
) -> None:
    db = await Database.open(postgres_url, tmp_path, now=clock)
    subscription = await db.write(subscribe)
    await append(db)
    await fan_out(db)
    (one,) = (await claim(db)).deliveries
    await db.write(steps.keep, None)

    def hold_lease(tx: Tx) -> None:
        tx.dialect.fetch(tx.conn, tx.dialect.leases, (tx.dialect.array([one.id]),))

    settling = Holding(db)
    task = asyncio.create_task(
        settling.run(hold_lease, lambda tx: settle(tx, [Outcome(one.id, one.lease, "delivered")]))
    )
    await settling.holds.wait()
    clock.advance(3600)
    moving = asyncio.create_task(db.write(steps.keep, round(3600e6)))
    await eventually(lambda: waiting(db), 1)
    settling.go_on.set()
    await asyncio.gather(task, moving)
    assert await states(db, subscription) == [DeliveryState.DELIVERED]
    await db.close()


@pytest.mark.parametrize("turns", range(0, 60, 4))
async def test_a_cancelled_transaction_leaves_no_lock_behind(tmp_path: Path, turns: int) -> None:
    """Cancelled at many moments: while it connects, begins, writes, commits, or lets go."""
    db = await Database.open("sqlite", tmp_path)
    before = asyncio.all_tasks()
    try:
        write = asyncio.create_task(db.write_loosely(lambda tx: tx.conn.execute(text("UPDATE cursors SET seq = seq"))))
        for _ in range(turns):
            await asyncio.sleep(0)
        write.cancel()
        await asyncio.sleep(0)
        write.cancel()
        await asyncio.wait([write])
        assert asyncio.all_tasks() == before
        with closing(sqlite3.connect(tmp_path / "publisher.db", timeout=0)) as other:
            other.execute("BEGIN IMMEDIATE")
    finally:
        await db.close()
