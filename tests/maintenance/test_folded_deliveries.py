"""Deliveries that were settled long ago are counts, and everything adds up as before."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from maintenance.kept import DAY, KEPT, MONTH, Cut, batches, count, cut_off, removed, settle_all, settled, states
from support.clock import ManualClock
from support.deliveries import append, fan_out, subscribe
from support.rights import adds_up

from publisher.maintenance.keeping import Folding, fold
from publisher.model import DeliveryState
from publisher.storage import metrics
from publisher.storage.engine.database import Database
from publisher.storage.subscriptions import folding, listing

OpenDatabase = Callable[[], Awaitable[Database]]
EACH = ("delivered", "cancelled", "dead", "retrying")
BY_STATE = {DeliveryState(state): 1 for state in EACH}


async def test_what_was_delivered_or_cancelled_long_ago_is_counted_and_the_rest_is_listed(
    db: Database, clock: ManualClock
) -> None:
    webhooks = [await db.write(subscribe) for _ in EACH]
    await settled(db, clock, *EACH, events=3)
    clock.advance(MONTH)
    await settled(db, clock, *EACH, events=2)

    assert await fold(batches(db), KEPT) == Folding(deliveries=6, attempts=3)

    assert await states(db, 1, 2, 3, 4, 5) == [BY_STATE] * 5
    accounts = await db.read(listing.accounting, [1, 4])
    assert [one.folded for one in accounts] == [{DeliveryState.DELIVERED: 1, DeliveryState.CANCELLED: 1}, {}]
    listed = [await db.read(listing.page, one.id, limit=10) for one in webhooks]
    assert [[one.seq for one in page] for page in listed] == [[5, 4], [5, 4], [5, 4, 3, 2, 1], [5, 4, 3, 2, 1]]
    assert (await db.read(metrics.totals)).deliveries == {state.value: 5 for state in BY_STATE}
    assert await fold(batches(db), KEPT) == Folding()


async def test_a_delivery_is_as_old_as_its_settling_and_not_as_its_event(db: Database, clock: ManualClock) -> None:
    await db.write(subscribe)
    await append(db)
    await fan_out(db)
    clock.advance(MONTH)
    await settle_all(db, "delivered")
    clock.advance(MONTH - 1)
    assert await fold(batches(db), KEPT) == Folding()
    clock.advance(1)
    assert await fold(batches(db), KEPT) == Folding(deliveries=1, attempts=1)
    assert await states(db, 1) == [{DeliveryState.DELIVERED: 1}]


async def test_what_settles_late_is_folded_later_however_far_the_rest_is(db: Database, clock: ManualClock) -> None:
    for _ in range(2):
        await db.write(subscribe)
    await settled(db, clock, "delivered", "retrying", events=2)
    clock.advance(MONTH)
    assert (await fold(batches(db), KEPT)).deliveries == 2
    clock.advance(10 * 365 * DAY)
    assert await settle_all(db, "delivered") == [1, 2]
    clock.advance(MONTH)

    assert await fold(batches(db), KEPT) == Folding(deliveries=2, attempts=4)
    assert await states(db, 1, 2) == [{DeliveryState.DELIVERED: 2}] * 2


async def test_what_can_never_be_folded_is_looked_at_once(db: Database, clock: ManualClock) -> None:
    await db.write(subscribe)
    await settled(db, clock, "dead", events=5)
    await settled(db, clock, "delivered")
    await settled(db, clock, "dead", events=2)
    clock.advance(MONTH)
    await fold(batches(db), KEPT)
    mark = await db.read(folding.mark)
    assert (await db.read(folding.find, mark, 2**62, 100)).reached == mark == 8


async def test_rows_of_a_clock_that_was_put_back_hold_up_no_others(db: Database, clock: ManualClock) -> None:
    await db.write(subscribe)
    clock.advance(1000 * DAY)
    await settled(db, clock, "delivered")
    clock.advance(-1000 * DAY)
    await settled(db, clock, "delivered", events=2)
    clock.advance(MONTH)
    assert (await fold(batches(db), KEPT)).deliveries == 2
    clock.advance(1000 * DAY)
    assert (await fold(batches(db), KEPT)).deliveries == 1
    assert await states(db, 1, 2, 3) == [{DeliveryState.DELIVERED: 1}] * 3


async def test_it_is_told_since_when_everything_is_listed(db: Database, clock: ManualClock) -> None:
    await db.write(subscribe)
    await settled(db, clock, "delivered")
    assert (await fold(batches(db), KEPT), await db.read(folding.until)) == (Folding(), None)
    before = clock()
    clock.advance(MONTH)
    await fold(batches(db), KEPT)
    assert await db.read(folding.until) == round(before.timestamp() * 1e6)


async def test_however_often_it_is_cut_off_everything_adds_up(db: Database, clock: ManualClock) -> None:
    for _ in range(2):
        await db.write(subscribe)
    await settled(db, clock, "delivered", "cancelled", events=3)
    clock.advance(MONTH)
    cuts = 0
    while True:
        try:
            with cut_off(db, 1 + cuts):
                await fold(batches(db, 4), KEPT)
            break
        except Cut:
            cuts += 1
            await adds_up(db)
    assert cuts > 5
    assert await db.read(count, "deliveries", "attempts") == 0
    assert await states(db, 1, 2, 3) == [{DeliveryState.DELIVERED: 1, DeliveryState.CANCELLED: 1}] * 3


async def test_what_was_folded_before_it_was_cut_off_is_told_by_the_next_time(db: Database, clock: ManualClock) -> None:
    await db.write(subscribe)
    await settled(db, clock, "delivered", events=2)
    before = clock()
    clock.advance(MONTH)
    cuts, left = 0, 2
    while left:
        with contextlib.suppress(Cut), cut_off(db, 1 + cuts):
            await fold(batches(db), KEPT)
        cuts += 1
        left = await db.read(count, "deliveries")
    assert await db.read(folding.until) is None

    assert await fold(batches(db), KEPT) == Folding()

    assert await db.read(folding.until) == round(before.timestamp() * 1e6)


async def test_two_processes_that_fold_at_once_count_each_delivery_once(
    open_database: OpenDatabase, clock: ManualClock
) -> None:
    one, other = await open_database(), await open_database()
    for _ in range(4):
        await one.write(subscribe)
    await settled(one, clock, *["delivered"] * 4, events=40)
    clock.advance(MONTH)

    done = await asyncio.gather(fold(batches(one), KEPT), fold(batches(other), KEPT))

    assert sum(part.deliveries for part in done) == 160
    assert await states(one, *range(1, 41)) == [{DeliveryState.DELIVERED: 4}] * 40


async def test_a_transaction_takes_no_more_rows_than_it_may(db: Database, clock: ManualClock) -> None:
    for _ in range(4):
        await db.write(subscribe)
    await settled(db, clock, *["delivered"] * 4, events=60)
    clock.advance(MONTH)
    with removed(db, "deliveries", "attempts") as rows:
        await fold(batches(db, 30), KEPT)
    assert sum(rows) == 480
    assert max(rows) == 30
