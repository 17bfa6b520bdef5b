"""What comes of seats of parcels: taken, or moved to rows; and that nothing of it is lost, doubled or miscounted."""

from __future__ import annotations

import pytest
from support.clock import ManualClock
from support.deliveries import claim, settle
from support.parcels import (
    Process,
    append,
    failed,
    fan_out,
    followed,
    moved,
    pairs,
    rows,
    taken,
    unsent,
)

from publisher import clock as clocks
from publisher.model import DeliveryState
from publisher.storage.engine import tables
from publisher.storage.engine.database import Database
from publisher.storage.subscriptions import (
    bitmaps,
    lanes,
    listing,
    settling,
    spilling,
)
from publisher.storage.subscriptions.deliveries import Outcome

PENDING, SENDING, DELIVERED, RETRYING, DEAD, CANCELLED = (
    DeliveryState.PENDING,
    DeliveryState.SENDING,
    DeliveryState.DELIVERED,
    DeliveryState.RETRYING,
    DeliveryState.DEAD,
    DeliveryState.CANCELLED,
)


async def spill(db: Database, *own: int) -> None:
    """Make rows of what is open of these (their ``n``)."""
    await db.write(spilling.of_subscriptions, own)


async def states(db: Database, seq: int = 1) -> list[DeliveryState]:
    """The states of an event's deliveries, in the order of its followers."""
    return [state for (event, _), state in sorted((await pairs(db)).items()) if event == seq]


async def test_spilling_moves_what_is_open_once_under_the_lease_of_who_has_the_lane(db: Database) -> None:
    await followed(db)
    process = await Process.begun(db)
    first, *_ = process.open()
    await process.settle([taken(first)])
    await spill(db, 1, 2, 3)
    await spill(db, 2, 3)

    found = await rows(db, tables.deliveries)
    assert [(row.subscription, row.state, row.lease) for row in found] == [
        (2, "sending", "ours.parcel1"), (3, "sending", "ours.parcel1")
    ]  # fmt: skip
    assert await states(db) == [DELIVERED, SENDING, SENDING, PENDING]
    [parcel] = await rows(db, tables.parcels)
    assert list(bitmaps.seats(bitmaps.unpacked(parcel.moved))) == [1, 2]


async def test_what_no_process_has_is_spilled_to_rows_that_are_due(db: Database) -> None:
    await followed(db)
    await spill(db, 2)

    [row] = await rows(db, tables.deliveries)
    assert (row.state, row.lease) == ("pending", None)
    assert [one.subscription for one in (await claim(db, limit=1)).deliveries] == [1]


async def test_neither_what_has_failed_nor_what_was_taken_is_spilled_again(db: Database) -> None:
    await followed(db)
    process = await Process.begun(db)
    a, b, c, _ = process.open()
    await process.settle([taken(a), failed(b), unsent(c)])
    await db.write(spilling.of_events, [1])

    assert await states(db) == [DELIVERED, RETRYING, PENDING, SENDING]
    await db.write(spilling.of_events, [1])
    assert await states(db) == [DELIVERED, RETRYING, PENDING, SENDING]


async def test_spilling_tells_who_sends_and_it_finds_the_rows_that_are_its_own(db: Database) -> None:
    await followed(db)
    process = await Process.begun(db)
    before = db.changes
    await spill(db, 2)

    assert db.changes > before
    made = await db.read(spilling.made, "ours", [(1, 1)])
    assert [(parcel, n) for _, parcel, n in made] == [(1, 2)]
    assert await db.read(spilling.made, "theirs", [(1, 1)]) == []
    await process.look()
    assert [one.n for one in process.open()] == [1, 3, 4]


async def test_whatever_comes_of_a_seat_is_recorded_once(db: Database) -> None:
    await followed(db, 5)
    process = await Process.begun(db)
    a, b, c, d, e = process.open()
    recorded = await process.settle([taken(a), failed(b, status=503), failed(c, wait=None, status=410), unsent(d)])

    assert recorded.lost == 0
    assert await states(db) == [DELIVERED, RETRYING, DEAD, PENDING, PENDING]
    found = {row.subscription: row for row in await rows(db, tables.deliveries)}
    assert [(found[n].attempts, found[n].last_status) for n in (2, 3, 4)] == [(1, 503), (1, 410), (0, None)]
    tried = await rows(db, tables.attempts)
    assert [(one.delivery_id, one.number, one.status) for one in tried] == [
        (found[2].id, 1, 503), (found[3].id, 1, 410)
    ]  # fmt: skip
    await process.settle([taken(e)])
    [parcel] = await rows(db, tables.parcels)
    assert (parcel.sent, parcel.closed_at is not None) == (2, True)
    assert await states(db) == [DELIVERED, RETRYING, DEAD, PENDING, DELIVERED]
    assert list(process.aboard) == []


