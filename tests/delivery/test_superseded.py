"""A later truth overtakes: a retry never revives what was changed or withdrawn since."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.alone import ALERT, CHANGED, PUBLISHED, UPDATED, WITHDRAWN, happen, numbers
from support.answering import FAILED, POLICY, TAKEN, Answering
from support.deliveries import subscribe
from support.in_flight import owned

from publisher.model import EventType, Filter, Options, Subscription
from publisher.storage.engine.database import Database
from publisher.storage.subscriptions import listing, subscriptions

SLOWLY = replace(POLICY, schedule=(20.0, 20.0))

together = pytest.mark.parametrize("together", [True, False], ids=["a seat", "rows"])


async def reasons(db: Database, made: Subscription) -> dict[int, str | None]:
    """Those that were cancelled, and why."""
    return {one.seq: one.reason for one in await db.read(listing.page, made.id, limit=100) if one.state == "cancelled"}


@together
@pytest.mark.parametrize(
    ("first", "later"), [(PUBLISHED, CHANGED), (PUBLISHED, WITHDRAWN), (WITHDRAWN, PUBLISHED), (UPDATED, UPDATED)]
)
async def test_a_retry_is_not_sent_once_a_later_event_of_its_item_was_or_waits(
    db: Database, answering: Answering, first: EventType, later: EventType, together: bool
) -> None:
    made = await db.write(lambda tx: subscribe(tx, together=together))
    await happen(db, (first, "a1"))
    await db.write(owned)
    ours = answering(db, policy=SLOWLY)
    await ours.look()
    ours.answer_all(FAILED)
    await ours.settle()
    await happen(db, (later, "a1"))
    await ours.look(2)
    ours.answer_all(TAKEN)
    await ours.look(3, after=30.0)
    assert numbers(ours.sent) == [[1], [2]]
    assert await reasons(db, made) == {1: "superseded"}
    (account,) = await db.read(listing.accounting, [1])
    assert account.matched == sum(account.states.values()) == 1


@together
async def test_an_event_of_another_item_overtakes_nothing(db: Database, answering: Answering, together: bool) -> None:
    await db.write(lambda tx: subscribe(tx, together=together))
    await happen(db, (PUBLISHED, "a1"), (UPDATED, "GOLD"), (ALERT, "GOLD"))
    await db.write(owned)
    ours = answering(db, policy=SLOWLY)
    await ours.look(2)
    ours.answer_all(FAILED)
    await happen(db, (CHANGED, "a2"), (ALERT, "GOLD"))
    for _ in range(4):
        await ours.look(2, after=15.0)
        ours.answer_all(TAKEN)
    assert sorted(numbers(ours.sent)) == [[1], [1], [2], [2], [3], [3], [4], [5]]


@pytest.mark.parametrize("options", [Options(history=True), Options(ordered=True)], ids=["history", "ordered"])
async def test_who_asked_for_all_of_it_is_sent_all_of_it(db: Database, answering: Answering, options: Options) -> None:
    made = await db.write(lambda tx: subscribe(tx, together=True, options=options))
    await happen(db, (PUBLISHED, "a1"))
    await db.write(owned)
    ours = answering(db, policy=SLOWLY)
    await ours.look(2)
    ours.answer_all(FAILED)
    await happen(db, (WITHDRAWN, "a1"))
    for _ in range(6):
        await ours.look(after=30.0)
        ours.answer_all(TAKEN)
    assert sorted(numbers(ours.sent)) == [[1], [1], [2]]
    assert await reasons(db, made) == {}


async def test_what_was_not_for_this_webhook_overtakes_nothing_of_it(db: Database, answering: Answering) -> None:
    made = await db.write(lambda tx: subscribe(tx, together=True))
    await db.write(lambda tx: subscribe(tx, "coffee", together=True))
    await happen(db, (PUBLISHED, "a1"))
    await db.write(owned)
    ours = answering(db, policy=SLOWLY)
    await ours.look(2)
    ours.answer_all(FAILED)
    await ours.settle()
    await db.write(subscriptions.update, made.id, filter=Filter(feeds=("news",), events=(PUBLISHED,)))
    assert await happen(db, (CHANGED, "a1"), only=[2])  # it matches the other's filter alone
    await db.write(subscriptions.update, made.id, filter=Filter(feeds=("coffee",)))
    await ours.look(3, after=30.0)
    assert numbers([one for one in ours.sent if (one.url == made.url and one.began) or not one.over])[-1] in ([1], [2])
    assert 1 not in await reasons(db, made)


@together
async def test_a_withdrawal_overtakes_what_waits_of_its_article_for_a_first_attempt(
    db: Database, answering: Answering, together: bool
) -> None:
    made = await db.write(lambda tx: subscribe(tx, together=together, options=Options(max_in_flight=1)))
    await happen(db, (PUBLISHED, "a0"), (PUBLISHED, "a1"), (CHANGED, "a1"), (PUBLISHED, "a2"))
    await db.write(owned)
    ours = answering(db)
    await ours.look(2)
    assert numbers(ours.open) == [[1]]
    await happen(db, (WITHDRAWN, "a1"))
    for _ in range(5):
        await ours.look(2)
        ours.answer_all(TAKEN)
    await ours.settle()
    assert numbers(ours.sent) == [[1], [4], [5]]
    assert await reasons(db, made) == {2: "superseded", 3: "superseded"}
