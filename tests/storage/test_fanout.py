import asyncio

from support.deliveries import append, fan_out, fan_out_once, states, subscribe

from publisher.model import DeliveryState
from publisher.storage.engine.database import Database
from publisher.storage.subscriptions import fanout, listing, subscriptions
from publisher.storage.subscriptions.fanout import Cursor


async def matched(db: Database, *seqs: int) -> list[int]:
    accounts = await db.read(listing.accounting, seqs)
    assert all(sum(account.states.values()) == account.matched for account in accounts)
    return [account.matched for account in accounts]


async def test_each_follower_gets_each_event_once(db: Database) -> None:
    followers = [await db.write(subscribe) for _ in range(3)]
    other = await db.write(subscribe, "indicators")
    await append(db, 2)
    await fan_out(db)

    for follower in followers:
        assert await states(db, follower) == [DeliveryState.PENDING] * 2
    assert await states(db, other) == []
    assert await matched(db, 1, 2) == [3, 3]


async def test_an_event_that_matches_nothing_is_counted_as_such(db: Database) -> None:
    await db.write(subscribe, "indicators")
    await append(db)
    await fan_out(db)

    assert await matched(db, 1) == [0]
    assert (await db.read(fanout.page, 10)).cursor == Cursor(1)


async def test_several_small_events_share_a_transaction(db: Database) -> None:
    await db.write(subscribe)
    await append(db, 5)

    assert await fan_out_once(db, chunk=3) == Cursor(3)
    assert await fan_out_once(db, chunk=3) == Cursor(5)
    assert await fan_out_once(db) is None
    assert await matched(db, 1, 2, 3, 4, 5) == [1] * 5


async def test_a_large_event_goes_on_where_the_last_transaction_ended(db: Database) -> None:
    followers = [await db.write(subscribe) for _ in range(7)]
    await append(db, 2)

    assert await fan_out_once(db, chunk=3) == Cursor(0, 3)
    assert await matched(db, 1, 2) == [3, 0]
    assert await fan_out_once(db, chunk=3) == Cursor(0, 6)
    assert await fan_out_once(db, chunk=3) == Cursor(1)
    await fan_out(db, chunk=3)
    for follower in followers:
        assert await states(db, follower) == [DeliveryState.PENDING] * 2
    assert await matched(db, 1, 2) == [7, 7]


async def test_what_an_event_is_to_a_filter_is_settled_with_its_first_part(db: Database) -> None:
    for _ in range(4):
        await db.write(subscribe)
    await append(db)
    await fan_out_once(db, chunk=2)
    # The feed is taken away half-way: those who come later are still told what the first ones were.
    await fan_out(db, chunk=2, feeds=())

    assert await matched(db, 1) == [4]


async def test_those_who_leave_or_join_half_way_through_an_event_keep_the_accounts_straight(db: Database) -> None:
    followers = [await db.write(subscribe) for _ in range(6)]
    await append(db)
    await fan_out_once(db, chunk=2)
    await db.write(subscriptions.delete, followers[0].id)
    await db.write(subscriptions.delete, followers[5].id)
    await db.write(subscriptions.disable, followers[1].id)
    await db.write(subscriptions.enable, followers[1].id)
    newcomer = await db.write(subscribe)
    await fan_out(db, chunk=2)

    assert await matched(db, 1) == [6]
    assert await states(db, followers[0]) == [DeliveryState.CANCELLED]
    assert await states(db, followers[1]) == [DeliveryState.CANCELLED]
    assert await states(db, followers[5]) == [DeliveryState.CANCELLED]
    assert await states(db, newcomer) == []


async def test_processes_that_fan_out_at_once_do_no_work_twice(db: Database) -> None:
    followers = [await db.write(subscribe) for _ in range(5)]
    await append(db, 20)

    await asyncio.gather(*(fan_out(db, chunk=7) for _ in range(4)))
    await fan_out(db)

    for follower in followers:
        assert await states(db, follower) == [DeliveryState.PENDING] * 20
    assert await matched(db, *range(1, 21)) == [5] * 20
