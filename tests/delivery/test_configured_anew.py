"""Schedule and timeout change while deliveries are under way."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import text
from support.deliveries import append, fan_out, states
from support.delivering import Bench, endpoint, eventually

from publisher.clock import from_micros
from publisher.delivery.deliverer import QUEUE_SECONDS
from publisher.model import DeliveryState
from publisher.storage.engine.database import Tx
from publisher.storage.subscriptions import listing

DEAD, DELIVERED, PENDING, RETRYING = (
    DeliveryState.DEAD,
    DeliveryState.DELIVERED,
    DeliveryState.PENDING,
    DeliveryState.RETRYING,
)


async def test_a_new_schedule_holds_from_the_next_claim_on(bench: Bench) -> None:
    async with endpoint(lambda _n: 500) as receiver:
        subscription = await bench.subscribe(receiver.url())
        async with bench.running(schedule=[300.0]) as deliverer:
            await append(bench.db)
            await eventually(lambda: states(bench.db, subscription), [RETRYING])
            deliverer.configure(schedule=[], timeout=30.0)
            await append(bench.db)
            await eventually(lambda: states(bench.db, subscription), [RETRYING, DEAD])


async def test_a_new_timeout_ends_no_attempt_that_was_claimed_under_a_longer_one(bench: Bench) -> None:
    async with endpoint() as receiver:
        subscription = await bench.subscribe(receiver.url("/held"))
        async with bench.running(schedule=[300.0], timeout=30.0) as deliverer:
            await append(bench.db)
            await receiver.until(lambda: receiver.held == 1)
            deliverer.configure(schedule=[300.0], timeout=0.05)
            await append(bench.db)
            await eventually(lambda: states(bench.db, subscription), [PENDING, RETRYING])
            receiver.release.set()
            await eventually(lambda: states(bench.db, subscription), [DELIVERED, RETRYING])

    [last, _] = await bench.db.read(listing.page, subscription.id, limit=10)
    assert "0.05 s" in (last.last_error or "")


async def test_a_lease_outlasts_the_queue_and_the_timeout_that_its_claim_was_made_under(bench: Bench) -> None:
    async with endpoint() as receiver:
        await bench.subscribe(receiver.url("/held"))
        await append(bench.db)
        await fan_out(bench.db)
        async with bench.running(schedule=[300.0], timeout=90.0, lease_margin=10.0):
            await receiver.until(lambda: receiver.held == 1)
            leased_until = await bench.db.read(_leased_until)
            receiver.release.set()

    assert leased_until == bench.clock() + timedelta(seconds=QUEUE_SECONDS + 100)


def _leased_until(tx: Tx) -> datetime:
    due = tx.conn.execute(text("SELECT due_at FROM deliveries WHERE state = 'sending'")).scalar_one()
    return from_micros(due)


async def test_signatures_state_the_time_of_the_clock_that_is_given(bench: Bench) -> None:
    moment = datetime.fromisoformat("2031-05-06T07:08:09+00:00")
    async with endpoint() as receiver:
        await bench.subscribe(receiver.url())
        async with bench.running(now=lambda: moment):
            await append(bench.db)
            await receiver.until(lambda: len(receiver.taken) == 1)

    assert receiver.got[0].headers["webhook-timestamp"] == str(int(moment.timestamp()))
