import pytest
from support.deliveries import NEWS, append, claim, fan_out, states, subscribe

from publisher.errors import NotFound
from publisher.model import DeliveryState, EventType, Filter, SubscriptionState
from publisher.storage.configuration import feeds
from publisher.storage.engine.database import Database
from publisher.storage.log import events
from publisher.storage.subscriptions import listing, notices, subscriptions

PENDING, SENDING, CANCELLED = DeliveryState.PENDING, DeliveryState.SENDING, DeliveryState.CANCELLED


async def test_a_pause_keeps_its_reason_and_is_in_the_log_without_the_urls_path(db: Database) -> None:
    made = await db.write(subscribe, url="https://receiver.example:8443/hook/of-a-secret?token=1")
    event = await db.write(notices.disable_and_tell, made.id, "it answered 410")

    paused = await db.read(subscriptions.get, made.id)
    assert paused is not None
    assert (paused.state, paused.reason) == (SubscriptionState.DISABLED, "it answered 410")
    assert event is not None
    assert await db.read(events.get, event.id) == event
    assert (event.type, event.subject) == (EventType.WEBHOOK_DISABLED, made.id)
    assert event.data == {
        "id": made.id,
        "host": "receiver.example:8443",
        "reason": "it answered 410",
        "feeds": ["news"],
    }


async def test_the_notice_is_the_one_event_that_a_paused_subscription_still_gets(db: Database) -> None:
    subscription = await db.write(subscribe, filter=Filter(feeds=("news",), events=(EventType.ARTICLE_PUBLISHED,)))
    await append(db)
    await fan_out(db)
    event = await db.write(notices.disable_and_tell, subscription.id, "enough")
    await append(db)
    await fan_out(db)

    assert await states(db, subscription) == [CANCELLED, PENDING]
    assert event is not None
    (taken,) = (await claim(db)).deliveries
    assert (taken.seq, taken.type, taken.cancelled) == (event.seq, EventType.WEBHOOK_DISABLED, None)


async def test_the_notice_goes_to_no_one_else_and_adds_up(db: Database) -> None:
    first, second = await db.write(subscribe), await db.write(subscribe)
    event = await db.write(notices.disable_and_tell, first.id, "enough")
    await fan_out(db, feeds=())

    assert event is not None
    assert (await states(db, first), await states(db, second)) == ([PENDING], [])
    (accounts,) = await db.read(listing.accounting, [event.seq])
    assert (accounts.matched, accounts.states) == (1, {PENDING: 1})


async def test_pausing_twice_tells_once(db: Database) -> None:
    subscription = await db.write(subscribe)
    assert await db.write(notices.disable_and_tell, subscription.id, "enough")
    assert await db.write(notices.disable_and_tell, subscription.id, "more than enough") is None
    assert await db.read(events.last_seq) == 1


async def test_what_no_one_has_cannot_be_paused(db: Database) -> None:
    with pytest.raises(NotFound, match="wh_none"):
        await db.write(notices.disable_and_tell, "wh_none", "enough")


async def test_deleting_a_paused_subscription_cancels_its_notice_wherever_it_is(db: Database) -> None:
    fanned_out, not_yet = await db.write(subscribe), await db.write(subscribe)
    await db.write(notices.disable_and_tell, fanned_out.id, "enough")
    await fan_out(db, feeds=())
    await db.write(notices.disable_and_tell, not_yet.id, "enough")
    for one in (fanned_out, not_yet):
        await db.write(subscriptions.delete, one.id)
    await fan_out(db)

    assert (await states(db, fanned_out), await states(db, not_yet)) == ([CANCELLED], [CANCELLED])


async def test_a_subscription_enabled_again_has_no_reason_and_still_gets_its_notice(db: Database) -> None:
    subscription = await db.write(subscribe)
    await db.write(notices.disable_and_tell, subscription.id, "enough")
    enabled = await db.write(subscriptions.enable, subscription.id)
    await append(db)
    await fan_out(db)

    assert (enabled.state, enabled.reason) == (SubscriptionState.ACTIVE, None)
    assert await states(db, subscription) == [PENDING, PENDING]


async def test_the_stranded_are_those_active_ones_that_follow_no_feed_there_is(db: Database) -> None:
    gone = Filter(feeds=("gone", "lost"))
    stranded = [await db.write(subscribe, filter=gone) for _ in range(3)]
    await db.write(subscribe, filter=NEWS)
    await db.write(subscribe, filter=Filter(feeds=("gone", "news")))
    disabled = await db.write(subscribe, filter=gone)
    await db.write(subscriptions.disable, disabled.id)

    assert await db.read(subscriptions.stranded, ["news"], 10) == stranded
    assert await db.read(subscriptions.stranded, ["news"], 2) == stranded[:2]
    assert await db.read(subscriptions.stranded, ["news", "lost"], 10) == []


async def test_removed_feeds_are_told_once(db: Database) -> None:
    assert await db.write(feeds.define, {"news": "d1", "rusia": "d1"}) == []
    assert await db.write(feeds.define, {"news": "d1"}) == ["rusia"]
    assert await db.write(feeds.define, {"news": "d1"}) == []


async def test_a_feed_that_comes_back_as_it_was_has_changed(db: Database) -> None:
    await db.write(feeds.define, {"news": "d1"})
    await db.write(feeds.define, {})
    await db.write(feeds.define, {"news": "d1"})

    state = await db.read(feeds.state, "news")
    assert state is not None
    assert (state.digest, state.version) == ("d1", 2)
