"""Who may be told is judged where an event is fanned out and before each attempt, not once at registration."""

import pytest
from support.clock import ManualClock
from support.deliveries import claim, next_due, settle, states, stopped, subscribe
from support.rights import a_feed, adds_up, define, judge, now, publish, shown

from publisher.delivery.followers import pausing, permissions
from publisher.model import (
    Cause,
    Change,
    DeliveryState,
    EventType,
    Filter,
    Match,
    Role,
    Subscription,
    SubscriptionState,
)
from publisher.storage.engine.database import Database, Tx
from publisher.storage.log import events
from publisher.storage.subscriptions import fanout, subscriptions
from publisher.storage.subscriptions.deliveries import Outcome
from publisher.storage.subscriptions.fanout import Judged

NEWS, COFFEE = a_feed("news"), a_feed("coffee", "kopi")
DESK = a_feed("desk", "rahasia", private=True)
BOTH = Filter(feeds=("coffee", "desk"))
ENTERED = (EventType.ARTICLE_PUBLISHED, Change.ENTERED)


async def of_owner(db: Database, role: Role | None = None, **fields: object) -> Subscription:
    """A subscription that goes by the keys of its owner, who gets one of this role."""
    if role is not None:
        await db.write(permissions.create_key, role, "acme")
    return await db.write(subscribe, owner="acme", granted=None, **fields)


async def retrying(db: Database) -> None:
    """Claim what is due; all of it fails, and is due again at once."""
    for one in (await claim(db, lease="failed")).deliveries:
        await db.write(settle, [Outcome(one.id, one.lease, "retrying", 0.0, 1, status=500)])


def first_two_of_it(tx: Tx) -> None:
    page = fanout.page(tx, 1)
    judged = [Judged(page.events[0].seq, dict.fromkeys([one.id for one in page.filters], Match(*ENTERED)))]
    assert fanout.advance(tx, page.cursor, judged, {one.id: one for one in page.filters}, 2)


async def test_of_an_owner_whose_last_key_is_revoked_everything_open_is_cancelled_in_that_transaction(
    db: Database,
) -> None:
    await define(db, NEWS)
    key, _ = await db.write(permissions.create_key, Role.SUBSCRIBER, "acme")
    webhook = await of_owner(db)
    await publish(db, "kopi")
    await judge(db)
    await retrying(db)
    await publish(db, "kopi")
    await judge(db)
    await publish(db, "kopi")  # in the log, and not fanned out yet
    await db.write(permissions.revoke_key, key.id)

    assert (await claim(db)).deliveries == ()
    await judge(db)
    assert await shown(db, webhook) == [(seq, "cancelled", "access") for seq in (1, 2, 3)]
    paused = await now(db, webhook)
    assert (paused.state, paused.cause) == (SubscriptionState.PAUSED, Cause.ACCESS)
    assert paused.reason == "its owner has no key in force"
    await adds_up(db)


async def test_what_is_under_way_while_a_key_is_revoked_is_known_to_be_stopped_and_is_not_tried_again(
    db: Database,
) -> None:
    await define(db, NEWS)
    key, _ = await db.write(permissions.create_key, Role.SUBSCRIBER, "acme")
    webhook = await of_owner(db)
    await publish(db)
    await judge(db)
    [one] = (await claim(db)).deliveries
    assert await stopped(db, [one.id]) == set()
    await db.write(permissions.revoke_key, key.id)

    assert await stopped(db, [one.id]) == {one.id}
    await db.write(settle, [Outcome(one.id, one.lease, "retrying", 0.0, 1, status=500)])
    assert await shown(db, webhook) == [(1, "cancelled", "access")]
    await adds_up(db)


async def test_a_key_of_the_same_owner_lets_it_go_on_from_the_next_event_and_never_with_what_lay_between(
    db: Database,
) -> None:
    await define(db, NEWS)
    key, _ = await db.write(permissions.create_key, Role.SUBSCRIBER, "acme")
    webhook = await of_owner(db)
    await db.write(permissions.revoke_key, key.id)
    await publish(db)
    await db.write(permissions.create_key, Role.SUBSCRIBER, "acme")
    seq = await publish(db)
    await judge(db)

    assert await shown(db, webhook) == [(seq, "pending", None)]
    assert (await now(db, webhook)).state is SubscriptionState.ACTIVE
    await adds_up(db)


async def test_another_key_in_force_keeps_the_owners_webhooks(db: Database) -> None:
    await define(db, NEWS)
    key, _ = await db.write(permissions.create_key, Role.SUBSCRIBER, "acme")
    webhook = await of_owner(db, Role.SUBSCRIBER)
    await publish(db)
    await judge(db)
    await db.write(permissions.revoke_key, key.id)

    assert await shown(db, webhook) == [(1, "pending", None)]
    assert await db.read(events.last_seq) == 1


