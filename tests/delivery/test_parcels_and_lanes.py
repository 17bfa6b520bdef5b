"""Lanes that are lost and come back while parcels are sent: nothing is sent twice, kept from another, or forgotten."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from support.answering import Answering
from support.clock import Machine, ManualClock
from support.deliveries import append, fan_out, states, subscribe
from support.in_flight import ELSEWHERE, LANE, OTHER, begun, journaled, owned, still_open
from support.parcels import fill

from publisher.delivery import boarding
from publisher.delivery import lanes as process_lanes
from publisher.delivery.lanes import LEASE_SECONDS, Lanes
from publisher.model import DeliveryState
from publisher.storage.engine.database import Database
from publisher.storage.subscriptions import subscriptions

DELIVERED = DeliveryState.DELIVERED


async def test_a_lane_is_busy_until_what_came_of_its_seats_is_committed(db: Database, answering: Answering) -> None:
    ours = await begun(db, answering)
    ours.answer_all()
    assert ours.sender.busy() == {LANE}
    await ours.settle()
    assert ours.sender.busy() == frozenset()


async def test_what_is_under_way_as_its_lane_comes_back_is_not_sent_again(db: Database, answering: Answering) -> None:
    ours = await begun(db, answering, count=2)
    held, ours.lanes.held = ours.lanes.held, frozenset()
    await ours.look()
    ours.lanes.held = held
    await ours.look(2)
    ours.answer_all()
    ours.sender.wake()
    await ours.sender._look()  # before it is committed
    await ours.look(2)
    assert len(ours.sent) == 2
    assert await db.read(still_open) == 0


async def test_a_lane_that_was_lost_as_all_was_to_be_looked_at_anew_is_read_when_it_comes_back(
    db: Database, answering: Answering
) -> None:
    await db.write(owned)
    webhook = await db.write(subscribe, together=True)
    await append(db, 12)
    await fan_out(db)
    ours = answering(db)
    await ours.look()
    ours.answer_all()
    await ours.turn()
    assert len(ours.open) == 2
    held = ours.lanes.held
    ours.lanes.held -= {LANE}
    ours.sender.look_again()
    await ours.look()
    ours.lanes.held = held
    await ours.look(2)
    ours.answer_all()
    await ours.settle()
    assert await states(db, webhook) == [DELIVERED] * 12
    assert len(ours.sent) == 14  # two were stopped before they began


async def test_what_was_taken_in_a_lane_that_was_lost_before_it_was_read_stays_on_record(
    db: Database, answering: Answering, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = await begun(db, answering, count=2)
    theirs.open[0].answer()
    await theirs.settle()
    await db.write(subscribe, together=True, url=ELSEWHERE)
    ours = answering(db)
    monkeypatch.setattr(boarding, "ABOARD", 0)
    await ours.look()
    ours.lanes.held -= {LANE}
    monkeypatch.undo()
    for _ in range(2):
        await append(db)
        await fan_out(db)
        await ours.look()
        ours.answer_all()
        await ours.settle()
    assert await db.read(journaled) == 1


async def test_what_another_sent_while_a_lane_was_away_between_two_looks_is_not_sent_again(
    db: Database, answering: Answering
) -> None:
    await db.write(owned)
    await db.write(subscribe, together=True)
    await append(db, 12)
    await fan_out(db)
    ours, theirs = answering(db), answering(db)
    await ours.look()
    ours.sender.lost(frozenset({LANE}))
    await theirs.look()
    for _ in range(2):
        theirs.answer_all()
        await theirs.turn()
    await theirs.settle()
    assert len(theirs.sent) == 12
    await ours.look(2)
    assert not ours.open


async def test_a_process_learns_that_it_had_lost_lanes_that_it_has_again(
    db: Database, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = Machine(clock)
    monkeypatch.setattr(process_lanes, "time", SimpleNamespace(monotonic=machine.elapsed))
    ours, theirs = (Lanes(db, process, alone=False) for process in ("ours", "theirs"))
    told: list[frozenset[int]] = []
    ours.lost = told.append
    await ours._beat()
    before = ours.held
    machine.passes(LEASE_SECONDS + 1)
    await theirs._beat()
    await theirs.leave()
    await ours._beat()
    assert ours.held == before
    assert told == [before]


async def test_a_webhook_that_was_edited_while_its_lane_was_another_s_is_sent_to_where_it_goes_by_then(
    db: Database, answering: Answering
) -> None:
    ours, theirs = await begun(db, answering), answering(db)
    theirs.lanes.held = frozenset()
    (webhook,) = await db.read(subscriptions.list_)
    held, ours.lanes.held = ours.lanes.held, frozenset()
    await ours.look()
    theirs.lanes.held = held
    await db.write(subscriptions.update, webhook.id, url=OTHER)
    await theirs.look()
    theirs.lanes.held = frozenset()
    await theirs.look()
    await fill(db)
    ours.answer_all()
    ours.lanes.held = held
    await ours.look(2)
    await append(db)
    await fan_out(db)
    await ours.look()
    assert [one.url for one in ours.open] == [OTHER]


async def test_nothing_is_remembered_of_what_is_settled_in_a_lane_that_was_lost(
    db: Database, answering: Answering
) -> None:
    ours = await begun(db, answering, count=2)
    ours.lanes.held = frozenset()
    await ours.look()
    ours.open[0].answer()
    await ours.settle()
    assert await db.read(journaled) == 1
    assert ours._settler._journaled.rows == {}


async def test_a_parcel_that_closes_in_a_lane_that_was_lost_takes_nothing_of_others_with_it(
    db: Database, answering: Answering
) -> None:
    ours = await begun(db, answering, count=2, events=2)
    one = {sent.id: sent for sent in ours.open}
    for sent in one.values():
        sent.answer()
    await ours.settle()
    held, ours.lanes.held = ours.lanes.held, frozenset()
    await ours.look()
    ours.open[0].answer()
    await ours.settle()
    assert (await db.read(still_open), await db.read(journaled)) == (1, 1)
    ours.open[0].answer()
    ours.lanes.held = held
    await ours.look(2)
    assert (len(ours.sent), await db.read(still_open)) == (4, 0)


async def test_a_row_that_was_made_of_a_seat_and_is_under_way_is_not_given_back_as_its_parcel_is_read_again(
    db: Database, answering: Answering
) -> None:
    ours = await begun(db, answering, count=2)
    ours.answer_all()
    await db.write(subscribe, together=True)
    await append(db)
    await fan_out(db)
    await ours.look()
    last = (await db.read(subscriptions.list_))[-1]
    await db.write(subscriptions.update, last.id, url=OTHER)
    await ours.look(2)
    (sent,) = [one for one in ours.open if one.url == OTHER]
    assert sent.connect()
    ours.sender.lost(frozenset({LANE}))
    await ours.look(6)
    assert len([one for one in ours.sent if one.url == OTHER]) == 1
