"""When sources are read, by one process and by several. The database's clock is put by hand; nothing waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from support.clock import Machine, ManualClock

from publisher import schedule as looking
from publisher.catalog import SourceDefinition
from publisher.errors import NotAdopted, NotFound
from publisher.ingest import Definitions, Puller, Timetable
from publisher.ingest.pull import LEASE_SECONDS
from publisher.maintenance.clocks import ClockWatch
from publisher.model.observed import Batch
from publisher.schedule import Schedule, next_time
from publisher.sources.base import NoOptions, Source
from publisher.storage.configuration import sources
from publisher.storage.engine.database import Database, Tx

OpenDatabase = Callable[[], Awaitable[Database]]

PACE = 60.0
LATE = PACE * looking.JITTER
"""By how much a reading may come later than it is due."""


class Upstream:
    """What all sources read: counts readings, which last until they are let go; and how many were under way at once."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.by: list[str] = []
        self.ended = 0
        self.at_once: dict[str, int] = {}
        self.most_at_once = 0
        self.free = asyncio.Event()
        self.free.set()
        self._moved = asyncio.Condition()

    async def read(self, name: str, node: str) -> None:
        self.at_once[name] = self.at_once.get(name, 0) + 1
        self.most_at_once = max(self.most_at_once, self.at_once[name])
        try:
            async with self._moved:
                self.begun.append(name)
                self.by.append(node)
                self._moved.notify_all()
            await self.free.wait()
        finally:
            self.at_once[name] -= 1
            self.ended += 1

    async def until(self, count: int) -> None:
        async with self._moved:
            await asyncio.wait_for(self._moved.wait_for(lambda: len(self.begun) >= count), 20)


class Counted(Source):
    """Finds nothing, and tells the upstream that it was read."""

    kind = "counted"

    async def read(self, bookmark: Mapping[str, Any]) -> Batch:
        upstream, node = self.options
        await upstream.read(self.name, node)
        return Batch()


def definition(name: str = "wire", **more: Any) -> SourceDefinition:
    return SourceDefinition(name, Counted, NoOptions(), **{"every": PACE, **more})


class Process:
    """One process of an installation, as far as it reads sources."""

    def __init__(
        self,
        db: Database,
        upstream: Upstream,
        node: str = "a",
        zone: str = "Asia/Jakarta",
        check: Callable[[Tx], None] = lambda _tx: None,
    ) -> None:
        self.db = db
        self._looks, self._moved = 0, asyncio.Condition()
        self.definitions: dict[str, SourceDefinition] = {}
        self._upstream, self._node = upstream, node
        known = Definitions(lambda: {}, lambda: frozenset(self.definitions), lambda: {}, zone)
        timetable = Timetable(lambda: zone, next_time)
        self._puller = Puller(db, known, timetable, node=node, process=node)
        self.schedule = Schedule(self._tick, db, timetable, node=node, check=check)
        self._really_look = self.schedule._look
        self.schedule._look = self._look  # type: ignore[method-assign]

    def start(self, *definitions: SourceDefinition, watched: Mapping[str, Path] | None = None) -> None:
        self.definitions = {one.name: one for one in definitions}
        self.schedule.start(self.definitions, watched)

    def replace(self, *definitions: SourceDefinition) -> None:
        self.definitions = {one.name: one for one in definitions}
        self.schedule.replace(self.definitions)

    async def _tick(self, name: str, due: bool) -> bool:
        source = Counted(name, (self._upstream, self._node), None)  # type: ignore[arg-type]
        return not (await self._puller.run(self.definitions[name], source, due=due)).taken

    async def due(self, name: str = "wire") -> datetime | None:
        return (await self.db.read(sources.state, name)).next_run_at

    async def due_at(self, wanted: datetime, name: str = "wire") -> None:
        """Wait until a reading is recorded that makes the source due at this time."""
        async with asyncio.timeout(20):
            while await self.due(name) != wanted:
                await self.looked(1)

    async def looked(self, times: int = 3) -> None:
        """Wait until the schedule has looked so many times more."""
        wanted = self._looks + times
        async with self._moved:
            await asyncio.wait_for(self._moved.wait_for(lambda: self._looks >= wanted), 20)

    async def _look(self) -> float:
        wait = await self._really_look()
        async with self._moved:
            self._looks += 1
            self._moved.notify_all()
        return wait


