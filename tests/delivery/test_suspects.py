"""What is suspected of ending processes is sent few at a time, then alone; and all else goes on beside it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import update
from support.answering import FAILED, Answered, Answering
from support.deliveries import append, fan_out, states, subscribe

from publisher.delivery.suspects import ALONE_AFTER
from publisher.model import DeliveryState, Subscription
from publisher.storage.engine.database import Database, Tx
from publisher.storage.engine.tables import deliveries, subscriptions
from publisher.storage.subscriptions import holds
from publisher.storage.subscriptions import subscriptions as webhooks
from publisher.storage.subscriptions.crashes import ALONE, FATAL, TOGETHER
from publisher.storage.subscriptions.deliveries import PARKED, SUSPECT

DELIVERED = DeliveryState.DELIVERED


async def suspected(db: Database, count: int, crashes: int = SUSPECT) -> Subscription:
    """A webhook with so many rows that were under way at so many ends of processes."""
    made: Subscription = await db.write(subscribe)
    await append(db, count)
    await fan_out(db)
    await db.write(lambda tx: tx.conn.execute(update(deliveries).values(crashes=crashes, due_at=PARKED)))
    return made


async def elsewhere(db: Database, count: int) -> None:
    """Another webhook with so many events, and nothing against any of them."""
    await db.write(subscribe, "others", url="https://other.example/hook")
    await append(db, count)
    await fan_out(db, feeds=["others"])


def suspects(ours: Answered) -> list[Any]:
    """Requests without an answer to the webhook that is suspected."""
    return [one for one in ours.open if "receiver.example" in one.url]


async def test_few_are_under_way_at_a_time_and_what_is_not_suspected_goes_on(
    db: Database, answering: Answering
) -> None:
    subscription = await suspected(db, TOGETHER + 3)
    await elsewhere(db, 5)
    ours = answering(db)
    await ours.look()
    assert len(suspects(ours)) == TOGETHER
    assert len(ours.open) == TOGETHER + 5
    for one in suspects(ours)[:2]:
        one.answer()
    await ours.look(2, after=0.0)
    assert len(suspects(ours)) == TOGETHER
    ours.answer_all()
    await ours.look(2)
    ours.answer_all()
    await ours.settle()
    assert await states(db, subscription) == [DELIVERED] * (TOGETHER + 3)


async def test_one_is_alone_until_what_came_of_it_is_on_record(db: Database, answering: Answering) -> None:
    subscription = await suspected(db, 3, ALONE)
    await elsewhere(db, 2)
    ours = answering(db)
    await ours.look()
    assert suspects(ours) == []  # it has not been here for long enough
    await ours.look(after=ALONE_AFTER[0])
    for _ in range(3):
        assert len(suspects(ours)) == 1
        await ours.look(2)
        assert len(suspects(ours)) == 1
        ours.answer_all()
        await ours.sender._look()
        assert suspects(ours) == []  # it is answered, but not on record
        await ours.look()
    assert await states(db, subscription) == [DELIVERED] * 3


async def test_the_more_often_it_ended_a_process_the_longer_one_lives_before_it_is_sent_again(
    db: Database, answering: Answering
) -> None:
    await suspected(db, 1, FATAL - 1)
    ours = answering(db)
    await ours.look()
    await ours.look(after=ALONE_AFTER[-1] - 2.0)
    assert ours.open == []
    await ours.look(2)
    assert len(ours.open) == 1


async def test_one_whose_endpoint_is_left_alone_is_sent_as_a_probe(db: Database, answering: Answering) -> None:
    def failing(tx: Tx) -> None:
        tx.conn.execute(update(subscriptions).values(failures=20))

    subscription = await suspected(db, 1)
    await db.write(failing)
    ours = answering(db)
    await ours.look()
    assert len(ours.open) == 1
    ours.answer_all(FAILED)
    await ours.settle()
    assert await states(db, subscription) == [DeliveryState.PENDING]  # a probe that failed counts for nothing
    await ours.probe()
    ours.answer_all()
    await ours.settle()
    assert await states(db, subscription) == [DELIVERED]


async def test_one_that_is_stopped_before_it_began_is_cancelled(db: Database, answering: Answering) -> None:
    subscription = await suspected(db, 1)
    ours = answering(db)
    await ours.look()
    await db.write(webhooks.delete, subscription.id)
    await ours.look(2)
    assert not any(one.connect() for one in ours.open)
    await ours.settle()
    assert await states(db, subscription) == [DeliveryState.CANCELLED]


async def test_what_is_held_keeps_no_other_suspect_waiting(db: Database, answering: Answering) -> None:
    subscription = await suspected(db, 3, ALONE)
    await db.write(lambda tx: holds.create(tx, feed=None, source=None, first=1, last=1, by="desk", reason=None))
    ours = answering(db)
    await ours.look(after=ALONE_AFTER[0])
    for _ in range(4):
        await ours.look(after=ALONE_AFTER[0])
        ours.answer_all()
    await ours.settle()
    assert (await states(db, subscription)).count(DELIVERED) == 2
