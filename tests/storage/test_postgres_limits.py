"""What another node does to PostgreSQL holds up no one without end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy import text
from sqlalchemy.util import await_only
from support.deliveries import append
from support.delivering import eventually
from test_concurrency import Holding, waiting

from publisher.errors import StorageError
from publisher.storage.engine import engines
from publisher.storage.engine.database import Database, Tx
from publisher.storage.engine.turns import Urgency, writing_as
from publisher.storage.log import events

OpenDatabase = Callable[[], Awaitable[Database]]


async def test_a_node_that_hangs_in_a_transaction_loses_it_and_the_others_go_on(
    open_here: OpenDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "IDLE_MILLISECONDS", 500)
    hung, well = await open_here(), await open_here()
    holding = Holding(hung)
    task = asyncio.create_task(holding.run(events.lock, events.last_seq))
    await holding.holds.wait()

    await append(well)

    holding.go_on.set()
    with pytest.raises(Exception, match=r"idle.in.transaction|closed"):
        await task
    await append(hung)
    assert await well.refresh() == 2


async def test_whoever_waits_for_a_lock_is_told_instead_of_waiting_on(
    open_here: OpenDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "LOCK_MILLISECONDS", 100)
    holder, waiter = await open_here(), await open_here()
    holding = Holding(holder)
    task = asyncio.create_task(holding.run(events.lock))
    await holding.holds.wait()

    with pytest.raises(StorageError, match="lock timeout"):
        await append(waiter)

    holding.go_on.set()
    await task


async def test_whoever_has_a_turn_has_a_connection_also_beside_the_one_that_listens(
    open_here: OpenDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who waited for a connection would get it in the order of arrival, however urgent another is."""
    monkeypatch.setattr(engines, "POSTGRES_WRITERS", 2)
    db = await open_here()
    db.listen()
    assert db._listener is not None
    await db._listener.listening.wait()
    holds, gate = asyncio.Event(), asyncio.Event()
    order: list[Urgency] = []

    def hold(tx: Tx) -> None:
        holds.set()
        await_only(gate.wait())

    async def write(urgency: Urgency) -> None:
        with writing_as(urgency):
            await db.write(lambda tx: order.append(urgency))

    tasks = [asyncio.create_task(db.write(hold))]
    await holds.wait()
    for urgency in (Urgency.UPKEEP, Urgency.ANSWER):
        tasks.append(asyncio.create_task(write(urgency)))
        await asyncio.sleep(0)  # by then it stands in the queue
    gate.set()
    await asyncio.gather(*tasks)

    assert order == [Urgency.ANSWER, Urgency.UPKEEP]


def waits_at_commit(tx: Tx) -> None:
    """Have whoever appends an event wait in its commit for :func:`gate`."""
    wait = "BEGIN PERFORM pg_advisory_xact_lock(7); RETURN NULL; END"
    tx.conn.execute(text(f"CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS '{wait}'"))
    trigger = "AFTER INSERT ON events DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION wait()"
    tx.conn.execute(text(f"CREATE CONSTRAINT TRIGGER waits {trigger}"))


def gate(tx: Tx) -> None:
    tx.conn.execute(text("SELECT pg_advisory_xact_lock(7)"))


@pytest.mark.parametrize("times", [1, 2])
async def test_a_commit_that_is_cancelled_comes_to_its_end_however_often(open_here: OpenDatabase, times: int) -> None:
    """As by a timeout and then by a stop: its connection must not go to another in the middle of it."""
    db, other = await open_here(), await open_here()
    await other.write(waits_at_commit)
    holding = Holding(other)
    held = asyncio.create_task(holding.run(gate))
    await holding.holds.wait()
    task = asyncio.create_task(append(db))
    await eventually(lambda: waiting(other), 1)
    for _ in range(times):
        task.cancel()
        await other.read(events.last_seq)  # by then it has been told
    assert not task.done()
    holding.go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    await held

    assert (db.last_seq, await db.read(events.last_seq)) == (1, 1)


async def test_pages_are_read_while_every_writer_waits(
    open_here: OpenDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "POSTGRES_WRITERS", 3)  # one of which listens, or would
    holder, busy = await open_here(), await open_here()
    holding = Holding(holder)
    holds = asyncio.create_task(holding.run(events.lock))
    await holding.holds.wait()
    pushes = [asyncio.create_task(append(busy)) for _ in range(4)]

    async def taken() -> int:
        return int(busy._writer.pool.checkedout())  # type: ignore[attr-defined]

    await eventually(taken, 2)

    assert await busy.read(events.last_seq) == 0

    assert not any(push.done() for push in pushes)
    holding.go_on.set()
    await asyncio.gather(holds, *pushes)
