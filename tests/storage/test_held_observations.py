"""Observations that wait for a second one, and days that an earlier version should not have stored."""

from __future__ import annotations

from dataclasses import replace

from support.clock import ManualClock
from support.items import an_indicator, indicator_change

from publisher.model.change import IndicatorChange, Outcome
from publisher.model.indicator import indicator_json
from publisher.storage.engine.database import Database
from publisher.storage.items import held, indicators
from publisher.storage.items.record import record


def waits(value: str, source: str = "ticker", symbol: str = "USD/IDR") -> IndicatorChange:
    change = indicator_change(an_indicator(symbol, value), "2026-03-02", Outcome.HELD, source=source)
    return replace(change, settled=frozenset({source}))


async def observed(db: Database, *changes: IndicatorChange) -> None:
    await db.write(record, indicators=[one for one in changes if one.outcome is not Outcome.HELD], holding=changes)


async def test_what_is_held_is_kept_by_symbol_and_source_and_is_not_published(db: Database, clock: ManualClock) -> None:
    await observed(db, waits("20000"), waits("21000", "desk"), waits("9", symbol="EMAS"))
    found = await db.read(held.among, ["USD/IDR", "IDX"])
    assert list(found) == ["USD/IDR"]
    assert [(one.source, one.data["value"]) for one in found["USD/IDR"]] == [("desk", "21000"), ("ticker", "20000")]
    assert found["USD/IDR"][1].data == indicator_json(an_indicator("USD/IDR", "20000"))
    assert found["USD/IDR"][1].held_at == clock()
    assert await db.read(held.count) == 3
    assert await db.read(indicators.latest) == []


async def test_a_later_one_takes_its_place_and_a_decision_that_settles_it_ends_it(db: Database) -> None:
    await observed(db, waits("20000"), waits("21000", "desk"))
    await observed(db, waits("22000"))
    found = await db.read(held.among, ["USD/IDR"])
    assert [one.data["value"] for one in found["USD/IDR"]] == ["21000", "22000"]
    published = indicator_change(an_indicator(value="22000"), "2026-03-02", Outcome.CHANGED, revision=2)
    await observed(db, replace(published, settled=frozenset({"ticker", "desk"})))
    assert await db.read(held.count) == 0


async def test_within_one_transaction_the_last_decision_counts(db: Database) -> None:
    back = indicator_change(an_indicator(), "2026-03-02", Outcome.UNCHANGED)
    await observed(db, waits("20000"), waits("21000"))
    assert [one.data["value"] for one in (await db.read(held.among, ["USD/IDR"]))["USD/IDR"]] == ["21000"]
    await observed(db, waits("20000"), replace(back, settled=frozenset({"ticker"})))
    assert await db.read(held.count) == 0


async def test_days_that_had_not_come_make_way_for_one_that_has(db: Database) -> None:
    for period in ("2026-03-01", "2026-03-02", "2098-01-01", "2099-01-01"):
        await observed(db, indicator_change(an_indicator(value="1"), period))
    await observed(db, indicator_change(an_indicator("EMAS"), "2099-01-01"))
    change = indicator_change(an_indicator(value="2"), "2026-03-02")
    await observed(db, replace(change, displaced="2026-03-02"))
    found = await db.read(indicators.periods, limit=10, symbols=["USD/IDR"])
    assert [(one.period, one.data["value"]) for one in found] == [("2026-03-02", "2"), ("2026-03-01", "1")]
    assert len(await db.read(indicators.periods, limit=10, symbols=["EMAS"])) == 1
