"""The processes that run on a database, as it knows them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from structlog.testing import capture_logs
from support.clock import ManualClock
from support.deliveries import append, claim, fan_out, subscribe
from support.parcelled import sent

from publisher.maintenance.heartbeat import Heartbeat
from publisher.model.node import Node
from publisher.storage import metrics
from publisher.storage.configuration import nodes, sources
from publisher.storage.engine.database import Database
from publisher.storage.subscriptions import lanes

ONE = Node("p1", "a", ("web", "ingest"), 4711, "1.0", definitions=3)
OTHER = Node("p2", "b", ("deliver",), 12, "1.1", definitions=4, problem="needs 1.1", clock_offset=-3600.0)


async def test_every_process_is_seen_as_it_last_told_of_itself(db: Database, clock: ManualClock) -> None:
    began = clock()
    await db.write(nodes.beat, ONE)
    await db.write(nodes.beat, OTHER)
    clock.advance(10)
    await db.write(nodes.beat, replace(ONE, definitions=4))
    one, other = await db.read(nodes.seen)
    assert (one.node, other.node) == (replace(ONE, definitions=4), OTHER)
    assert (one.started_at, one.seen_at) == (began, clock())
    assert (other.started_at, other.seen_at) == (began, began)


async def test_one_that_is_silent_counts_as_lost_and_is_forgotten_after_a_day(db: Database, clock: ManualClock) -> None:
    await db.write(nodes.beat, ONE)
    clock.advance(nodes.LOST_SECONDS)
    assert [(one.lost, await db.read(nodes.running)) for one in await db.read(nodes.seen)] == [(False, 1)]
    clock.advance(1)
    await db.write(nodes.beat, OTHER)
    assert [one.lost for one in await db.read(nodes.seen)] == [True, False]
    assert await db.read(nodes.running) == 1
    clock.advance(nodes.KEPT_SECONDS)
    await db.write(nodes.beat, OTHER)
    assert [one.node for one in await db.read(nodes.seen)] == [OTHER]


async def test_one_that_stops_is_gone_at_once(db: Database) -> None:
    await db.write(nodes.beat, ONE)
    heartbeat = Heartbeat(db, lambda: OTHER, db.now)
    await heartbeat.beat()
    await heartbeat.end()
    assert [one.node for one in await db.read(nodes.seen)] == [ONE]


async def test_each_is_seen_with_what_it_is_reading_and_sending(db: Database, clock: ManualClock) -> None:
    for one in (ONE, OTHER):
        await db.write(nodes.beat, one)
    for name, lease in (("wire", "p1.x"), ("desk", "p1.y"), ("late", "p2.z")):
        await db.write(sources.claim, name, lease, 45)
    await db.write(sources.release, "late", "p2.z")
    await db.write(subscribe)
    await append(db)
    await fan_out(db)
    await claim(db, lease="p2.1")
    one, other = await db.read(metrics.seen_nodes)
    assert (one.sources, one.deliveries) == (("desk", "wire"), 0)
    assert (other.sources, other.deliveries) == ((), 1)
    clock.advance(46)
    assert (await db.read(metrics.seen_nodes))[0].sources == ()


async def test_each_is_seen_with_its_lanes_and_what_waits_in_them(db: Database) -> None:
    for one in (ONE, OTHER):
        await db.write(nodes.beat, one)
    for _ in range(3):
        await db.write(subscribe, together=True)
    await db.write(subscribe)
    await append(db, 2)
    await fan_out(db)
    await sent(db, 1, seqs=[1])
    await db.write(lanes.take_over, OTHER.id)
    assert [(one.lanes, one.deliveries) for one in await db.read(metrics.seen_nodes)] == [(0, 0), (lanes.COUNT, 5)]


@pytest.mark.parametrize("seconds", [3600.0, -3600.0])
async def test_a_clock_that_is_far_from_the_databases_is_told_of_once(
    db: Database, clock: ManualClock, seconds: float
) -> None:
    machine = ManualClock(clock() + timedelta(seconds=seconds))
    heartbeat = Heartbeat(db, lambda: ONE, machine)
    with capture_logs() as logged:
        await heartbeat.beat()
        await heartbeat.beat()
    assert [(one["event"], one["seconds"]) for one in logged if one["log_level"] == "warning"] == [
        ("clock.wrong", seconds)
    ]
    assert (await db.read(nodes.seen))[0].node.clock_offset == seconds


async def test_a_clock_that_is_right_is_not_told_of(db: Database) -> None:
    with capture_logs() as logged:
        await Heartbeat(db, lambda: ONE, db.now).beat()
    assert logged == []
