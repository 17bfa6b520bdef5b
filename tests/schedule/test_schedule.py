"""When sources are read."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from support.clock import ManualClock

from publisher import clock
from publisher import schedule as timetable
from publisher.errors import NotFound
from publisher.schedule import Schedule

OFTEN = 0.005
SELDOM = 3600.0


@dataclass(frozen=True)
class Pace:
    every: float | None = SELDOM
    cron: str | None = None


class Readings:
    """Counts readings; each lasts until it is let go, and how many were under way at once is kept."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.ended = 0
        self.at_once = 0
        self.most_at_once = 0
        self.free = asyncio.Event()
        self.free.set()
        self.unheld: set[str] = set()
        self._moved = asyncio.Condition()

    async def __call__(self, name: str) -> None:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await self._note(name)
            if name not in self.unheld:
                await self.free.wait()
        finally:
            self.at_once -= 1
            self.ended += 1

    async def _note(self, name: str) -> None:
        async with self._moved:
            self.begun.append(name)
            self._moved.notify_all()

    async def until(self, count: int) -> None:
        async with self._moved:
            await asyncio.wait_for(self._moved.wait_for(lambda: len(self.begun) >= count), 20)


@pytest.fixture
def readings() -> Readings:
    return Readings()


@pytest.fixture
async def schedule(readings: Readings) -> AsyncIterator[Schedule]:
    schedule = Schedule(readings, timezone="Asia/Jakarta")
    yield schedule
    readings.free.set()
    await schedule.stop()


async def test_a_source_is_read_at_once_and_then_at_its_pace(schedule: Schedule, readings: Readings) -> None:
    schedule.start({"desk": Pace(OFTEN)})
    await readings.until(3)
    assert set(readings.begun) == {"desk"}


async def test_ticks_that_come_while_a_source_is_read_do_not_read_it_twice_at_once(
    schedule: Schedule, readings: Readings
) -> None:
    readings.free.clear()
    readings.unheld.add("clockwork")
    schedule.start({"slow": Pace(OFTEN), "clockwork": Pace(OFTEN)})
    await readings.until(20)
    assert readings.begun.count("slow") == 1


async def test_a_request_during_a_reading_is_answered_by_one_more(schedule: Schedule, readings: Readings) -> None:
    readings.free.clear()
    schedule.start({"desk": Pace()})
    await readings.until(1)
    schedule.trigger_now("desk")
    schedule.trigger_now("desk")
    readings.free.set()
    await readings.until(2)
    await schedule.stop()
    assert (len(readings.begun), readings.most_at_once) == (2, 1)


async def test_a_request_for_an_unknown_source_is_refused(schedule: Schedule) -> None:
    schedule.start({"desk": Pace()})
    with pytest.raises(NotFound, match="desc"):
        schedule.trigger_now("desc")


async def test_a_reading_that_crashes_does_not_end_the_source(readings: Readings) -> None:
    async def crash(name: str) -> None:
        await readings(name)
        raise RuntimeError("no such luck")

    schedule = Schedule(crash)
    schedule.start({"desk": Pace(OFTEN)})
    await readings.until(2)
    await schedule.stop()


async def test_a_cron_line_is_read_in_the_installations_time_zone(schedule: Schedule) -> None:
    schedule.start({"daily": Pace(None, "30 6 * * *")})
    due = schedule.next_runs()["daily"]
    # The jitter of up to half a minute may fall on either side.
    assert abs((due.hour * 60 + due.minute + due.second / 60) - (6 * 60 + 30)) <= 0.5
    assert due.utcoffset() == timedelta(hours=7)


async def test_a_source_with_a_cron_line_waits_for_its_time(schedule: Schedule, readings: Readings) -> None:
    schedule.start({"desk": Pace(), "monthly": Pace(None, "0 0 1 1 mon")})
    await readings.until(1)
    assert readings.begun == ["desk"]
    assert schedule.next_runs()["monthly"] > clock.now()


