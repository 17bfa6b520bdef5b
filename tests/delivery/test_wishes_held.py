"""What a webhook asked for goes on to hold while some of what waits for it stands still, is hurried or is cancelled."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.again import driver
from support.alone import CHANGED, PUBLISHED, UPDATED, WITHDRAWN, happen, numbers
from support.answering import FAILED, POLICY, TAKEN, Answered, Answering
from support.deliveries import states, subscribe
from support.in_flight import owned

from publisher.model import DeliveryState, Options
from publisher.model.credentials import ShownCredentials
from publisher.model.options import Batch
from publisher.storage.engine.database import Database
from publisher.storage.subscriptions import again, credentials, deliveries, holds, listing, wakes

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


async def test_of_a_batch_what_is_held_is_left_out_and_the_others_keep_to_their_schedule(
    db: Database, answering: Answering
) -> None:
    made = await db.write(lambda tx: subscribe(tx, options=IN_THREES))
    await happen(db, *[(PUBLISHED, f"a{n}") for n in range(3)])
    await db.write(owned)
    ours = answering(db)
    await ours.look(2)
    assert numbers(ours.open) == [[1, 2, 3]]
    id_ = await hold(db, 2, 2)
    await ours.look(2)
    assert numbers(ours.open) == [[1, 3]]
    ours.answer_all(FAILED)
    await ours.look(2)
    assert numbers(ours.open) == [[1, 3]]
    ours.answer_all(TAKEN)
    await release(db, id_)
    assert await taken(ours) == [[2]]
    assert await states(db, made) == [DeliveryState.DELIVERED] * 3


@pytest.mark.parametrize("ordered", [True, False], ids=["in order", "as it comes"])
@pytest.mark.parametrize("which", [1, 3])
async def test_a_batch_is_hurried_as_a_whole(db: Database, answering: Answering, which: int, ordered: bool) -> None:
    made = await db.write(lambda tx: subscribe(tx, options=Options(ordered=ordered, batch=Batch(max=3, wait=1.0))))
    await happen(db, *[(PUBLISHED, f"a{n}") for n in range(3)])
    await db.write(owned)
    ours = answering(db, policy=SLOWLY)
    await ours.look(2)
    ours.answer_all(FAILED)
    await ours.look(2)
    assert ours.open == []
    assert await db.write(again.hurry, 1, which) == 0
    assert await taken(ours) == [[1, 2, 3]]
    assert await states(db, made) == [DeliveryState.DELIVERED] * 3


async def test_of_a_batch_that_waits_only_what_was_withdrawn_is_overtaken(db: Database, answering: Answering) -> None:
    options = Options(batch=Batch(max=2, wait=30.0), max_in_flight=1)
    made = await db.write(lambda tx: subscribe(tx, options=options))
    await happen(db, *[(PUBLISHED, f"a{n}") for n in range(4)])
    await db.write(owned)
    ours = answering(db)
    await ours.look(2)
    assert numbers(ours.open) == [[1, 2]]
    await happen(db, (PUBLISHED, "b"), (WITHDRAWN, "a3"))
    await ours.look(2)
    assert await taken(ours) == [[3], [5, 6]]
    assert numbers(ours.sent[:1]) == [[1, 2]]
    assert {one.seq: one.reason for one in await db.read(listing.page, made.id, limit=9)}[4] == "superseded"
    assert (await states(db, made)).count(DeliveryState.DELIVERED) == 5


async def test_what_is_sent_again_is_not_overtaken_and_overtakes_nothing(db: Database, answering: Answering) -> None:
    made = await db.write(lambda tx: subscribe(tx, options=Options(max_in_flight=1)))
    await happen(db, (PUBLISHED, "a1"), (WITHDRAWN, "a1"))
    await db.write(owned)
    ours = answering(db)
    await taken(ours)
    ended = len(ours.sent)
    await happen(db, (PUBLISHED, "b"))
    await ours.look(2)
    for seq in (1, 2):
        await db.write(again.resend, 1, seq, 1)
    await happen(db, (PUBLISHED, "a2"))
    await ours.look(2)
    await db.write(again.resend, 1, 2, 1)
    await happen(db, (WITHDRAWN, "a2"))
    await ours.look(2)
    ours.answer_all(TAKEN)
    assert sorted([*numbers(ours.sent[ended : ended + 1]), *await taken(ours)]) == [[1], [2], [2], [3], [5]]
    reasons = {one.id: one.reason for one in await db.read(listing.page, made.id, limit=20) if one.reason}
    assert reasons == {"1.0": "superseded", "4.0": "superseded"}


async def test_of_values_that_are_sent_again_none_is_held_back_or_superseded(
    db: Database, answering: Answering
) -> None:
    made = await db.write(lambda tx: subscribe(tx, options=Options(throttle=60.0)))
    await happen(db, *[(UPDATED, "GOLD")] * 3)
    await db.write(owned)
    ours = answering(db)
    assert await taken(ours) == [[3]]
    run = await db.write(again.new_run, 1)
    await db.write(again.add_rows, 1, run, 1, [1, 2, 3])
    await db.write(wakes.wake, [1])
    assert await taken(ours) == [[1], [2], [3]]
    assert [one.state for one in await db.read(listing.page, made.id, limit=9) if one.run] == ["delivered"] * 3


async def test_no_value_gives_way_to_one_that_is_held(db: Database, answering: Answering) -> None:
    await db.write(lambda tx: subscribe(tx, options=Options(throttle=60.0)))
    id_ = await hold(db, 2, 2)
    await happen(db, *[(UPDATED, "GOLD")] * 2)
    await db.write(owned)
    ours = answering(db)
    assert await taken(ours) == [[1]]
    await cancel(db, id_)
    assert await taken(ours) == []


async def test_what_waits_for_a_connection_goes_with_the_credentials_of_now(db: Database, answering: Answering) -> None:
    """In rows, in a parcel, and in a batch."""
    some = [
        await db.write(lambda tx: subscribe(tx, url=f"https://h{n}.example/hook", options=options, together=n == 0))  # noqa: B023
        for n, options in enumerate([Options(), Options(history=True), IN_THREES])
    ]
    await happen(db, *[(PUBLISHED, f"a{n}") for n in range(3)])
    await db.write(owned)
    ours = answering(db)
    await ours.look(2)
    before = ours.open
    assert len(before) == 7
    for one in some:
        await db.write(credentials.replace, one.id, b"another", ShownCredentials())
    await ours.look(3)
    assert [one.over and not one.began for one in before] == [True] * 7
    assert {one.sealed for one in ours.open} == {b"another"}
    assert sorted(numbers(ours.open)) == [[1], [1], [1, 2, 3], [2], [2], [3], [3]]


@pytest.mark.parametrize("together", [True, False], ids=["a seat", "rows"])
async def test_what_was_cancelled_with_a_hold_overtakes_nothing(
    db: Database, answering: Answering, together: bool
) -> None:
    made = await db.write(lambda tx: subscribe(tx, together=together))
    await happen(db, (PUBLISHED, "a1"))
    await db.write(owned)
    ours = answering(db, policy=replace(POLICY, schedule=(600.0, 600.0)))
    await ours.look(2)
    ours.answer_all(FAILED)
    await ours.settle()
    id_ = await hold(db, 2, 2)
    await happen(db, (CHANGED, "a1"))
    await ours.look(2)
    await cancel(db, id_)
    await ours.look(2, after=400.0)
    ours.answer_all(TAKEN)
    await ours.settle()
    assert numbers(ours.sent) == [[1], [1]]
    assert await states(db, made) == [DeliveryState.DELIVERED, DeliveryState.CANCELLED]


async def test_in_order_what_is_sent_again_does_not_wait_for_a_backlog(db: Database, answering: Answering) -> None:
    await db.write(lambda tx: subscribe(tx, options=ORDERED))
    await happen(db, *[(PUBLISHED, f"a{n}") for n in range(40)])
    await db.write(owned)
    ours = answering(db)
    run = await db.write(again.new_run, 1)
    await db.write(again.add_rows, 1, run, 1, [1, 2, 3])
    got = [one for some in await taken(ours, 24) for one in some]
    assert sorted(got[:24]) != list(range(1, 25))
    rest = list(got)
    for seq in (1, 2, 3):  # what is sent again comes later than its first, and is in order itself
        rest.reverse()
        rest.remove(seq)
        rest.reverse()
    assert rest == sorted(rest)


async def test_in_order_one_goes_at_a_time_after_others_were_held(db: Database, answering: Answering) -> None:
    """That something is held has all lanes read anew, where this webhook has nothing open."""
    await db.write(lambda tx: subscribe(tx, options=ORDERED))
    await happen(db, *[(PUBLISHED, f"a{n}") for n in range(2)])
    await db.write(owned)
    ours = answering(db)
    assert await taken(ours) == [[1], [2]]
    await hold(db, 100, 100)
    await ours.look(2)
    assert ours.line().ordered
    await happen(db, *[(PUBLISHED, f"b{n}") for n in range(3)])
    await ours.look(3)
    assert numbers(ours.open) == [[3]]
    ours.answer_all(TAKEN)
    assert await taken(ours) == [[4], [5]]
