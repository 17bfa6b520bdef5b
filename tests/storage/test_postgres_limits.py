"""What another node does to PostgreSQL holds up no one without end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from support.deliveries import append
from support.delivering import eventually
from test_concurrency import Holding

from publisher.errors import StorageError
from publisher.storage.engine import engines
from publisher.storage.engine.database import Database
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


async def test_pages_are_read_while_every_writer_waits(
    open_here: OpenDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "POSTGRES_WRITERS", 2)
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
