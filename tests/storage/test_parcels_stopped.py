"""Whatever stops or changes single deliveries does so to those in parcels, too, and to no others."""

from __future__ import annotations

from sqlalchemy import select
from support.deliveries import settle
from support.parcels import (
    Held,
    Process,
    append,
    failed,
    fan_out,
    followed,
    pairs,
    rows,
    taken,
)

from publisher.model import Change, DeliveryState, EventType, Match
from publisher.storage.engine import tables
from publisher.storage.engine.database import Database, Tx
from publisher.storage.items import erasure
from publisher.storage.subscriptions import (
    deliveries,
    fanout,
    rights,
    stretches,
    subscriptions,
)
from publisher.storage.subscriptions.deliveries import Outcome

PENDING, SENDING, DELIVERED, RETRYING, DEAD, CANCELLED = (
    DeliveryState.PENDING,
    DeliveryState.SENDING,
    DeliveryState.DELIVERED,
    DeliveryState.RETRYING,
    DeliveryState.DEAD,
    DeliveryState.CANCELLED,
)


async def states(db: Database, seq: int = 1) -> list[DeliveryState]:
    """The states of an event's deliveries, in the order of its followers."""
    return [state for (event, _), state in sorted((await pairs(db)).items()) if event == seq]


async def some_settled(db: Database) -> list[Held]:
    """Two events for five: the first is taken by 1, and failed at 2; returns what is open."""
    await followed(db, 5, events=2)
    process = await Process.begun(db)
    a, b, *rest = process.open()
    await process.settle([taken(a), failed(b)])
    return rest


async def test_cancelling_what_matched_leaves_what_is_settled_and_others_filters(db: Database) -> None:
    await some_settled(db)
    [filter_id, *_] = {row.filter_id for row in await rows(db, tables.parcels)}
    await db.write(deliveries.cancel_matched, filter_id, [1], "access", [2, 3])

    assert await states(db) == [DELIVERED, CANCELLED, SENDING, SENDING, SENDING]
    assert await states(db, 2) == [PENDING] * 5
    reasons = {row.subscription: row.reason for row in await rows(db, tables.deliveries)}
    assert reasons == {2: "access", 3: "access", 4: None, 5: None}


async def test_the_end_of_a_subscription_cancels_its_seats_alone(db: Database) -> None:
    await some_settled(db)
    one, other = (await rows(db, tables.subscriptions))[2:4]
    await db.write(subscriptions.delete, one.id)
    await db.write(subscriptions.disable, other.id)

    # What may be under way is cancelled once its sender hands it back.
    assert await states(db) == [DELIVERED, RETRYING, SENDING, SENDING, PENDING]
    claimed = {row.subscription: row.reason for row in await rows(db, tables.deliveries) if row.seq == 2}
    assert claimed == {3: "deleted", 4: "disabled"}
    own = [row for row in await rows(db, tables.deliveries) if row.subscription in {3, 4}]
    await db.write(settle, [Outcome(row.id, row.lease, "pending", 0.0) for row in own])
    assert await states(db, 2) == [PENDING, PENDING, CANCELLED, CANCELLED, PENDING]


async def test_lost_rights_cancel_the_seats_of_those_who_lost_them(db: Database) -> None:
    await some_settled(db)
    await db.write(lambda tx: rights.lose(tx, [1, 5], "gone", stretches.hold(tx)[0]))

    assert await states(db) == [DELIVERED, RETRYING, PENDING, PENDING, SENDING]
    assert await states(db, 2) == [SENDING, PENDING, PENDING, PENDING, SENDING]
    assert {row.reason for row in await rows(db, tables.deliveries) if row.subscription in {1, 5}} == {"access"}


async def test_what_stands_still_is_in_rows_and_goes_on_there(db: Database) -> None:
    await some_settled(db)

    def pause(tx: Tx) -> None:
        stretches.hold(tx)
        rights.stand_still(tx, {"no feed": [3]})

    await db.write(pause)
    assert await states(db, 2) == [PENDING, PENDING, SENDING, PENDING, PENDING]
    await append(db)
    await fan_out(db)
    assert {(row.seq, row.subscription) for row in await rows(db, tables.deliveries)} == {
        (1, 2),
        (1, 3),
        (2, 3),
        (3, 3),
    }
    await db.write(rights.go_on, [3])
    await pairs(db)


async def test_an_erased_event_is_cancelled_wherever_it_is(db: Database) -> None:
    await some_settled(db)
    [first, second] = [row.subject for row in await rows(db, tables.events)]
    [unfanned] = await append(db)
    subject = (await rows(db, tables.events))[-1].subject
    for one in (first, second, subject):
        await db.write(erasure.erase, one, f"/v1/articles/{one}")
    await fan_out(db)

    assert await states(db) == [DELIVERED, CANCELLED, SENDING, SENDING, SENDING]
    assert await states(db, 2) == [SENDING] * 5
    assert {row.reason for row in await rows(db, tables.deliveries)} == {"erased"}
    assert await states(db, unfanned) == []
    open_ = select(tables.deliveries.c.id, tables.deliveries.c.lease).where(tables.deliveries.c.due_at.is_not(None))
    left = await db.read(lambda tx: tx.conn.execute(open_).all())
    await db.write(settle, [Outcome(id_, lease, "cancelled") for id_, lease in left])
    assert await states(db, 2) == [CANCELLED] * 5


async def test_an_erased_event_that_is_to_be_sent_all_the_same_is_not_cancelled(db: Database) -> None:
    """What takes the article away carries its id alone, and was settled before the erasure."""
    await followed(db, 2, events=0)
    [seq] = await append(db)
    [one] = (await db.read(fanout.page, 1)).filters
    parting = Match(EventType.ARTICLE_WITHDRAWN, Change.LEFT)
    await db.write(erasure.settle, [fanout.Judged(seq, {one.id: parting})])
    subject = (await rows(db, tables.events))[0].subject
    await db.write(erasure.erase, subject, "/v1/articles/x")
    await fan_out(db)

    assert await states(db, seq) == [PENDING, PENDING]
    await (await Process.begun(db)).take_all()
