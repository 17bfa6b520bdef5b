import asyncio
from datetime import timedelta
from typing import Any

from support.clock import ManualClock
from support.deliveries import append, claim, fan_out, next_due, settle, states, subscribe

from publisher.model import Attempt, DeliveryState
from publisher.storage.engine.database import Database
from publisher.storage.subscriptions import listing
from publisher.storage.subscriptions.deliveries import Outcome
from publisher.storage.subscriptions.queue import Claimed

SENDING, RETRYING, DELIVERED = DeliveryState.SENDING, DeliveryState.RETRYING, DeliveryState.DELIVERED


def settled(
    one: Claimed,
    clock: ManualClock,
    state: Any,
    wait: float | None = None,
    *,
    status: int | None = None,
    error: str = "",
) -> Outcome:
    return Outcome(one.id, one.lease, state, wait, one.number, clock(), 7, status, error or None, "ok")


async def test_a_claim_brings_all_that_a_sender_needs(db: Database) -> None:
    subscription = await db.write(subscribe, sealed_secret=b"\x01s")
    [event] = await append(db)
    await fan_out(db)

    got = await claim(db)

    assert got.events == (event,)
    [one] = got.deliveries
    assert (one.seq, one.number, one.webhook, one.url) == (event.seq, 1, subscription.id, subscription.url)
    assert (one.secret, one.type, one.change, one.cancelled) == (b"\x01s", "article.published", "entered", None)
    assert await states(db, subscription) == [SENDING]


async def test_an_event_is_loaded_once_and_not_at_all_where_it_is_known(db: Database) -> None:
    for _ in range(4):
        await db.write(subscribe)
    [event] = await append(db)
    await fan_out(db)

    first = await claim(db, limit=2)
    second = await claim(db, limit=2, known={event.seq})

    assert (len(first.deliveries), len(first.events)) == (2, 1)
    assert (len(second.deliveries), len(second.events)) == (2, 0)


async def test_what_is_claimed_is_no_one_elses_until_its_lease_runs_out(db: Database, clock: ManualClock) -> None:
    await db.write(subscribe)
    await append(db)
    await fan_out(db)
    [first] = (await claim(db, lease="one")).deliveries
    clock.advance(59)
    assert (await claim(db, lease="two")).deliveries == ()
    clock.advance(1)
    [again] = (await claim(db, lease="two")).deliveries

    assert (again.id, again.number) == (first.id, 1)


async def test_settling_with_a_lost_lease_changes_nothing(db: Database, clock: ManualClock) -> None:
    subscription = await db.write(subscribe)
    await append(db)
    await fan_out(db)
    [lost] = (await claim(db, lease="one")).deliveries
    clock.advance(61)
    await claim(db, lease="two")

    assert (await db.write(settle, [settled(lost, clock, "delivered", status=204)])).lost == 1

    [delivery] = await db.read(listing.page, subscription.id, limit=10)
    assert delivery.state is SENDING
    assert await db.read(listing.attempts, delivery) == []


async def test_a_success_is_settled_for_good(db: Database, clock: ManualClock) -> None:
    subscription = await db.write(subscribe)
    await append(db)
    await fan_out(db)
    [one] = (await claim(db)).deliveries

    assert (await db.write(settle, [settled(one, clock, "delivered", status=204)])).lost == 0

    [delivery] = await db.read(listing.page, subscription.id, limit=10)
    assert (delivery.state, delivery.attempts, delivery.last_status) == (DELIVERED, 1, 204)
    assert (delivery.settled_at, delivery.next_attempt_at) == (clock(), None)
    tried = Attempt(number=1, at=clock(), duration_ms=7, status=204, response="ok")
    assert await db.read(listing.attempts, delivery) == [tried]
    assert await db.read(listing.get, subscription.id, delivery.id) == delivery
    clock.advance(3600)
    assert (await claim(db)).deliveries == ()
    assert await next_due(db) is None


async def test_a_failure_comes_back_when_its_wait_is_over(db: Database, clock: ManualClock) -> None:
    subscription = await db.write(subscribe)
    await append(db)
    await fan_out(db)
    [one] = (await claim(db)).deliveries
    await db.write(settle, [settled(one, clock, "retrying", 5.5, error="refused")])

    [delivery] = await db.read(listing.page, subscription.id, limit=10)
    assert (delivery.state, delivery.last_status, delivery.last_error) == (RETRYING, None, "refused")
    assert delivery.next_attempt_at == clock() + timedelta(seconds=5.5)
    assert await next_due(db) == 5.5
    assert (await claim(db)).deliveries == ()
    clock.advance(5.5)
    assert [again.number for again in (await claim(db)).deliveries] == [2]


async def test_what_is_handed_back_is_due_at_once_and_counts_no_attempt(db: Database) -> None:
    subscription = await db.write(subscribe)
    await append(db)
    await fan_out(db)
    [one] = (await claim(db)).deliveries
    await db.write(settle, [Outcome(one.id, one.lease, "pending", wait=0.0)])

    assert await states(db, subscription) == [DeliveryState.PENDING]
    assert [again.number for again in (await claim(db)).deliveries] == [1]


async def test_a_claim_leaves_out_busy_subscriptions_and_takes_a_share_of_each_other(db: Database) -> None:
    many = await db.write(subscribe)
    few = await db.write(subscribe, "few")
    await append(db, 6)
    await fan_out(db)
    await append(db)
    await fan_out(db, feeds=("few",))

    first = (await claim(db, lease="1", share=2)).deliveries
    assert [one.webhook for one in first] == [many.id, many.id, few.id]
    second = (await claim(db, lease="2", busy=[first[0].subscription])).deliveries
    assert second == ()
    assert await next_due(db, [first[0].subscription]) == 60
    assert len((await claim(db, lease="3")).deliveries) == 4


async def test_a_claim_takes_no_more_than_its_limit_and_what_is_longest_due_first(
    db: Database, clock: ManualClock
) -> None:
    await db.write(subscribe)
    for _ in range(3):
        await append(db)
        await fan_out(db)
        clock.advance(1)

    assert [one.seq for one in (await claim(db, limit=2)).deliveries] == [1, 2]


async def test_claims_at_the_same_time_share_the_queue(db: Database) -> None:
    for _ in range(20):
        await db.write(subscribe)
    await append(db, 5)
    await fan_out(db)

    claims = [await asyncio.gather(*(claim(db, lease=f"{n}.{i}", limit=10) for i in range(4))) for n in range(6)]

    taken = [one.id for round_ in claims for one_claim in round_ for one in one_claim.deliveries]
    assert len(taken) == len(set(taken))
    rest = (await claim(db, lease="rest", limit=100)).deliveries
    assert len(taken) + len(rest) == 100


async def test_deliveries_are_shown_newest_first_in_pages(db: Database) -> None:
    subscription = await db.write(subscribe)
    await append(db, 5)
    await fan_out(db)
    await claim(db, limit=1)

    first = await db.read(listing.page, subscription.id, limit=2)
    second = await db.read(listing.page, subscription.id, limit=2, before=(first[-1].seq, first[-1].run))
    assert [delivery.seq for delivery in first + second] == [5, 4, 3, 2]
    sending = await db.read(listing.page, subscription.id, limit=10, states=[SENDING])
    assert [delivery.seq for delivery in sending] == [1]
    assert await db.read(listing.depth) == {DeliveryState.PENDING: 4, SENDING: 1}
    assert (first[0].event_type, first[0].run, first[0].subscription) == ("article.published", 0, subscription.id)
