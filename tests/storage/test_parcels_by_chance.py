"""Whatever happens in whatever order, every event is sent to each who follows it, once, and counted as it was sent."""

from __future__ import annotations

import asyncio
import itertools
import shutil
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test
from sqlalchemy import select, update
from support.clock import ManualClock
from support.deliveries import settle, subscribe
from support.expected import Follower, Made, Model
from support.items import an_event
from support.parcels import Held, Pair, Process, failed, fill, number, piece, taken, unsent, whole
from support.postgres import Postgres

from publisher.model import DeliveryState, Event, Filter
from publisher.storage.engine import tables
from publisher.storage.engine.database import Database, Tx
from publisher.storage.items import erasure
from publisher.storage.log import events
from publisher.storage.subscriptions import (
    fanout,
    notices,
    queue,
    rights,
    seats,
    spilling,
    stretches,
    subscriptions,
)
from publisher.storage.subscriptions.deliveries import Outcome
from publisher.storage.subscriptions.fanout import Judged

T = TypeVar("T")

DELIVERED, DEAD, CANCELLED = DeliveryState.DELIVERED, DeliveryState.DEAD, DeliveryState.CANCELLED
FINAL = {DELIVERED, DEAD, CANCELLED}
FEEDS = ("a", "b")
URLS = tuple(f"https://{name}.example/hook" for name in "abc")
EXAMPLES, STEPS = 8, 40

Fresh = Callable[[], Any]
"""A context manager that gives the URL and the folder of a fresh database."""

some = st.integers(min_value=0, max_value=10**6)
"""Which of those there are, counted on from the first again and again."""


