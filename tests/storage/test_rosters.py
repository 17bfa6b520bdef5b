"""Who has a seat, from when and until when; and that whoever joins or leaves is counted exactly."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection

import pytest
from sqlalchemy import select
from support.deliveries import subscribe
from support.parcels import (
    NEWS,
    Matches,
    Process,
    append,
    fan_out,
    fill,
    filter_of,
    number,
    of_feeds,
    pairs,
    piece,
    rows,
)

from publisher.model import Change, DeliveryState, EventType, Match, Subscription
from publisher.storage.engine import tables
from publisher.storage.engine.database import Database, Tx
from publisher.storage.subscriptions import fanout, listing, notices, rights, rosters, seats, stretches, subscriptions

PENDING, CANCELLED = DeliveryState.PENDING, DeliveryState.CANCELLED
HELD = Match(EventType.ARTICLE_PUBLISHED, Change.ENTERED, held="news")


async def join(db: Database, count: int = 1, feed: str = "news") -> list[Subscription]:
    """So many subscriptions, with a seat if the fan-out has come to where they begin."""
    return [await db.write(lambda tx: subscribe(tx, feed, together=True)) for _ in range(count)]


async def apart(db: Database, some: Collection[int]) -> None:
    """Take the seats of these (their ``n``), until the next are given: an event is done in pieces for its rows."""

    def without(tx: Tx) -> None:
        stretches.hold(tx)
        seats.leave(tx, some)

    await db.write(without)


async def half_done(db: Database, matches: Matches = NEWS, *, chunk: int) -> None:
    """Do the first piece of the next event."""
    at = await piece(db, matches, chunk=chunk)
    assert at is not None and at.subscription


async def present(db: Database) -> list[int]:
    """Who has a seat (their ``n``)."""
    own = select(tables.seats.c.subscription).where(tables.seats.c.until_seq.is_(None))
    return await db.read(lambda tx: sorted(tx.conn.execute(own).scalars()))


async def parcelled(db: Database) -> list[tuple[int, int]]:
    """(event, seats) of each parcel."""
    return sorted((row.seq, row.size) for row in await rows(db, tables.parcels))


async def by_row(db: Database) -> list[tuple[int, int]]:
    """(event, subscription) of each row."""
    return sorted((row.seq, row.subscription) for row in await rows(db, tables.deliveries))


async def matched(db: Database) -> list[int]:
    """How many each event matched."""
    return [row.matched or 0 for row in await rows(db, tables.events)]


async def test_a_seat_is_given_at_once_where_the_fan_out_has_come_to_the_end(db: Database) -> None:
    await join(db, 2)

    assert await present(db) == [1, 2]
    await append(db)
    await fan_out(db)
    assert (await parcelled(db), await by_row(db), await matched(db)) == ([(1, 2)], [], [2])


async def test_who_joins_while_the_fan_out_is_behind_gets_rows_until_it_has_come_there(db: Database) -> None:
    await join(db)
    await append(db, 2)
    await join(db)
    await append(db)

    assert await present(db) == [1]
    assert await fill(db) == 0
    await piece(db, chunk=1)  # event 1
    assert await fill(db) == 0
    await fan_out(db)
    assert await fill(db) == 1
    await append(db)
    await fan_out(db)
    assert (await parcelled(db), await by_row(db)) == ([(1, 1), (2, 1), (3, 1), (4, 2)], [(3, 2)])
    assert await matched(db) == [1, 1, 2, 2]
    await pairs(db)


async def test_no_seat_is_given_inside_a_half_done_event(db: Database) -> None:
    await join(db, 4)
    await append(db)
    await apart(db, range(1, 5))
    await half_done(db, chunk=2)

    assert not await db.read(rosters.waiting)
    assert await fill(db) == 0
    assert (await db.read(fanout.page, 1)).unseated is False
    await fan_out(db, chunk=2)
    assert await db.read(rosters.waiting)
    assert await fill(db) == 4
    assert await pairs(db) == dict.fromkeys([(1, 1), (1, 2), (1, 3), (1, 4)], PENDING)


Ways = Callable[[Database, Subscription], Awaitable[object]]


async def _disable(db: Database, one: Subscription) -> object:
    return await db.write(subscriptions.disable, one.id)


async def _delete(db: Database, one: Subscription) -> object:
    return await db.write(subscriptions.delete, one.id)


async def _refilter(db: Database, one: Subscription) -> object:
    return await db.write(subscriptions.update, one.id, filter=filter_of("other"))


async def _readdress(db: Database, one: Subscription) -> object:
    return await db.write(subscriptions.update, one.id, url="https://elsewhere.example/hook")


async def _lose(db: Database, one: Subscription) -> object:
    n = await number(db, one.id)
    return await db.write(lambda tx: rights.lose(tx, [n], "gone", stretches.hold(tx)[0]))


async def _stand_still(db: Database, one: Subscription) -> object:
    n = await number(db, one.id)

    def pause(tx: Tx) -> None:
        stretches.hold(tx)
        rights.stand_still(tx, {"no feed": [n]})

    return await db.write(pause)


async def _raise(db: Database, one: Subscription) -> object:
    n = await number(db, one.id)

    def risen(tx: Tx) -> None:
        last, _ = stretches.hold(tx)
        rights.raise_(tx, [who for who in rights.holders(tx) if who.n == n], last)

    return await db.write(risen)


async def _lower(db: Database, one: Subscription) -> object:
    n = await number(db, one.id)

    def fallen(tx: Tx) -> None:
        _, done = stretches.hold(tx)
        rights.lower(tx, [who for who in rights.holders(tx) if who.n == n], done)
        rights.judge_again(tx)

    return await db.write(fallen)


async def _tell(db: Database, one: Subscription) -> object:
    n = await number(db, one.id)
    await db.write(rights.owe, [n])
    return await db.write(notices.tell, one.id, [])


async def _disable_and_tell(db: Database, one: Subscription) -> object:
    return await db.write(notices.disable_and_tell, one.id, "it fails")


WAYS = [_disable, _delete, _refilter, _readdress, _lose, _stand_still, _raise, _lower, _tell, _disable_and_tell]
ENDED = {_disable, _delete, _lose, _disable_and_tell}


@pytest.mark.parametrize("leaves", WAYS)
async def test_who_leaves_is_counted_exactly_wherever_the_fan_out_is(db: Database, leaves: Ways) -> None:
    """One leaves behind it, one at it and two half-way through an event, before and after where it stands."""
    behind, at, early = await join(db, 3)
    rest = [await number(db, one.id) for one in await join(db, 5)]
    late, stays = await join(db, 2)
    first, second = await append(db, 2)
    await leaves(db, behind)  # of both
    await fan_out(db)
    await pairs(db)
    await leaves(db, at)
    await fan_out(db)
    [third] = await append(db)
    await apart(db, rest)
    await half_done(db, chunk=4)
    await leaves(db, early)
    await leaves(db, late)
    await fan_out(db, chunk=4)
    [fourth] = await append(db)
    await fan_out(db)

    found = await pairs(db)
    state = CANCELLED if leaves in ENDED else PENDING
    for one in (behind, at, early, late):
        n = await number(db, one.id)
        last = {behind: second, at: second}.get(one, third)
        mine = {seq: how for (seq, who), how in found.items() if who == n and seq in {first, second, third, fourth}}
        assert {seq: how for seq, how in mine.items() if seq <= last} == dict.fromkeys(
            [seq for seq in (first, second, third) if seq <= last], state
        )
        follows_on = leaves in {_readdress, _stand_still, _raise, _lower, _tell}
        assert set(mine) - {first, second, third} == ({fourth} if follows_on else set())
    n = await number(db, stays.id)
    assert {seq for seq, who in found if who == n} == {first, second, third, fourth}


async def test_who_is_lowered_half_way_is_counted_though_the_event_is_not_for_them_now(db: Database) -> None:
    """The parcels are made with an event's first piece, and its followers are counted with each."""
    joined = await join(db, 5)
    await append(db)
    await apart(db, range(1, 5))
    await half_done(db, chunk=2)
    await _lower(db, joined[4])

    public = lambda _event, one: None if one.public else NEWS(_event, one)  # noqa: E731
    await fan_out(db, public, chunk=2)
    found = await pairs(db)
    assert set(found) == {(1, n) for n in range(1, 6)}
    assert await matched(db) == [5]


