"""What the delivery path promises: every event, to everyone who follows it, signed, at least once."""

import asyncio
import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
import standardwebhooks
import svix
from sqlalchemy import text
from structlog.testing import capture_logs
from support.deliveries import append, claim, fan_out, states
from support.delivering import Bench, endpoint, eventually
from support.items import an_event
from support.rights import define

from publisher.delivery import deliverer
from publisher.model import DeliveryState, EventType, Filter
from publisher.storage.engine.database import Tx
from publisher.storage.log import events
from publisher.storage.subscriptions import listing, subscriptions

SENDING, DELIVERED, DEAD = DeliveryState.SENDING, DeliveryState.DELIVERED, DeliveryState.DEAD

DISK_FULL = """
    CREATE TRIGGER fault BEFORE UPDATE ON parcels WHEN NEW.closed_at IS NOT NULL
    BEGIN SELECT RAISE(ABORT, 'disk full'); END"""


def failing_a_third(number: int) -> int:
    return (302, 404, 500, 503)[number // 3 % 4] if number % 3 == 1 else 204


def run_sql(tx: Tx, statement: str) -> None:
    tx.conn.execute(text(statement))


async def _said(logged: Sequence[Mapping[str, Any]], event: str) -> bool:
    return any(entry["event"] == event for entry in logged)


async def test_a_receiver_that_fails_a_third_of_the_time_gets_every_event(any_bench: Bench) -> None:
    async with endpoint(failing_a_third) as receiver, any_bench.running():
        subscription = await any_bench.subscribe(receiver.url())
        sent = [event for _ in range(4) for event in await append(any_bench.db, 10)]
        await receiver.until(lambda: len(receiver.taken) == 40)

    assert {id_ for _, id_ in receiver.taken} == {event.id for event in sent}
    assert len(receiver.got) > 40
    secret = any_bench.secrets[subscription.id]
    bodies = defaultdict(set)
    for got in receiver.got:
        assert standardwebhooks.Webhook(secret).verify(got.body, got.headers)["id"] == got.id
        svix.Webhook(secret).verify(got.body, got.headers)  # raises if it does not
        bodies[got.id].add(got.body)
    assert all(len(different) == 1 for different in bodies.values())
    accounts = await any_bench.db.read(listing.accounting, [event.seq for event in sent])
    assert [(one.matched, one.states) for one in accounts] == [(1, {DELIVERED: 1})] * 40
    tried = Counter(got.id for got in receiver.got)
    for one in await any_bench.db.read(listing.page, subscription.id, limit=100):
        log = await any_bench.db.read(listing.attempts, one)
        assert one.attempts == len(log) == tried[one.event_id]
        assert (log[-1].status, log[-1].number) == (204, len(log))


async def test_only_events_that_its_feeds_and_types_select_are_told(bench: Bench) -> None:
    topic = {"id": "a1", "title": "T", "body": "B", "topics": ["Rusia"]}
    other = {**topic, "topics": []}
    published = Filter(feeds=("russia",), events=(EventType.ARTICLE_PUBLISHED, EventType.ARTICLE_WITHDRAWN))
    async with endpoint() as receiver:
        await bench.subscribe(receiver.url("/topic"), "russia")
        await bench.subscribe(receiver.url("/typed"), filter=published)
        new = [
            an_event(data=other),
            an_event(EventType.ARTICLE_UPDATED, data=topic, before=other),
            an_event(EventType.ARTICLE_UPDATED, data=topic, before=topic),
            an_event(EventType.ARTICLE_UPDATED, data=other, before=topic),
            an_event(data=topic, quiet=True),
        ]
        numbered = []
        async with bench.running():
            for event, taken in zip(new, (0, 2, 3, 5, 5), strict=True):
                numbered += await bench.db.write(events.append, [event])
                await receiver.until(lambda taken=taken: len(receiver.taken) == taken)  # type: ignore[misc]

    told = sorted((got.path, *map(json.loads(got.body).get, ("seq", "type", "change"))) for got in receiver.got)
    assert told == [
        ("/topic", 2, "article.updated", "entered"),
        ("/topic", 3, "article.updated", "stayed"),
        ("/topic", 4, "article.updated", "left"),
        ("/typed", 2, "article.published", "entered"),
        ("/typed", 4, "article.withdrawn", "left"),
    ]
    left = json.loads(next(got.body for got in receiver.got if got.id == numbered[3].id))
    assert left["data"] == topic
    accounts = await bench.db.read(listing.accounting, [1, 2, 3, 4, 5])
    assert [account.matched for account in accounts] == [0, 2, 1, 2, 0]


async def test_a_webhook_on_a_summary_feed_carries_the_full_text_in_no_attempt(any_bench: Bench) -> None:
    any_bench.feeds["russia"] = any_bench.feeds["russia"].model_copy(update={"content": "summary"})
    data = {"id": "a1", "title": "T", "summary": None, "body": "<p>Open words. And a secret.</p>", "topics": ["Rusia"]}
    async with endpoint(lambda number: 500 if number < 3 else 204) as receiver, any_bench.running():
        await any_bench.subscribe(receiver.url("/summary"), "russia")
        await any_bench.subscribe(receiver.url("/full"), "news")
        await any_bench.db.write(events.append, [an_event(data=data)])
        await receiver.until(lambda: len(receiver.got) >= 4)
        any_bench.feeds["russia"] = any_bench.feeds["russia"].model_copy(update={"content": "full"})
        await define(any_bench.db, *any_bench.feeds.values())
        await receiver.until(lambda: len(receiver.taken) == 2)

    bodies = defaultdict(set)
    for got in receiver.got:
        bodies[got.path].add(got.body)
    assert [len(different) for different in bodies.values()] == [1, 1]
    told = {path: json.loads(next(iter(different)))["data"] for path, different in bodies.items()}
    assert told["/full"] == data
    assert told["/summary"] == {**data, "summary": "Open words.…", "body": None}


async def test_a_slow_endpoint_stalls_no_other_and_is_not_overrun(any_bench: Bench) -> None:
    async with endpoint() as receiver:
        await any_bench.subscribe(receiver.url("/held"))
        await any_bench.subscribe(receiver.url("/fast"))
        await append(any_bench.db, 60)
        async with any_bench.running(slots=20, endpoint=6):
            await receiver.until(lambda: len(receiver.taken) == 60)
            assert {path for path, _ in receiver.taken} == {"/fast"}
            await receiver.until(lambda: receiver.held == 6)
            receiver.release.set()
            await receiver.until(lambda: len(receiver.taken) == 120)

    assert receiver.most_held == 6


async def test_a_delivery_whose_schedule_is_used_up_is_dead(bench: Bench) -> None:
    async with endpoint(lambda _n: 500) as receiver:
        subscription = await bench.subscribe(receiver.url())
        async with bench.running(schedule=[0.0, 0.0]):
            await append(bench.db)
            await receiver.until(lambda: len(receiver.got) == 3)

    [delivery] = await bench.db.read(listing.page, subscription.id, limit=10)
    assert (delivery.state, delivery.attempts, delivery.last_status) == (DEAD, 3, 500)
    log = await bench.db.read(listing.attempts, delivery)
    assert [(one.number, one.status, one.response) for one in log] == [(n, 500, "noted") for n in (1, 2, 3)]


async def test_a_failed_attempt_is_tried_again_when_the_schedule_says(bench: Bench) -> None:
    async with endpoint(lambda n: 500 if n == 0 else 200) as receiver:
        subscription = await bench.subscribe(receiver.url())
        async with bench.running(schedule=[300.0]):
            await append(bench.db)
            await receiver.until(lambda: len(receiver.got) == 1)
        [delivery] = await bench.db.read(listing.page, subscription.id, limit=10)
        assert delivery.state is DeliveryState.RETRYING
        assert delivery.next_attempt_at is not None
        wait = (delivery.next_attempt_at - bench.clock()).total_seconds()
        assert 240 <= wait <= 360
        bench.clock.advance(wait)
        async with bench.running(schedule=[300.0]):
            await receiver.until(lambda: len(receiver.got) == 2)

    assert await states(bench.db, subscription) == [DELIVERED]


async def test_an_endpoint_that_cannot_be_reached_is_recorded_with_the_reason(bench: Bench) -> None:
    async with endpoint() as receiver:
        gone = receiver.url()
    subscription = await bench.subscribe(gone)
    refused = await bench.subscribe("http://10.0.0.1/hook")
    await append(bench.db)
    async with bench.running(schedule=[]):
        await eventually(lambda: states(bench.db, refused), [DEAD])
        await eventually(lambda: states(bench.db, subscription), [DEAD])

    [delivery] = await bench.db.read(listing.page, subscription.id, limit=10)
    assert (delivery.state, delivery.last_status) == (DEAD, None)
    assert "cannot connect" in (delivery.last_error or "")
    [delivery] = await bench.db.read(listing.page, refused.id, limit=10)
    assert "not a public address" in (delivery.last_error or "")


async def test_what_a_dead_process_had_claimed_is_sent_by_the_next(any_bench: Bench) -> None:
    async with endpoint() as receiver:
        subscription = await any_bench.subscribe(receiver.url())
        await append(any_bench.db, 3)
        await fan_out(any_bench.db)
        assert len((await claim(any_bench.db, lease="of the dead")).deliveries) == 3
        any_bench.clock.advance(61)
        async with any_bench.running():
            await receiver.until(lambda: len(receiver.taken) == 3)

    assert await states(any_bench.db, subscription) == [DELIVERED] * 3


async def test_while_outcomes_cannot_be_recorded_nothing_is_sent_again(bench: Bench) -> None:
    await bench.db.write(run_sql, DISK_FULL)
    async with endpoint() as receiver:
        subscription = await bench.subscribe(receiver.url())
        await append(bench.db)
        with capture_logs() as logged:
            async with bench.running() as deliverer:
                await eventually(lambda: _said(logged, "delivery.settle_failed"), True)
                bench.clock.advance(3600)  # the lease has run out: only the unrecorded outcome keeps it from us
                await append(bench.db)
                deliverer.wake()
                await eventually(lambda: states(bench.db, subscription), [DeliveryState.PENDING] * 2)
                assert len(receiver.got) == 1
                await bench.db.write(run_sql, "DROP TRIGGER fault")
                await receiver.until(lambda: len(receiver.taken) == 2)

    assert len(receiver.got) == 2
    assert await states(bench.db, subscription) == [DELIVERED] * 2


async def test_a_fan_out_that_does_not_get_any_further_is_told_and_so_is_that_it_does_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliverer, "STUCK_SECONDS", 3.0)  # three looks at the log

    async with bench.running() as running:

        async def stuck() -> str:
            return running.stuck.partition(" ")[0]

        assert running.stuck == ""
        await bench.db.write(run_sql, "ALTER TABLE filters RENAME TO hidden")
        await append(bench.db)
        await eventually(stuck, "fan-out")
        await bench.db.write(run_sql, "ALTER TABLE hidden RENAME TO filters")
        await eventually(stuck, "")


