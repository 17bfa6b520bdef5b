"""Rights and removals meet: definitions that another process took, feeds that are away, and what is kept for them."""

from sqlalchemy import text
from support.clock import ManualClock
from support.deliveries import claim, settle, subscribe
from support.items import an_event
from support.rights import a_feed, adds_up, define, judge, now, publish, shown

from publisher.delivery.followers import pausing, permissions
from publisher.delivery.followers.fanout import FanOut
from publisher.model import Cause, Change, EventType, Filter, Match, Role, Subscription, SubscriptionState
from publisher.storage.configuration.in_force import KEPT_SECONDS
from publisher.storage.engine.database import Database, Tx
from publisher.storage.items import erasure
from publisher.storage.log import events
from publisher.storage.subscriptions import rights
from publisher.storage.subscriptions.deliveries import Outcome
from publisher.storage.subscriptions.fanout import Judged

NEWS, COFFEE, EMAS = a_feed("news"), a_feed("coffee", "kopi"), a_feed("emas", "emas")
DESK = a_feed("desk", "rahasia", private=True)


async def of_acme(db: Database, *feeds: str, roles: tuple[Role, ...] = (Role.SUBSCRIBER,)) -> Subscription:
    """A webhook of an owner with keys of these roles."""
    for role in roles:
        await db.write(permissions.create_key, role, "acme")
    return await db.write(subscribe, owner="acme", granted=None, filter=Filter(feeds=feeds))


def forget_definitions(tx: Tx) -> None:
    """As the data is after an upgrade, before definitions are taken again."""
    tx.conn.execute(text("UPDATE feed_states SET definition = NULL"))


async def test_a_webhook_that_stands_still_though_its_feed_is_there_goes_on_and_is_not_ended(
    db: Database, clock: ManualClock
) -> None:
    await define(db, NEWS)
    webhook = await db.write(subscribe)
    [one] = await db.read(rights.holders)
    await db.write(rights.stand_still, {"an older node said so": [one.n]})
    clock.advance(KEPT_SECONDS)

    assert await pausing.keep(db) == 0
    found = await now(db, webhook)
    assert (found.state, found.cause) == (SubscriptionState.ACTIVE, None)


async def test_what_another_process_took_is_judged_by_at_once(db: Database) -> None:
    await define(db, COFFEE)
    webhook = await db.write(subscribe, "coffee")
    fan_out = FanOut(db)
    first = await publish(db, "kopi")
    await fan_out.step()
    await define(db, a_feed("coffee", "emas"))
    await publish(db, "kopi")
    second = await publish(db, "emas")
    await fan_out.step()

    assert [seq for seq, _, _ in await shown(db, webhook)] == [first, second]


async def test_before_the_first_start_after_an_upgrade_only_who_has_no_key_left_loses_anything(db: Database) -> None:
    await define(db, NEWS)
    key, _ = await db.write(permissions.create_key, Role.OPERATOR, "acme")
    last, _ = await db.write(permissions.create_key, Role.SUBSCRIBER, "acme")
    webhook = await of_acme(db, "news", roles=())
    await publish(db)
    await judge(db)
    await db.write(forget_definitions)
    await db.write(permissions.revoke_key, key.id)
    await pausing.keep(db)
    assert await shown(db, webhook) == [(1, "pending", None)]
    assert (await now(db, webhook)).state is SubscriptionState.ACTIVE

    await db.write(permissions.revoke_key, last.id)
    assert await shown(db, webhook) == [(1, "cancelled", "access")]
    await adds_up(db)


async def test_what_waits_for_a_removed_public_feed_stays_when_the_owner_is_no_operator_any_more(db: Database) -> None:
    await define(db, COFFEE, DESK)
    key, _ = await db.write(permissions.create_key, Role.OPERATOR, "acme")
    webhook = await of_acme(db, "coffee")
    await publish(db, "kopi")
    await judge(db)
    await define(db, DESK)
    await publish(db, "kopi")
    await judge(db)
    await db.write(permissions.revoke_key, key.id)
    assert [state for _, state, _ in await shown(db, webhook)] == ["pending", "pending"]

    await define(db, COFFEE, DESK)
    assert [one.seq for one in (await claim(db)).deliveries] == [1, 2]
    await adds_up(db)


