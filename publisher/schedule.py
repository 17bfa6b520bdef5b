"""When each source is read: at its due time, when its folder changes, or when asked. The only file that knows
APScheduler, which reads cron lines.

Due times stand in the database and are by its clock (``ingest/duetimes.py`` sets them): many processes look at them,
and the one that claims a source first reads it. Once a second a process reads all that are due within the next second,
in one query, and sleeps by the monotonic clock until the first of them. A step of a node's wall clock has no effect; if
the database's own clock is set, pauses and paces are moved with it (``storage/steps.py``), and times of day stay.

A source is never read twice at once. What falls due while it is being read is dropped; a changed file or a request that
comes then is remembered, and the source is read once more when the present reading ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from publisher import clock, telemetry
from publisher.catalog import SourceDefinition
from publisher.errors import NotFound, told
from publisher.filechanges import changes
from publisher.ingest.duetimes import Timetable, pace, read_by
from publisher.storage.configuration import sources as states
from publisher.storage.configuration.sources import Due, Place
from publisher.storage.engine.database import Database, Tx
from publisher.storage.log import events

if TYPE_CHECKING:
    from apscheduler.triggers.cron import CronTrigger

log = telemetry.logger(__name__)

LOOK_SECONDS = 1.0
"""How often due times are read again, since another process may have set them."""

JITTER = 0.1
"""A source is read up to this share of its pace later, so that many of one pace do not all start at once. Its next due
time counts from the last one all the same."""

MOST_JITTER = 30.0

SETTLE_MS = 600
"""How long a watched folder must be quiet before its source is read."""

LONGEST_SETTLE_MS = 5_000
"""A folder that is never quiet is read this often."""

RETRY_SECONDS = 5.0
"""How often a watched folder that is not there is looked for."""

LAST_LOOK_SECONDS = 1.0

Tick = Callable[[str, bool], Awaitable[bool]]
"""Reads the source of this name once, if the flag is set only if it is due; False if another process is reading it."""


class Schedule:
    """The sources' timetable in one process. ``node`` is the name of this node: it reads what it may read.

    ``check`` raises in a transaction where this process does not go by the definitions in force.
    """

    def __init__(
        self,
        tick: Tick,
        db: Database,
        timetable: Timetable,
        *,
        node: str = "",
        check: Callable[[Tx], None] = lambda _tx: None,
    ) -> None:
        self._tick = tick
        self._check = check
        self._db = db
        self._timetable = timetable
        self._node = node
        self._sources: dict[str, SourceDefinition] = {}
        self._watchers: dict[tuple[str, Path], asyncio.Task[None]] = {}
        self._reading: dict[str, asyncio.Task[None]] = {}
        self._requested: set[str] = set()
        self._refused: set[str] = set()
        self._late: dict[str, tuple[int, float]] = {}
        self._not_before: dict[str, float] = {}
        self._placed = False
        self._seen: datetime | None = None
        self._woken = asyncio.Event()
        self._stopping = asyncio.Event()
        self._loop: asyncio.Task[None] | None = None

    @property
    def running(self) -> bool:
        """Whether it has been started and not stopped."""
        return self._loop is not None and not self._loop.done() and not self._stopping.is_set()

    def start(self, sources: Mapping[str, SourceDefinition], watched: Mapping[str, Path] | None = None) -> None:
        """Start reading: each source when it is due; those in ``watched`` at once, and when files change.

        One that was never read, or whose timing or definition is another than when it was read last, is due at once;
        with a cron line a new one waits for its time.
        """
        self._loop = asyncio.create_task(self._run(), name="schedule")
        self.replace(sources, watched)

    def replace(self, sources: Mapping[str, SourceDefinition], watched: Mapping[str, Path] | None = None) -> None:
        """Take another timetable; a reading under way ends as it would have.

        A source that stays as it was is read when it would have been, one that changed at once, by one of the nodes
        that take this timetable. Before a start this does nothing.
        """
        if self._loop is None:
            return
        self._sources = {name: one for name, one in sources.items() if read_by(one, self._node)}
        self._requested = self._requested & self._sources.keys()
        self._refused = self._refused & self._sources.keys()
        self._late = {name: late for name, late in self._late.items() if name in self._sources}
        self._not_before.clear()
        self._placed = False
        self._watch_these({name: path for name, path in (watched or {}).items() if name in self._sources})
        self._woken.set()

    def trigger_now(self, name: str) -> None:
        """Read a source now, or once more if it is being read; raises NotFound for one that is not scheduled."""
        if name not in self._sources:
            raise NotFound(f"no source {name!r} is scheduled")
        self._request(name)

    async def stop(self, grace: float = 5.0) -> None:
        """Start nothing more, and wait for readings under way; those that outlast ``grace`` seconds are cancelled."""
        self._stopping.set()
        self._woken.set()
        watchers, readings = list(self._watchers.values()), list(self._reading.values())
        for watcher in watchers:
            watcher.cancel()
        if readings:
            _, late = await asyncio.wait(readings, timeout=grace)
            for reading in late:
                reading.cancel()
        if self._loop is not None:
            # Not cancelled at once: a transaction that is torn apart takes its connection with it.
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asyncio.gather(self._loop, return_exceptions=True), LAST_LOOK_SECONDS)
        await asyncio.gather(*watchers, *readings, return_exceptions=True)

    async def _run(self) -> None:
        while not self._stopping.is_set():
            self._woken.clear()
            wait = LOOK_SECONDS
            try:
                wait = await self._look()
            except Exception as error:  # whatever went wrong, the loop must go on
                if not told(error):
                    log.exception("schedule.failed")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), wait)

    async def _look(self) -> float:
        """Start the sources that are due; returns in how many seconds to look again."""
        if not self._placed:
            await self._place()
        now, due = await self._db.read(states.due_within, LOOK_SECONDS)
        if self._seen is not None and now < self._seen:
            await self._bring_forward(also_failing=True)
        self._seen = now
        # Requests that found another process reading, which may have seen the folder before they came.
        self._requested, self._refused = self._requested | self._refused, set()
        for name in sorted((self._requested & self._sources.keys()) - self._reading.keys()):
            self._requested.discard(name)
            self._start(name, only_due=False)
        waits = [self._wait(one) for one in due if self._own(one) and not one.taken]
        return max(0.0, min([LOOK_SECONDS, *waits]))

    def _own(self, one: Due) -> bool:
        """Whether it may be read here, and is due by the definitions that this process uses."""
        source = self._sources.get(one.name)
        return source is not None and one.timing == self._timetable.timing(source)

    def _wait(self, one: Due) -> float:
        """Start a source if it is due; returns in how many seconds to look at it again."""
        if one.name in self._reading:
            return LOOK_SECONDS  # its end wakes us
        rest = self._not_before.get(one.name, 0.0) - asyncio.get_running_loop().time()
        wait = max(rest, one.wait + self._lateness(one.name, one.at) if one.wait is not None and one.at else 0.0)
        if wait > 0:
            return wait
        self._start(one.name, only_due=True)
        return LOOK_SECONDS

    def _lateness(self, name: str, at: int) -> float:
        """By how many seconds the reading of a source is delayed: drawn once for each due time."""
        known = self._late.get(name)
        if known is None or known[0] != at:
            most = MOST_JITTER if self._sources[name].cron else min(pace(self._sources[name]) * JITTER, MOST_JITTER)
            known = self._late[name] = (at, random.uniform(0, most))
        return known[1]

    async def _place(self) -> None:
        """See to it that each source has a due time by the present timetable."""
        sources = self._sources
        if await self._db.read(self._unplaced):
            await self._db.write(self._placing)
        await self._bring_forward(also_failing=False)
        self._placed = sources is self._sources

    def _unplaced(self, tx: Tx) -> list[Place]:
        """The sources whose timing is another than is stored, by the definitions in force alone: a timing of older ones
        would keep the nodes that go by those from reading."""
        self._check(tx)
        now, known = clock.from_micros(tx.now), states.timings(tx)
        timings = {name: self._timetable.timing(one) for name, one in self._sources.items()}
        return [
            Place(name, timing, self._timetable.placed(self._sources[name], known.get(name), now))
            for name, timing in timings.items()
            if known.get(name) != timing
        ]

    def _placing(self, tx: Tx) -> None:
        events.lock(tx)  # so that the definitions in force stay so until this is committed
        states.place(tx, self._unplaced(tx))

    async def _bring_forward(self, *, also_failing: bool) -> None:
        """Have each source with a cron line wait for the time that comes next by the clock, which was put back."""
        if any(one.cron is not None for one in self._sources.values()):
            await self._db.write(self._bringing_forward, also_failing=also_failing)

    def _bringing_forward(self, tx: Tx, *, also_failing: bool) -> None:
        now = clock.from_micros(tx.now)
        crons = [(one, one.cron) for one in self._sources.values() if one.cron is not None]
        places = [
            Place(one.name, self._timetable.timing(one), self._timetable.following_time(cron, now))
            for one, cron in crons
        ]
        states.bring_forward(tx, places, also_failing=also_failing)

    def _watch_these(self, watched: Mapping[str, Path]) -> None:
        wanted = set(watched.items())
        for place in [place for place in self._watchers if place not in wanted]:
            self._watchers.pop(place).cancel()
        for name, path in wanted - self._watchers.keys():
            task = asyncio.create_task(self._watch(name, path), name=f"watch {name}")
            self._watchers[name, path] = task
            self._request(name)

    def _request(self, name: str) -> None:
        self._requested.add(name)
        self._woken.set()

    def _start(self, name: str, *, only_due: bool) -> None:
        if not self._stopping.is_set():
            reading = self._read(name, pace(self._sources[name]), only_due)
            self._reading[name] = asyncio.create_task(reading, name=f"read {name}")

    async def _read(self, name: str, every: float, only_due: bool) -> None:
        rest = every
        try:
            if not await self._tick(name, only_due) and not only_due:
                self._refused.add(name)
            rest = min(every * JITTER, LOOK_SECONDS)
        except Exception as error:
            if not told(error):
                log.exception("source.crashed", source=name)
        finally:
            # Whatever the result, a source that is still due is not read again at once.
            self._not_before[name] = asyncio.get_running_loop().time() + rest
            del self._reading[name]
            self._woken.set()

    async def _watch(self, name: str, path: Path) -> None:
        while True:
            if not await asyncio.to_thread(path.is_dir):
                await asyncio.sleep(RETRY_SECONDS)
                continue
            try:
                async for _ in changes(path, step=SETTLE_MS, debounce=LONGEST_SETTLE_MS):
                    self._request(name)
            except OSError as error:
                # The folder was removed, or the machine's watches are used up: it is still read at its pace.
                log.warning("source.unwatched", source=name, path=str(path), error=str(error))
                await asyncio.sleep(RETRY_SECONDS)


def next_time(line: str, timezone: str, after: datetime) -> datetime:
    """The first time that a cron line names in a time zone later than a moment; for one that never comes, such as the
    30th of February, a year later.
    """
    following: datetime | None = _cron(line, timezone).get_next_fire_time(None, after + timedelta(microseconds=1))
    return following or after + timedelta(days=366)


@lru_cache(1024)
def _cron(line: str, timezone: str) -> CronTrigger:
    # Commands that read no cron line do without it.
    from apscheduler.triggers.cron import CronTrigger

    minute, hour, day, month, weekday = line.split()
    return CronTrigger(minute=minute, hour=hour, day=day, month=month, day_of_week=weekday, timezone=ZoneInfo(timezone))
