"""A webhook that asked for order is sent one event at a time, in the order of the log."""

from __future__ import annotations

from dataclasses import replace

from support.alone import PUBLISHED, happen, numbers
from support.answering import FAILED, POLICY, TAKEN, Answering
from support.deliveries import states, subscribe
from support.in_flight import owned

from publisher.delivery.endpoints.circuit import OPENS_AFTER
from publisher.model import DeliveryState, Options
from publisher.model.options import Batch
from publisher.storage.engine.database import Database
from publisher.storage.subscriptions import queue, subscriptions

ORDERED = Options(ordered=True)
FIVE = [(PUBLISHED, f"a{n}") for n in range(5)]


async def test_the_next_begins_once_the_one_before_was_taken(db: Database, answering: Answering) -> None:
    await db.write(lambda tx: subscribe(tx, options=ORDERED))
    await happen(db, *FIVE)
    await db.write(owned)
    ours = answering(db)
    for count in range(1, 6):
        await ours.look(2)
        assert len(ours.sent) == count
        ours.open[0].answer(TAKEN)
    assert numbers(ours.sent) == [[1], [2], [3], [4], [5]]


async def test_one_that_fails_holds_the_later_ones_until_it_is_taken(db: Database, answering: Answering) -> None:
    subscription = await db.write(lambda tx: subscribe(tx, options=ORDERED))
    await happen(db, *FIVE)
    await db.write(owned)
    ours = answering(db, policy=replace(POLICY, schedule=(5.0, 600.0)))
    await ours.look()
    ours.answer_all(FAILED)
    await ours.look(3)
    assert numbers(ours.sent) == [[1]]  # its time has not come, and so no one's
    await ours.look(after=10.0)
    assert numbers(ours.sent) == [[1], [1]]
    ours.answer_all(TAKEN)
    await ours.look(2)
    assert numbers(ours.sent) == [[1], [1], [2]]
    assert (await states(db, subscription))[0] is DeliveryState.DELIVERED


async def test_one_that_is_dead_lets_the_next_go(db: Database, answering: Answering) -> None:
    subscription = await db.write(lambda tx: subscribe(tx, options=ORDERED))
    await happen(db, *FIVE)
    await db.write(owned)
    ours = answering(db, policy=replace(POLICY, schedule=(5.0,)))
    for _ in range(2):
        await ours.look(2, after=10.0)
        ours.answer_all(FAILED)
    await ours.look(2)
    assert numbers(ours.sent) == [[1], [1], [2]]
    assert (await states(db, subscription))[:2] == [DeliveryState.DEAD, DeliveryState.SENDING]


async def test_while_its_circuit_is_open_the_first_keeps_to_its_own_schedule(
    db: Database, answering: Answering
) -> None:
    await db.write(lambda tx: subscribe(tx, options=ORDERED))
    await happen(db, *FIVE)
    await db.write(owned)
    ours = answering(db, policy=replace(POLICY, schedule=(20.0,) * (OPENS_AFTER + 2)))
    for count in range(1, OPENS_AFTER + 3):
        await ours.look(2, after=25.0)
        assert numbers(ours.sent) == [[1]] * count
        ours.answer_all(FAILED)
    assert ours.line().endpoint.circuit.open
    await ours.look(2, after=25.0)
    ours.answer_all(TAKEN)
    await ours.look(2)
    assert numbers(ours.open) == [[2]]
    assert not ours.line().endpoint.circuit.open


async def test_what_waited_in_memory_for_too_long_is_not_overtaken(db: Database, answering: Answering) -> None:
    await db.write(lambda tx: subscribe(tx, options=ORDERED))
    await happen(db, *FIVE)
    await db.write(owned)
    ours = answering(db)
    await ours.look()
    assert ours.open[0].connect()
    await ours.look(2, after=POLICY.queue + 1)  # those behind the first have lapsed, and are taken anew
    ours.answer_all(TAKEN)
    for _ in range(4):
        await ours.look(2)
        ours.answer_all(TAKEN)
    assert numbers(ours.sent) == [[1], [2], [3], [4], [5]]


async def test_it_begins_with_what_was_under_way_when_a_process_ended(db: Database, answering: Answering) -> None:
    await db.write(lambda tx: subscribe(tx, options=ORDERED))
    await happen(db, *FIVE)
    ended = answering(db)
    await ended.look()
    assert numbers(ended.open) == [[1]]
    await db.write(queue.abandon)
    await db.write(owned)
    ours = answering(db)
    for _ in range(5):
        await ours.look(2)
        ours.answer_all(TAKEN)
    assert numbers(ours.sent) == [[1], [2], [3], [4], [5]]


async def test_one_that_asks_for_order_later_is_sent_what_was_open_first(db: Database, answering: Answering) -> None:
    made = await db.write(lambda tx: subscribe(tx, together=True))
    await happen(db, *FIVE)
    await db.write(owned)
    ours = answering(db)
    await ours.look()
    assert numbers(ours.open) == [[1], [2], [3], [4], [5]]
    assert [one.connect() for one in ours.open[:3]] == [True] * 3
    await db.write(subscriptions.update, made.id, options=ORDERED)
    await happen(db, (PUBLISHED, "a6"))
    await ours.look(2)
    for one in ours.open:
        if one.began:
            one.answer(FAILED)
    for _ in range(6):
        await ours.look(2)
        assert len(ours.open) == 1
        ours.answer_all(TAKEN)
    assert numbers(ours.sent)[-6:] == [[1], [2], [3], [4], [5], [6]]


async def test_in_order_and_in_batches_each_batch_waits_for_the_one_before(db: Database, answering: Answering) -> None:
    options = Options(ordered=True, batch=Batch(max=2, wait=1.0))
    await db.write(lambda tx: subscribe(tx, options=options))
    await happen(db, *FIVE)
    await db.write(owned)
    ours = answering(db)
    await ours.look(2)
    ours.answer_all(FAILED)
    for _ in range(3):
        await ours.look(2)
        ours.answer_all(TAKEN)
    assert numbers(ours.sent) == [[1, 2], [1, 2], [3, 4], [5]]
    assert ours.sent[0].id == ours.sent[1].id
