"""When it is done, by whom, in what pieces, and what is told of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from maintenance.kept import DAY, KEPT, YEAR, batches, settled
from sqlalchemy import update
from support.clock import ManualClock
from support.deliveries import subscribe
from support.service import write_installation
from support.statements import counting

from publisher.app.installation import App
from publisher.maintenance import Parts, jobs
from publisher.maintenance.batches import AIM_SECONDS, Batches
from publisher.maintenance.heartbeat import Heartbeat
from publisher.maintenance.keeping import EVERY, Folding, Kept, Pruning, figures, fold, keep
from publisher.model.node import ROLES, Node
from publisher.storage import upkeep
from publisher.storage.engine import tables
from publisher.storage.engine.database import Database, Tx
from publisher.storage.log import events

OpenDatabase = Callable[[], Awaitable[Database]]


async def test_it_is_stored_when_it_was_done_by_whom_and_what_came_of_it(db: Database, clock: ManualClock) -> None:
    await db.write(subscribe)
    await settled(db, clock, "delivered", events=2)
    clock.advance(31 * DAY)
    assert await db.read(upkeep.last) == []

    did = await keep(db, KEPT, "a", batches=batches)

    assert did == {"deliveries": Folding(2, 2), "events": Pruning()}
    stored = await db.read(upkeep.last)
    assert [(one.job, one.node, one.begun_at, one.ended_at) for one in stored] == [
        ("deliveries", "a", clock(), clock()),
        ("events", "a", clock(), clock()),
    ]
    assert [one.did for one in stored] == [figures(one) for one in did.values()]


async def test_of_several_nodes_one_does_it_each_hour(open_database: OpenDatabase, clock: ManualClock) -> None:
    nodes = {name: await open_database() for name in ("a", "b")}

    async def all_of_them() -> list[int]:
        return sorted([len(did) for did in await asyncio.gather(*(keep(db, KEPT, name) for name, db in nodes.items()))])

    for _ in range(2):
        first = await all_of_them()
        assert sum(first) == 2
        clock.advance(EVERY - 1)
        assert await all_of_them() == [0, 0]
        clock.advance(1)
    clock.advance(-DAY)  # put back: the last time has not come yet
    assert sum(await all_of_them()) == 2


async def test_one_that_was_killed_is_done_again_an_hour_later(db: Database, clock: ManualClock) -> None:
    assert await db.write(upkeep.begin, "events", "a", EVERY) == 0
    assert [one.ended_at for one in await db.read(upkeep.last)] == [None]
    clock.advance(600)
    assert await db.write(upkeep.begin, "events", "b", EVERY) == EVERY - 600
    clock.advance(EVERY - 600)
    assert set(await keep(db, KEPT, "b")) == {"deliveries", "events"}
    assert [one.node for one in await db.read(upkeep.last)] == ["b", "b"]


async def test_where_nothing_is_old_enough_nothing_is_written_but_that_it_was_looked_at(
    db: Database, clock: ManualClock
) -> None:
    await db.write(subscribe)
    await settled(db, clock, "delivered", events=3)
    await fold(batches(db), KEPT)  # away with the seat that it had for a moment
    clock.advance(DAY)
    with counting(db) as sent:
        await keep(db, KEPT, "a")
    changed = {statement.split()[2 if "INTO" in statement else 1] for statement, _ in sent if _writes(statement)}
    assert changed == {"maintenance"}


async def test_the_size_of_a_batch_follows_what_its_rows_take(db: Database) -> None:
    time, takes = 0.0, 0.0

    def elapsed() -> float:
        nonlocal time
        time += takes
        return time

    async def sizes(*seconds: float) -> list[int]:
        nonlocal takes
        found = []
        for each in seconds:
            takes = each
            await made.write(_nothing)
            found.append(made.size)
        return found

    made = Batches(db, rest=0, elapsed=elapsed, sizes=(20, 500))
    commit = 0.1  # which takes as long whatever the size is
    assert await sizes(*[commit] * 6) == [40, 80, 160, 320, 500, 500]
    assert await sizes(commit + AIM_SECONDS * 0.75) == [500]
    assert await sizes(*[commit + AIM_SECONDS * 1.1] * 6) == [250, 125, 62, 31, 20, 20]
    assert await sizes(commit) == [40]


async def test_everything_goes_however_small_the_batches_are(db: Database, clock: ManualClock) -> None:
    for _ in range(2):
        await db.write(subscribe)
    await settled(db, clock, "delivered", "dead", events=3)
    clock.advance(YEAR)
    did = await keep(db, KEPT, "a", batches=lambda db: batches(db, 1))
    assert did["deliveries"] == Folding(3, 3)
    assert did["events"] == Pruning(events=3, deliveries=3, attempts=3, matches=3, begins_after=3)


@pytest.mark.parametrize("role", ROLES)
async def test_the_processes_that_deliver_do_it_for_as_long_as_they_are_told(role: str, tmp_path: Path) -> None:
    app = await App.open(write_installation(tmp_path, {}))
    try:
        heartbeat = Heartbeat(app.db, lambda: Node("1", "a", (role,), 1, "1"))
        kept = Kept(deliveries=7200.0, events=7200.0)
        parts = Parts(app.db, app.intake, app.publications, app.deliverer.wake, heartbeat, kept=kept, node="a")
        by_name = {job.name: job for job in jobs(parts, (role,))}
        assert ("keep" in by_name) == (role == "deliver")
        if role == "deliver":
            await app.db.write(subscribe)
            await settled(app.db, ManualClock(), "delivered")
            await app.db.write(_aged, 7201)
            await by_name["keep"].action()
            assert [one.did["deliveries"] for one in await app.db.read(upkeep.last)] == [1, 0]
            assert await app.db.read(events.after, 0, 10) == []
    finally:
        await app.close()


def _aged(tx: Tx, seconds: int) -> None:
    """Let everything be so much older."""
    then = tx.now - seconds * 1_000_000
    tx.conn.execute(update(tables.events).values(at=then))
    tx.conn.execute(update(tables.deliveries).values(created_at=then, settled_at=then))


def _nothing(tx: Tx) -> None:
    pass


def _writes(statement: str) -> bool:
    return statement.lstrip().split()[0] in ("INSERT", "UPDATE", "DELETE")
