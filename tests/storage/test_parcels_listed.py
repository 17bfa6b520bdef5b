"""Deliveries are shown and counted from rows and from parcels as one list, however they are paged through."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from support.deliveries import settle, subscribe
from support.parcels import Process, append, failed, fan_out, pairs, taken, unsent
from support.statements import counting

from publisher.model import DeliveryState
from publisher.storage.engine import tables
from publisher.storage.engine.database import Database, Tx
from publisher.storage.subscriptions import deliveries, folding, listing, rosters, spilling
from publisher.storage.subscriptions.listing import FIRST, LAST, Listed, Spot

PENDING, SENDING, DELIVERED, RETRYING, DEAD, CANCELLED = (
    DeliveryState.PENDING,
    DeliveryState.SENDING,
    DeliveryState.DELIVERED,
    DeliveryState.RETRYING,
    DeliveryState.DEAD,
    DeliveryState.CANCELLED,
)

EVENTS = 12
STATES = [
    DELIVERED, DELIVERED, PENDING, RETRYING, DEAD, SENDING, CANCELLED, DELIVERED, PENDING, PENDING, PENDING, DELIVERED
]  # fmt: skip
"""Of the first follower, event by event: closed, and open; see :func:`mixed`."""


async def mixed(db: Database, followers: int = 5) -> list[str]:
    """Events 1 to 3 in closed parcels, the others in open ones; returns the subscriptions' ids."""
    made = await db.write(lambda tx: [subscribe(tx, together=True) for _ in range(followers)])
    await append(db, EVENTS)
    await fan_out(db)
    process = await Process.begun(db)
    found = {(one.parcel.seq, one.n): one for one in process.open()}
    early = [taken(one, ms=one.parcel.seq) for (seq, n), one in found.items() if seq <= 3 and n > 1]
    await process.settle([*early, taken(found[1, 1]), taken(found[2, 1]), unsent(found[3, 1])])
    some = [taken(found[8, 1]), taken(found[12, 1]), failed(found[4, 1]), failed(found[5, 1], wait=None)]
    await process.settle([*some, taken(found[6, 2]), unsent(found[9, 1])])

    def others(tx: Tx) -> None:
        spilling.of_events(tx, [6])
        spilling.of_matched(tx, found[7, 1].parcel.filter_id, [7])
        rows = tx.conn.execute(select(tables.deliveries).where(tables.deliveries.c.seq == 7)).all()
        outcomes = [deliveries.Outcome(row.id, row.lease, "cancelled") for row in rows]
        settle(tx, outcomes)

    await db.write(others)
    await pairs(db)
    return [one.id for one in made]


async def pages(db: Database, id: str, size: int, *states: DeliveryState) -> list[Listed]:
    """All of a subscription's deliveries, in pages of this size."""
    found: list[Listed] = []
    before = LAST
    while some := await db.read(listing.page, id, limit=size, before=before, states=states):
        found += some
        before = some[-1].seq, some[-1].run
    return found


@pytest.mark.parametrize("size", [1, 2, 3, 5, 12, 100])
async def test_a_subscriptions_deliveries_are_listed_newest_first_in_pages_of_any_size(db: Database, size: int) -> None:
    ids = await mixed(db)
    found = await pages(db, ids[0], size)

    assert [one.seq for one in found] == list(range(EVENTS, 0, -1))
    assert [one.state for one in reversed(found)] == STATES
    assert {one.subscription for one in found} == {ids[0]}
    assert [one.id for one in found] == [f"{one.seq}.0" for one in found]


@pytest.mark.parametrize("states", [(PENDING,), (DELIVERED,), (DEAD, RETRYING), (DELIVERED, CANCELLED), (SENDING,)])
async def test_they_are_listed_by_state(db: Database, states: tuple[DeliveryState, ...]) -> None:
    ids = await mixed(db)
    wanted = [seq for seq in range(EVENTS, 0, -1) if STATES[seq - 1] in states]

    for size in (1, 2, 100):
        assert [one.seq for one in await pages(db, ids[0], size, *states)] == wanted


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 500])
async def test_an_events_deliveries_are_listed_once_each_in_pages_of_any_size(db: Database, size: int) -> None:
    ids = await mixed(db)
    known = await pairs(db)
    for seq in range(1, EVENTS + 1):
        found: list[tuple[Spot, Listed]] = []
        after = FIRST
        while some := await db.read(listing.of_event, seq, limit=size, after=after):
            assert len(some) <= size
            found += some
            after = some[-1][0]
        assert len({spot for spot, _ in found}) == len(found)
        shown = {one.subscription: one.state for _, one in found}
        assert len(shown) == len(found)
        assert shown == {ids[n - 1]: state for (event, n), state in known.items() if event == seq}


