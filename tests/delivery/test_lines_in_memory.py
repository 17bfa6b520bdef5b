"""What is taken ahead: bounded, in order, and never in the way of anyone else."""

from __future__ import annotations

from typing import Any

import pytest
from support.deliveries import append, fan_out, states, subscribe
from support.delivering import Bench, endpoint, eventually

from publisher.delivery import Deliverer, deliverer
from publisher.delivery.followers import permissions
from publisher.delivery.held import FIRST_AHEAD
from publisher.delivery.signing import new_secret
from publisher.delivery.taking import AHEAD
from publisher.model import DeliveryState
from publisher.storage.engine.database import Tx
from publisher.storage.engine.tables import deliveries as table
from publisher.storage.subscriptions import deliveries, lanes, subscriptions

PENDING, SENDING, DELIVERED = DeliveryState.PENDING, DeliveryState.SENDING, DeliveryState.DELIVERED


async def test_who_has_much_waiting_holds_little_of_it_in_memory_and_delays_no_one(any_bench: Bench) -> None:
    async with endpoint() as receiver, endpoint() as other:
        behind = await any_bench.subscribe(receiver.url("/held"))
        await append(any_bench.db, 300)
        await fan_out(any_bench.db)
        await any_bench.subscribe(other.url("/other"))
        async with any_bench.running(endpoint=2) as running:
            await receiver.until(lambda: receiver.held == 2)
            await append(any_bench.db)
            await other.until(lambda: len(other.taken) == 1)
            assert held(running) <= FIRST_AHEAD
            shown = await states(any_bench.db, behind)
            assert shown.count(SENDING) <= FIRST_AHEAD + 2
            receiver.release.set()
            await receiver.until(lambda: len(receiver.taken) == 301)
    assert await states(any_bench.db, behind) == [DELIVERED] * 301
    assert receiver.most_held == 2


async def test_events_arrive_in_the_order_of_the_log_at_an_endpoint_that_is_sent_one_at_a_time(bench: Bench) -> None:
    async with endpoint() as receiver:
        await bench.subscribe(receiver.url())
        first = await append(bench.db, 60)
        async with bench.running(endpoint=1):
            await receiver.until(lambda: len(receiver.taken) > 10)
            more = await append(bench.db, 60)
            await receiver.until(lambda: len(receiver.taken) == 120)
    assert [got.id for got in receiver.got] == [event.id for event in (*first, *more)]


async def test_what_waits_goes_to_the_new_url_of_its_webhook_whichever_lane_that_is_in(any_bench: Bench) -> None:
    async with endpoint() as old, endpoint(host="0.0.0.0") as new:
        subscription = await any_bench.subscribe(old.url("/held"))
        port = new.root.rpartition(":")[2]
        url = next(
            url
            for n in range(2, 100)
            if lanes.lane_of(url := f"http://127.0.0.{n}:{port}/new") != lanes.lane_of(old.root)
        )
        async with any_bench.running(endpoint=1):
            await append(any_bench.db, 5)
            await old.until(lambda: old.held == 1)
            await any_bench.db.write(subscriptions.update, subscription.id, url=url)
            await new.until(lambda: len(new.taken) == 4)
            old.release.set()
            await eventually(lambda: states(any_bench.db, subscription), [DELIVERED] * 5)
    assert (len(old.got), len(new.got)) == (1, 4)


async def test_what_has_waited_in_memory_for_too_long_is_put_back_and_sent_once(
    any_bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliverer, "QUEUE_SECONDS", 0.05)
    async with endpoint() as receiver:
        subscription = await any_bench.subscribe(receiver.url("/held"))
        async with any_bench.running(endpoint=1):
            sent = await append(any_bench.db, 4)
            await receiver.until(lambda: receiver.held == 1)
            receiver.release.set()
            await eventually(lambda: states(any_bench.db, subscription), [DELIVERED] * 4)
    assert sorted(got.id for got in receiver.got) == sorted(event.id for event in sent)


async def test_what_comes_while_its_webhook_stands_still_is_sent_once_it_goes_on(bench: Bench) -> None:
    news = bench.feeds["news"]
    async with endpoint() as receiver:
        subscription = await bench.subscribe(receiver.url())
        async with bench.running():
            await append(bench.db)
            await receiver.until(lambda: len(receiver.taken) == 1)
            await bench.db.write(paused, {})
            await append(bench.db, 3)
            await eventually(lambda: states(bench.db, subscription), [DELIVERED, *[PENDING] * 3])
            await eventually(lambda: parked(bench), 3)
            await bench.db.write(paused, {"news": news})
            await receiver.until(lambda: len(receiver.taken) == 4)


def paused(tx: Tx, feeds: dict[str, Any]) -> None:
    permissions.adopt(tx, feeds)


async def parked(bench: Bench) -> int:
    def count(tx: Tx) -> int:
        far = table.c.due_at >= deliveries.PARKED // 2
        return len(tx.conn.execute(table.select().where(far)).all())

    return await bench.db.read(count)


async def test_no_more_is_taken_ahead_than_there_is_room_for(bench: Bench) -> None:
    async with endpoint() as receiver:
        for number in range(30):
            await bench.db.write(subscribe, url=receiver.url(f"/held?{number}"), sealed_secret=await sealed(bench))
        await append(bench.db, 40)
        await fan_out(bench.db)
        async with bench.running(slots=4) as running:
            await receiver.until(lambda: receiver.held == 3)  # the fourth place is for the quick
            assert held(running) <= min(AHEAD, 30 * FIRST_AHEAD)
            receiver.release.set()
            await receiver.until(lambda: len(receiver.got) == 1200)


async def sealed(bench: Bench) -> bytes:
    return bench.sealer.seal(new_secret().encode())


def held(running: Deliverer) -> int:
    """How many deliveries wait in memory."""
    count = sum(len(line.items) for line in running._sender._held.lines)
    assert count == running._sender._held.rows + running._sender._held.seats
    return count