async def test_no_seat_is_given_twice_and_a_newcomer_sees_nothing_of_who_was_there(db: Database) -> None:
    [one] = await join(db)
    await append(db)
    await fan_out(db)
    await (await Process.begun(db)).take_all()
    await db.write(subscriptions.delete, one.id)
    [other] = await join(db)
    await append(db)
    await fan_out(db)

    given = [(row.roster, row.seat, row.subscription) for row in await rows(db, tables.seats)]
    assert given == [(1, 0, 1), (1, 1, 2)]
    assert [(row.seq, row.state) for row in await db.read(listing.page, other.id, limit=10)] == [(2, PENDING)]
    seen = await db.read(listing.page, one.id, limit=10)
    assert [(row.seq, row.state) for row in seen] == [(1, DeliveryState.DELIVERED)]


async def test_who_comes_back_has_another_seat(db: Database) -> None:
    [one] = await join(db)
    await append(db)
    await fan_out(db)
    await db.write(subscriptions.disable, one.id)
    await append(db)
    await fan_out(db)
    await db.write(subscriptions.enable, one.id)
    await append(db)
    await fan_out(db)

    given = [(row.seat, row.from_seq, row.until_seq) for row in await rows(db, tables.seats)]
    assert given == [(0, 1, 1), (1, 3, None)]
    assert await pairs(db) == {(1, 1): CANCELLED, (3, 1): PENDING}