async def test_a_key_may_be_revoked_and_its_owners_webhooks_kept(db: Database) -> None:
    await define(db, DESK)
    key, _ = await db.write(permissions.create_key, Role.OPERATOR, "acme")
    webhook = await of_owner(db, filter=Filter(feeds=("desk",)))
    await publish(db, "rahasia")
    await judge(db)
    await db.write(permissions.revoke_key, key.id, keep_webhooks=True)
    await publish(db, "rahasia")
    await judge(db)

    assert await shown(db, webhook) == [(1, "pending", None), (2, "pending", None)]
    assert (await now(db, webhook)).state is SubscriptionState.ACTIVE


async def test_a_webhook_registered_as_its_key_is_revoked_is_told_of_nothing(db: Database) -> None:
    await define(db, NEWS)
    webhook = await of_owner(db)
    await publish(db)
    await judge(db)
    assert (webhook.state, await states(db, webhook)) == (SubscriptionState.PAUSED, [])


async def test_a_feed_that_turns_private_stops_those_who_may_follow_no_other_and_no_operator(db: Database) -> None:
    await define(db, NEWS)
    webhook = await of_owner(db, Role.EDITOR)
    operators = await db.write(subscribe)
    await publish(db)
    await judge(db)
    await retrying(db)
    await publish(db)
    await define(db, a_feed("news", private=True))
    seq = await publish(db)
    await judge(db)

    assert await shown(db, webhook) == [(1, "cancelled", "access")]
    assert await shown(db, operators) == [(1, "retrying", None), (2, "pending", None), (seq, "pending", None)]
    paused = await now(db, webhook)
    assert (paused.state, paused.reason) == (SubscriptionState.PAUSED, 'only operators may follow "news" now')
    await adds_up(db)


async def test_of_several_feeds_only_what_the_private_one_alone_shows_is_stopped(db: Database) -> None:
    await define(db, COFFEE, a_feed("desk", "rahasia"))
    webhook = await of_owner(db, Role.SUBSCRIBER, filter=BOTH)
    for topic in ("kopi", "rahasia"):
        await publish(db, topic)
    await judge(db)
    await define(db, COFFEE, DESK)
    for topic in ("kopi", "rahasia"):
        await publish(db, topic)
    await judge(db)

    assert await shown(db, webhook) == [(1, "pending", None), (2, "cancelled", "access"), (3, "pending", None)]
    assert (await now(db, webhook)).state is SubscriptionState.ACTIVE
    await pausing.tell(db)
    [told] = await db.read(events.after, 4, 10)
    assert (told.type, told.data["state"], told.data["withheld"]) == (EventType.WEBHOOK_ACCESS, "active", ["desk"])
    await judge(db)
    await publish(db, "kopi")
    await judge(db)
    assert [state for _, state, _ in await shown(db, webhook)] == ["pending", "cancelled", "pending", "pending"]
    await adds_up(db)


async def test_a_feed_that_is_public_again_is_followed_from_the_next_event(db: Database) -> None:
    open_desk = a_feed("desk", "rahasia")
    await define(db, COFFEE, open_desk)
    webhook = await of_owner(db, Role.SUBSCRIBER, filter=BOTH)
    await define(db, COFFEE, DESK)
    await publish(db, "rahasia")
    await define(db, COFFEE, open_desk)
    seq = await publish(db, "rahasia")
    await judge(db)

    assert await shown(db, webhook) == [(seq, "pending", None)]
    await adds_up(db)


async def test_the_rest_of_an_event_half_fanned_out_is_cancelled_when_its_feed_turns_private(db: Database) -> None:
    await define(db, COFFEE, a_feed("desk", "rahasia"))
    webhooks = [await of_owner(db, None if n else Role.SUBSCRIBER, filter=BOTH) for n in range(5)]
    seq = await publish(db, "rahasia")
    await db.write(first_two_of_it)
    await define(db, COFFEE, DESK)
    await judge(db, chunk=2)

    assert [await shown(db, one) for one in webhooks] == [[(seq, "cancelled", "access")]] * 5
    await adds_up(db)


async def test_what_was_judged_before_a_right_was_lost_is_judged_again(db: Database) -> None:
    await define(db, COFFEE, a_feed("desk", "rahasia"))
    webhook = await of_owner(db, Role.SUBSCRIBER, filter=BOTH)
    await publish(db, "rahasia")
    page = await db.read(fanout.page, 10)
    judged = [Judged(1, dict.fromkeys([one.id for one in page.filters], Match(*ENTERED)))]
    await define(db, COFFEE, DESK)

    assert await db.write(fanout.advance, page.cursor, judged, {}) is None
    await judge(db)
    assert await shown(db, webhook) == []
    await adds_up(db)