async def test_stopping_waits_for_what_is_under_way(bench: Bench) -> None:
    async with endpoint() as receiver:
        subscription = await bench.subscribe(receiver.url("/held"))
        await append(bench.db)
        async with bench.running() as deliverer:
            await receiver.until(lambda: receiver.held == 1)
            assert deliverer.running
            stopping = asyncio.create_task(deliverer.stop(30))
            receiver.release.set()
            await stopping
            assert not deliverer.running

    assert await states(bench.db, subscription) == [DELIVERED]


async def test_what_outlasts_the_grace_is_handed_back_and_counts_no_attempt(bench: Bench) -> None:
    async with endpoint(lambda n: 500 if n == 0 else 200) as receiver:
        first = await bench.subscribe(receiver.url("/held"))
        await append(bench.db)
        async with bench.running() as deliverer:
            await receiver.until(lambda: receiver.held == 1)
            await deliverer.stop(0)
        [delivery] = await bench.db.read(listing.page, first.id, limit=10)
        assert (delivery.state, delivery.attempts) == (DeliveryState.PENDING, 0)
        assert delivery.next_attempt_at == bench.clock()


async def test_a_subscription_deleted_while_sending_is_sent_nothing_more(bench: Bench) -> None:
    async with endpoint(lambda _n: 500) as receiver:
        subscription = await bench.subscribe(receiver.url("/held"))
        await append(bench.db, 3)
        async with bench.running(endpoint=1):
            await receiver.until(lambda: receiver.held == 1)
            await bench.db.write(subscriptions.delete, subscription.id)
            await append(bench.db)
            receiver.release.set()
            await receiver.until(lambda: len(receiver.got) == 1)

    assert len(receiver.got) == 1
    assert await states(bench.db, subscription) == [DeliveryState.CANCELLED] * 3


