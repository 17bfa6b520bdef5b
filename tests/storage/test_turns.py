"""Who writes next: by who waits for it, and no one waits for ever."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
from sqlalchemy import text
from sqlalchemy.util import await_only
from support.delivering import eventually

from publisher.errors import StorageError
from publisher.storage.engine import engines
from publisher.storage.engine.database import Database, Tx
from publisher.storage.engine.turns import PATIENCE, Turns, Urgency, writing_as
from publisher.storage.log import events

ANSWER, PROMISE, READING, UPKEEP = Urgency

OpenDatabase = Callable[[], Awaitable[Database]]


class Queue:
    """Writers that come one after the other while the only place is held, and note when it is their turn."""

    def __init__(self, turns: Turns) -> None:
        self._turns = turns
        self.order: list[str] = []
        self.tasks: list[asyncio.Task[None]] = []

    async def come(self, urgency: Urgency, name: str) -> asyncio.Task[None]:
        with writing_as(urgency):
            self.tasks.append(asyncio.create_task(self._write(name)))
        await asyncio.sleep(0)  # by then it stands in the queue
        return self.tasks[-1]

    async def _write(self, name: str) -> None:
        async with self._turns.turn():
            self.order.append(name)
            await asyncio.sleep(0)

    async def done(self) -> list[str]:
        await asyncio.gather(*self.tasks, return_exceptions=True)
        return self.order


@asynccontextmanager
async def held(turns: Turns, urgency: Urgency = ANSWER) -> AsyncIterator[None]:
    with writing_as(urgency):
        async with turns.turn():
            yield


async def test_the_most_urgent_writes_first_and_within_a_class_who_came_first() -> None:
    turns = Turns(1, patient=1)
    queue = Queue(turns)
    async with held(turns):
        for number, urgency in enumerate([UPKEEP, READING, READING, PROMISE, ANSWER, UPKEEP, ANSWER, PROMISE]):
            await queue.come(urgency, f"{urgency.name} {number}")

    assert await queue.done() == [
        "ANSWER 4",
        "ANSWER 6",
        "PROMISE 3",
        "PROMISE 7",
        "READING 1",
        "READING 2",
        "UPKEEP 0",
        "UPKEEP 5",
    ]


@pytest.mark.parametrize("late", [PROMISE, READING, UPKEEP])
async def test_a_class_that_lost_as_many_turns_as_it_may_writes_next(late: Urgency) -> None:
    turns = Turns(1, patient=1)
    queue = Queue(turns)
    async with held(turns):
        for number in range(2):
            await queue.come(late, f"late {number}")
        for _ in range(3 * PATIENCE):
            await queue.come(ANSWER, "urgent")

    order = await queue.done()
    assert order == [*["urgent"] * PATIENCE, "late 0", *["urgent"] * PATIENCE, "late 1", *["urgent"] * PATIENCE]


async def test_every_class_gets_its_turn_beside_an_endless_row_of_urgent_ones() -> None:
    turns = Turns(1, patient=1)
    queue = Queue(turns)
    async with held(turns):
        for urgency in (UPKEEP, READING, PROMISE):
            await queue.come(urgency, urgency.name)
        for _ in range(4 * PATIENCE):
            await queue.come(ANSWER, "urgent")

    order = await queue.done()
    assert {"PROMISE", "READING", "UPKEEP"} <= set(order[: PATIENCE + 3])


async def test_who_gives_up_while_waiting_keeps_nobody_from_writing() -> None:
    turns = Turns(1, patient=1)
    queue = Queue(turns)
    async with held(turns):
        gone = await queue.come(READING, "gone")
        await queue.come(READING, "stays")
        gone.cancel()

    assert await queue.done() == ["stays"]
    async with held(turns):
        assert turns.waiting(READING) == 0


async def test_a_place_given_to_one_who_gave_up_at_that_moment_goes_on_to_the_next() -> None:
    turns = Turns(1, patient=1)
    queue = Queue(turns)
    async with held(turns):
        gone = await queue.come(ANSWER, "gone")
        await queue.come(READING, "next")
    gone.cancel()  # it has its place, and has not run since

    assert await queue.done() == ["next"]


async def test_those_who_have_time_leave_the_other_places_to_those_who_have_not() -> None:
    turns = Turns(3, patient=1)
    queue = Queue(turns)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(held(turns, READING))
        await queue.come(READING, "reading")
        await queue.come(UPKEEP, "upkeep")
        for _ in range(2):
            await stack.enter_async_context(held(turns, ANSWER))
        assert queue.order == []

    assert await queue.done() == ["reading", "upkeep"]


async def test_who_is_waited_for_gives_up_after_the_time_it_has_and_who_has_time_does_not() -> None:
    turns = Turns(1, patient=1, within=0)
    queue = Queue(turns)
    async with held(turns):
        await queue.come(READING, "reading")
        with pytest.raises(StorageError, match="no connection"):
            async with turns.turn():
                pass

    assert await queue.done() == ["reading"]


async def test_what_a_task_writes_is_as_urgent_as_the_block_it_was_made_in() -> None:
    turns = Turns(1, patient=1)

    async def write() -> None:
        async with turns.turn():
            pass

    async def a_reading() -> None:
        await asyncio.gather(write(), asyncio.create_task(write()))

    async with held(turns):
        with writing_as(READING):
            reading = asyncio.create_task(a_reading())
        push = asyncio.create_task(write())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        waiting = {urgency: turns.waiting(urgency) for urgency in Urgency}
    await asyncio.gather(reading, push)

    assert waiting == {ANSWER: 1, PROMISE: 0, READING: 2, UPKEEP: 0}


def waiting_for_locks(tx: Tx) -> int:
    told = "datname = current_database() AND wait_event_type = 'Lock'"
    return int(tx.conn.execute(text(f"SELECT count(*) FROM pg_stat_activity WHERE {told}")).scalar_one())


async def test_a_push_is_written_before_the_readings_that_wait(
    open_database: OpenDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On PostgreSQL with the places that one process has among its connections; on SQLite there is one."""
    monkeypatch.setattr(engines, "POSTGRES_PATIENT_WRITERS", 1)
    db = await open_database()
    order: list[str] = []
    holds, gate = asyncio.Event(), asyncio.Event()

    def hold(tx: Tx) -> None:
        events.lock(tx)
        order.append("held")
        holds.set()
        await_only(gate.wait())

    def write(tx: Tx, name: str) -> None:
        events.lock(tx)
        order.append(name)

    async def waiting() -> list[int]:
        return [db._turns.waiting(urgency) for urgency in (ANSWER, READING)]

    with writing_as(READING):
        tasks = [asyncio.create_task(db.write(hold))]
        await holds.wait()
        tasks += [asyncio.create_task(db.write(write, f"reading {number}")) for number in range(3)]
    await eventually(waiting, [0, 3])
    push = asyncio.create_task(db.write(write, "push"))
    if db.single_node:
        await eventually(waiting, [1, 3])
    else:
        await eventually(lambda: db.read(waiting_for_locks), 1)
    gate.set()
    await asyncio.gather(push, *tasks)

    assert order == ["held", "push", "reading 0", "reading 1", "reading 2"]
