"""What a webhook asked for, beside holds, what is sent again, pauses and ends of processes, as they may come."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from support.again import driver
from support.answering import FAILED, TAKEN, Answering, Sent
from support.deliveries import subscribe
from support.in_flight import owned
from test_wishes_by_chance import CALM, OPTIONS, TYPES, Told, cleared

from publisher.model import SubscriptionState
from publisher.storage.engine.database import Database, Tx
from publisher.storage.engine.tables import deliveries as table
from publisher.storage.subscriptions import again, holds, listing, rights, stretches, subscriptions

SEQS = st.integers(1, 12)
STEPS = st.one_of(
    CALM,
    CALM,
    st.tuples(st.just("hold"), st.tuples(SEQS, SEQS).map(sorted)),
    st.tuples(st.just("release"), st.none()),
    st.tuples(st.just("cancel"), st.none()),
    st.tuples(st.just("again"), SEQS),
    st.tuples(st.just("again"), SEQS),
    st.tuples(st.just("pause"), st.none()),
    st.tuples(st.just("off and on"), st.none()),
    st.tuples(st.just("erase"), SEQS),
    st.tuples(st.just("end"), st.none()),
)
REASONS = {"superseded", "erased", "hold: wrong", "disabled"}


class ToldAgain(Told):
    """One webhook that may be sent things again, and one hold at a time."""

    n = 0
    held: tuple[str, int, int] | None = None
    paused = False
    in_turn: list[tuple[int, int]]

    async def step(self, name: str, what: Any) -> None:
        """One of :data:`STEPS`."""
        match name:
            case "hold" if self.held is None:
                first, last = (self.before + seq for seq in what)
                made = await self.db.write(
                    lambda tx: holds.create(tx, feed=None, source=None, first=first, last=last, by="x", reason=None)
                )
                self.held = made.id, first, last
            case "release" | "cancel" if self.held is not None:
                await self.let_go(name)
            case "again":
                await self.db.write(self._again, self.before + what)
            case "pause":
                self.paused = not self.paused
                await self.db.write(self._pause if self.paused else self._go_on)
            case "off and on" if not self.paused:
                for state in (SubscriptionState.DISABLED, SubscriptionState.ACTIVE):
                    await self.db.write(subscriptions.update, self.id, state=state)
            case _:
                await super().step(name, what)

    async def let_go(self, name: str) -> None:
        """End the hold."""
        assert self.held is not None
        if name == "release":
            await self.db.write(lambda tx: holds.release(tx, self.held[0], by="x", reason=None))
        else:
            await self.db.write(lambda tx: holds.cancel(tx, self.held[0], by="x", reason="wrong"))
        self.held = None
        going_on = driver(self.db)
        while await going_on.step(1.0):
            pass

    def answer(self, one: Sent, *, taken: bool) -> None:
        """Answer a request, if it may still be written; nothing that is held may begin."""
        items = [item for item in self.ours.sender._held.sending if item.sending is one]
        before = one.began
        if not one.connect():
            return
        rows = [(row.run, row.seq) for item in items for row in item.rows]
        if not before and self.held is not None:
            _, first, last = self.held
            assert not [seq for _, seq in rows if first <= seq <= last], (rows, self.held)
        assert before or not self.paused
        if taken:
            self.taken.update(seq for run, seq in rows if not run)
            self.in_turn += rows
        one.answer(TAKEN if taken else FAILED)

    def _again(self, tx: Tx, seq: int) -> None:
        own = select(table.c.filter_id, table.c.reason).where(table.c.subscription == self.n, table.c.seq == seq)
        found = tx.conn.execute(own.where(table.c.run == 0)).first()
        if found is not None and found.reason != "erased" and again.hurry(tx, self.n, seq) is None:
            again.resend(tx, self.n, seq, found.filter_id)

    def _pause(self, tx: Tx) -> None:
        stretches.hold(tx)
        rights.stand_still(tx, {"no feed": [self.n]})

    def _go_on(self, tx: Tx) -> None:
        stretches.hold(tx)
        rights.go_on(tx, [self.n])


@pytest.mark.parametrize("first", OPTIONS, ids=repr)
@settings(
    max_examples=6, deadline=None, derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
@given(st.lists(STEPS, min_size=6, max_size=30))
async def test_nothing_is_lost_doubled_or_out_of_turn(
    db: Database, answering: Answering, first: Any, steps: list[tuple[str, Any]]
) -> None:
    await db.write(cleared)
    made = await db.write(lambda tx: subscribe(tx, together=True, options=first))
    await db.write(owned)
    told = ToldAgain(db, answering, made.id, made.from_seq - 1)
    told.n, told.in_turn = await db.write(subscriptions.number, made.id), []
    await told.step("happen", [(type_, item) for type_ in TYPES[:5] for item in "ab"])
    for name, what in steps:
        await told.step(name, what)
    if told.held is not None:
        await told.let_go("release")
    if told.paused:
        await told.step("pause", None)
    await told.to_the_end()
    for one in await db.read(listing.page, made.id, limit=1000):
        if one.state == "cancelled":
            assert one.reason in REASONS, one
            assert not one.run or one.reason != "superseded", one
        else:
            assert one.state == "delivered", one
        if not one.run and one.seq not in told.unsure:
            assert told.taken[one.seq] == (one.state == "delivered"), one
    seqs = range(made.from_seq, made.from_seq + 200)
    for account in await db.read(listing.accounting, seqs):
        assert account.matched == sum(account.states.values()) == 1
    if first.ordered and "end" not in {name for name, _ in steps}:
        live = [(run, seq) for run, seq in told.in_turn if not run]
        later = [(run, seq) for run, seq in told.in_turn if run]
        assert live == sorted(live)
        assert later == sorted(later)