async def test_a_changed_file_is_read_before_the_next_tick(
    schedule: Schedule, readings: Readings, tmp_path: Path
) -> None:
    schedule.start({"desk": Pace()}, {"desk": tmp_path})
    await readings.until(1)
    # Written again and again until the watch, which begins in a thread of its own, has seen one of them.
    for number in range(2000):
        (tmp_path / "a.txt").write_text(str(number))
        try:
            await asyncio.wait_for(readings.until(2), 1)
            break
        except TimeoutError:
            continue
    assert readings.begun == ["desk", "desk"]


async def test_after_a_stop_nothing_is_read(schedule: Schedule, readings: Readings) -> None:
    schedule.start({"desk": Pace(OFTEN)})
    await readings.until(1)
    await schedule.stop()
    stopped_at = len(readings.begun)
    later = Readings()
    another = Schedule(later)
    another.start({"desk": Pace(OFTEN)})
    await later.until(10)
    await another.stop()
    assert not schedule.running
    assert (len(readings.begun), readings.ended) == (stopped_at, stopped_at)


async def test_a_stop_waits_for_a_reading_under_way(schedule: Schedule, readings: Readings) -> None:
    readings.free.clear()
    schedule.start({"desk": Pace()})
    await readings.until(1)
    stopping = asyncio.create_task(schedule.stop())
    await asyncio.sleep(0)
    assert not stopping.done()
    readings.free.set()
    await stopping
    assert readings.ended == 1


async def test_a_reading_that_outlasts_the_grace_is_cancelled(schedule: Schedule, readings: Readings) -> None:
    readings.free.clear()
    schedule.start({"desk": Pace()})
    await readings.until(1)
    await schedule.stop(grace=0)
    assert readings.at_once == 0


async def test_another_timetable_takes_the_place_of_the_first(schedule: Schedule, readings: Readings) -> None:
    schedule.start({"desk": Pace()})
    await readings.until(1)
    schedule.replace({"market": Pace()})
    await readings.until(2)
    assert readings.begun == ["desk", "market"]
    assert set(schedule.next_runs()) == {"market"}


@pytest.mark.parametrize("hours", [-5, -1, 1, 5])
async def test_a_step_of_the_wall_clock_holds_no_pace_up(readings: Readings, hours: int) -> None:
    wall = ManualClock()
    schedule = Schedule(readings, now=wall)
    schedule.start({"desk": Pace(OFTEN)})
    await readings.until(2)
    wall.advance(hours * 3600)
    await readings.until(6)
    await schedule.stop()


async def test_a_time_of_day_that_the_clock_was_put_beyond_is_kept_once(
    readings: Readings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timetable, "CRON_LOOK_SECONDS", 0.001)
    wall = ManualClock()  # 9:00 UTC
    schedule = Schedule(readings, now=wall)
    schedule.start({"noon": Pace(None, "0 12 * * *"), "clockwork": Pace(OFTEN)})
    await readings.until(3)
    assert "noon" not in readings.begun
    wall.advance(7 * 3600)
    await readings.until(20)
    assert readings.begun.count("noon") == 1
    assert schedule.next_runs()["noon"] - wall() > timedelta(hours=19)
    await schedule.stop()


async def test_a_clock_that_is_put_back_leads_to_the_time_of_day_that_comes_next_by_it(
    readings: Readings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timetable, "CRON_LOOK_SECONDS", 0.001)
    wall = ManualClock()  # 9:00 UTC
    schedule = Schedule(readings, now=wall)
    schedule.start({"eight": Pace(None, "0 8 * * *"), "clockwork": Pace(OFTEN)})
    assert schedule.next_runs()["eight"] - wall() > timedelta(hours=22)
    wall.advance(-2 * 3600)
    await readings.until(10)
    assert schedule.next_runs()["eight"] - wall() < timedelta(hours=1, minutes=1)
    wall.advance(3700)
    await readings.until(30)
    assert "eight" in readings.begun
    await schedule.stop()