class Deliveries(RuleBasedStateMachine):
    """Everything that may happen to subscriptions, events and deliveries; ``fresh`` is set by the test."""

    fresh: Fresh

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.model = Model()
        self.clock = ManualClock()
        self.names = (f"p{count}" for count in itertools.count())
        self.seen: dict[Pair, DeliveryState] = {}
        self.left = self.fresh()
        url, data = self.left.__enter__()
        self.db = self.run(Database.open(url, data, now=self.clock))
        self.process = self.run(Process.begun(self.db, next(self.names)))
        self.before = self.process

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Await it."""
        self.sound = False
        result = self.runner.run(work)
        self.sound = True
        return result

    def write(self, change: Callable[[Tx], T]) -> T:
        """Write it, and look whether all is as it should be."""
        result = self.run(self.db.write(change))
        self.check()
        return result

    def check(self, *, settled: Sequence[Pair] = ()) -> None:
        """Nothing is lost, doubled or miscounted, and nothing but what was ``settled`` was delivered or is dead."""
        found, at = self.run(self.db.read(lambda tx: (whole(tx), fanout.page(tx, 1).cursor)))
        self.sound = False
        done = {pair for pair in self.model.expected if pair[0] <= at.seq}
        assert {pair for pair in found if pair[0] <= at.seq} ^ done <= self.model.unsure
        rest = {pair for pair in found if pair[0] > at.seq}
        assert rest <= self.model.expected and {seq for seq, _ in rest} <= {at.seq + 1}
        changed = {pair for pair in found | self.seen if found.get(pair) != self.seen.get(pair)}
        for pair in changed:
            assert self.seen.get(pair) not in FINAL, f"{pair} was settled"
            if found[pair] is CANCELLED:
                assert pair in self.model.may_be_cancelled, pair
            elif found[pair] in FINAL:
                assert pair in settled, f"{pair} was not sent"
        self.seen, self.sound = found, True

    # Events and the fan-out

    @initialize()
    def begin(self) -> None:
        """Some follow from the first event on."""
        for feed in ("a", "a", "a", "a", "b", "b"):
            self.subscribe(feed, URLS[0])

    @rule(feed=st.sampled_from(FEEDS), private=st.booleans(), held=st.sampled_from((False, False, False, True)))
    def append(self, feed: str, private: bool, held: bool) -> None:
        """An event, which may be of private feeds alone, or held."""
        new = an_event()
        new = new.model_copy(update={"subject": new.id})
        [event] = self.run(self.db.write(events.append, [new]))
        self.model.appended(event.seq or 0, Made(feed, private, held, new.id))
        self.check()

    @rule(chunk=st.sampled_from((1, 2, 1000)))
    def fan_out(self, chunk: int) -> None:
        """One piece."""
        self.run(piece(self.db, self.model.matches, chunk=chunk))
        self.check()

    @rule(
        feed=st.sampled_from(FEEDS), private=st.booleans(), every=st.sampled_from((2, 3)), chunk=st.integers(1, 3),
        then=st.sampled_from(("fill", "lower", "raise_", "lose", "delete", "refilter", "stand_still")), which=some,
    )  # fmt: skip
    def half_do(self, feed: str, private: bool, every: int, chunk: int, then: str, which: int) -> None:
        """Fan out up to an event, and a part of that: not all who follow it have a seat. Meanwhile something else."""
        while self.run(piece(self.db, self.model.matches)) is not None:
            self.check()
        self.append(feed, private, held=False)
        own = [one.n for one in self.model.of("active")][::every]

        def leave(tx: Tx) -> None:
            stretches.hold(tx)
            seats.leave(tx, own)

        self.write(leave)
        self.fan_out(chunk)
        more: dict[str, Any] = {"fill": {}, "refilter": {"which": which, "feed": feed}}
        getattr(self, then)(**more.get(then, {"which": which}))

    @rule()
    def fill(self) -> None:
        """Seats for those who have none."""
        self.run(fill(self.db))
        self.check()

    @rule(which=some)
    @precondition(lambda self: self.model.events)
    def erase(self, which: int) -> None:
        """An article; what is not fanned out of it is for no one."""
        seq, made = list(self.model.events.items())[which % len(self.model.events)]
        at = self.run(self.db.read(fanout.page, 1)).cursor
        made.erased = True
        if seq > at.seq + (at.subscription > 0):
            self.model.expected -= {pair for pair in self.model.expected if pair[0] == seq}
        elif seq > at.seq:  # half done: judged no more, for a filter that no one followed with its first piece
            lowered = {(seq, one.n) for one in self.model.followers.values() if one.public}
            self.model.unsure |= (lowered & self.model.expected) - self.seen.keys()
        self.model.may_be_cancelled |= {pair for pair in self.model.expected if pair[0] == seq}

        def erase(tx: Tx) -> None:
            found, _ = erasure.unsent(tx, made.subject)
            erasure.settle(tx, [Judged(one.seq or 0, {}) for one in found])
            erasure.erase(tx, made.subject, "/v1/articles/x")

        self.write(erase)

    @rule(feed=st.sampled_from(FEEDS))
    def release(self, feed: str) -> None:
        """A feed is back: nothing of it is held, nor will be."""
        for made in self.model.events.values():
            made.held = made.held and made.feed != feed
        self.write(lambda tx: rights.release(tx, [feed]))

    # Subscriptions

    @rule(feed=st.sampled_from(FEEDS), url=st.sampled_from(URLS))
    @precondition(lambda self: len(self.model.followers) < 12)
    def subscribe(self, feed: str, url: str) -> None:
        """One more."""
        made = self.run(self.db.write(lambda tx: subscribe(tx, feed, together=True, url=url)))
        n = self.run(number(self.db, made.id))
        self.model.followers[n] = Follower(n, made.id, feed)
        self.check()

    def one_of(self, which: int, *states: str) -> Follower | None:
        """One of those in these states, if there is any."""
        there = self.model.of(*states)
        if "active" in states and len(self.model.of("active")) < 4:
            return None  # else soon nothing would happen any more
        return there[which % len(there)] if there else None

    @rule(which=some, feed=st.sampled_from(FEEDS))
    def refilter(self, which: int, feed: str) -> None:
        """Another filter, or the same."""
        if one := self.one_of(which, "active", "still"):
            if one.feed != feed:
                one.feed, one.public = feed, False
            self.write(lambda tx: subscriptions.update(tx, one.id, filter=Filter(feeds=(feed,))))

    @rule(which=some, url=st.sampled_from(URLS))
    def readdress(self, which: int, url: str) -> None:
        """Another endpoint, which may be in another lane."""
        if one := self.one_of(which, "active", "still"):
            self.write(lambda tx: subscriptions.update(tx, one.id, url=url))

    @rule(which=some)
    def disable(self, which: int) -> None:
        """It ends, until it is enabled."""
        if one := self.one_of(which, "active", "still"):
            self.model.ended(one, "disabled")
            self.write(lambda tx: subscriptions.disable(tx, one.id))

    @rule(which=some)
    def enable(self, which: int) -> None:
        """It goes on with the next event."""
        if one := self.one_of(which, "disabled"):
            one.state, one.public = "active", False
            self.write(lambda tx: subscriptions.enable(tx, one.id))

    @rule(which=some)
    def delete(self, which: int) -> None:
        """It ends."""
        if one := self.one_of(which, "active", "still", "lost", "disabled"):
            self.model.ended(one, "deleted")
            self.write(lambda tx: subscriptions.delete(tx, one.id))

    @rule(which=some)
    def stand_still(self, which: int) -> None:
        """None of its feeds is published."""
        if one := self.one_of(which, "active"):
            one.state = "still"

            def pause(tx: Tx) -> None:
                stretches.hold(tx)
                rights.stand_still(tx, {"no feed": [one.n]})

            self.write(pause)

    @rule(which=some)
    def go_on(self, which: int) -> None:
        """They are back."""
        if one := self.one_of(which, "still"):
            one.state = "active"

            def resume(tx: Tx) -> None:
                stretches.hold(tx)
                rights.go_on(tx, [one.n])

            self.write(resume)

    @rule(which=some)
    def lose(self, which: int) -> None:
        """Its owner may follow nothing."""
        if one := self.one_of(which, "active", "still"):
            self.model.ended(one, "lost")
            self.write(lambda tx: rights.lose(tx, [one.n], "no key", stretches.hold(tx)[0]))

    def holder(self, tx: Tx, one: Follower) -> list[rights.Holder]:
        """A follower as its rights are changed."""
        return [holder for holder in rights.holders(tx) if holder.n == one.n]

    @rule(which=some)
    def regain(self, which: int) -> None:
        """Its owner may follow all again."""
        if one := self.one_of(which, "lost"):
            one.state, one.public = "active", False
            self.write(lambda tx: rights.regain(tx, self.holder(tx, one), public=False, last=stretches.hold(tx)[0]))

    @rule(which=some)
    def lower(self, which: int) -> None:
        """It may follow public feeds alone, of what is not fanned out yet either."""
        if one := self.one_of(which, "active"):
            at = self.run(self.db.read(fanout.page, 1)).cursor
            one.public = True
            lost = {seq for seq, made in self.model.events.items() if made.private and not made.erased and seq > at.seq}
            self.model.expected -= {(seq, one.n) for seq in lost} - self.seen.keys()

            def fallen(tx: Tx) -> None:
                _, done = stretches.hold(tx)
                rights.lower(tx, self.holder(tx, one), done)
                rights.judge_again(tx)

            self.write(fallen)

    @rule(which=some)
    def raise_(self, which: int) -> None:
        """It may follow all from the next event on."""
        if one := self.one_of(which, "active"):
            one.public = False
            self.write(lambda tx: rights.raise_(tx, self.holder(tx, one), stretches.hold(tx)[0]))

    @rule(which=some)
    def tell(self, which: int) -> None:
        """A notice that is for it alone."""
        if one := self.one_of(which, "active", "still", "lost"):

            def told(tx: Tx) -> Event | None:
                rights.owe(tx, [one.n])
                return notices.tell(tx, one.id, [])

            event = self.run(self.db.write(told))
            assert event is not None
            self.model.expected.add((event.seq or 0, one.n))
            self.check()

    # Sending

    @rule(data=st.data(), feed=st.sampled_from(FEEDS), then=st.sampled_from(("spill", "kill", "settle_late", "look")))
    def send(self, data: st.DataObject, feed: str, then: str) -> None:
        """Have an event in parcels, send some of it, and let something else happen to what is open of it."""
        self.fill()
        self.append(feed, private=False, held=False)
        while self.run(piece(self.db, self.model.matches)) is not None:
            self.check()
        sent = self.settle(data, self.process)
        if then == "spill":
            self.write(lambda tx: spilling.of_subscriptions(tx, [one.subscription for one in sent]))
        elif then == "settle_late":
            self.kill()
            self.settle(data, self.before)
        else:
            getattr(self, then)()

    @rule(data=st.data(), late=st.booleans())
    def send_rest(self, data: st.DataObject, late: bool) -> None:
        """What came of some seats; ``late``: in the process that was there before."""
        self.settle(data, self.before if late else self.process)

    def settle(self, data: st.DataObject, process: Process) -> list[Outcome]:
        """Have a process settle some of what it could send."""
        if process is self.process:
            self.run(process.read())
        there = process.open()
        if not there:
            return []
        ways: list[Callable[[Held], Outcome]] = [taken, taken, failed, unsent, lambda one: failed(one, wait=None)]
        chosen = data.draw(st.lists(st.sampled_from(range(len(there))), unique=True, min_size=1, max_size=6))
        outcomes = [data.draw(st.sampled_from(ways))(there[place]) for place in sorted(chosen)]
        self.run(process.settle(outcomes))
        final = [one for one in outcomes if one.state in {"delivered", "dead"} and one.parcel is not None]
        self.check(settled=[(one.parcel.seq, one.subscription) for one in final if one.parcel is not None])
        return outcomes

    @rule()
    def look(self) -> None:
        """The process learns what others did to what it has, and hands back what it has not begun."""
        some = [(one.id, one.seq) for one in self.process.aboard]
        self.run(self.process.look())
        made = self.run(self.db.read(spilling.made, self.process.name, some))
        self.settle_rows([row for row, _, _ in made], "pending")

    @rule(how=st.sampled_from(("delivered", "dead", "retrying", "pending")), share=st.sampled_from((1, 100)))
    def send_rows(self, how: str, share: int) -> None:
        """Take rows that are due, and settle them."""
        lease = next(self.names) + ".row"
        own = list(self.model.followers)
        ids = self.run(self.db.write(queue.take_of, own, share, lease=lease, seconds=60.0))
        self.settle_rows(ids, how)

    def settle_rows(self, ids: Sequence[int], how: Any) -> None:
        """Settle rows that are under a lease, as a sender does."""
        claim = self.run(self.db.write(queue.brought, ids))
        outcomes = []
        for one in claim.deliveries:
            sent = how in {"delivered", "dead", "retrying"} and one.cancelled is None
            wait = 0.0 if how in {"retrying", "pending"} and one.cancelled is None else None
            state: Any = how if one.cancelled is None else "cancelled"
            number = one.number if sent else 0
            outcomes.append(Outcome(one.id, one.lease, state, wait, number, subscription=one.subscription))
        self.run(self.db.write(settle, outcomes))
        self.check(settled=[(one.seq, one.subscription) for one in claim.deliveries])

    @rule()
    def kill(self) -> None:
        """The process is killed, and another takes its lanes; the one before may not know it yet."""
        self.before = self.process
        self.process = self.run(Process.begun(self.db, next(self.names)))
        self.check()

    @rule(which=some, owned=st.booleans())
    def spill(self, which: int, owned: bool) -> None:
        """What is open of one is moved to rows, while its lane is this process's, or no one's for a moment."""
        if one := self.one_of(which, "active"):
            if not owned:
                self.write(lambda tx: tx.conn.execute(update(tables.lanes).values(owner=None)))
            self.write(lambda tx: spilling.of_subscriptions(tx, [one.n]))
            self.write(lambda tx: tx.conn.execute(update(tables.lanes).values(owner=self.process.name)))

    @rule(seconds=st.sampled_from((1, 100, 200)))
    def wait(self, seconds: int) -> None:
        """Leases run out."""
        self.clock.advance(seconds)

    # The end

    def teardown(self) -> None:
        """Everything goes on to its end; then each pair that there should be is settled, and nothing else is there."""
        try:
            if self.sound:  # else that is to be told
                self.finish()
        finally:
            self.run(self.db.close())
            self.runner.close()
            self.left.__exit__(None, None, None)

    def finish(self) -> None:
        """Let all that waits be done."""
        for _ in self.model.of("still"):
            self.go_on(0)
        for feed in FEEDS:
            self.release(feed)
        while self.run(piece(self.db, self.model.matches, chunk=3)) is not None:
            self.check()
        self.kill()
        for _ in range(3):
            there = self.process.open()
            self.run(self.process.settle([taken(one) for one in there]))
            self.check(settled=[(one.parcel.seq, one.n) for one in there])
            self.look()
            self.clock.advance(1000)
            self.send_rows("delivered", 1000)
        assert self.seen.keys() ^ self.model.expected <= self.model.unsure
        assert set(self.seen.values()) <= FINAL
        left = self.run(self.db.read(lambda tx: tx.conn.execute(select(tables.journal)).all()))
        assert left == []


@pytest.fixture
def fresh_sqlite(sqlite_template: Path, tmp_path: Path) -> Fresh:
    numbers = itertools.count()

    @contextmanager
    def fresh() -> Iterator[tuple[str, Path]]:
        data = tmp_path / f"data{next(numbers)}"
        data.mkdir(mode=0o700)
        shutil.copy(sqlite_template, data / "publisher.db")
        yield "sqlite", data

    return fresh


@pytest.fixture
def fresh_postgresql(postgres: Postgres, tmp_path: Path) -> Fresh:
    @contextmanager
    def fresh() -> Iterator[tuple[str, Path]]:
        url = postgres.create()
        yield url, tmp_path
        postgres.drop(url)

    return fresh


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_by_chance(kind: str, request: pytest.FixtureRequest) -> None:
    class Here(Deliveries):
        fresh = staticmethod(request.getfixturevalue(f"fresh_{kind}"))

    checks = list(HealthCheck)
    by_chance = settings(
        max_examples=EXAMPLES, stateful_step_count=STEPS, deadline=None, database=None, suppress_health_check=checks
    )
    run_state_machine_as_test(Here, settings=by_chance)