async def test_what_is_held_for_a_removed_feed_stays_and_what_a_removed_private_one_showed_does_not(
    db: Database,
) -> None:
    await define(db, COFFEE, DESK, EMAS)
    key, _ = await db.write(permissions.create_key, Role.OPERATOR, "acme")
    webhook = await of_acme(db, "coffee", "desk", "emas")
    for topic in ("kopi", "rahasia", "emas"):
        await publish(db, topic)
    await judge(db)
    await define(db, EMAS)
    for topic in ("kopi", "rahasia", "emas"):
        await publish(db, topic)
    await judge(db)
    await db.write(permissions.revoke_key, key.id)

    gone, kept = ("cancelled", "access"), ("pending", None)
    assert [tuple(rest) for _, *rest in await shown(db, webhook)] == [kept, gone, kept, kept, gone, kept]
    await adds_up(db)


async def test_what_is_held_for_a_removed_feed_stays_when_another_one_turns_private(db: Database) -> None:
    await define(db, COFFEE, a_feed("desk", "rahasia"), EMAS)
    webhook = await of_acme(db, "coffee", "desk", "emas")
    await define(db, a_feed("desk", "rahasia"), EMAS)
    for topic in ("kopi", "rahasia"):
        await publish(db, topic)
    await judge(db)
    await define(db, DESK, EMAS)

    assert await shown(db, webhook) == [(1, "pending", None), (2, "cancelled", "access")]
    await adds_up(db)


async def test_no_retry_carries_a_full_text_that_only_a_lost_feed_showed(db: Database) -> None:
    await define(db, a_feed("coffee", "kopi", content="summary"), a_feed("desk", "kopi", private=True), EMAS)
    key, _ = await db.write(permissions.create_key, Role.OPERATOR, "acme")
    webhook = await of_acme(db, "coffee", "desk", "emas")
    for topic in ("kopi", "emas"):
        await publish(db, topic)
    await judge(db)
    for one in (await claim(db, lease="failed")).deliveries:
        await db.write(settle, [Outcome(one.id, one.lease, "retrying", 0.0, 1, status=500)])
    await db.write(permissions.revoke_key, key.id)

    assert await shown(db, webhook) == [(1, "cancelled", "access"), (2, "retrying", None)]
    await adds_up(db)


async def test_what_is_paused_for_a_lost_right_does_not_go_on_because_its_private_feed_is_removed(
    db: Database,
) -> None:
    await define(db, NEWS, DESK)
    key, _ = await db.write(permissions.create_key, Role.OPERATOR, "acme")
    webhook = await of_acme(db, "desk")
    await db.write(permissions.revoke_key, key.id)
    for feeds in ((NEWS,), (NEWS, DESK)):
        await define(db, *feeds)
        found = await now(db, webhook)
        assert (found.state, found.cause) == (SubscriptionState.PAUSED, Cause.ACCESS)

    await define(db, NEWS, a_feed("desk", "rahasia"))
    assert (await now(db, webhook)).state is SubscriptionState.ACTIVE


def withdrawn_and_erased(tx: Tx) -> None:
    """Take the article away and erase it, while its withdrawal is not fanned out."""
    [event] = events.append(tx, [an_event(EventType.ARTICLE_WITHDRAWN)])
    _, filters = erasure.unsent(tx, "a1")
    match = Match(EventType.ARTICLE_WITHDRAWN, Change.LEFT)
    erasure.settle(tx, [Judged(event.seq, {one.id: match for one in filters})])
    erasure.erase(tx, "a1", "/api/v1/articles/a1")


async def test_who_is_no_operator_any_more_is_still_told_that_an_erased_article_is_gone(db: Database) -> None:
    await define(db, COFFEE, DESK)
    key, _ = await db.write(permissions.create_key, Role.OPERATOR, "acme")
    webhook = await of_acme(db, "coffee", "desk")
    await publish(db, "kopi")
    await judge(db)
    await db.write(withdrawn_and_erased)
    await db.write(permissions.revoke_key, key.id)
    await judge(db)

    assert await shown(db, webhook) == [(1, "cancelled", "erased"), (2, "pending", None)]
    await adds_up(db)