async def test_an_owner_who_is_no_operator_any_more_gets_nothing_private_and_all_that_is_public(db: Database) -> None:
    await define(db, COFFEE, DESK)
    key, _ = await db.write(permissions.create_key, Role.OPERATOR, "acme")
    webhook = await of_owner(db, Role.SUBSCRIBER, filter=BOTH)
    for topic in ("kopi", "rahasia"):
        await publish(db, topic)
    await judge(db)
    for topic in ("kopi", "rahasia"):
        await publish(db, topic)
    await db.write(permissions.revoke_key, key.id)
    await judge(db)
    assert await shown(db, webhook) == [(1, "pending", None), (2, "cancelled", "access"), (3, "pending", None)]

    await publish(db, "rahasia")
    await db.write(permissions.create_key, Role.OPERATOR, "acme")
    seq = await publish(db, "rahasia")
    await judge(db)
    assert (await shown(db, webhook))[-1] == (seq, "pending", None)
    assert len(await shown(db, webhook)) == 4
    await adds_up(db)


async def test_the_endpoint_and_operations_are_told_without_content(db: Database) -> None:
    operations = a_feed("operations", items="operations")
    await define(db, NEWS, operations)
    key, _ = await db.write(permissions.create_key, Role.SUBSCRIBER, "acme")
    webhook = await of_owner(db, url="https://receiver.example/a-secret")
    watching = await db.write(subscribe, "operations")
    await publish(db)
    await db.write(permissions.revoke_key, key.id)

    assert await pausing.tell(db) == 1
    assert await pausing.tell(db) == 0
    await judge(db)
    taken = (await claim(db)).deliveries
    assert {(one.webhook, one.type, one.cancelled) for one in taken} == {
        (webhook.id, EventType.WEBHOOK_ACCESS, None),
        (watching.id, EventType.WEBHOOK_ACCESS, None),
    }
    [event] = [one for one in await db.read(events.after, 0, 10) if one.type is EventType.WEBHOOK_ACCESS]
    assert event.data == {
        "id": webhook.id,
        "host": "receiver.example",
        "state": "paused",
        "reason": "its owner has no key in force",
        "withheld": ["news"],
        "feeds": ["news"],
    }
    await adds_up(db)


async def test_a_removed_feeds_webhook_stands_still_and_goes_on_with_nothing_missed(
    db: Database, clock: ManualClock
) -> None:
    await define(db, NEWS, COFFEE)
    webhook = await db.write(subscribe, "coffee")
    await publish(db, "kopi")
    await judge(db)
    await retrying(db)
    await publish(db, "kopi")
    await judge(db)
    await define(db, NEWS)
    paused = await now(db, webhook)
    assert (paused.state, paused.cause, paused.reason) == (
        SubscriptionState.PAUSED,
        Cause.FEEDS,
        'the feed "coffee" was removed',
    )
    await publish(db, "kopi")
    await publish(db, "emas")
    await judge(db)
    for lease in ("one", "two"):
        assert (await claim(db, lease=lease)).deliveries == ()
        clock.advance(3600)
    assert (await next_due(db) or 0) > 3600
    assert await shown(db, webhook) == [(1, "retrying", None), (2, "pending", None), (3, "pending", None)]

    await define(db, NEWS, COFFEE)
    await publish(db, "kopi")
    await judge(db)
    assert [one.seq for one in (await claim(db, lease="back")).deliveries] == [1, 2, 3, 5]
    await adds_up(db)


async def test_what_was_under_way_when_its_feed_was_removed_stands_still_if_it_fails(
    db: Database, clock: ManualClock
) -> None:
    await define(db, NEWS)
    webhook = await db.write(subscribe)
    await publish(db)
    await judge(db)
    [one] = (await claim(db, lease="first")).deliveries
    await define(db)
    await db.write(settle, [Outcome(one.id, "first", "retrying", 0.0, 1, status=500)])

    assert (await claim(db, lease="second")).deliveries == ()
    assert (await claim(db, lease="third")).deliveries == ()
    assert await states(db, webhook) == [DeliveryState.RETRYING]
    await define(db, NEWS)
    assert [again.number for again in (await claim(db, lease="fourth")).deliveries] == [2]


