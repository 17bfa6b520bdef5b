"""Subscriptions that cannot go on: paused, and told."""

import json

import standardwebhooks
from support.deliveries import append, states
from support.delivering import Bench, endpoint, eventually
from support.rights import define

from publisher.delivery.followers.pausing import end, keep
from publisher.model import Cause, DeliveryState, FeedDefinition, Filter, SubscriptionState
from publisher.storage.configuration import feeds as feed_states
from publisher.storage.configuration.in_force import KEPT_SECONDS
from publisher.storage.log import events
from publisher.storage.subscriptions import listing, subscriptions

DELIVERED = DeliveryState.DELIVERED


async def test_the_endpoint_is_told_signed_that_it_is_paused_and_nothing_after_it(any_bench: Bench) -> None:
    async with endpoint() as receiver:
        subscription = await any_bench.subscribe(receiver.url())
        event = await any_bench.db.write(end, subscription.id, "the feed was removed")
        await append(any_bench.db)
        async with any_bench.running():
            await eventually(lambda: states(any_bench.db, subscription), [DELIVERED])

    assert event is not None
    (got,) = receiver.got
    body = standardwebhooks.Webhook(any_bench.secrets[subscription.id]).verify(got.body, got.headers)
    assert body == json.loads(got.body)
    assert (got.id, body["type"], body["data"]) == (event.id, "webhook.disabled", event.data)
    (accounts,) = await any_bench.db.read(listing.accounting, [event.seq])
    assert (accounts.matched, accounts.states) == (1, {DELIVERED: 1})


async def test_a_notice_that_is_not_taken_is_tried_again(bench: Bench) -> None:
    async with endpoint(lambda number: 503 if number < 2 else 204) as receiver:
        subscription = await bench.subscribe(receiver.url())
        await bench.db.write(end, subscription.id, "enough")
        async with bench.running():
            await eventually(lambda: states(bench.db, subscription), [DELIVERED])
    assert [one.answered for one in receiver.got] == [503, 503, 204]


async def test_those_who_follow_operations_are_told_of_it_too(bench: Bench) -> None:
    bench.feeds["operations"] = FeedDefinition(name="operations", title="Operations", items="operations")
    async with endpoint() as receiver:
        subscription = await bench.subscribe(receiver.url("/paused"))
        await bench.subscribe(receiver.url("/operator"), "operations")
        await define(bench.db, *bench.feeds.values())
        event = await bench.db.write(end, subscription.id, "enough")
        async with bench.running():
            await receiver.until(lambda: len(receiver.taken) == 2)

    assert event is not None
    assert receiver.taken == {("/paused", event.id), ("/operator", event.id)}
    versions = {name: state.version for name, state in (await bench.db.read(feed_states.states)).items()}
    assert versions == {"operations": 2, "news": 1, "russia": 1}
    (accounts,) = await bench.db.read(listing.accounting, [event.seq])
    assert (accounts.matched, accounts.states) == (2, {DELIVERED: 2})


async def test_only_those_left_without_any_feed_stand_still_and_no_one_is_told_yet(bench: Bench) -> None:
    lost = await bench.subscribe("https://receiver.example/1", filter=Filter(feeds=("gone", "lost")))
    await define(bench.db, *bench.feeds.values())
    half = await bench.subscribe("https://receiver.example/2", filter=Filter(feeds=("gone", "news")))

    assert await keep(bench.db) == 0
    paused, kept = [await bench.db.read(subscriptions.get, one.id) for one in (lost, half)]
    assert paused is not None
    assert (paused.state, paused.cause) == (SubscriptionState.PAUSED, Cause.FEEDS)
    assert paused.reason == 'the feeds "gone", "lost" were removed'
    assert kept == half
    assert await bench.db.read(events.last_seq) == 0


async def test_more_than_fit_into_one_transaction_are_all_ended_after_a_day(bench: Bench) -> None:
    await define(bench.db, *bench.feeds.values())
    for number in range(205):
        await bench.subscribe(f"https://receiver.example/{number}", "gone")
    assert await keep(bench.db) == 0
    bench.clock.advance(KEPT_SECONDS)
    assert await keep(bench.db) == 205
