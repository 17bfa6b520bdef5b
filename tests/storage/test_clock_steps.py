"""The wall clock is put forward or back while deliveries and sources wait."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
from support.clock import Machine, ManualClock
from support.deliveries import append, claim, fan_out, next_due, settle, subscribe
from support.parcelled import PROCESS, sent

from publisher.maintenance import clocks
from publisher.maintenance.clocks import ClockWatch
from publisher.storage.configuration import sources
from publisher.storage.engine.database import Database
from publisher.storage.subscriptions import lanes, listing, rights, spilling
from publisher.storage.subscriptions.deliveries import Outcome

OpenDatabase = Callable[[], Awaitable[Database]]

HOUR = 3600.0


@pytest.fixture
def machine(clock: ManualClock) -> Machine:
    return Machine(clock)


@pytest.fixture
async def watch(db: Database, machine: Machine) -> ClockWatch:
    """One that has looked at the clock a while ago."""
    watch = ClockWatch(db, elapsed=machine.elapsed)
    await watch.look()
    machine.passes(50)
    await watch.look()
    return watch


async def one_to_be_retried(db: Database, wait: float) -> None:
    await db.write(subscribe)
    await append(db)
    await fan_out(db)
    (claimed,) = (await claim(db)).deliveries
    await db.write(settle, [Outcome(claimed.id, claimed.lease, "retrying", wait=wait)])


@pytest.mark.parametrize("step", [-HOUR, HOUR, -24 * HOUR, 24 * HOUR])
async def test_a_retry_comes_when_it_would_have_come(
    db: Database, watch: ClockWatch, machine: Machine, step: float
) -> None:
    await one_to_be_retried(db, wait=600)
    machine.put(step)
    machine.passes(5)
    await watch.look()
    assert await next_due(db) == pytest.approx(595)


async def test_what_was_due_is_due_still_when_the_clock_is_put_back(
    db: Database, watch: ClockWatch, machine: Machine
) -> None:
    await db.write(subscribe)
    await append(db)
    await fan_out(db)
    machine.put(-HOUR)
    await watch.look()
    assert await next_due(db) == 0
    assert len((await claim(db)).deliveries) == 1


@pytest.mark.parametrize("step", [-HOUR, HOUR])
async def test_what_is_in_parcels_is_sent_as_before_and_what_was_taken_out_keeps_its_lease(
    db: Database, watch: ClockWatch, machine: Machine, step: float
) -> None:
    for _ in range(2):
        await db.write(subscribe, together=True)
    await append(db)
    await fan_out(db)
    await db.write(lanes.take_over, PROCESS)
    await db.write(spilling.of_subscriptions, [1])
    machine.put(step)
    machine.passes(5)
    await watch.look()
    assert await sent(db) == 1
    assert await next_due(db) == pytest.approx(spilling.LEASE_SECONDS - 5)


async def test_what_is_under_way_keeps_its_lease_when_the_clock_is_put_forward(
    db: Database, watch: ClockWatch, machine: Machine
) -> None:
    await db.write(subscribe)
    await append(db)
    await fan_out(db)
    await claim(db, lease_seconds=30.0)
    machine.put(HOUR)
    await watch.look()
    assert not (await claim(db, lease="theirs")).deliveries
    machine.passes(31)
    assert len((await claim(db, lease="theirs")).deliveries) == 1


@pytest.mark.parametrize("step", [-HOUR, HOUR])
async def test_what_was_claimed_or_made_since_the_step_is_right_as_it_is(
    db: Database, watch: ClockWatch, machine: Machine, step: float
) -> None:
    await db.write(subscribe)
    machine.put(step)
    await append(db)
    await fan_out(db)
    await claim(db, lease_seconds=30.0)
    await append(db)
    await fan_out(db)
    await watch.look()
    assert len((await claim(db, lease="theirs")).deliveries) == 1  # the second, and not the one under way
    machine.passes(31)
    assert len((await claim(db, lease="theirs")).deliveries) == 1


@pytest.mark.parametrize("step", [-HOUR, HOUR])
async def test_of_two_processes_that_see_a_step_one_moves_what_waits(
    db: Database, watch: ClockWatch, open_database: OpenDatabase, machine: Machine, step: float
) -> None:
    other = ClockWatch(await open_database(), elapsed=machine.elapsed)
    await other.look()
    await one_to_be_retried(db, wait=600)
    machine.put(step)
    await watch.look()
    machine.passes(3)
    await other.look()
    assert await next_due(db) == pytest.approx(597)


async def test_a_clock_that_was_put_back_while_nothing_ran_is_seen_at_the_next_start(
    db: Database, watch: ClockWatch, machine: Machine
) -> None:
    await one_to_be_retried(db, wait=600)
    machine.put(-24 * HOUR)
    machine.passes(100)
    await ClockWatch(db, elapsed=machine.elapsed).look()
    due = await next_due(db)
    assert due is not None
    assert due <= 600 + clocks.NOTE_SECONDS


async def test_hours_in_which_nothing_ran_are_no_step(db: Database, watch: ClockWatch, machine: Machine) -> None:
    await one_to_be_retried(db, wait=600)
    machine.passes(5 * HOUR)
    await ClockWatch(db, elapsed=machine.elapsed).look()
    assert await next_due(db) == 0


async def test_a_source_that_waits_after_a_failure_does_not_wait_longer(
    db: Database, watch: ClockWatch, machine: Machine, clock: ManualClock
) -> None:
    await db.write(sources.failed, "desk", "no answer", clock() + timedelta(seconds=120))
    await db.write(sources.claim, "wire", "killed", 45)
    machine.put(-HOUR)
    await watch.look()
    assert (await db.read(sources.state, "desk")).next_run_at == clock() + timedelta(seconds=120)
    machine.passes(46)
    assert await db.write(sources.claim, "wire", "mine", 45)


async def test_an_answer_that_came_late_is_no_step(db: Database, watch: ClockWatch, clock: ManualClock) -> None:
    await one_to_be_retried(db, wait=600)
    asked = iter([1050.0, 1075.0])
    watch._elapsed = lambda: next(asked)
    clock.advance(25)
    await watch.look()
    assert await next_due(db) == pytest.approx(575)


@pytest.mark.parametrize("step", [-HOUR, HOUR, 30 * HOUR])
async def test_a_retry_that_was_written_since_the_step_is_right_as_it_is(
    db: Database, watch: ClockWatch, machine: Machine, step: float
) -> None:
    await db.write(subscribe)
    await append(db)
    await fan_out(db)
    (claimed,) = (await claim(db)).deliveries
    machine.put(step)
    await db.write(settle, [Outcome(claimed.id, claimed.lease, "retrying", wait=600)])
    machine.passes(1)
    await watch.look()
    assert await next_due(db) == pytest.approx(599)


async def test_a_step_is_told_of_and_waited_for_no_longer_although_a_write_saw_it_first(
    db: Database, machine: Machine
) -> None:
    woken: list[float] = []
    watch = ClockWatch(db, moved=lambda: woken.append(machine.elapsed()), elapsed=machine.elapsed)
    await watch.look()
    machine.put(HOUR)
    await append(db)
    await append(db)
    assert not woken
    machine.passes(1)
    await watch.look()
    machine.passes(1)
    await watch.look()
    assert len(woken) == 1


@pytest.mark.parametrize("step", [-HOUR, HOUR])
@pytest.mark.parametrize("tried", [False, True], ids=["pending", "retrying"])
async def test_what_stands_still_goes_on_after_the_pause_however_the_clock_was_put(
    db: Database, watch: ClockWatch, machine: Machine, step: float, tried: bool
) -> None:
    made = await db.write(subscribe)
    await append(db)
    await fan_out(db)
    if tried:
        (claimed,) = (await claim(db)).deliveries
        await db.write(settle, [Outcome(claimed.id, claimed.lease, "retrying", wait=0, number=1)])
    await db.write(lambda tx: rights.stand_still(tx, {"gone": [one.n for one in rights.holders(tx)]}))
    assert not (await claim(db, lease="none")).deliveries
    machine.put(step)
    await watch.look()
    (shown,) = await db.read(listing.page, made.id, limit=10)
    assert shown.next_attempt_at is None
    assert await next_due(db) != 0
    holders = await db.read(lambda tx: [one.n for one in rights.holders(tx)])
    await db.write(rights.go_on, holders)
    assert await next_due(db) == 0