async def test_events_while_no_one_was_running_are_sent_later(bench: Bench) -> None:
    async with endpoint() as receiver:
        await bench.subscribe(receiver.url())
        for _ in range(3):
            await append(bench.db)
        async with bench.running():
            await receiver.until(lambda: len(receiver.taken) == 3)
            await append(bench.db)
            await receiver.until(lambda: len(receiver.taken) == 4)


async def test_several_deliverers_share_the_work_and_send_nothing_twice(any_bench: Bench) -> None:
    async with endpoint() as receiver:
        for number in range(10):
            await any_bench.subscribe(receiver.url(f"/{number}"))
        async with any_bench.running(slots=16), any_bench.running(slots=16), any_bench.running(slots=16):
            await append(any_bench.db, 20)
            await receiver.until(lambda: len(receiver.taken) == 200)

    assert len(receiver.got) == 200


async def test_a_test_is_signed_sent_once_and_in_no_log(bench: Bench) -> None:
    async with endpoint(lambda _n: 503) as receiver:
        subscription = await bench.subscribe(receiver.url())
        result = await bench.deliverer().test(subscription)

    [got] = receiver.got
    body = standardwebhooks.Webhook(bench.secrets[subscription.id]).verify(got.body, got.headers)
    assert (body["type"], body["id"], body["data"]) == ("webhook.test", got.id, {"webhook": subscription.id})
    assert (result.status, result.error, result.response_excerpt) == (503, None, "noted")
    assert await bench.db.read(events.last_seq) == 0
    assert await states(bench.db, subscription) == []
