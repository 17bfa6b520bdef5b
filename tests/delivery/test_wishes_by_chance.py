"""Whatever a webhook asked for, and whatever happens: each event is taken once, or its end has a reason.

Hypothesis makes up what happens to a sender and its process; afterwards everything is answered with a success.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.alone import ALERT, CHANGED, PUBLISHED, UPDATED, WITHDRAWN, happen, numbers
from support.answering import FAILED, POLICY, TAKEN, Answered, Answering, Sent
from support.deliveries import subscribe
from support.in_flight import owned

from publisher.model import Options
from publisher.model.options import Batch
from publisher.storage.engine.database import Database, Tx
from publisher.storage.subscriptions import deliveries, listing, queue, subscriptions

OPTIONS = [
    Options(),
    Options(ordered=True),
    Options(batch=Batch(max=3, wait=2.0)),
    Options(ordered=True, batch=Batch(max=2, wait=2.0)),
    Options(throttle=5.0),
    Options(ordered=True, throttle=5.0),
    Options(batch=Batch(max=3, wait=2.0), throttle=5.0),
    Options(max_in_flight=2, history=True),
]
TYPES = [PUBLISHED, CHANGED, WITHDRAWN, UPDATED, UPDATED, ALERT]

ITEMS = st.tuples(st.sampled_from(TYPES), st.sampled_from("ab"))
CALM = st.one_of(
    st.tuples(st.just("happen"), st.lists(ITEMS, min_size=1, max_size=5)),
    st.tuples(st.just("look"), st.sampled_from([0.1, 1.0, 3.0, 40.0])),
    st.tuples(st.just("answer"), st.lists(st.booleans(), min_size=1, max_size=5)),
    st.tuples(st.just("answer"), st.lists(st.booleans(), min_size=1, max_size=5)),
)
STEPS = st.one_of(
    CALM,
    st.tuples(st.just("end"), st.none()),
    st.tuples(st.just("erase"), st.integers(1, 9)),
    st.tuples(st.just("wish"), st.sampled_from(OPTIONS)),
)


class Told:
    """One webhook, and the processes that sent for it one after the other."""

    def __init__(self, db: Database, answering: Answering, id: str, before: int) -> None:
        self.db, self.id, self.before = db, id, before
        self._answering = answering
        self.policy = replace(POLICY, schedule=(1.0,) * 40)
        self.ours: Answered = answering(db, policy=self.policy)
        self.taken: Counter[int] = Counter()
        self.unsure: set[int] = set()
        self.order: list[int] = []

    async def step(self, name: str, what: Any) -> None:
        """One of :data:`STEPS`."""
        match name:
            case "happen":
                await happen(self.db, *what)
            case "look":
                await self.ours.look(after=what)
            case "answer":
                await self.ours.look(after=0.1)
                for one, taken in zip(self.ours.open, what, strict=False):
                    self.answer(one, taken=taken)
            case "end":
                for one in self.ours.sent:  # what was answered and is not committed is sent again
                    self.unsure |= {seq for seq in numbers([one])[0] if one.began}
                await self.db.write(queue.abandon)
                self.ours = self._answering(self.db, policy=self.policy)
            case "erase":
                await self.db.write(deliveries.cancel_erased, [self.before + what])
            case "wish":
                await self.db.write(subscriptions.update, self.id, options=what)

    def answer(self, one: Sent, *, taken: bool) -> None:
        """Answer a request, if it may still be written."""
        if not one.connect():
            return
        if taken:
            for seq in numbers([one])[0]:
                self.taken[seq] += 1
                self.order.append(seq)
        one.answer(TAKEN if taken else FAILED)

    async def to_the_end(self) -> None:
        """Answer everything with a success until nothing is open."""
        for _ in range(60):
            await self.ours.look(2, after=7.0)
            for one in self.ours.open:
                self.answer(one, taken=True)
            await self.ours.settle()
            if not await self.db.read(listing.depth):
                return
        raise AssertionError(await self.db.read(listing.depth))


@pytest.mark.parametrize("first", OPTIONS, ids=repr)
@settings(
    max_examples=5, deadline=None, derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
@given(st.lists(CALM, min_size=8, max_size=25) | st.lists(STEPS, min_size=4, max_size=25))
async def test_each_event_is_taken_or_its_end_has_a_reason(
    db: Database, answering: Answering, first: Options, steps: list[tuple[str, Any]]
) -> None:
    await db.write(cleared)
    made = await db.write(lambda tx: subscribe(tx, together=True, options=first))
    await db.write(owned)
    told = Told(db, answering, made.id, made.from_seq - 1)
    await told.step("happen", [(type_, item) for type_ in TYPES[:5] for item in "ab"])
    for name, what in steps:
        await told.step(name, what)
    await told.to_the_end()
    listed = await db.read(listing.page, made.id, limit=1000)
    for one in listed:
        if one.state == "delivered":
            assert told.taken[one.seq] >= 1, one
            assert told.taken[one.seq] == 1 or one.seq in told.unsure, (one, told.unsure)
        else:
            assert (one.state, one.reason in {"superseded", "erased"}) == ("cancelled", True), one
            assert not told.taken[one.seq] or one.seq in told.unsure, one
    last = max((one.seq for one in listed), default=0)
    accounts = await db.read(listing.accounting, [*range(made.from_seq, last + 1)])
    assert all(account.matched == sum(account.states.values()) == 1 for account in accounts)
    if first.ordered and not {"end", "wish"} & {name for name, _ in steps}:
        assert told.order == sorted(told.order)


def cleared(tx: Tx) -> None:
    """End whatever there is."""
    for one in subscriptions.list_(tx):
        subscriptions.delete(tx, one.id)