async def test_a_seat_that_was_under_way_as_it_was_moved_is_settled_as_its_row(db: Database) -> None:
    await followed(db)
    process = await Process.begun(db)
    a, b, c, d = process.open()
    await spill(db, 1, 2)
    recorded = await process.settle([taken(a), failed(b), taken(c), moved(a)])

    assert recorded.lost == 0
    assert await states(db) == [DELIVERED, RETRYING, DELIVERED, PENDING]
    assert sorted(row.subscription for row in await rows(db, tables.deliveries)) == [1, 2]
    assert len(await rows(db, tables.attempts)) == 2
    await process.settle([taken(d)])
    await process.look()
    assert [row.sent for row in await rows(db, tables.parcels)] == [2]


async def test_a_seat_is_not_settled_as_a_row_that_another_has_taken_since(db: Database, clock: ManualClock) -> None:
    """Its lease ran out, as where commits failed for minutes, and it was tried again under another."""
    await followed(db, 2)
    process = await Process.begun(db)
    a, b = process.open()
    await spill(db, 1)
    clock.advance(spilling.LEASE_SECONDS + 1)
    again = (await claim(db, lease="ours.again")).deliveries[0]
    assert again.subscription == 1
    await db.write(settle, [Outcome(again.id, again.lease, "retrying", 0.0, 1, subscription=1)])
    once_more = next(one for one in (await claim(db, lease="ours.once")).deliveries if one.subscription == 1)
    recorded = await process.settle([failed(a), taken(b)])

    assert recorded.lost == 1
    row = next(row for row in await rows(db, tables.deliveries) if row.subscription == 1)
    assert (row.state, row.lease, row.attempts) == ("sending", once_more.lease, 1)
    await pairs(db)


async def test_a_parcel_of_which_nothing_is_left_but_moved_seats_is_closed(db: Database) -> None:
    await followed(db)
    process = await Process.begun(db)
    await db.write(spilling.of_events, [1])
    recorded = await process.look()

    assert recorded.lost == 0
    [parcel] = await rows(db, tables.parcels)
    assert (parcel.sent, parcel.closed_at is not None, parcel.began_at) == (0, True, None)
    assert await states(db) == [SENDING] * 4


async def test_nothing_is_recorded_of_a_lane_that_was_lost(db: Database) -> None:
    await followed(db)
    process = await Process.begun(db)
    await Process.begun(db, "theirs")
    recorded = await process.settle([taken(process.open()[0]), failed(process.open()[1])])

    assert (recorded.lost, list(recorded.gone)) == (2, [1])
    assert list(process.aboard) == []
    assert await states(db) == [PENDING] * 4
    assert await rows(db, tables.journal) == []


async def test_nothing_is_recorded_of_a_parcel_that_another_has_closed(db: Database) -> None:
    await followed(db)
    process = await Process.begun(db)
    late = [failed(one) for one in process.open()]
    await (await Process.begun(db, "theirs")).take_all()
    await db.write(lanes.take_over, "ours")
    recorded = await process.settle(late)

    assert (recorded.lost, list(recorded.gone)) == (4, [1])
    assert await states(db) == [DELIVERED] * 4
    assert await rows(db, tables.deliveries) == []


@pytest.mark.parametrize("closes", [False, True])
async def test_nothing_is_recorded_twice_where_the_answer_to_a_commit_was_lost(db: Database, closes: bool) -> None:
    await followed(db, 5)
    process = await Process.begun(db)
    a, b, c, d, e = process.open()
    some = [taken(a), failed(b), failed(c, wait=None), unsent(d), *([taken(e)] if closes else [])]
    await db.write(settling.settle, some, "ours", process.aboard.journaled)
    once = await pairs(db)
    await process.settle(some)

    assert await pairs(db) == once
    assert len(await rows(db, tables.attempts)) == 2
    assert [row.attempts for row in await rows(db, tables.deliveries)] == [1, 1, 0]
    await process.take_all()
    assert await states(db) == [DELIVERED, RETRYING, DEAD, PENDING, DELIVERED]
    await Process.begun(db, "next")  # nothing is open, and nothing is wrong with what the journal says
    assert await states(db) == [DELIVERED, RETRYING, DEAD, PENDING, DELIVERED]


