"""Lanes go from one process to another, and webhooks from one lane to another: each is sent for by one, and by one."""

from __future__ import annotations

import pytest
from support.answering import FAILED, Answered, Answering
from support.deliveries import append, fan_out, states, subscribe

from publisher.model import DeliveryState
from publisher.storage.engine.database import Database, Tx
from publisher.storage.engine.tables import subscriptions as table
from publisher.storage.subscriptions import lanes, subscriptions

URL = "https://receiver.example/hook"
LANE = lanes.lane_of(URL)
ELSEWHERE = next(url for n in range(lanes.COUNT * 100) if lanes.lane_of(url := f"https://{n}.example/hook") != LANE)
SENDING = DeliveryState.SENDING


def recovered(tx: Tx) -> None:
    tx.conn.execute(table.update().values(failures=0))


def two(db: Database, answering: Answering) -> tuple[Answered, Answered]:
    """One that holds the lane of ``URL``, and one that holds all others."""
    ours, theirs = answering(db), answering(db)
    ours.lanes.held = frozenset({LANE})
    theirs.lanes.held = frozenset(range(lanes.COUNT)) - {LANE}
    return ours, theirs


async def test_nothing_is_taken_of_a_lane_that_is_another_s_by_now(db: Database, answering: Answering) -> None:
    subscription = await db.write(subscribe)
    await append(db, 15)
    await fan_out(db)
    ours = answering(db)
    await ours.look()
    assert len(ours.open) == 10
    ours.lanes.held -= {LANE}
    for _ in range(2):
        await ours.look(2)
        await ours.settle()
        assert (await states(db, subscription)).count(SENDING) == 10  # what is under way is still ours
        await append(db)
        await fan_out(db)
    assert len(ours.sent) == 10


async def test_a_lane_that_was_away_between_two_looks_loses_nothing(db: Database, answering: Answering) -> None:
    await db.write(subscribe)
    await append(db, 12)
    await fan_out(db)
    ours = answering(db)
    await ours.look()
    assert [one.connect() for one in ours.open] == [True] * 10
    held, ours.lanes.held = ours.lanes.held, frozenset()
    ours.answer_all()
    await ours.turn()
    assert ours.open == []
    ours.lanes.held = held
    await ours.look(2)
    assert len(ours.open) == 2


async def test_a_circuit_that_opened_here_is_as_it_is_on_record_once_its_lane_was_another_s(
    db: Database, answering: Answering
) -> None:
    await db.write(subscribe)
    await append(db, 12)
    await fan_out(db)
    ours = answering(db)
    await ours.look()
    ours.answer_all(FAILED)
    await ours.look()
    assert ours.line().endpoint.circuit.open
    held, ours.lanes.held = ours.lanes.held, frozenset()
    await ours.look()
    await db.write(recovered)
    ours.lanes.held = held
    await ours.look()
    assert len(ours.open) == 10


async def test_a_webhook_that_moved_to_another_lane_is_sent_for_by_whom_that_belongs_to(
    db: Database, answering: Answering
) -> None:
    subscription = await db.write(subscribe)
    both = ours, theirs = two(db, answering)
    for _ in range(2):
        await announced(db, *both)
    assert (len(ours.sent), len(theirs.sent)) == (2, 0)
    await db.write(subscriptions.update, subscription.id, url=ELSEWHERE)
    for one in both:
        await one.look(2)
    await announced(db, *both)
    assert (len(ours.sent), len(theirs.sent)) == (2, 1)


async def test_a_webhook_that_moved_while_nothing_waited_is_sent_for_although_its_process_of_before_forgot_it(
    db: Database, answering: Answering
) -> None:
    subscription = await db.write(subscribe)
    ours, theirs = two(db, answering)
    for one in (ours, theirs):
        await one.look()
    await announced(db, theirs, ours)
    await ours.settle()
    ours.sender._held.lines.remove(ours.line())  # as trim() does with those that were not used for longest
    await db.write(subscriptions.update, subscription.id, url=ELSEWHERE)
    for one in (ours, theirs):
        await one.look(2)
    await announced(db, ours, theirs)
    assert (len(ours.sent), len(theirs.sent)) == (1, 1)


@pytest.mark.parametrize("count", [1, 12], ids=["waits for a connection", "waits in memory too"])
async def test_what_waits_here_when_its_webhook_moves_is_sent_by_whom_it_moved_to_who_looked_before(
    db: Database, answering: Answering, count: int
) -> None:
    subscription = await db.write(subscribe)
    ours, theirs = two(db, answering)
    await append(db, count)
    await fan_out(db)
    for one in (theirs, ours):
        await one.look()
    await db.write(subscriptions.update, subscription.id, url=ELSEWHERE)
    for one in (theirs, ours, ours, theirs, theirs):
        await one.look()
        theirs.answer_all()
    assert {one.url for one in ours.sent} == {URL}
    assert not any(one.began for one in ours.sent)
    assert len({one.id for one in theirs.sent}) == len(theirs.sent) == count


async def announced(db: Database, *senders: Answered) -> None:
    """One more event, looked for and answered by each of these in turn."""
    await append(db)
    await fan_out(db)
    for one in senders:
        await one.look(2)
        one.answer_all()
        await one.settle()
