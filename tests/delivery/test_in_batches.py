"""A webhook that asked for batches is sent several events at once, the same ones over every attempt."""

from __future__ import annotations

import orjson
from support.alone import PUBLISHED, happen, numbers
from support.answering import FAILED, TAKEN, Answering
from support.deliveries import states, subscribe

from publisher.model import DeliveryState, Options
from publisher.model.options import Batch
from publisher.storage.engine.database import Database
from publisher.storage.subscriptions import deliveries, listing, queue, subscriptions

FIVE = [(PUBLISHED, f"a{n}") for n in range(5)]
IN_TWOS = Options(batch=Batch(max=2, wait=30.0))


async def test_a_full_batch_goes_at_once_and_the_rest_when_it_has_waited(db: Database, answering: Answering) -> None:
    subscription = await db.write(lambda tx: subscribe(tx, options=IN_TWOS))
    await happen(db, *FIVE)
    ours = answering(db)
    await ours.look(2)
    assert numbers(ours.open) == [[1, 2], [3, 4]]
    ours.answer_all(TAKEN)
    await ours.look(5)
    assert len(ours.sent) == 2
    await ours.look(after=30.0)
    assert numbers(ours.open) == [[5]]
    ours.answer_all(TAKEN)
    await ours.settle()
    assert await states(db, subscription) == [DeliveryState.DELIVERED] * 5
    assert len({one.id for one in ours.sent}) == 3
    assert all(one.id.startswith("bat_") for one in ours.sent)


async def test_a_batch_that_failed_is_sent_again_as_it_was(db: Database, answering: Answering) -> None:
    await db.write(lambda tx: subscribe(tx, options=IN_TWOS))
    await happen(db, *FIVE[:2])
    ours = answering(db)
    await ours.look(2)
    ours.answer_all(FAILED)
    await happen(db, *FIVE[2:])
    await ours.look(2)
    again, *others = ours.open
    assert (again.id, again.body) == (ours.sent[0].id, ours.sent[0].body)
    assert numbers(others) == [[3, 4]]
    assert [one["type"] for one in orjson.loads(again.body)] == ["article.published"] * 2


async def test_it_stays_together_when_the_process_ends_before_it_is_answered(
    db: Database, answering: Answering
) -> None:
    await db.write(lambda tx: subscribe(tx, options=IN_TWOS))
    await happen(db, *FIVE[:2])
    ended = answering(db)
    await ended.look(2)
    await db.write(queue.abandon)
    await happen(db, FIVE[2])
    ours = answering(db)
    await ours.look(2)
    assert [(one.id, one.body) for one in ours.open] == [(ended.sent[0].id, ended.sent[0].body)]


async def test_a_failed_batch_counts_as_one_failure_of_its_endpoint(db: Database, answering: Answering) -> None:
    subscription = await db.write(lambda tx: subscribe(tx, options=IN_TWOS))
    await happen(db, *FIVE[:2])
    ours = answering(db)
    await ours.look(2)
    ours.answer_all(FAILED)
    await ours.settle()
    (follower,) = await db.read(queue.followers, [1])
    assert follower.failures == 1
    listed = await db.read(listing.page, subscription.id, limit=10)
    attempts = await db.read(listing.attempts_of, listed)
    assert [[attempt.status for attempt in own] for own in attempts] == [[500], [500]]


async def test_what_is_cancelled_meanwhile_is_left_out_and_the_rest_is_another_request(
    db: Database, answering: Answering
) -> None:
    await db.write(lambda tx: subscribe(tx, options=Options(batch=Batch(max=3, wait=1.0))))
    await happen(db, *FIVE[:3])
    ours = answering(db)
    await ours.look(2)
    assert numbers(ours.open) == [[1, 2, 3]]
    await db.write(deliveries.cancel_erased, [2])
    await ours.look(3)
    assert not ours.sent[0].began
    assert numbers(ours.open) == [[1, 3]]
    assert ours.open[0].id != ours.sent[0].id
    ours.answer_all(TAKEN)
    await ours.settle()
    (first, second, third) = await db.read(listing.accounting, [1, 2, 3])
    assert first.states == third.states == {DeliveryState.DELIVERED: 1}
    assert second.states == {DeliveryState.CANCELLED: 1}


async def test_an_endpoint_that_is_left_alone_is_probed_with_a_whole_batch(db: Database, answering: Answering) -> None:
    await db.write(lambda tx: subscribe(tx, options=IN_TWOS))
    await happen(db, *FIVE[:4])
    ours = answering(db)
    while not ours.sent or not ours.line().endpoint.circuit.open:
        await ours.look(2)
        ours.answer_all(FAILED)
    tried = len(ours.sent)
    await ours.probe()
    assert len(ours.sent) == tried + 1
    assert numbers(ours.open) in ([[1, 2]], [[3, 4]])
    assert ours.open[0].id in {one.id for one in ours.sent[:tried]}
    ours.answer_all(TAKEN)
    await ours.look(2)
    assert not ours.line().endpoint.circuit.open
    assert len(ours.open) == 1


async def test_a_batch_whose_webhook_wants_none_any_more_loses_nothing(db: Database, answering: Answering) -> None:
    made = await db.write(lambda tx: subscribe(tx, options=IN_TWOS))
    await happen(db, *FIVE[:2])
    ours = answering(db)
    await ours.look(2)
    ours.answer_all(FAILED)
    await ours.look(2)
    assert numbers(ours.open) == [[1, 2]]
    assert ours.open[0].connect()
    await db.write(subscriptions.update, made.id, options=Options(ordered=True))
    await ours.look()
    ours.answer_all(FAILED)
    for _ in range(3):
        await ours.look(2)
        ours.answer_all(TAKEN)
    assert numbers(ours.sent) == [[1, 2], [1, 2], [1], [2]]
