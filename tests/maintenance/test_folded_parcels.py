"""Parcels that were closed long ago are counts, and what stood beside them is gone once nothing needs it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest
from maintenance.kept import DAY, KEPT, MONTH, YEAR, Cut, batches, count, cut_off, dated, removed, settle_all, states
from sqlalchemy import select
from support.clock import ManualClock
from support.deliveries import append, fan_out, fan_out_once, subscribe
from support.parcelled import sent
from support.parcels import fill
from support.rights import adds_up

from publisher.delivery.aboard import Aboard
from publisher.maintenance.keeping import Folding, Pruning, fold, prune
from publisher.model import DeliveryState, Filter, Subscription
from publisher.storage.engine.database import Database, Tx
from publisher.storage.engine.tables import journal
from publisher.storage.engine.tables import seats as seats_table
from publisher.storage.log import pruning
from publisher.storage.subscriptions import lanes, listing, parcels, subscriptions
from publisher.storage.subscriptions import rosters as seating
from publisher.storage.subscriptions import seats as leaving
from publisher.storage.subscriptions.folding import ROWS_OF_PARCEL
from publisher.storage.subscriptions.spilling import LEASE_SECONDS

OpenDatabase = Callable[[], Awaitable[Database]]
OF_PARCELS = ("parcels", "journal", "seats", "rosters")
DELIVERED, PENDING = DeliveryState.DELIVERED, DeliveryState.PENDING


async def followers(db: Database, count: int, **fields: Any) -> list[Subscription]:
    """So many webhooks, with seats in one roster."""
    made = [await db.write(subscribe, together=True, **fields) for _ in range(count)]
    await fill(db)
    return made


async def test_what_was_delivered_in_parcels_long_ago_is_counted_and_the_rest_is_listed(
    db: Database, clock: ManualClock
) -> None:
    [one, *_] = await followers(db, 3)
    await append(db, 2)
    await fan_out(db)
    await sent(db, 2)
    await sent(db, state="dead")
    clock.advance(MONTH)
    await append(db)
    await fan_out(db)
    await sent(db)

    assert await fold(batches(db), KEPT) == Folding(deliveries=4, attempts=4)

    told = {DELIVERED: 2, DeliveryState.DEAD: 1}
    assert await states(db, 1, 2, 3) == [told, told, {DELIVERED: 3}]
    assert [account.folded for account in await db.read(listing.accounting, [1, 3])] == [{DELIVERED: 2}, {}]
    assert [listed.seq for listed in await db.read(listing.page, one.id, limit=10)] == [3]
    assert await db.read(count, "parcels") == 1
    assert await fold(batches(db), KEPT) == Folding()


async def test_a_parcel_is_as_old_as_the_last_that_is_in_it(db: Database, clock: ManualClock) -> None:
    await followers(db, 3)
    await append(db)
    await fan_out(db)
    await sent(db, 2)
    clock.advance(2 * MONTH)
    assert await fold(batches(db), KEPT) == Folding()
    assert await states(db, 1) == [{DELIVERED: 2, PENDING: 1}]
    await sent(db)
    clock.advance(MONTH - 1)
    assert await fold(batches(db), KEPT) == Folding()
    clock.advance(1)
    assert await fold(batches(db), KEPT) == Folding(deliveries=3, attempts=3)
    assert await states(db, 1) == [{DELIVERED: 3}]


async def test_a_parcel_in_which_nothing_was_delivered_goes_without_a_count(db: Database, clock: ManualClock) -> None:
    await followers(db, 2)
    await append(db)
    await fan_out(db)
    await sent(db, state="dead")
    clock.advance(MONTH)
    assert await fold(batches(db), KEPT) == Folding()
    assert await db.read(count, "parcels", "folded") == 0
    assert await states(db, 1) == [{DeliveryState.DEAD: 2}]


async def test_of_an_event_that_is_fanned_out_in_part_no_parcel_goes(db: Database, clock: ManualClock) -> None:
    await followers(db, 5)
    await db.write(leaving.leave, [1, 2, 3])
    await append(db)
    await fan_out_once(db, chunk=2)
    assert (await sent(db), await db.read(count, "deliveries")) == (2, 2)
    clock.advance(2 * MONTH)

    assert await fold(batches(db), KEPT) == Folding()

    await fan_out(db)
    assert await states(db, 1) == [{DELIVERED: 2, PENDING: 3}]
    assert await fold(batches(db), KEPT) == Folding(deliveries=2, attempts=2)
    assert await states(db, 1) == [{DELIVERED: 2, PENDING: 3}]


async def test_parcels_of_a_clock_that_was_put_back_hold_up_no_others(db: Database, clock: ManualClock) -> None:
    await followers(db, 1)
    for step in (1000 * DAY, -1000 * DAY):
        await append(db)
        clock.advance(step if step > 0 else 0)
        await fan_out(db)
        await sent(db)
        clock.advance(min(step, 0))
    await append(db)
    await fan_out(db)
    await sent(db)
    clock.advance(MONTH)
    assert (await fold(batches(db), KEPT)).deliveries == 1
    clock.advance(1000 * DAY)
    assert (await fold(batches(db), KEPT)).deliveries == 2
    assert await states(db, 1, 2, 3) == [{DELIVERED: 1}] * 3


async def test_a_row_of_the_journal_goes_with_the_last_of_its_parcels(db: Database, clock: ManualClock) -> None:
    await followers(db, 3)
    for _ in range(2):
        await append(db)
        await fan_out(db)
        await sent(db, 1)  # the second time of both
    await sent(db, seqs=[1])
    assert await db.read(_journaled) == [1, 2]

    await fold(batches(db), KEPT)

    assert await db.read(_journaled) == [2]
    assert await states(db, 1, 2) == [{DELIVERED: 3}, {DELIVERED: 1, PENDING: 2}]
    await sent(db)
    clock.advance(MONTH)
    await fold(batches(db), KEPT)
    assert await db.read(count, *OF_PARCELS[:2]) == 0
    assert await states(db, 1, 2) == [{DELIVERED: 3}] * 2


async def test_a_row_of_the_journal_is_never_given_the_number_of_one_that_is_gone(db: Database) -> None:
    await followers(db, 3)
    await append(db)
    await fan_out(db)
    await sent(db, 1)
    await sent(db)
    assert await db.read(_journaled) == [1]
    await fold(batches(db), KEPT)
    await append(db)
    await fan_out(db)
    await sent(db, 1)
    assert await db.read(_journaled) == [2]


async def test_a_seat_that_was_left_stays_for_as_long_as_a_parcel_needs_it(db: Database, clock: ManualClock) -> None:
    one, gone, other = await followers(db, 3)
    await append(db)
    await fan_out(db)
    await sent(db)
    await db.write(subscriptions.disable, gone.id)
    await append(db)
    await fan_out(db)
    await sent(db)
    await fold(batches(db), KEPT)
    assert [listed.seq for listed in await db.read(listing.page, gone.id, limit=9)] == [1]
    assert await db.read(count, "seats") == 3
    clock.advance(MONTH)

    await fold(batches(db), KEPT)

    assert await db.read(_seats) == [(1, 0), (1, 2)]
    found = await db.read(seating.of, [1])
    assert [(held.seat, held.n) for held in found] == [(0, 1), (1, seating.NOBODY), (2, 3)]
    await append(db)
    await fan_out(db)
    assert list(await db.read(_as_a_sender_knows_them)) == [1, seating.NOBODY, 3]
    assert await sent(db) == 2
    assert [(await db.read(listing.page, name.id, limit=1))[0].state for name in (one, other)] == [DELIVERED] * 2
    await adds_up(db)


async def test_a_roster_goes_once_nobody_has_a_seat_in_it_and_no_parcel_is_left(
    db: Database, clock: ManualClock
) -> None:
    both = await followers(db, 2)
    await append(db)
    await fan_out(db)
    await sent(db, 1)
    for one in both:
        await db.write(subscriptions.disable, one.id)
    await fold(batches(db), KEPT)
    assert await db.read(count, "rosters", "seats") == 1 + 2
    await sent(db)
    clock.advance(LEASE_SECONDS)
    await settle_all(db, "delivered")
    clock.advance(MONTH)
    await append(db)  # not fanned out yet: a seat is taken from here on

    await fold(batches(db), KEPT)

    assert await db.read(count, *OF_PARCELS) == 0
    await adds_up(db)
    await fan_out(db)
    await followers(db, 1)
    assert await db.read(_seats) == [(2, 0)]
    await append(db)
    await fan_out(db)
    assert await sent(db) == 1
    await adds_up(db)


async def test_rosters_with_members_stay_however_old(db: Database, clock: ManualClock) -> None:
    await followers(db, 2)
    clock.advance(YEAR)
    await fold(batches(db), KEPT)
    assert await db.read(count, "rosters", "seats") == 3


async def test_however_often_it_is_cut_off_everything_adds_up(db: Database, clock: ManualClock) -> None:
    await _busy(db, events=3)
    clock.advance(MONTH)
    cuts = 0
    while True:
        try:
            with cut_off(db, 1 + cuts):
                await fold(batches(db, 2), KEPT)
            break
        except Cut:
            cuts += 1
            await adds_up(db)
    assert cuts > 7
    assert await db.read(count, *OF_PARCELS, "deliveries", "attempts") == 0
    assert await states(db, 1, 2, 3) == [{DELIVERED: 5}] * 3


async def test_two_processes_that_fold_at_once_count_each_parcel_once(
    open_database: OpenDatabase, clock: ManualClock
) -> None:
    one, other = await open_database(), await open_database()
    await _busy(one, events=40)
    clock.advance(MONTH)

    done = await asyncio.gather(fold(batches(one, 7), KEPT), fold(batches(other, 7), KEPT))

    assert sum(part.deliveries for part in done) == 200
    assert await states(one, *range(1, 41)) == [{DELIVERED: 5}] * 40
    assert [(n, await one.read(count, n)) for n in OF_PARCELS if await one.read(count, n)] == []


async def test_a_transaction_takes_no_more_rows_than_it_may(db: Database, clock: ManualClock) -> None:
    await _busy(db, events=40)
    clock.advance(MONTH)
    with removed(db, *OF_PARCELS) as rows:
        await fold(batches(db, 10 * ROWS_OF_PARCEL), KEPT)
    assert sum(rows) == 40 + 1 + 5 + 1  # the one without a seat had one for a moment, too
    assert max(rows) == 10


@pytest.mark.parametrize("seats", [0, 1], ids=["nothing of it sent", "a part of it sent"])
async def test_an_open_parcel_holds_its_event_and_those_after_it(db: Database, clock: ManualClock, seats: int) -> None:
    await followers(db, 2)
    await append(db, 3)
    await fan_out(db)
    for seq, settled in ((1, 2), (2, seats), (3, 2)):
        await sent(db, settled, seqs=[seq])
    await db.write(dated, clock)
    clock.advance(YEAR)

    done = await prune(batches(db), KEPT)

    assert (done.events, done.deliveries, done.held, done.begins_after) == (1, 2, "deliveries", 1)
    assert await db.write(pruning.drop, 1, 2, operations=True) is None
    await adds_up(db)


async def test_old_events_go_with_their_parcels(db: Database, clock: ManualClock) -> None:
    await followers(db, 3)
    for state in ("delivered", "dead"):
        await append(db)
        await fan_out(db)
        await sent(db, state=state)
    await append(db)
    await fan_out(db)
    await sent(db, 1)
    await sent(db)
    await db.write(dated, clock)
    clock.advance(YEAR)

    done = await prune(batches(db, 4), KEPT)

    assert done == Pruning(events=3, deliveries=9, attempts=9, matches=3, begins_after=3)
    assert await db.read(count, "events", "deliveries", "attempts", "matches", "parcels", "folded") == 0


async def test_an_event_goes_of_whose_parcels_nothing_was_delivered(db: Database, clock: ManualClock) -> None:
    await followers(db, 1)
    await followers(db, 1, filter=Filter(feeds=("news", "other")))
    await append(db)
    await fan_out(db)
    await sent(db, state="dead")
    clock.advance(YEAR)
    assert await db.read(count, "parcels") == 2

    done = await prune(batches(db, 1), KEPT)

    assert done == Pruning(events=1, deliveries=2, attempts=2, matches=2, begins_after=1)
    assert await db.read(count, "parcels") == 0


async def test_events_are_not_dropped_while_parcels_of_them_are_left(db: Database, clock: ManualClock) -> None:
    await followers(db, 1)
    await append(db)
    await fan_out(db)
    await sent(db)
    await db.write(pruning.drop_matches, 1, 1, 10)
    assert await db.write(pruning.drop, 0, 1, operations=True) is None
    assert await db.read(pruning.pruned) == 0


async def test_however_often_pruning_is_cut_off_the_log_adds_up(db: Database, clock: ManualClock) -> None:
    await _busy(db, events=3)
    await db.write(dated, clock)
    clock.advance(YEAR)
    cuts = 0
    while True:
        try:
            with cut_off(db, 1 + cuts):
                await prune(batches(db, 4), KEPT)
            break
        except Cut:
            cuts += 1
            await adds_up(db)
    assert cuts > 9
    assert await db.read(count, "events", "parcels", "deliveries", "matches", "folded") == 0


async def _busy(db: Database, *, events: int) -> None:
    """So many events, all delivered, to four who had seats and have left since, and to one who has none."""
    own = await followers(db, 4)
    await db.write(subscribe)
    await append(db, events)
    await fan_out(db)
    await sent(db, 1)
    await sent(db)
    await settle_all(db, "delivered")
    for one in own:
        await db.write(subscriptions.disable, one.id)


def _as_a_sender_knows_them(tx: Tx) -> Sequence[int]:
    """Whose the seats are in the one open parcel."""
    [parcel], _ = parcels.fresh(tx, range(lanes.COUNT), 0, 10)
    return Aboard().holders(tx, [parcel])[parcel.roster]


def _journaled(tx: Tx) -> list[int]:
    return list(tx.conn.execute(select(journal.c.id).order_by(journal.c.id)).scalars())


def _seats(tx: Tx) -> list[tuple[int, int]]:
    found = select(seats_table.c.roster, seats_table.c.seat).order_by(seats_table.c.roster, seats_table.c.seat)
    return [(row.roster, row.seat) for row in tx.conn.execute(found)]
