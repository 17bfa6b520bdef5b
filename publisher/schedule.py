"""When each source is read: at its pace, when its folder changes, or when asked. The only file that knows APScheduler.

A pace is kept by the monotonic clock, so that no step of the wall clock, forward or back, holds a source up or reads it
in a rush. A cron line names times of day: APScheduler says when the next one is, and the wall clock is asked again
every :data:`CRON_LOOK_SECONDS`, since it may have been put forward or back meanwhile.

A source is never read twice at once. A tick that finds it being read is dropped, since the next one comes; a changed
file or a request that does is remembered, and the source is read once more when the present reading ends.

The timetable is in memory: what must outlive a restart (bookmarks, back-off, leases) is in the database.
"""

from __future__ import annotations

import asyncio
import random
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol
from zoneinfo import ZoneInfo

from apscheduler.triggers.cron import CronTrigger
from watchfiles import awatch

from publisher import clock, telemetry
from publisher.clock import Clock
from publisher.errors import NotFound
from publisher.model import SourceState

log = telemetry.logger(__name__)

JITTER = 0.1
"""A source is read up to this share of its pace later, so that many of one pace do not all start at once."""

MOST_JITTER = 30.0

CRON_LOOK_SECONDS = 20.0
"""How often the wall clock is looked at for a source with a cron line."""

DEFAULT_PACE = 60.0

SETTLE_MS = 600
"""How long a watched folder must be quiet before its source is read."""

LONGEST_SETTLE_MS = 5_000
"""A folder that is never quiet is read this often."""

RETRY_SECONDS = 5.0
"""How often a watched folder that is not there is looked for."""


class Paced(Protocol):
    """What the schedule must know of a source: seconds between readings, or a cron line."""

    @property
    def every(self) -> float | None: ...
    @property
    def cron(self) -> str | None: ...


Tick = Callable[[str], Awaitable[None]]
"""Reads the source of this name once; deals with its own errors."""


class Schedule:
    """The sources' timetable. ``timezone`` is that in which cron lines are read, ``now`` the wall clock they go by."""

    def __init__(self, tick: Tick, *, timezone: str = "UTC", now: Clock = clock.now) -> None:
        self._tick = tick
        self._timezone = ZoneInfo(timezone)
        self._now = now
        self._paces: dict[str, tuple[float | None, str | None]] = {}
        self._timers: dict[str, _Timer] = {}
        self._watchers: dict[tuple[str, Path], asyncio.Task[None]] = {}
        self._reading: dict[str, asyncio.Task[None]] = {}
        self._again: set[str] = set()
        self._started = False
        self._stopping = asyncio.Event()

    @property
    def running(self) -> bool:
        """Whether it has been started and not stopped."""
        return self._started and not self._stopping.is_set()

    def start(self, sources: Mapping[str, Paced], watched: Mapping[str, Path] | None = None) -> None:
        """Start reading: every source once at once, then at its pace; those in ``watched`` also when files change."""
        self._started = True
        self.replace(sources, watched)

    def replace(
        self,
        sources: Mapping[str, Paced],
        watched: Mapping[str, Path] | None = None,
        *,
        timezone: str | None = None,
    ) -> None:
        """Take another timetable; a reading under way ends as it would have.

        A source whose pace stays is read when it would have been, one that is new or of another pace at once. With
        another ``timezone`` a cron line is another pace.
        """
        zone = self._timezone if timezone is None else ZoneInfo(timezone)
        moved, self._timezone = zone != self._timezone, zone
        paces = {name: (source.every, source.cron) for name, source in sources.items()}
        kept = {name for name, pace in self._paces.items() if paces.get(name) == pace and not (moved and pace[1])}
        for name in self._paces.keys() - kept:
            self._timers.pop(name).stop()
            del self._paces[name]
        self._again &= paces.keys()
        for name in [name for name in paces if name not in self._paces]:
            self._timers[name] = self._timer(name, sources[name])
        self._paces = paces
        self._watch_these(watched or {})

    def next_runs(self) -> dict[str, datetime]:
        """When each source is due next, by the wall clock as it stood when that was set."""
        return {name: timer.due for name, timer in self._timers.items()}

    def _timer(self, name: str, source: Paced) -> _Timer:
        if source.cron is not None:
            return _ByTheWallClock(lambda: self._due(name), _cron(source.cron, self._timezone), self._now)
        return _Paced(lambda: self._due(name), source.every or DEFAULT_PACE, self._now)

    def trigger_now(self, name: str) -> None:
        """Read a source now, or once more if it is being read; raises NotFound for one that is not scheduled."""
        if name not in self._timers:
            raise NotFound(f"no source {name!r} is scheduled")
        self._request(name, remember=True)

    async def stop(self, grace: float = 5.0) -> None:
        """Start nothing more, and wait for readings under way; those that outlast ``grace`` seconds are cancelled."""
        self._stopping.set()
        self._again.clear()
        for timer in self._timers.values():
            timer.stop()
        watchers, readings = list(self._watchers.values()), list(self._reading.values())
        for watcher in watchers:
            watcher.cancel()
        if readings:
            _, late = await asyncio.wait(readings, timeout=grace)
            for reading in late:
                reading.cancel()
        await asyncio.gather(*watchers, *readings, return_exceptions=True)

    def _watch_these(self, watched: Mapping[str, Path]) -> None:
        wanted = set(watched.items())
        for place in [place for place in self._watchers if place not in wanted]:
            self._watchers.pop(place).cancel()
        for name, path in wanted - self._watchers.keys():
            task = asyncio.create_task(self._watch(name, path), name=f"watch {name}")
            self._watchers[name, path] = task

    def _due(self, name: str) -> None:
        self._request(name, remember=False)

    def _request(self, name: str, *, remember: bool) -> None:
        if self._stopping.is_set():
            return
        if name not in self._reading:
            self._reading[name] = asyncio.create_task(self._read(name), name=f"read {name}")
        elif remember:
            self._again.add(name)

    async def _read(self, name: str) -> None:
        try:
            await self._tick(name)
        except Exception:
            log.exception("source.crashed", source=name)
        finally:
            del self._reading[name]
        if name in self._again:
            self._again.discard(name)
            self._request(name, remember=False)

    async def _watch(self, name: str, path: Path) -> None:
        while True:
            if not await asyncio.to_thread(path.is_dir):
                await asyncio.sleep(RETRY_SECONDS)
                continue
            try:
                async for _ in awatch(path, step=SETTLE_MS, debounce=LONGEST_SETTLE_MS):
                    self._request(name, remember=True)
            except OSError as error:  # the folder went away, or the machine's watches are used up: the sweep stays
                log.warning("source.unwatched", source=name, path=str(path), error=str(error))
                await asyncio.sleep(RETRY_SECONDS)