@pytest.fixture
def upstream() -> Upstream:
    return Upstream()


@pytest.fixture(autouse=True)
def looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock stands still between two steps of a test, so that there is nothing to sleep for."""
    monkeypatch.setattr(looking, "LOOK_SECONDS", 0.02)


Start = Callable[..., Awaitable[Process]]


@pytest.fixture
async def process(open_database: OpenDatabase, upstream: Upstream) -> AsyncIterator[Start]:
    """Makes one more process on the same database; all are stopped at the end."""
    made: list[Process] = []

    async def make(node: str = "a", **more: Any) -> Process:
        one = Process(await open_database(), upstream, node, **more)
        made.append(one)
        return one

    yield make
    upstream.free.set()
    for one in made:
        await one.schedule.stop()


async def test_a_source_is_read_at_once_and_then_at_its_pace_which_does_not_drift(
    process: Start, upstream: Upstream, clock: ManualClock
) -> None:
    one, began = await process(), clock()
    one.start(definition())
    await one.due_at(began + timedelta(seconds=PACE))
    for number in range(2, 6):
        due = began + timedelta(seconds=PACE * (number - 1))
        clock.time = due - timedelta(seconds=0.5)
        await one.looked()
        assert len(upstream.begun) == number - 1
        clock.time = due + timedelta(seconds=LATE)
        await one.due_at(due + timedelta(seconds=PACE))
    assert len(upstream.begun) == 5


async def test_many_processes_read_a_source_once_for_each_pace(
    process: Start, upstream: Upstream, clock: ManualClock
) -> None:
    nodes, began = [await process(name) for name in "abc"], clock()
    for one in nodes:
        one.start(definition())
    for number in range(1, 6):
        await nodes[0].due_at(began + timedelta(seconds=PACE * number))
        for one in nodes:
            await one.looked()
        assert len(upstream.begun) == number
        clock.time = began + timedelta(seconds=PACE * number + LATE)
    assert upstream.most_at_once == 1
    assert (await nodes[0].db.read(sources.state, "wire")).node in {"a", "b", "c"}


async def test_a_time_that_nobody_was_there_to_read_at_is_made_up_for_once_and_then_kept_in_step(
    process: Start, upstream: Upstream, clock: ManualClock
) -> None:
    one, began = await process(), clock()
    one.start(definition())
    await one.due_at(began + timedelta(seconds=PACE))
    clock.advance(100 * PACE + 10)
    await one.due_at(began + timedelta(seconds=101 * PACE))
    await one.looked()
    assert len(upstream.begun) == 2


async def test_a_restart_reads_nothing_before_it_is_due_but_folders(
    process: Start, upstream: Upstream, clock: ManualClock, tmp_path: Path
) -> None:
    first, began = await process(), clock()
    both = definition("wire"), definition("desk")
    first.start(*both)
    for name in ("wire", "desk"):
        await first.due_at(began + timedelta(seconds=PACE), name)
    await first.schedule.stop()
    clock.advance(10)
    again = await process()
    again.start(*both, watched={"desk": tmp_path})
    await upstream.until(3)
    await again.looked()
    assert upstream.begun[2:] == ["desk"]
    # That a folder was read for another reason changes nothing of its pace.
    assert await again.due("desk") == began + timedelta(seconds=PACE)


@pytest.mark.parametrize(
    "change",
    [{"every": PACE / 2}, {"every": None, "cron": "0 5 * * *"}, {"backfill": "push"}, {"kind": Source}],
    ids=["pace", "cron", "nothing of it", "definition"],
)
async def test_what_is_read_otherwise_or_at_another_pace_is_read_at_once_by_one_of_the_nodes(
    process: Start, upstream: Upstream, clock: ManualClock, change: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Source, "kind", "another", raising=False)
    nodes, began = [await process(name) for name in "ab"], clock()
    for one in nodes:
        one.start(definition())
    await nodes[0].due_at(began + timedelta(seconds=PACE))
    clock.advance(10)
    changed = replace(definition(), **change)
    for one in nodes:  # before either looks: one that goes by older definitions has nothing to say, as is shown below
        one.replace(changed)
    for one in nodes:
        await one.looked()
    at_once = "kind" in change or ("every" in change and changed.cron is None)
    await upstream.until(1 + at_once)
    await nodes[1].looked()
    assert len(upstream.begun) == 1 + at_once


async def test_a_node_that_goes_by_older_definitions_reads_nothing_that_changed_since(
    process: Start, upstream: Upstream, clock: ManualClock
) -> None:
    old, new, began = await process("old"), await process("new"), clock()
    old.start(definition())
    await old.due_at(began + timedelta(seconds=PACE))
    upstream.free.clear()
    new.start(definition(every=PACE / 2))
    await upstream.until(2)
    await old.looked()
    upstream.free.set()
    await new.due_at(began + timedelta(seconds=PACE / 2))
    clock.advance(PACE / 2 + LATE)
    await new.due_at(began + timedelta(seconds=PACE))
    await old.looked()
    assert upstream.by == ["old", "new", "new"]


async def test_a_node_that_cannot_adopt_what_is_in_force_keeps_no_other_from_reading(
    process: Start, upstream: Upstream, clock: ManualClock
) -> None:
    looks = 0

    def unfit(_tx: Tx) -> None:
        nonlocal looks
        looks += 1
        raise NotAdopted("this release cannot go by version 2 of the definitions")

    new, began = await process("new"), clock()
    new.start(definition(every=PACE / 2), definition("daily", every=None, cron="0 5 * * *"))
    await new.due_at(began + timedelta(seconds=PACE / 2))
    daily = await new.due("daily")
    old = await process("old", check=unfit)
    old.start(definition(), definition("daily", every=None, cron="0 4 * * *"))
    while looks < 3:
        await new.looked()
    assert await new.due("daily") == daily
    clock.advance(PACE / 2 + LATE)
    await new.due_at(began + timedelta(seconds=PACE))
    assert upstream.by == ["new", "new"]


async def test_ticks_that_come_while_a_source_is_read_are_dropped(
    process: Start, upstream: Upstream, clock: ManualClock
) -> None:
    upstream.free.clear()
    nodes, began = [await process(name) for name in "ab"], clock()
    for one in nodes:
        one.start(definition(every=10.0))
    await upstream.until(1)
    clock.advance(35)
    for one in nodes:
        await one.looked()
    upstream.free.set()
    await nodes[0].due_at(began + timedelta(seconds=40))
    assert (len(upstream.begun), upstream.most_at_once) == (1, 1)


async def test_another_node_goes_on_when_the_lease_of_a_killed_reader_has_run_out(
    process: Start, upstream: Upstream, clock: ManualClock
) -> None:
    one, began = await process(), clock()
    await one.db.write(sources.claim, "wire", "killed.1", LEASE_SECONDS, node="b")
    one.start(definition())
    clock.advance(LEASE_SECONDS - 1)
    await one.looked()
    assert upstream.begun == []
    clock.advance(2)
    await one.due_at(began + timedelta(seconds=LEASE_SECONDS + 1 + PACE))
    assert (await one.db.read(sources.state, "wire")).node == "a"


async def test_a_request_during_a_reading_is_answered_by_one_more(process: Start, upstream: Upstream) -> None:
    upstream.free.clear()
    one = await process()
    one.start(definition())
    await upstream.until(1)
    one.schedule.trigger_now("wire")
    one.schedule.trigger_now("wire")
    await one.looked()
    upstream.free.set()
    await upstream.until(2)
    await one.looked()
    assert (len(upstream.begun), upstream.most_at_once) == (2, 1)


async def test_a_request_that_finds_another_process_reading_is_remembered_too(
    process: Start, upstream: Upstream
) -> None:
    upstream.free.clear()
    reads, waits = await process("a"), await process("b")
    reads.start(definition())
    await upstream.until(1)
    waits.start(definition())
    waits.schedule.trigger_now("wire")
    await waits.looked()
    assert upstream.by == ["a"]
    upstream.free.set()
    await upstream.until(2)
    assert (upstream.by, upstream.most_at_once) == (["a", "b"], 1)


async def test_a_request_for_an_unknown_source_is_refused(process: Start) -> None:
    one = await process()
    one.start(definition())
    with pytest.raises(NotFound, match="wier"):
        one.schedule.trigger_now("wier")


async def test_a_source_is_read_only_by_the_nodes_that_it_names(process: Start, upstream: Upstream) -> None:
    nodes = [await process(name) for name in "ab"]
    named = [definition("none"), definition("of-b", nodes=("b", "c")), definition("any", nodes=("*",))]
    for one in nodes:
        one.start(*named, definition("of-c", nodes=("c",)))
    await upstream.until(3)
    for one in nodes:
        await one.looked()
    assert sorted(upstream.begun) == ["any", "none", "of-b"]
    assert upstream.by[upstream.begun.index("of-b")] == "b"
    with pytest.raises(NotFound):
        nodes[0].schedule.trigger_now("of-b")


async def test_a_reading_that_crashes_does_not_end_the_source(db: Database) -> None:
    begun, twice = 0, asyncio.Event()

    async def crash(name: str, due: bool) -> bool:
        nonlocal begun
        begun += 1
        if begun == 2:
            twice.set()
        raise RuntimeError("no such luck")

    schedule = Schedule(crash, db, Timetable(lambda: "UTC", next_time))
    schedule.start({"wire": definition(every=0.01)})
    await asyncio.wait_for(twice.wait(), 20)
    await schedule.stop()


async def test_a_source_with_a_cron_line_waits_for_its_time_in_the_sites_time_zone(
    process: Start, upstream: Upstream, clock: ManualClock
) -> None:
    one = await process()
    daily = definition(every=None, cron="30 17 * * *")
    one.start(daily)
    await one.due_at(datetime(2026, 3, 2, 10, 30, tzinfo=UTC))  # it is 9:00 in UTC, 16:00 in Jakarta
    await one.looked()
    assert upstream.begun == []
    clock.advance(1.5 * 3600 + looking.MOST_JITTER)
    await one.due_at(datetime(2026, 3, 3, 10, 30, tzinfo=UTC))
    assert len(upstream.begun) == 1


async def test_a_changed_file_is_read_before_it_is_due(process: Start, upstream: Upstream, tmp_path: Path) -> None:
    one = await process()
    one.start(definition(), watched={"wire": tmp_path})
    await upstream.until(1)
    # Written again and again until the watch, which begins in a thread of its own, has seen one of them.
    for number in range(2000):
        (tmp_path / "a.txt").write_text(str(number))
        try:
            await asyncio.wait_for(upstream.until(2), 1)
            break
        except TimeoutError:
            continue
    assert upstream.begun == ["wire", "wire"]


async def test_after_a_stop_nothing_is_read(process: Start, upstream: Upstream, clock: ManualClock) -> None:
    one, other, began = await process("a"), await process("b"), clock()
    one.start(definition())
    await one.due_at(began + timedelta(seconds=PACE))
    await one.schedule.stop()
    clock.advance(PACE + LATE)
    other.start(definition())
    await other.due_at(began + timedelta(seconds=2 * PACE))
    assert not one.schedule.running
    assert (upstream.by, upstream.ended) == (["a", "b"], 2)


async def test_a_stop_waits_for_a_reading_under_way(process: Start, upstream: Upstream) -> None:
    upstream.free.clear()
    one = await process()
    one.start(definition())
    await upstream.until(1)
    stopping = asyncio.create_task(one.schedule.stop())
    await asyncio.sleep(0)
    assert not stopping.done()
    upstream.free.set()
    await stopping
    assert upstream.ended == 1


async def test_a_reading_that_outlasts_the_grace_is_cancelled_and_read_by_who_comes_next(
    process: Start, upstream: Upstream
) -> None:
    upstream.free.clear()
    one = await process("a")
    one.start(definition())
    await upstream.until(1)
    await one.schedule.stop(grace=0)
    assert upstream.at_once["wire"] == 0
    upstream.free.set()
    other = await process("b")
    other.start(definition())
    await upstream.until(2)
    assert upstream.by == ["a", "b"]


async def test_another_timetable_takes_the_place_of_the_first(
    process: Start, upstream: Upstream, clock: ManualClock
) -> None:
    one, due = await process(), clock() + timedelta(seconds=PACE)
    one.start(definition("wire"))
    await one.due_at(due, "wire")
    one.replace(definition("market"))
    await one.due_at(due, "market")
    clock.advance(PACE + LATE)
    await one.due_at(due + timedelta(seconds=PACE), "market")
    assert upstream.begun == ["wire", "market", "market"]


@pytest.mark.parametrize("hours", [-5, -1, 1, 5])
async def test_a_step_of_the_databases_clock_holds_no_pace_up_and_hurries_none(
    process: Start, upstream: Upstream, clock: ManualClock, hours: int
) -> None:
    one, machine, began = await process(), Machine(clock), clock()
    watch = ClockWatch(one.db, elapsed=machine.elapsed)
    await watch.look()
    one.start(definition())
    await one.due_at(began + timedelta(seconds=PACE))
    clock.advance(hours * 3600)  # a look may come before the watch's: what it claims by is judged first
    await one.looked()
    await watch.look()
    assert await one.due() == began + timedelta(hours=hours, seconds=PACE)
    machine.passes(PACE - 1)
    await one.looked()
    assert len(upstream.begun) == 1
    machine.passes(1 + LATE)
    await upstream.until(2)


async def test_a_time_of_day_that_the_clock_was_put_beyond_is_kept_once(
    process: Start, upstream: Upstream, clock: ManualClock
) -> None:
    one, machine = await process(zone="UTC"), Machine(clock)  # 9:00 UTC
    watch = ClockWatch(one.db, elapsed=machine.elapsed)
    await watch.look()
    one.start(definition("noon", every=None, cron="0 12 * * *"))
    await one.due_at(datetime(2026, 3, 2, 12, 0, tzinfo=UTC), "noon")
    clock.advance(7 * 3600)
    await watch.look()
    await one.due_at(datetime(2026, 3, 3, 12, 0, tzinfo=UTC), "noon")
    await one.looked()
    assert upstream.begun == ["noon"]


async def test_a_clock_that_is_put_back_leads_to_the_time_of_day_that_comes_next_by_it(
    process: Start, upstream: Upstream, clock: ManualClock
) -> None:
    one, machine = await process(zone="UTC"), Machine(clock)  # 9:00 UTC
    watch = ClockWatch(one.db, elapsed=machine.elapsed)
    await watch.look()
    one.start(definition("eight", every=None, cron="0 8 * * *"))
    await one.due_at(datetime(2026, 3, 3, 8, 0, tzinfo=UTC), "eight")
    clock.advance(-2 * 3600)
    await watch.look()
    await one.due_at(datetime(2026, 3, 2, 8, 0, tzinfo=UTC), "eight")
    machine.passes(3600 + looking.MOST_JITTER)
    await upstream.until(1)


@pytest.mark.parametrize(
    ("line", "zone", "after", "expected"),
    [
        ("0 12 * * *", "UTC", "2026-03-02T12:00:00", "2026-03-03T12:00:00+00:00"),
        ("*/10 * * * *", "UTC", "2026-03-02T09:00:01", "2026-03-02T09:10:00+00:00"),
        ("30 6 * * *", "Asia/Jakarta", "2026-03-02T09:00:00", "2026-03-03T06:30:00+07:00"),
    ],
)
def test_the_next_time_of_a_cron_line_is_later_than_now(line: str, zone: str, after: str, expected: str) -> None:
    assert next_time(line, zone, datetime.fromisoformat(after).replace(tzinfo=UTC)).isoformat() == expected


def test_a_time_that_never_comes_is_a_year_away() -> None:
    now = datetime(2026, 3, 2, tzinfo=UTC)
    assert next_time("0 0 30 2 *", "UTC", now) == now + timedelta(days=366)