async def test_after_a_day_without_its_feed_it_is_disabled_and_told_and_the_rest_cancelled(
    db: Database, clock: ManualClock
) -> None:
    await define(db, COFFEE)
    webhook = await db.write(subscribe, "coffee")
    await publish(db, "kopi")
    await judge(db)
    await define(db)
    clock.advance(86_399)
    await pausing.keep(db)
    assert await shown(db, webhook) == [(1, "pending", None)]
    clock.advance(1)
    await publish(db, "kopi")
    await pausing.keep(db)
    await judge(db)

    assert await shown(db, webhook) == [(1, "cancelled", "disabled")]
    [notice] = (await claim(db)).deliveries
    assert (notice.type, notice.cancelled) == (EventType.WEBHOOK_DISABLED, None)
    disabled = await now(db, webhook)
    assert (disabled.state, disabled.reason) == (SubscriptionState.DISABLED, 'the feed "coffee" was removed')
    await adds_up(db)


async def test_what_a_removed_feed_alone_shows_waits_for_it_while_its_followers_go_on_with_others(
    db: Database, clock: ManualClock
) -> None:
    emas = a_feed("emas", "emas")
    await define(db, emas, COFFEE)
    webhook = await db.write(subscribe, filter=Filter(feeds=("emas", "coffee")))
    await define(db, emas)
    for topics in (["kopi"], ["emas"], ["kopi", "emas"], ["other"]):
        await publish(db, *topics)
    await judge(db)
    assert [one.seq for one in (await claim(db, lease="one")).deliveries] == [2, 3]
    clock.advance(61)
    assert [one.seq for one in (await claim(db, lease="two")).deliveries] == [2, 3]
    assert [seq for seq, state, _ in await shown(db, webhook) if state == "pending"] == [1]
    await define(db, emas, COFFEE)
    assert [one.seq for one in (await claim(db, lease="three")).deliveries] == [1]
    await adds_up(db)


async def test_what_was_held_for_a_feed_that_does_not_come_back_within_a_day_is_cancelled(
    db: Database, clock: ManualClock
) -> None:
    emas = a_feed("emas", "emas")
    await define(db, emas, COFFEE)
    webhook = await db.write(subscribe, filter=Filter(feeds=("emas", "coffee")))
    await define(db, emas)
    await publish(db, "kopi")
    await judge(db)
    clock.advance(86_400)
    await pausing.keep(db)
    await publish(db, "kopi")
    await judge(db)

    assert await shown(db, webhook) == [(1, "cancelled", "removed")]
    assert (await now(db, webhook)).state is SubscriptionState.ACTIVE
    await define(db, emas, COFFEE)
    assert (await claim(db)).deliveries == ()
    await adds_up(db)


async def test_what_was_held_for_a_feed_that_comes_back_private_goes_to_operators_alone(db: Database) -> None:
    emas = a_feed("emas", "emas")
    await define(db, emas, COFFEE)
    filter = Filter(feeds=("emas", "coffee"))
    webhook, operators = await of_owner(db, Role.SUBSCRIBER, filter=filter), await db.write(subscribe, filter=filter)
    await define(db, emas)
    await publish(db, "kopi")
    await judge(db)
    await claim(db)
    await define(db, emas, a_feed("coffee", "kopi", private=True))

    assert await shown(db, webhook) == [(1, "cancelled", "access")]
    assert [one.webhook for one in (await claim(db, lease="back")).deliveries] == [operators.id]
    await adds_up(db)


async def test_a_paused_webhook_whose_owner_loses_the_right_keeps_nothing(db: Database) -> None:
    await define(db, NEWS)
    key, _ = await db.write(permissions.create_key, Role.SUBSCRIBER, "acme")
    webhook = await of_owner(db)
    await publish(db)
    await judge(db)
    await define(db)
    await db.write(permissions.revoke_key, key.id)
    await define(db, NEWS)

    assert await shown(db, webhook) == [(1, "cancelled", "access")]
    assert (await now(db, webhook)).cause is Cause.ACCESS
    await adds_up(db)


@pytest.mark.parametrize("state", [SubscriptionState.DISABLED, SubscriptionState.DELETED])
async def test_what_stands_still_is_cancelled_with_what_ends_it(db: Database, state: SubscriptionState) -> None:
    await define(db, NEWS)
    webhook = await db.write(subscribe)
    await publish(db)
    await judge(db)
    await define(db)
    await claim(db)
    await publish(db)
    end = subscriptions.disable if state is SubscriptionState.DISABLED else subscriptions.delete
    await db.write(end, webhook.id)
    await judge(db)

    assert await shown(db, webhook) == [(1, "cancelled", state.value), (2, "cancelled", state.value)]
    await adds_up(db)
