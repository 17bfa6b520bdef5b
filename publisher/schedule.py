"""When each source is read: at its pace, when its folder changes, or when asked. The only file that knows APScheduler.

A source is never read twice at once. A tick that finds it being read is dropped, since the next one comes; a changed
file or a request that does is remembered, and the source is read once more when the present reading ends.

The job store is in memory: what must outlive a restart (bookmarks, back-off, leases) is in the database.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol
from zoneinfo import ZoneInfo

from apscheduler.executors.asyncio import AsyncIOExecutor
from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger
from watchfiles import awatch

from publisher import clock, telemetry
from publisher.errors import NotFound
from publisher.model import SourceState

log = telemetry.logger(__name__)

JITTER = 0.1
"""A source is read up to this share of its pace later, so that many of one pace do not all start at once."""

MOST_JITTER = 30.0
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
    """The sources' timetable. ``timezone`` is that in which cron lines are read."""

    def __init__(self, tick: Tick, *, timezone: str = "UTC") -> None:
        self._tick = tick
        self._scheduler = AsyncIOScheduler(
            timezone=timezone,
            jobstores={"default": MemoryJobStore()},
            executors={"default": AsyncIOExecutor()},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )
        self._paces: dict[str, tuple[float | None, str | None]] = {}
        self._watchers: dict[tuple[str, Path], asyncio.Task[None]] = {}
        self._reading: dict[str, asyncio.Task[None]] = {}
        self._again: set[str] = set()
        self._stopping = asyncio.Event()

    @property
    def running(self) -> bool:
        """Whether it has been started and not stopped."""
        return bool(self._scheduler.running) and not self._stopping.is_set()

    def start(self, sources: Mapping[str, Paced], watched: Mapping[str, Path] | None = None) -> None:
        """Start reading: every source once at once, then at its pace; those in ``watched`` also when files change."""
        self._scheduler.start()
        self.replace(sources, watched)

    def replace(self, sources: Mapping[str, Paced], watched: Mapping[str, Path] | None = None) -> None:
        """Take another timetable; a reading under way ends as it would have.

        A source whose pace stays is read when it would have been, one that is new or of another pace at once.
        """
        paces = {name: (source.every, source.cron) for name, source in sources.items()}
        for name in [name for name, pace in self._paces.items() if paces.get(name) != pace]:
            self._scheduler.remove_job(name)
            del self._paces[name]
        self._again &= paces.keys()
        for name in [name for name in paces if name not in self._paces]:
            trigger, first = _trigger(sources[name], self._scheduler.timezone)
            self._scheduler.add_job(self._due, trigger, args=[name], id=name, name=name, **first)
        self._paces = paces
        self._watch_these(watched or {})

    def next_runs(self) -> dict[str, datetime]:
        """When each source is due next."""
        return {job.id: job.next_run_time for job in self._scheduler.get_jobs() if job.next_run_time}

    def trigger_now(self, name: str) -> None:
        """Read a source now, or once more if it is being read; raises NotFound for one that is not scheduled."""
        if self._scheduler.get_job(name) is None:
            raise NotFound(f"no source {name!r} is scheduled")
        self._request(name, remember=True)

    async def stop(self, grace: float = 5.0) -> None:
        """Start nothing more, and wait for readings under way; those that outlast ``grace`` seconds are cancelled."""
        self._stopping.set()
        self._again.clear()
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)
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

    async def _due(self, name: str) -> None:
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


def next_run(source: Paced, state: SourceState, *, timezone: str, now: datetime) -> datetime | None:
    """When a source is read next, by its pace and what became of the last reading; null where it was never read.

    A time that has passed means that no service is reading it.
    """
    tried = max((at for at in (state.last_success_at, state.last_error_at) if at), default=None)
    if tried is None:
        return None
    if source.cron is None:
        due = tried + timedelta(seconds=source.every or 60.0)
    else:
        trigger, _ = _trigger(source, ZoneInfo(timezone))
        following: datetime | None = trigger.get_next_fire_time(None, now)
        if following is None:
            return None
        due = following
    return max(due, state.next_run_at) if state.failures and state.next_run_at else due


def _trigger(source: Paced, timezone: object) -> tuple[BaseTrigger, dict[str, datetime]]:
    """The trigger, and for one with a pace its first run: now."""
    if source.cron is not None:
        minute, hour, day, month, weekday = source.cron.split()
        trigger = CronTrigger(
            minute=minute, hour=hour, day=day, month=month, day_of_week=weekday, timezone=timezone, jitter=MOST_JITTER
        )
        return trigger, {}
    every = source.every or 60.0
    jitter = min(every * JITTER, MOST_JITTER)
    return IntervalTrigger(seconds=every, jitter=jitter, timezone=timezone), {"next_run_time": clock.now()}