async def test_one_follower_more_than_a_roster_has_seats_begins_another(db: Database) -> None:
    def many(tx: Tx) -> None:
        for _ in range(rosters.SIZE + 1):
            subscribe(tx, together=True)

    await db.write(many)
    await append(db)
    await fan_out(db)

    assert sorted(row.size for row in await rows(db, tables.rosters)) == [1, rosters.SIZE]
    assert await parcelled(db) == [(1, 1), (1, rosters.SIZE)]
    assert await matched(db) == [rosters.SIZE + 1]
    await (await Process.begun(db)).take_all()
    assert set((await pairs(db)).values()) == {DeliveryState.DELIVERED}


async def test_many_who_come_at_once_fill_the_roster_that_was_begun_and_then_others(db: Database) -> None:
    await join(db, 3)
    await append(db)

    def many(tx: Tx) -> None:
        for _ in range(3 * rosters.SIZE):
            subscribe(tx, together=True)

    await db.write(many)
    await fan_out(db)
    assert (await fill(db), await fill(db), await fill(db)) == (rosters.FILL, 3 * rosters.SIZE - rosters.FILL, 0)
    assert [row.taken for row in await rows(db, tables.rosters)] == [rosters.SIZE, rosters.SIZE, rosters.SIZE, 3]
    await append(db)
    await fan_out(db)
    assert await matched(db) == [3, 3 * rosters.SIZE + 3]
    await pairs(db)


async def test_an_event_under_many_filters_is_a_parcel_for_each(db: Database) -> None:
    for name in "abcdefgh":
        await join(db, 2, name)
    await append(db, 2)
    await fan_out(db, of_feeds(*"abcdefg"), chunk=3)

    assert await parcelled(db) == [(1, 2)] * 7 + [(2, 2)] * 7
    assert await matched(db) == [14, 14]
    assert await by_row(db) == []
    await pairs(db)


async def test_endpoints_of_other_lanes_are_in_rosters_of_their_own(db: Database) -> None:
    def four(tx: Tx) -> None:
        for name in ("a", "b", "c", "d"):
            subscribe(tx, together=True, url=f"https://{name}.example/hook")

    await db.write(four)
    await append(db)
    await fan_out(db)

    by_lane = {row.lane: row.size for row in await rows(db, tables.parcels)}
    assert len(by_lane) > 1
    assert sum(by_lane.values()) == 4
    assert await matched(db) == [4]


async def test_a_held_event_is_rows_for_all(db: Database) -> None:
    await join(db, 3)
    await append(db)
    await fan_out(db, of_feeds("news", match=HELD))

    assert (await parcelled(db), await by_row(db), await matched(db)) == ([], [(1, 1), (1, 2), (1, 3)], [3])
    await pairs(db)


async def test_a_withheld_event_is_rows_for_all(db: Database) -> None:
    [one, *_] = await join(db, 3)
    await append(db)
    [followed] = (await db.read(fanout.page, 1)).filters

    def withhold(tx: Tx) -> None:
        stretches.hold(tx)
        fanout.store_matches(tx, [fanout.Judged(1, {followed.id: HELD})])
        rights.withhold(tx, followed.id, [1])

    await db.write(withhold)
    await fan_out(db)
    assert (await parcelled(db), await by_row(db), await matched(db)) == ([], [(1, 1), (1, 2), (1, 3)], [3])
    assert set((await pairs(db)).values()) == {CANCELLED}
    assert [row.reason for row in await db.read(listing.page, one.id, limit=2)] == ["access"]


@pytest.mark.parametrize("held_first", [True, False])
@pytest.mark.parametrize("change", ["release", "let_go", "withhold"])
async def test_who_gets_a_half_done_event_in_which_way_is_settled_with_its_first_piece(
    db: Database, held_first: bool, change: str
) -> None:
    await join(db, 7)
    await append(db)
    await apart(db, range(2, 6))
    matches = of_feeds("news", match=HELD) if held_first else NEWS
    await half_done(db, matches, chunk=2)
    [followed] = (await db.read(fanout.page, 1)).filters

    def change_it(tx: Tx) -> None:
        stretches.hold(tx)
        if change == "withhold":
            rights.withhold(tx, followed.id, [1])
        else:
            getattr(rights, change)(tx, ["news"])

    await db.write(change_it)
    await fan_out(db, matches, chunk=2)
    found = await pairs(db)
    assert set(found) == {(1, n) for n in range(1, 8)}
    assert await matched(db) == [7]
    assert len(await parcelled(db)) == (not held_first)
