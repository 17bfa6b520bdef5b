"""An endpoint that fails again and again is left alone but for probes; nothing that waits for it is lost by that."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from structlog.testing import capture_logs
from support.clock import ManualClock
from support.deliveries import append, states, subscribe
from support.delivering import Bench, endpoint, eventually
from support.rights import a_feed, define, now

from publisher.delivery.endpoints import circuit
from publisher.delivery.endpoints.circuit import OPENS_AFTER, PACE, Circuit
from publisher.delivery.followers import pausing
from publisher.model import DeliveryState, EventType, SubscriptionState
from publisher.storage.engine.database import Database, Tx
from publisher.storage.engine.tables import subscriptions as table
from publisher.storage.log import events
from publisher.storage.subscriptions import listing

PENDING, SENDING, DELIVERED = DeliveryState.PENDING, DeliveryState.SENDING, DeliveryState.DELIVERED


def opened() -> Circuit:
    one = Circuit()
    for _ in range(OPENS_AFTER):
        one.failed(0.0)
    return one


def test_it_opens_at_the_tenth_failure_in_a_row_and_any_success_closes_it() -> None:
    one = Circuit()
    assert [one.failed(0.0) for _ in range(OPENS_AFTER - 1)] == [False] * 9
    one.succeeded()
    assert [one.failed(0.0) for _ in range(OPENS_AFTER)] == [False] * 9 + [True]
    assert one.open
    assert one.succeeded() is True
    assert not one.open
    assert one.succeeded() is False


def test_probes_come_at_their_own_pace_and_take_the_oldest_and_the_newest_in_turn() -> None:
    one = opened()
    at, waits, newest = one.probe_at, [one.probe_at], []
    for _ in range(6):
        newest.append(one.probe())
        one.unanswered(at)
        waits.append(one.probe_at - at)
        at = one.probe_at
    assert newest == [False, True] * 3
    for wait, pace in zip(waits, (*PACE, PACE[-1], PACE[-1]), strict=True):
        assert pace * 0.8 <= wait <= pace * 1.2


def test_one_that_is_on_record_as_failing_is_open_from_the_start_and_probed_at_once() -> None:
    one = Circuit()
    one.known(OPENS_AFTER + 3, now=100.0)
    assert one.open
    assert one.probe_at == 100.0
    other = Circuit()
    other.known(OPENS_AFTER - 1, now=100.0)
    assert not other.open


async def test_what_waits_for_an_open_circuit_costs_it_no_attempt_and_arrives_once_it_answers(
    any_bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(circuit, "PACE", (0.01,))
    works = False
    async with endpoint(lambda _n: 204 if works else 500) as receiver, endpoint() as other:
        failing = await any_bench.subscribe(receiver.url())
        well = await any_bench.subscribe(other.url("/other"))
        with capture_logs() as logged:
            async with any_bench.running(schedule=[0.0, 0.0], endpoint=2):
                sent = await append(any_bench.db, 20)
                await other.until(lambda: len(other.taken) == 20)
                await receiver.until(
                    lambda: len(receiver.got) >= OPENS_AFTER + 25
                )  # far more than all attempts there are
                shown = await any_bench.db.read(listing.page, failing.id, limit=100)
                works = True
                await receiver.until(lambda: len(receiver.taken) >= 20 - sum(one.state == "dead" for one in shown))
                await eventually(lambda: any_bench.db.read(listing.depth), {})
    opened = [one for one in logged if one["event"] == "endpoint.circuit_opened"]
    assert len(opened) == 1
    tried = [one for one in shown if one.attempts]
    assert sum(one.attempts for one in tried) <= OPENS_AFTER + 2  # what was under way when it opened
    assert {one.state for one in shown if not one.attempts} <= {PENDING, SENDING}  # one of them as a probe
    assert await states(any_bench.db, well) == [DELIVERED] * len(sent)
    probed = [got.id for got in receiver.got[OPENS_AFTER + 2 :] if got.answered == 500]
    assert len(set(probed)) > 1  # one event that a receiver cannot take does not hold the rest
    assert (await now(any_bench.db, failing)).failures == 0


async def test_a_probe_that_fails_counts_for_the_endpoint_alone(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(circuit, "PACE", (0.01,))
    async with endpoint(lambda _n: 503) as receiver:
        subscription = await bench.subscribe(receiver.url())
        async with bench.running(schedule=[3600.0] * 9, endpoint=1):
            await append(bench.db, 12)
            await receiver.until(lambda: len(receiver.got) == OPENS_AFTER + 6)
    found = await bench.db.read(listing.page, subscription.id, limit=100)
    assert sum(one.attempts for one in found) == OPENS_AFTER
    assert not any(one.state is DeliveryState.DEAD for one in found)
    assert (await now(bench.db, subscription)).failures >= OPENS_AFTER + 6


async def test_after_five_days_of_failing_everything_it_is_disabled_and_its_owner_told(
    db: Database, clock: ManualClock
) -> None:
    await define(db, a_feed("news"))
    one, brief = await db.write(subscribe), await db.write(subscribe)

    def failing(tx: Tx) -> None:
        values = {"failures": OPENS_AFTER, "failing_since": tx.now, "last_error": "answered 503"}
        tx.conn.execute(table.update().where(table.c.id == one.id).values(values))
        tx.conn.execute(table.update().where(table.c.id == brief.id).values({**values, "failures": OPENS_AFTER - 1}))

    await db.write(failing)
    clock.advance(timedelta(days=5).total_seconds() - 1)
    assert await pausing.keep(db) == 0
    clock.advance(1)
    assert await pausing.keep(db) == 1
    ended = await now(db, one)
    assert ended.state is SubscriptionState.DISABLED
    assert ended.reason == "every attempt has failed for 5 days; the last one: answered 503"
    assert (await now(db, brief)).state is SubscriptionState.ACTIVE
    [told] = [event for event in await db.read(events.after, 0, 10) if event.type is EventType.WEBHOOK_DISABLED]
    assert told.subject == one.id
    assert json.loads(json.dumps(told.data))["reason"] == ended.reason
