"""Endpoints at which attempts fail are known, and told of after three first attempts."""

from collections.abc import Callable
from typing import Any

import pytest
from support.clock import ManualClock
from support.deliveries import append, claim, fan_out, settle, subscribe
from support.delivering import Bench, endpoint, eventually
from support.rights import a_feed, now

from publisher.delivery.followers import pausing
from publisher.model import EventType, Subscription
from publisher.storage.engine.database import Database, Tx
from publisher.storage.log import events
from publisher.storage.subscriptions import listing, notices, subscriptions
from publisher.storage.subscriptions.deliveries import Outcome
from publisher.storage.subscriptions.queue import Claimed

OPERATIONS = {"operations": a_feed("operations", items="operations")}


def tried(one: Claimed, clock: ManualClock, status: int) -> Outcome:
    done = {"state": "delivered"} if status < 300 else {"state": "retrying", "wait": 0.0}
    return Outcome(
        one.id, one.lease, **done, number=one.number, at=clock(), status=status,
        subscription=one.subscription, failing=one.failures > 0,
    )  # type: ignore[arg-type]  # fmt: skip


async def attempt(db: Database, clock: ManualClock, *statuses: int) -> None:
    """An event each, and what its first attempt is answered."""
    for status in statuses:
        clock.advance(1)
        await append(db)
        await fan_out(db)
        taken = (await claim(db, lease=f"{clock()}")).deliveries
        await db.write(settle, [tried(one, clock, status) for one in taken if one.number == 1])
        await db.write(settle, [Outcome(one.id, one.lease, "dead") for one in taken if one.number > 1])


def moved(tx: Tx, id: str) -> None:
    subscriptions.update(tx, id, url="https://receiver.example/another")


def enabled_again(tx: Tx, id: str) -> None:
    subscriptions.disable(tx, id)
    subscriptions.enable(tx, id)


async def failing(db: Database) -> list[str]:
    await pausing.tell(db)
    found = await db.read(events.after, 0, 100)
    return [event.data["error"] for event in found if event.type is EventType.WEBHOOK_FAILING]


async def test_what_fails_is_counted_with_its_last_error_until_something_arrives(
    db: Database, clock: ManualClock
) -> None:
    webhook = await db.write(subscribe)
    await attempt(db, clock, 204)
    assert (await now(db, webhook)).failures == 0
    await attempt(db, clock, 500)
    since = clock()
    await attempt(db, clock, 503)
    found = await now(db, webhook)
    assert (found.failures, found.failing_since) == (2, since)
    assert (found.last_error, found.last_error_at) == ("answered 503", clock())
    await attempt(db, clock, 204)
    found = await now(db, webhook)
    assert (found.failures, found.failing_since, found.last_error) == (0, None, "answered 503")


async def test_the_third_first_attempt_that_fails_is_told_once(db: Database, clock: ManualClock) -> None:
    await db.write(subscribe)
    await attempt(db, clock, 500, 500)
    assert await failing(db) == []
    await attempt(db, clock, 500)
    assert await failing(db) == ["answered 500"]
    await attempt(db, clock, 500, 500, 500, 500)
    assert await failing(db) == ["answered 500"]
    await attempt(db, clock, 204, 500, 500, 204, 500, 500)
    assert await failing(db) == ["answered 500"]
    await attempt(db, clock, 404)
    assert await failing(db) == ["answered 500", "answered 404"]


async def test_in_one_batch_only_what_failed_after_the_last_success_counts(db: Database, clock: ManualClock) -> None:
    webhook = await db.write(subscribe)
    await append(db, 5)
    await fan_out(db)
    taken = (await claim(db)).deliveries
    statuses = (500, 500, 500, 204, 503)
    outcomes = [tried(one, clock, status) for one, status in zip(taken, statuses, strict=True)]
    await db.write(settle, outcomes)

    found = await now(db, webhook)
    assert (found.failures, found.last_error) == (1, "answered 503")
    assert await failing(db) == []


async def test_operators_are_told_and_the_endpoint_is_not(any_bench: Bench) -> None:
    any_bench.feeds.update(OPERATIONS)
    async with endpoint(lambda _number: 500) as broken, endpoint() as receiver:
        webhook = await any_bench.subscribe(broken.url("/secret?token=1"))
        operator = await any_bench.subscribe(receiver.url(), "operations")
        async with any_bench.running(schedule=[3600.0]):
            await append(any_bench.db, 3)
            await receiver.until(lambda: len(receiver.taken) == 1)
            await eventually(lambda: delivered(any_bench, operator), 1)
        [told] = await any_bench.db.read(events.after, 3, 10)
        assert len(broken.got) == 3
    assert (told.type, told.subject, told.data["failures"]) == (EventType.WEBHOOK_FAILING, webhook.id, 3)
    assert "secret" not in str(told.data)
    assert await any_bench.db.read(notices.owed, 10) == []


async def delivered(bench: Bench, subscription: Subscription) -> int:
    found = await bench.db.read(listing.page, subscription.id, limit=10)
    return sum(one.state == "delivered" for one in found)


@pytest.mark.parametrize("begin_anew", [moved, enabled_again])
async def test_what_an_endpoint_failed_at_is_not_counted_for_another_or_after_enabling(
    db: Database, clock: ManualClock, begin_anew: Callable[[Tx, str], Any]
) -> None:
    webhook = await db.write(subscribe)
    await attempt(db, clock, 500, 500)
    await db.write(begin_anew, webhook.id)
    found = await now(db, webhook)
    assert (found.failures, found.failing_since) == (0, None)
    await attempt(db, clock, 500)
    assert await failing(db) == []
    assert (await now(db, webhook)).failures == 1
    await attempt(db, clock, 500, 500)
    assert await failing(db) == ["answered 500"]


async def test_an_endpoint_that_was_replaced_before_that_was_told_is_not_told_of(
    db: Database, clock: ManualClock
) -> None:
    webhook = await db.write(subscribe)
    await attempt(db, clock, 500, 500, 500)
    await db.write(moved, webhook.id)
    assert await failing(db) == []


async def test_the_url_that_it_has_already_changes_nothing(db: Database, clock: ManualClock) -> None:
    webhook = await db.write(subscribe)
    await attempt(db, clock, 500)
    await db.write(subscriptions.update, webhook.id, url=webhook.url)
    assert (await now(db, webhook)).failures == 1
