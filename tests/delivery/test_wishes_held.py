"""What a webhook asked for goes on to hold while some of what waits for it stands still, is hurried or is cancelled."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.again import driver
from support.alone import PUBLISHED, happen, numbers
from support.answering import FAILED, POLICY, TAKEN, Answered, Answering
from support.deliveries import states, subscribe
from support.in_flight import owned

from publisher.model import DeliveryState, Options
from publisher.model.options import Batch
from publisher.storage.engine.database import Database
from publisher.storage.subscriptions import deliveries, holds

ORDERED = Options(ordered=True)
IN_THREES = Options(batch=Batch(max=3, wait=1.0))
SLOWLY = replace(POLICY, schedule=(600.0, 600.0))


async def hold(db: Database, first: int, last: int) -> str:
    made = await db.write(
        lambda tx: holds.create(tx, feed=None, source=None, first=first, last=last, by="desk", reason=None)
    )
    return made.id


async def release(db: Database, id: str) -> None:
    await db.write(lambda tx: holds.release(tx, id, by="desk", reason=None))
    await driver(db).step(1.0)


async def cancel(db: Database, id: str) -> None:
    await db.write(lambda tx: holds.cancel(tx, id, by="desk", reason="wrong"))
    going_on = driver(db)
    while await going_on.step(1.0):
        pass


async def taken(ours: Answered, times: int = 6) -> list[list[int]]:
    """What is sent in so many looks, all of which is taken."""
    before = len(ours.sent)
    for _ in range(times):
        await ours.look(2)
        ours.answer_all(TAKEN)
    await ours.settle()
    return numbers(ours.sent[before:])


@pytest.mark.parametrize("waits", [True, False], ids=["in memory", "in the database"])
async def test_in_order_nothing_goes_before_what_is_held(db: Database, answering: Answering, waits: bool) -> None:
    made = await db.write(lambda tx: subscribe(tx, options=ORDERED))
    await happen(db, *[(PUBLISHED, f"a{n}") for n in range(4)])
    await db.write(owned)
    ours = answering(db)
    if waits:
        await ours.look(2)
        assert len(ours.line().items) == 3
    id_ = await hold(db, 2, 2)
    assert await taken(ours) == ([[1]] if not waits else [])
    if waits:
        assert numbers(ours.sent) == [[1]]
    await release(db, id_)
    assert await taken(ours) == [[2], [3], [4]]
    assert await states(db, made) == [DeliveryState.DELIVERED] * 4


async def test_in_order_the_next_goes_once_what_was_held_is_cancelled(db: Database, answering: Answering) -> None:
    await db.write(lambda tx: subscribe(tx, options=ORDERED))
    await happen(db, *[(PUBLISHED, f"a{n}") for n in range(3)])
    await db.write(owned)
    ours = answering(db)
    id_ = await hold(db, 1, 1)
    assert await taken(ours) == []
    await cancel(db, id_)
    assert await taken(ours) == [[2], [3]]


async def test_in_order_the_next_goes_once_one_that_was_to_be_tried_again_is_cancelled(
    db: Database, answering: Answering
) -> None:
    await db.write(lambda tx: subscribe(tx, options=ORDERED))
    await happen(db, *[(PUBLISHED, f"a{n}") for n in range(3)])
    await db.write(owned)
    ours = answering(db, policy=SLOWLY)
    await ours.look(2)
    ours.answer_all(FAILED)
    await ours.look(2)
    await db.write(deliveries.cancel_erased, [1])
    assert await taken(ours) == [[2], [3]]
