"""What goes wrong around the sender loses nothing, sends nothing twice and stops no one else."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace

import pytest
from support.answering import POLICY, Answering, Fault
from support.deliveries import append, fan_out, states, subscribe
from support.delivering import eventually

from publisher.delivery import lines, taking
from publisher.delivery.sender import FRESH_SECONDS
from publisher.delivery.taking import POLL_SECONDS
from publisher.model import DeliveryState
from publisher.storage.engine.database import Database
from publisher.storage.log import events
from publisher.storage.subscriptions import deliveries, queue, subscriptions

PENDING, SENDING, DELIVERED = DeliveryState.PENDING, DeliveryState.SENDING, DeliveryState.DELIVERED


@pytest.mark.parametrize(
    ("looks_before", "claim"), [(0, "take_of"), (1, "take")], ids=["found at the start", "fanned out since"]
)
async def test_what_is_due_is_sent_although_its_claim_failed_once(
    sqlite_db: Database, answering: Answering, monkeypatch: pytest.MonkeyPatch, looks_before: int, claim: str
) -> None:
    await sqlite_db.write(subscribe)
    ours = answering(sqlite_db)
    await ours.look(looks_before)
    await append(sqlite_db, 3)
    await fan_out(sqlite_db)
    fault = Fault(monkeypatch, queue, claim)
    async with ours.running():
        await eventually(ours.count, 3)
    assert fault.met


async def test_what_waits_in_memory_is_sent_although_its_events_could_not_be_loaded_once(
    sqlite_db: Database, answering: Answering, monkeypatch: pytest.MonkeyPatch
) -> None:
    await sqlite_db.write(subscribe)
    await append(sqlite_db, 12)
    await fan_out(sqlite_db)
    ours = answering(sqlite_db)
    await ours.look()
    assert len(ours.sent) == 10
    ours.sender._held.prepared._events.clear()
    fault = Fault(monkeypatch, events, "among")
    async with ours.running():
        ours.sent[0].answer()
        await eventually(ours.count, 11)
    assert fault.met


async def test_it_stops_although_a_secret_could_not_be_opened(sqlite_db: Database, answering: Answering) -> None:
    await sqlite_db.write(subscribe)
    await append(sqlite_db)
    await fan_out(sqlite_db)
    ours = answering(sqlite_db)
    ours.client.sealed = True
    await ours.look()
    assert ours.sender.sealed
    async with asyncio.timeout(60):
        await ours.sender.drain(0)


async def test_what_is_new_is_sent_although_its_line_was_forgotten_between_being_found_and_taken(
    sqlite_db: Database, answering: Answering, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines, "KEPT", 10)
    monkeypatch.setattr(taking, "BATCH", 2)
    monkeypatch.setattr(taking, "SCAN", 6)
    urls = [f"https://{n}.example/hook" for n in range(14)]
    for url in urls:
        await sqlite_db.write(subscribe, url=url)
    ours = answering(sqlite_db)
    await ours.look()
    for number in (1, 2):
        await append(sqlite_db)
        await fan_out(sqlite_db)
        for _ in urls:
            await ours.look()
            ours.answer_all()
        assert Counter(one.url for one in ours.sent) == dict.fromkeys(urls, number)


async def test_what_waited_in_memory_beyond_its_lease_is_sent_once(sqlite_db: Database, answering: Answering) -> None:
    await sqlite_db.write(subscribe)
    await append(sqlite_db, 12)
    await fan_out(sqlite_db)
    ours = answering(sqlite_db, policy=replace(POLICY, timeout=1.0, queue=1.0, lease=3.0))
    await ours.look()
    slow = {one.id for one in ours.sent if one.connect()}
    assert len(slow) == 10
    await ours.look(after=4.0)
    for _ in range(6):
        ours.answer_all()
        await ours.look()
    waited = Counter(one.id for one in ours.sent if one.began and one.id not in slow)
    assert sorted(waited.values()) == [1, 1]


async def test_what_has_waited_for_too_long_behind_slow_requests_goes_back_before_its_lease_is_over(
    sqlite_db: Database, answering: Answering
) -> None:
    subscription = await sqlite_db.write(subscribe)
    await append(sqlite_db, 12)
    await fan_out(sqlite_db)
    ours = answering(sqlite_db)
    await ours.look()
    assert [one.connect() for one in ours.open] == [True] * 10
    await ours.look(after=POLICY.queue + 1)
    await ours.settle()
    assert await states(sqlite_db, subscription) == [SENDING] * 10 + [PENDING] * 2


async def test_what_waits_for_a_connection_goes_to_the_url_that_its_webhook_has_by_then(
    sqlite_db: Database, answering: Answering
) -> None:
    subscription = await sqlite_db.write(subscribe)
    await append(sqlite_db)
    await fan_out(sqlite_db)
    ours = answering(sqlite_db)
    await ours.look()
    [first] = ours.sent
    await sqlite_db.write(subscriptions.update, subscription.id, url="https://other.example/hook")
    await ours.look(2)
    assert first.over
    assert not first.began
    assert [one.url for one in ours.open] == ["https://other.example/hook"]


async def test_a_line_whose_items_were_all_cancelled_goes_on_with_what_is_in_the_database(
    sqlite_db: Database, answering: Answering
) -> None:
    subscription = await sqlite_db.write(subscribe)
    await append(sqlite_db, 40)
    await fan_out(sqlite_db)
    ours = answering(sqlite_db)
    await ours.look(2)
    waiting = [item.one.seq for item in ours.line().items]
    assert 0 < len(waiting) < 30
    await sqlite_db.write(deliveries.cancel_erased, waiting)
    for _ in range(10):
        await ours.look()
        ours.answer_all()
    await ours.settle()
    assert (await states(sqlite_db, subscription)).count(DELIVERED) == 40 - len(waiting)


async def test_what_another_process_fanned_out_is_found_however_often_this_one_is_woken_by_its_own(
    sqlite_db: Database, answering: Answering
) -> None:
    await sqlite_db.write(subscribe)
    ours = answering(sqlite_db)
    await ours.look()
    await append(sqlite_db)
    await fan_out(sqlite_db)
    await ours.look(after=POLL_SECONDS / 2, woken=False)
    assert ours.sent == []
    await ours.look(after=POLL_SECONDS / 2, woken=False)
    assert len(ours.sent) == 1


async def test_what_was_held_back_while_a_look_was_under_way_is_sent_after_the_next(
    sqlite_db: Database, answering: Answering, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The look began before: what it learns is too old. Without another, each step would wake the next, for ever."""
    await sqlite_db.write(subscribe)
    await append(sqlite_db)
    await fan_out(sqlite_db)
    ours = answering(sqlite_db)
    await ours.look()
    [first] = ours.sent
    real = sqlite_db.refresh

    async def slow() -> int:
        if not first.over:
            ours.machine.passes(0.01)
            assert not first.connect()
        return await real()

    monkeypatch.setattr(sqlite_db, "refresh", slow)
    await ours.look(after=FRESH_SECONDS)
    assert first.over
    assert ours.open == []
    await ours.look(after=0.0)
    assert [one.connect() for one in ours.open] == [True]
