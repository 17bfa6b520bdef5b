from datetime import timedelta

from support.clock import ManualClock
from support.items import MORNING, an_indicator, indicator_change

from publisher.model.change import IndicatorChange, Outcome
from publisher.model.indicator import indicator_json
from publisher.storage.engine.database import Database, Tx
from publisher.storage.engine.tables import indicators as table
from publisher.storage.items import indicators
from publisher.storage.items.record import record


async def observed(db: Database, *changes: IndicatorChange) -> None:
    await db.write(record, indicators=changes)


async def test_an_observation_comes_back_with_its_digits_as_it_was_recorded(db: Database, clock: ManualClock) -> None:
    indicator = an_indicator("USD/IDR", "15635.00", change="-5.50", percent="0.00", unit="IDR", as_of=MORNING)
    await observed(db, indicator_change(indicator, "2026-03-02"))

    stored = await db.read(indicators.get, "USD/IDR")

    assert stored is not None
    assert stored.data == indicator_json(indicator)
    assert stored.data["value"] == "15635.00"
    assert (stored.period, stored.source, stored.revision) == ("2026-03-02", "ticker", 1)
    assert (stored.first_seen_at, stored.changed_at) == (clock(), clock())


async def test_a_symbol_that_was_never_observed_is_none(db: Database) -> None:
    assert await db.read(indicators.get, "USD/IDR") is None
    assert await db.read(indicators.known, ["USD/IDR"]) == {}
    assert await db.read(indicators.latest) == []


async def test_the_newest_period_is_what_is_known_of_a_symbol(db: Database) -> None:
    for period, value in (("2026-03-02", "2"), ("2026-03-03", "3"), ("2026-02-27", "1")):
        await observed(db, indicator_change(an_indicator("USD/IDR", value), period))
    await observed(db, indicator_change(an_indicator("EMAS", "9"), "2026-01-01"))

    known = await db.read(indicators.known, ["USD/IDR", "EMAS", "IHSG"])
    assert {symbol: (one.period, one.data["value"]) for symbol, one in known.items()} == {
        "USD/IDR": ("2026-03-03", "3"),
        "EMAS": ("2026-01-01", "9"),
    }
    assert [(one.symbol, one.data["value"]) for one in await db.read(indicators.latest)] == [
        ("EMAS", "9"),
        ("USD/IDR", "3"),
    ]
    newest = await db.read(indicators.get, "USD/IDR")
    assert newest is not None
    assert newest.period == "2026-03-03"


async def test_an_observation_of_the_same_period_takes_the_place_of_the_one_before(
    db: Database, clock: ManualClock
) -> None:
    first_seen = clock()
    await observed(db, indicator_change(an_indicator(value="1"), "2026-03-02"))
    clock.advance(30)
    await observed(db, indicator_change(an_indicator(value="2"), "2026-03-02", Outcome.CHANGED, revision=2))

    [stored] = await db.read(indicators.periods, limit=10)
    assert (stored.data["value"], stored.revision) == ("2", 2)
    assert (stored.first_seen_at, stored.changed_at) == (first_seen, clock())


async def test_periods_come_newest_first_and_by_symbol_byte_by_byte_within_one(db: Database) -> None:
    for symbol in ("USD/IDR", "USDCNY", "emas", "EMAS"):
        for period in ("2026-03-02", "2026-03-03"):
            await observed(db, indicator_change(an_indicator(symbol), period))

    found = await db.read(indicators.periods, limit=5)
    assert [(one.period[-1], one.symbol) for one in found] == [
        ("3", "EMAS"),
        ("3", "USD/IDR"),
        ("3", "USDCNY"),
        ("3", "emas"),
        ("2", "EMAS"),
    ]
    some = await db.read(indicators.periods, limit=5, symbols=["emas", "none such"])
    assert [(one.period[-1], one.symbol) for one in some] == [("3", "emas"), ("2", "emas")]
    assert await db.read(indicators.periods, limit=5, symbols=[]) == []


def last_seen(tx: Tx, period: str) -> int:
    return int(tx.conn.execute(table.select().where(table.c.period == period)).one().last_seen_at)


async def test_seeing_an_indicator_unchanged_moves_only_when_its_newest_period_was_last_seen(
    db: Database, clock: ManualClock
) -> None:
    await observed(db, indicator_change(an_indicator(), "2026-03-01"), indicator_change(an_indicator(), "2026-03-02"))
    before = await db.read(indicators.periods, limit=5)
    old, new = await db.read(last_seen, "2026-03-01"), await db.read(last_seen, "2026-03-02")
    clock.advance(60)
    await db.write(record, seen_indicators=["USD/IDR"])

    assert await db.read(indicators.periods, limit=5) == before
    assert await db.read(last_seen, "2026-03-01") == old
    assert await db.read(last_seen, "2026-03-02") == new + 60_000_000

    clock.advance(60)
    later = an_indicator(observed_at=MORNING + timedelta(hours=1))
    await observed(db, indicator_change(later, "2026-03-02", Outcome.UNCHANGED))

    assert await db.read(indicators.periods, limit=5) == before
    assert await db.read(last_seen, "2026-03-02") == new + 120_000_000