async def test_what_was_settled_is_not_sent_again_after_a_kill(db: Database) -> None:
    await followed(db)
    process = await Process.begun(db)
    a, b, c, d = process.open()
    await process.settle([taken(a, ms=7, status=202), failed(b)])
    again = await Process.begun(db, "next")

    assert [one.seat for one in again.open()] == [c.seat, d.seat]
    await again.take_all()
    assert await states(db) == [DELIVERED, RETRYING, DELIVERED, DELIVERED]
    assert [one.last_status for _, one in await db.read(listing.of_event, 1, limit=9)] == [202, 200, 200, 503]


async def test_rows_of_the_journal_go_once_their_parcels_are_closed(db: Database) -> None:
    await followed(db, 2, events=2)
    process = await Process.begun(db)
    a1, b1, a2, b2 = process.open()
    await process.settle([taken(a1), taken(a2)])
    assert len(await rows(db, tables.journal)) == 1
    await process.settle([taken(b1)])
    assert len(await rows(db, tables.journal)) == 1  # the other parcel needs it
    await process.settle([taken(b2)])
    assert await rows(db, tables.journal) == []
    assert set((await pairs(db)).values()) == {DELIVERED}


async def test_rows_of_the_journal_go_that_a_process_before_has_left(db: Database) -> None:
    await followed(db, 2, events=2)
    process = await Process.begun(db)
    a1, b1, a2, _ = process.open()
    await process.settle([taken(a1), taken(a2)])
    await process.settle([taken(b1)])
    again = await Process.begun(db, "next")
    await again.take_all()

    assert await rows(db, tables.journal) == []
    assert set((await pairs(db)).values()) == {DELIVERED}


async def test_a_row_of_the_journal_goes_whose_commit_had_no_answer(db: Database) -> None:
    await followed(db, 2)
    process = await Process.begun(db)
    a, b = process.open()
    await db.write(settling.settle, [taken(a)], "ours", process.aboard.journaled)
    await process.settle([taken(a)])
    assert len(await rows(db, tables.journal)) == 2
    await process.settle([taken(b)])
    again = await Process.begun(db, "next")
    await append(db)
    await fan_out(db)
    await again.take_all()

    assert await rows(db, tables.journal) == []
    assert await states(db) == [DELIVERED, DELIVERED]


@pytest.mark.parametrize("closes", [False, True])
async def test_times_and_statuses_are_kept(db: Database, closes: bool) -> None:
    await followed(db, 6)
    process = await Process.begun(db)
    a, b, c, d, e, f = process.open()
    some = [
        taken(a, ms=0, after=1.0), taken(b, ms=65_535, status=204, after=0.37), taken(c, ms=120_000, after=2.5),
        taken(d, ms=1, status=299, after=0.0), taken(e, ms=5, after=900.0),
    ]  # fmt: skip
    await process.settle(some)
    if closes:
        await process.settle([failed(f)])
    else:
        await process.settle([])
    found = {one.subscription: one for _, one in await db.read(listing.of_event, 1, limit=10)}
    ids = {row.n: row.id for row in await rows(db, tables.subscriptions)}
    shown = [found[ids[one.subscription]] for one in some]
    began = clocks.to_micros(some[3].at)
    at = [(clocks.to_micros(one.attempt.at) - began) / 1e6 for one in shown if one.attempt]

    assert at == [1.0, 0.37, 2.5, 0.0, 655.35 if closes else 900.0]
    assert [one.attempt.duration_ms for one in shown if one.attempt] == [0, 65_535, 65_535, 1, 5]
    assert [one.last_status for one in shown] == [200, 204, 200, 299, 200]
    assert {one.attempt.number for one in shown if one.attempt} == {1}
    [parcel] = await rows(db, tables.parcels)
    assert (parcel.closed_at is not None) == closes


async def test_a_parcel_that_all_answered_with_200_keeps_no_statuses(db: Database) -> None:
    await followed(db)
    await (await Process.begun(db)).take_all()

    [parcel] = await rows(db, tables.parcels)
    assert parcel.statuses is None
