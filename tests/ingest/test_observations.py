"""Observations of sources and of the pushing desk: whose a symbol is, and what waits for a second reading."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs
from support import killed_hold
from support.clock import ManualClock

from publisher.catalog import SourceDefinition
from publisher.ingest import Definitions, Intake, Puller
from publisher.model import EventType, FeedDefinition, Indicator, IndicatorSpec
from publisher.model.change import Outcome
from publisher.model.observed import Batch
from publisher.sources.base import NoOptions, Source
from publisher.storage.configuration import feeds, sources
from publisher.storage.engine.database import Database
from publisher.storage.engine.tables import indicators as table
from publisher.storage.items import held, indicators
from publisher.storage.log import events

MARKET = FeedDefinition(name="market", title="Market", items="indicators")
GOLD = IndicatorSpec(symbol="EMAS", slug="emas", name="Emas", hold_above=0.05)


class Ticker(Source):
    """Shows the values that it was told to show, at the time of the clock."""

    kind = "ticker"

    def __init__(self, name: str, clock: ManualClock) -> None:
        super().__init__(name, None, None)
        self.clock = clock
        self.values: dict[str, str] = {}
        self.bookmarks: list[Mapping[str, Any]] = []

    async def read(self, bookmark: Mapping[str, Any]) -> Batch:
        self.bookmarks.append(dict(bookmark))
        rows = [seen(value, self.clock, symbol) for symbol, value in self.values.items()]
        return Batch(indicators=tuple(rows), bookmark={"etag": '"1"', "digest": "d", "found": ["ticker"]})


def seen(value: str, clock: ManualClock, symbol: str = "USD/IDR", **more: Any) -> Indicator:
    return Indicator(**{"symbol": symbol, "name": symbol, "value": Decimal(value), "observed_at": clock(), **more})


class Room:
    """Two tickers, the pushing desk, and what became of their values."""

    def __init__(self, db: Database, clock: ManualClock) -> None:
        self.db, self.clock = db, clock
        self.defined = {"first", "second"}
        self.definitions = Definitions(
            feeds=lambda: {MARKET.name: MARKET},
            sources=lambda: frozenset(self.defined),
            indicators=lambda: {GOLD.symbol: GOLD},
            timezone=lambda: "Asia/Jakarta",
        )
        self.puller = Puller(db, self.definitions)
        self.desk = Intake(db, self.definitions)
        self.tickers = {name: Ticker(name, clock) for name in ("first", "second")}

    async def read(self, value: str, source: str = "first", symbol: str = "USD/IDR") -> Any:
        """A reading of a source that shows this value, a minute after what was before; the report of it."""
        self.clock.advance(60)
        ticker = self.tickers[source]
        ticker.values = {symbol: value}
        definition = SourceDefinition(name=source, kind=Ticker, options=NoOptions(), backfill="push")
        report = await self.puller.run(definition, ticker)
        assert report.error is None
        return report

    async def push(self, value: str, **more: Any) -> Outcome:
        self.clock.advance(60)
        [outcome] = await self.desk.push_indicators([seen(value, self.clock, **more)])
        return outcome

    async def value(self, symbol: str = "USD/IDR") -> str | None:
        found = await self.db.read(indicators.get, symbol)
        return None if found is None else str(found.data["value"])

    async def types(self) -> list[EventType]:
        return [event.type for event in await self.db.read(events.after, 0, 1000)]

    async def version(self) -> int:
        state = await self.db.read(feeds.state, "market")
        assert state is not None
        return state.version


@pytest.fixture
async def room(db: Database, clock: ManualClock) -> Room:
    await db.write(feeds.sync, {MARKET.name: MARKET.digest})
    return Room(db, clock)


UPDATED, HELD = EventType.INDICATOR_UPDATED, EventType.INDICATOR_HELD


async def test_a_jump_of_a_source_waits_for_its_next_reading_and_touches_no_feed(room: Room) -> None:
    await room.read("16199")
    before = await room.version()
    report = await room.read("162")
    assert report.outcomes == {Outcome.HELD: 1}
    assert [(one.severity, one.origin) for one in report.problems] == [("warning", "USD/IDR")]
    assert (await room.value(), await room.version()) == ("16199", before)
    await room.read("162")
    assert (await room.value(), await room.version()) == ("162", before + 1)
    assert await room.types() == [UPDATED, HELD, UPDATED]
    assert await room.db.read(held.count) == 0


async def test_a_jump_that_goes_back_is_forgotten(room: Room) -> None:
    for value in ("16199", "162", "16200", "162"):
        await room.read(value)
    assert await room.value() == "16200"
    assert await room.types() == [UPDATED, HELD, UPDATED, HELD]
    waiting = (await room.db.read(held.among, ["USD/IDR"]))["USD/IDR"]
    assert [one.data["value"] for one in waiting] == ["162"]


async def test_while_something_is_held_the_whole_document_is_read_though_it_has_not_changed(room: Room) -> None:
    for value in ("16199", "162", "162", "162"):
        await room.read(value)
    conditions = [sorted(bookmark) for bookmark in room.tickers["first"].bookmarks]
    assert conditions == [[], ["digest", "etag", "found"], ["found"], ["digest", "etag", "found"]]


async def test_how_far_is_far_is_the_indicators_own(room: Room) -> None:
    for value in ("1533000", "1620000"):
        await room.read(value, symbol="EMAS")
    assert await room.value("EMAS") == "1533000"


async def test_what_is_held_outlasts_a_restart(room: Room, clock: ManualClock) -> None:
    await room.read("16199")
    await room.read("20000")
    after = Room(room.db, clock)
    await after.read("20000")
    assert await after.value() == "20000"


async def test_the_desk_confirms_what_a_source_has_held(room: Room) -> None:
    await room.read("16199")
    await room.read("20000")
    assert await room.push("20000") is Outcome.CHANGED
    assert (await room.value(), await room.db.read(held.count)) == ("20000", 0)


async def test_what_the_desk_pushed_waits_for_the_desk_whatever_a_source_reads_meanwhile(room: Room) -> None:
    await room.read("16199")
    assert await room.push("20000") is Outcome.HELD
    await room.read("16199")
    await room.read("16210")
    assert await room.push("20000") is Outcome.CHANGED
    assert await room.value() == "20000"


async def test_the_same_push_with_its_own_time_of_observation_is_one_reading(room: Room, clock: ManualClock) -> None:
    await room.push("16199")
    once = clock()
    assert [await room.push("20000", observed_at=once + timedelta(seconds=1)) for _ in range(3)] == [Outcome.HELD] * 3
    assert await room.types() == [UPDATED, HELD]


async def test_of_two_sources_the_first_keeps_a_symbol_and_the_others_readings_make_no_event(room: Room) -> None:
    for _ in range(10):
        await room.read("16199", "first")
        report = await room.read("16250", "second")
    assert await room.types() == [UPDATED]
    assert await room.value() == "16199"
    [problem] = report.problems
    assert (problem.severity, problem.origin) == ("warning", "USD/IDR")
    assert problem.message == "published from source 'first' already; left out here"


async def test_what_is_left_out_of_reading_after_reading_is_logged_once(room: Room) -> None:
    await room.read("16199", "first")
    with capture_logs() as logged:
        for _ in range(3):
            await room.read("16250", "second")
    assert [one["log_level"] for one in logged if one["event"] == "source.problem"] == ["warning", "debug", "debug"]


async def test_the_second_source_goes_on_once_the_first_is_defined_no_more(room: Room) -> None:
    await room.read("16199", "first")
    room.defined.discard("first")
    await room.read("16250", "second")
    assert (await room.value(), await room.types()) == ("16250", [UPDATED, UPDATED])


async def test_what_is_pushed_wins_over_what_is_read(room: Room) -> None:
    await room.read("16199")
    assert await room.push("16250") is Outcome.CHANGED
    for _ in range(3):
        await room.read("16199")
    assert (await room.value(), await room.types()) == ("16250", [UPDATED, UPDATED])


async def test_a_symbol_that_nobody_has_pushed_for_a_week_is_read_again(room: Room, clock: ManualClock) -> None:
    await room.push("16250")
    clock.advance(4 * 86_400)
    await room.push("16250")
    clock.advance(4 * 86_400)
    await room.read("16199")
    assert await room.value() == "16250"
    clock.advance(4 * 86_400)
    await room.read("16199")
    assert await room.value() == "16199"


async def test_a_source_that_reads_what_was_pushed_a_week_ago_goes_on_with_what_it_reads_then(
    room: Room, clock: ManualClock
) -> None:
    await room.push("16250")
    clock.advance(8 * 86_400)
    await room.read("16250")
    await room.read("16199")
    assert await room.value() == "16199"


async def test_a_day_that_had_not_come_when_it_was_stored_freezes_nothing(room: Room, clock: ManualClock) -> None:
    await room.read("16199")

    def into_the_future(tx: Any) -> None:
        tx.conn.execute(table.update().values(period="2999-01-01"))

    await room.db.write(into_the_future)
    await room.read("16250")
    assert await room.value() == "16250"
    stored = await room.db.read(indicators.periods, limit=10)
    assert [one.period for one in stored] == [clock().date().isoformat()]
    assert await room.types() == [UPDATED, UPDATED]


async def test_a_value_that_jumps_after_another_way_of_reading_waits(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    await room.read("16199")
    monkeypatch.setattr(SourceDefinition, "profile_digest", property(lambda _: "another"))
    await room.read("16.199")
    assert await room.value() == "16199"
    state = await room.db.read(sources.state, "first")
    assert state.profile_digest == "another"
    await room.read("16.199")
    assert (await room.value(), (await room.types())[-1]) == ("16.199", UPDATED)


def test_killed_at_any_step_an_observation_is_held_and_told_or_neither(tmp_path: Path) -> None:
    script = Path(killed_hold.__file__)
    done = subprocess.run([sys.executable, script, str(tmp_path)], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    told = [json.loads(line) for line in (tmp_path / "told").read_text().splitlines()]
    assert len(told) > 6
    assert {(one["held"], one["events"]) for one in told} == {(0, 1), (1, 2)}
    assert {(one["held"], one["second"], one["value"]) for one in told} == {
        (0, "held", "16199"),
        (1, "changed", "20000"),
    }
