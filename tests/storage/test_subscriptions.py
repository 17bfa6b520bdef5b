import pytest
from support.clock import ManualClock
from support.deliveries import NEWS, append, claim, fan_out, settle, states, subscribe

from publisher.errors import NotFound
from publisher.model import DeliveryState, EventType, Filter, SubscriptionState
from publisher.storage.engine.database import Database, Tx
from publisher.storage.engine.tables import filters, follows
from publisher.storage.subscriptions import listing, subscriptions
from publisher.storage.subscriptions.deliveries import Outcome

PENDING, CANCELLED = DeliveryState.PENDING, DeliveryState.CANCELLED
INDICATORS = Filter(feeds=("indicators",))


def rows_of(tx: Tx, table: object) -> int:
    return len(tx.conn.execute(table.select()).all())  # type: ignore[attr-defined]


async def test_a_subscription_comes_back_as_it_was_made(db: Database, clock: ManualClock) -> None:
    await append(db, 3)
    wanted = Filter(feeds=("b", "a", "b"), events=(EventType.ARTICLE_UPDATED,))
    made = await db.write(subscribe, filter=wanted, description="desk", owner="x", sealed_secret=b"\x00s")

    assert made.filter == Filter(feeds=("a", "b"), events=(EventType.ARTICLE_UPDATED,))
    assert (made.state, made.from_seq, made.until_seq) == (SubscriptionState.ACTIVE, 4, None)
    assert (made.owner, made.description, made.created_at) == ("x", "desk", clock())
    assert await db.read(subscriptions.get, made.id) == made
    assert await db.read(subscriptions.secret, made.id) == b"\x00s"


async def test_equal_filters_are_stored_once(db: Database) -> None:
    await db.write(subscribe, filter=Filter(feeds=("a", "b")))
    await db.write(subscribe, filter=Filter(feeds=("b", "a")))

    assert await db.read(rows_of, filters) == 1


async def test_an_owner_sees_its_own(db: Database) -> None:
    mine = await db.write(subscribe, owner="me")
    other = await db.write(subscribe, owner="other")

    assert await db.read(subscriptions.list_, owner="me") == [mine]
    assert await db.read(subscriptions.list_) == [mine, other]


async def test_only_events_after_the_registration_are_told(db: Database) -> None:
    await append(db, 2)
    subscription = await db.write(subscribe)
    await append(db)
    await fan_out(db)

    told = await db.read(listing.page, subscription.id, limit=10)
    assert [delivery.seq for delivery in told] == [3]


async def test_disabling_cancels_what_is_open_and_what_is_not_fanned_out_yet(db: Database) -> None:
    subscription = await db.write(subscribe)
    await append(db)
    await fan_out(db)
    await append(db)
    disabled = await db.write(subscriptions.disable, subscription.id)
    await append(db)
    await fan_out(db)

    told = await db.read(listing.page, subscription.id, limit=10)
    assert [(delivery.seq, delivery.state, delivery.reason) for delivery in told] == [
        (2, CANCELLED, "disabled"),
        (1, CANCELLED, "disabled"),
    ]
    assert (disabled.state, disabled.until_seq) == (SubscriptionState.DISABLED, 2)


async def test_enabling_tells_of_what_comes_after_it(db: Database) -> None:
    subscription = await db.write(subscribe)
    await db.write(subscriptions.disable, subscription.id)
    await append(db)
    enabled = await db.write(subscriptions.enable, subscription.id)
    await append(db)
    await fan_out(db)

    told = await db.read(listing.page, subscription.id, limit=10)
    assert [(delivery.seq, delivery.state) for delivery in told] == [(2, PENDING)]
    assert (enabled.from_seq, enabled.until_seq) == (2, None)


async def test_a_late_fan_out_finds_what_a_prompt_one_would_have(db: Database) -> None:
    subscription = await db.write(subscribe)
    await append(db)
    await db.write(subscriptions.disable, subscription.id)
    await append(db)
    await db.write(subscriptions.enable, subscription.id)
    await append(db)
    await db.write(subscriptions.update, subscription.id, filter=INDICATORS)
    await append(db)
    await db.write(subscriptions.update, subscription.id, filter=NEWS)
    await append(db)
    await fan_out(db)

    told = await db.read(listing.page, subscription.id, limit=10)
    assert [(delivery.seq, delivery.state) for delivery in reversed(told)] == [
        (1, CANCELLED),
        (3, PENDING),
        (5, PENDING),
    ]