async def test_an_events_deliveries_in_several_rosters_are_listed_once_each(db: Database) -> None:
    count = 2 * rosters.SIZE + 10
    await db.write(lambda tx: [subscribe(tx, together=True) for _ in range(count)])
    await append(db)
    await fan_out(db)
    await db.write(spilling.of_subscriptions, range(3, count, 2))
    found: list[tuple[Spot, Listed]] = []
    after = FIRST
    while some := await db.read(listing.of_event, 1, limit=100, after=after):
        found += some
        after = some[-1][0]

    assert len(found) == len({one.subscription for _, one in found}) == count


async def test_one_delivery_is_found_by_its_id_wherever_it_is(db: Database) -> None:
    ids = await mixed(db)

    for seq, state in enumerate(STATES, start=1):
        one = await db.read(listing.get, ids[0], f"{seq}.0")
        assert one is not None and (one.seq, one.state) == (seq, state)
    for wrong in ("0.0", "13.0", "1.1", "1", "", "x.0", "1.-1", "1" * 40 + ".0", "１.0"):
        assert await db.read(listing.get, ids[0], wrong) is None, wrong
    assert await db.read(listing.get, "wh_other", "1.0") is None


async def test_the_attempts_of_each_are_given_in_its_place(db: Database) -> None:
    ids = await mixed(db)
    some = list(reversed(await pages(db, ids[0], 100)))
    found = await db.read(listing.attempts_of, some)

    assert [len(one) for one in found] == [1, 1, 0, 1, 1, 0, 0, 1, 0, 0, 0, 1]
    assert [one.attempts for one in some] == [len(one) for one in found]
    assert [one[0].status for one in found if one] == [200, 200, 503, 503, 200, 200]
    assert await db.read(listing.attempts, some[3]) == found[3]


async def test_accounts_are_right_over_rows_parcels_and_what_was_folded(db: Database) -> None:
    await mixed(db)

    def fold(tx: Tx) -> None:
        folding.fold_of(tx, 7, 7, 100)

    await db.write(fold)
    accounts = {one.seq: one for one in await db.read(listing.accounting, range(1, EVENTS + 1))}
    assert accounts[1].states == {DELIVERED: 5}
    assert accounts[3].states == {DELIVERED: 4, PENDING: 1}
    assert accounts[4].states == {PENDING: 4, RETRYING: 1}
    assert accounts[6].states == {DELIVERED: 1, SENDING: 4}
    assert accounts[7].states == accounts[7].folded == {CANCELLED: 5}
    assert accounts[8].states == {DELIVERED: 1, PENDING: 4}
    assert {one.matched for one in accounts.values()} == {5}
    await pairs(db)


async def test_the_depth_is_what_is_open_of_rows_and_parcels(db: Database) -> None:
    await mixed(db)
    found = await pairs(db)
    depth = await db.read(listing.depth)

    for state in (PENDING, RETRYING, SENDING):
        assert depth[state] == list(found.values()).count(state)
    assert set(depth) == {PENDING, RETRYING, SENDING}
    in_rows = 2  # of events 3 and 9
    assert await db.read(listing.waiting) == depth[PENDING] - in_rows


@pytest.mark.parametrize("delivery", ["9" * 18 + ".0", "9" * 29 + ".0", "1." + "9" * 9, "1." + "9" * 20, "1", "x.0"])
async def test_an_id_of_no_delivery_is_none_however_long(db: Database, delivery: str) -> None:
    [first, *_] = await mixed(db)
    assert await db.read(listing.get, first, delivery) is None
    assert await db.read(listing.get, first, "1.0") is not None


async def statements_of(db: Database, id: str) -> list[int]:
    """How many statements each way of looking takes."""
    with counting(db) as sent:
        counts = []
        for look in (
            lambda tx: listing.page(tx, id, limit=3),
            lambda tx: listing.page(tx, id, limit=3, states=(DELIVERED,)),
            lambda tx: listing.page(tx, id, limit=3, states=(PENDING,)),
            lambda tx: listing.of_event(tx, 1, limit=3),
            lambda tx: listing.get(tx, id, "1.0"),
            lambda tx: listing.accounting(tx, range(1, 100)),
            listing.depth,
        ):
            before = len(sent)
            await db.read(look)
            counts.append(len(sent) - before)
    return counts


async def test_looking_takes_as_many_statements_however_much_there_is(db: Database) -> None:
    [first, *_] = await mixed(db)
    few = await statements_of(db, first)
    await db.write(lambda tx: [subscribe(tx, together=True) for _ in range(40)])
    await append(db, 60)
    await fan_out(db)
    assert await statements_of(db, first) == few

    process = await Process.begun(db, "next")
    await process.settle([failed(one) for one in process.open() if one.n == 1])
    # One more look at parcels, where all of the first one had moved.
    assert all(now <= then + 1 for now, then in zip(await statements_of(db, first), few, strict=True))