class _Timer(ABC):
    """Calls ``fire`` again and again, until it is stopped."""

    due: datetime
    """When it does so next, by the wall clock as it stood when that was set."""

    def __init__(self, fire: Callable[[], None], now: Clock) -> None:
        self._fire = fire
        self._now = now
        self._loop = asyncio.get_running_loop()
        self._handle: asyncio.TimerHandle | None = None

    def stop(self) -> None:
        """Call no more."""
        if self._handle is not None:
            self._handle.cancel()

    def _wait(self, seconds: float) -> None:
        self._handle = self._loop.call_later(seconds, self._wake)

    @abstractmethod
    def _wake(self) -> None: ...


class _Paced(_Timer):
    """At once, and then every ``every`` seconds by the monotonic clock."""

    def __init__(self, fire: Callable[[], None], every: float, now: Clock) -> None:
        super().__init__(fire, now)
        self._every = every
        self._beat = self._loop.time()
        self.due = now()
        self._wait(0)

    def _wake(self) -> None:
        self._fire()
        present = self._loop.time()
        # What the process slept through is made up for once.
        self._beat = max(self._beat + self._every, present)
        seconds = self._beat - present + random.uniform(0, min(self._every * JITTER, MOST_JITTER))
        self.due = self._now() + timedelta(seconds=seconds)
        self._wait(seconds)


class _ByTheWallClock(_Timer):
    """At the times of a cron line. One that the clock was put beyond is made up for once."""

    def __init__(self, fire: Callable[[], None], trigger: CronTrigger, now: Clock) -> None:
        super().__init__(fire, now)
        self._trigger = trigger
        self._seen = now()
        self.due = self._after(self._seen)
        self._look(self._seen)

    def _wake(self) -> None:
        present = self._now()
        if present >= self.due:
            self._fire()
            self.due = self._after(present)
        elif present < self._seen:  # put back: what comes next may be before what was waited for
            self.due = self._after(present)
        self._seen = present
        self._look(present)

    def _look(self, present: datetime) -> None:
        self._wait(min(max(0.0, (self.due - present).total_seconds()), CRON_LOOK_SECONDS))

    def _after(self, present: datetime) -> datetime:
        following: datetime | None = self._trigger.get_next_fire_time(None, present + timedelta(microseconds=1))
        later = timedelta(seconds=random.uniform(0, MOST_JITTER))
        # None for a line that names no time that ever comes, such as the 30th of February.
        return (following or present + timedelta(days=366)) + later


def next_run(source: Paced, state: SourceState, *, timezone: str, now: datetime) -> datetime | None:
    """When a source is read next, by its pace and what became of the last reading; null where it was never read.

    A time that has passed means that no service is reading it.
    """
    tried = max((at for at in (state.last_success_at, state.last_error_at) if at), default=None)
    if tried is None:
        return None
    if source.cron is None:
        due = tried + timedelta(seconds=source.every or DEFAULT_PACE)
    else:
        following: datetime | None = _cron(source.cron, ZoneInfo(timezone)).get_next_fire_time(None, now)
        if following is None:
            return None
        due = following
    return max(due, state.next_run_at) if state.failures and state.next_run_at else due


def _cron(line: str, timezone: ZoneInfo) -> CronTrigger:
    minute, hour, day, month, weekday = line.split()
    return CronTrigger(minute=minute, hour=hour, day=day, month=month, day_of_week=weekday, timezone=timezone)