async def test_switching_back_and_forth_without_events_changes_nothing(db: Database) -> None:
    subscription = await db.write(subscribe)
    for _ in range(2):
        await db.write(subscriptions.disable, subscription.id)
        await db.write(subscriptions.enable, subscription.id)
        await db.write(subscriptions.update, subscription.id, filter=INDICATORS)
        await db.write(subscriptions.update, subscription.id, filter=NEWS)
    await append(db)
    await fan_out(db)

    assert await states(db, subscription) == [PENDING]
    assert await db.read(rows_of, follows) == 1


async def test_a_filter_given_to_a_disabled_one_holds_once_it_is_enabled(db: Database) -> None:
    subscription = await db.write(subscribe, "indicators")
    await db.write(subscriptions.disable, subscription.id)
    await db.write(subscriptions.update, subscription.id, filter=NEWS, state=SubscriptionState.ACTIVE)
    await append(db)
    await fan_out(db)

    assert await states(db, subscription) == [PENDING]


async def test_a_new_url_serves_what_is_still_to_be_sent(db: Database) -> None:
    subscription = await db.write(subscribe)
    await append(db)
    await fan_out(db)
    changed = await db.write(subscriptions.update, subscription.id, url="https://new.example/hook", description="moved")

    [claimed] = (await claim(db)).deliveries
    assert claimed.url == "https://new.example/hook"
    assert changed.description == "moved"
    cleared = await db.write(subscriptions.update, subscription.id, description=None)
    assert (cleared.description, cleared.url) == (None, "https://new.example/hook")


async def test_a_deleted_subscription_is_gone_and_its_deliveries_are_kept_cancelled(db: Database) -> None:
    subscription = await db.write(subscribe)
    await append(db)
    await fan_out(db)
    await append(db)
    await db.write(subscriptions.delete, subscription.id)
    await fan_out(db)

    assert await db.read(subscriptions.get, subscription.id) is None
    assert await db.read(subscriptions.list_) == []
    told = await db.read(listing.page, subscription.id, limit=10)
    assert [(delivery.state, delivery.reason) for delivery in told] == [(CANCELLED, "deleted")] * 2
    assert (await claim(db)).deliveries == ()
    assert [account.matched for account in await db.read(listing.accounting, [1, 2])] == [1, 1]


async def test_a_success_under_way_while_deleting_is_recorded_and_a_failure_is_not_tried_again(db: Database) -> None:
    subscription = await db.write(subscribe)
    await append(db, 2)
    await fan_out(db)
    one, other = (await claim(db)).deliveries
    await db.write(subscriptions.delete, subscription.id)
    assert await states(db, subscription) == [DeliveryState.SENDING] * 2

    await db.write(
        settle,
        [Outcome(one.id, one.lease, "delivered"), Outcome(other.id, other.lease, "retrying", wait=0.0)],
    )
    assert await states(db, subscription) == [DeliveryState.DELIVERED, CANCELLED]
    told = await db.read(listing.page, subscription.id, limit=10)
    assert [delivery.reason for delivery in told] == ["deleted", None]
    assert all(delivery.settled_at for delivery in told)


async def test_what_a_killed_sender_left_of_a_deleted_subscription_is_claimed_only_to_be_cancelled(
    db: Database, clock: ManualClock
) -> None:
    subscription = await db.write(subscribe)
    await append(db)
    await fan_out(db)
    await claim(db)
    await db.write(subscriptions.delete, subscription.id)
    clock.advance(61)

    [claimed] = (await claim(db, lease="next")).deliveries
    assert claimed.cancelled == "deleted"
    await db.write(settle, [Outcome(claimed.id, "next", "cancelled")])
    assert await states(db, subscription) == [CANCELLED]


async def test_what_does_not_exist_cannot_be_changed(db: Database) -> None:
    subscription = await db.write(subscribe)
    await db.write(subscriptions.delete, subscription.id)

    for function in (subscriptions.delete, subscriptions.disable, subscriptions.enable):
        with pytest.raises(NotFound, match=subscription.id):
            await db.write(function, subscription.id)
    with pytest.raises(NotFound):
        await db.read(subscriptions.secret, "wh_none")
