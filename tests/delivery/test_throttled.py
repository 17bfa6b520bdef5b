"""A webhook with a throttle is sent one value of an indicator in each interval: the last."""

from __future__ import annotations

from support.alone import ALERT, PUBLISHED, UPDATED, happen, numbers
from support.answering import FAILED, TAKEN, Answering
from support.deliveries import subscribe

from publisher.model import DeliveryState, Options
from publisher.storage.engine.database import Database
from publisher.storage.subscriptions import listing

MINUTE = Options(throttle=60.0)
GOLD, OIL = (UPDATED, "GOLD"), (UPDATED, "OIL")


async def test_of_the_values_that_wait_the_last_is_sent_and_the_others_are_superseded(
    db: Database, answering: Answering
) -> None:
    made = await db.write(lambda tx: subscribe(tx, options=MINUTE))
    await happen(db, GOLD, OIL, GOLD, GOLD)
    ours = answering(db)
    await ours.look(2)
    assert sorted(numbers(ours.open)) == [[2], [4]]
    listed = await db.read(listing.page, made.id, limit=10)
    assert {one.seq: one.reason for one in listed if one.state is DeliveryState.CANCELLED} == {
        1: "superseded", 3: "superseded",
    }  # fmt: skip
    accounts = await db.read(listing.accounting, [1, 2, 3, 4])
    assert all(one.matched == sum(one.states.values()) == 1 for one in accounts)


async def test_the_next_value_waits_for_the_interval_of_its_indicator_alone(db: Database, answering: Answering) -> None:
    await db.write(lambda tx: subscribe(tx, options=MINUTE))
    await happen(db, GOLD)
    ours = answering(db)
    await ours.look(2)
    ours.answer_all(TAKEN)
    await happen(db, GOLD, OIL)
    await ours.look(2)
    assert numbers(ours.open) == [[3]]
    await happen(db, GOLD)
    await ours.look(2, after=10.0)
    assert len(ours.sent) == 2
    await ours.look(2, after=40.0)
    assert numbers(ours.sent) == [[1], [3], [4]]


async def test_what_is_no_value_is_never_held_back(db: Database, answering: Answering) -> None:
    await db.write(lambda tx: subscribe(tx, options=MINUTE))
    await happen(db, GOLD, (ALERT, "GOLD"), (ALERT, "GOLD"), (PUBLISHED, "a1"), (PUBLISHED, "a1"), GOLD)
    ours = answering(db)
    await ours.look(2)
    assert sorted(numbers(ours.open)) == [[2], [3], [4], [5], [6]]


async def test_a_process_that_begins_anew_knows_when_the_last_value_went(db: Database, answering: Answering) -> None:
    await db.write(lambda tx: subscribe(tx, options=MINUTE))
    await happen(db, GOLD)
    before = answering(db)
    await before.look(2)
    before.answer_all(TAKEN)
    await before.settle()
    await happen(db, GOLD)
    ours = answering(db)
    await ours.look(2)
    assert ours.sent == []
    await ours.look(2, after=60.0)
    assert numbers(ours.open) == [[2]]


async def test_a_value_that_failed_is_tried_again_unless_a_later_one_is_there(
    db: Database, answering: Answering
) -> None:
    await db.write(lambda tx: subscribe(tx, options=MINUTE))
    await happen(db, GOLD)
    ours = answering(db)
    await ours.look(2)
    ours.answer_all(FAILED)
    await ours.look(2)
    assert numbers(ours.sent) == [[1], [1]]
    await happen(db, GOLD)
    ours.answer_all(FAILED)
    await ours.look(2)
    assert len(ours.sent) == 2
    (first,) = await db.read(listing.accounting, [1])
    assert first.states == {DeliveryState.CANCELLED: 1}
    await ours.look(2, after=60.0)
    assert numbers(ours.sent) == [[1], [1], [2]]
