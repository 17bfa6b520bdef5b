"""A webhook may ask for fewer requests at once, or in a second, than its publisher would send."""

from __future__ import annotations

import pytest
from support.alone import PUBLISHED, happen, numbers
from support.answering import TAKEN, Answering
from support.deliveries import subscribe
from support.in_flight import owned

from publisher.delivery.endpoints.wish import CAUGHT_UP_SECONDS, Wish
from publisher.model import Options
from publisher.storage.engine.database import Database
from publisher.storage.subscriptions import subscriptions

TEN = [(PUBLISHED, f"a{n}") for n in range(10)]


@pytest.mark.parametrize("together", [True, False])
async def test_no_more_than_it_asked_for_are_under_way(db: Database, answering: Answering, together: bool) -> None:
    await db.write(lambda tx: subscribe(tx, together=together, options=Options(max_in_flight=3)))
    await happen(db, *TEN)
    await db.write(owned)
    ours = answering(db)
    await ours.look(2)
    assert len(ours.open) == 3
    ours.open[0].answer(TAKEN)
    await ours.look(2)
    assert len(ours.open) == 3
    assert len(ours.sent) == 4


async def test_another_number_counts_for_what_waits_already(db: Database, answering: Answering) -> None:
    made = await db.write(lambda tx: subscribe(tx, together=True, options=Options(max_in_flight=1)))
    await happen(db, *TEN)
    await db.write(owned)
    ours = answering(db)
    await ours.look(2)
    assert len(ours.open) == 1
    await db.write(subscriptions.update, made.id, options=Options(max_in_flight=4))
    await ours.look(3)
    assert len(ours.open) == 4


async def test_one_begins_when_its_pace_lets_it_and_not_before(db: Database, answering: Answering) -> None:
    await db.write(lambda tx: subscribe(tx, together=True, options=Options(rate_limit=1.0)))
    await happen(db, *TEN)
    await db.write(owned)
    ours = answering(db)
    await ours.look(after=0.0)
    await ours.look(3, after=0.01)
    assert numbers(ours.sent) == [[1]]
    await ours.look(2, after=0.5)
    assert numbers(ours.sent) == [[1], [2]]


def test_a_pace_makes_up_for_a_moment_and_not_for_a_night() -> None:
    wish = Wish(Options(rate_limit=100.0))
    now = 50_000.0
    begun = 0
    while wish.wait(now) == 0.0:
        wish.begins(now)
        begun += 1
    assert begun <= 100.0 * CAUGHT_UP_SECONDS + 2
    assert 0 < wish.wait(now) <= 0.01
