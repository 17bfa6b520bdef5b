"""What an observation of an indicator means."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publisher import changes
from publisher.model import EventType, Indicator, indicator_json
from publisher.model.change import IndicatorChange, Outcome
from publisher.model.known import KnownIndicator

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)


def rate(**fields: Any) -> Indicator:
    values = {"symbol": "USD/IDR", "name": "Dolar AS", "value": "16199", "change": "95.00", "observed_at": NOW}
    return Indicator(**(values | fields))


def decide(known: KnownIndicator | None, seen: Indicator, **how: Any) -> IndicatorChange:
    how = {"source": "ticker", "timezone": "Asia/Jakarta", "rebaseline": False} | how
    return changes.indicator(known, seen, **how)


def stored(change: IndicatorChange) -> KnownIndicator:
    return KnownIndicator(
        symbol=change.indicator.symbol,
        period=change.period,
        source=change.source,
        fingerprint=change.fingerprint,
        revision=change.revision,
        data=indicator_json(change.indicator),
        first_seen_at=NOW,
        changed_at=NOW,
    )


def test_the_first_observation_is_told_without_a_before() -> None:
    change = decide(None, rate())
    assert (change.outcome, change.event, change.before) == (Outcome.NEW, EventType.INDICATOR_UPDATED, None)
    assert (change.period, change.revision) == ("2026-11-22", 1)


@given(st.decimals(allow_nan=False, allow_infinity=False, places=4, max_value=10**9, min_value=0))
def test_the_same_observation_twice_is_unchanged(value: Decimal) -> None:
    known = stored(decide(None, rate(value=value)))
    assert decide(known, rate(value=value, observed_at=NOW + timedelta(minutes=1))).outcome is Outcome.UNCHANGED


def test_more_zeros_are_the_same_number() -> None:
    assert decide(stored(decide(None, rate())), rate(value="16199.00", change="95")).outcome is Outcome.UNCHANGED


@pytest.mark.parametrize(
    ("field", "value"),
    [("value", "16200"), ("change", None), ("percent", "0.58"), ("as_of", NOW), ("unit", "IDR"), ("name", "Dolar")],
)
def test_any_difference_is_told_at_once_and_named(field: str, value: object) -> None:
    known = stored(decide(None, rate()))
    change = decide(known, rate(**{field: value}))
    assert (change.outcome, change.event, change.changed) == (
        Outcome.CHANGED,
        EventType.INDICATOR_UPDATED,
        (field,),
    )
    assert (change.before, change.revision) == (known.data, 2)


def test_a_value_that_goes_back_and_forth_never_waits() -> None:
    known = stored(decide(None, rate()))
    for value in ["1", "2"] * 6:
        change = decide(known, rate(value=value))
        assert change.event is EventType.INDICATOR_UPDATED
        known = stored(change)


def test_the_trading_day_is_that_of_the_indicators_own_time_zone() -> None:
    evening = datetime(2026, 11, 22, 18, 30, tzinfo=UTC)
    assert decide(None, rate(as_of=evening)).period == "2026-11-23"
    assert decide(None, rate(as_of=evening), timezone="Europe/Zurich").period == "2026-11-22"
    assert decide(None, rate(observed_at=evening)).period == "2026-11-23"


def test_a_new_day_with_a_new_value_is_a_new_item_that_follows_the_last() -> None:
    known = stored(decide(None, rate()))
    change = decide(known, rate(value="16300", observed_at=NOW + timedelta(days=1)), source="push")
    assert (change.outcome, change.period, change.revision) == (Outcome.NEW, "2026-11-23", 1)
    assert (change.changed, change.source) == (("value",), "push")
    assert change.before == {**known.data, "source": "ticker"}


def test_a_closed_market_makes_no_item_on_the_next_day() -> None:
    known = stored(decide(None, rate()))
    change = decide(known, rate(observed_at=NOW + timedelta(days=1)))
    assert (change.outcome, change.period) == (Outcome.UNCHANGED, "2026-11-22")


def test_an_observation_of_an_earlier_day_changes_nothing() -> None:
    known = stored(decide(None, rate(as_of=NOW)))
    late = decide(known, rate(value="1", as_of=NOW - timedelta(days=2)))
    assert (late.outcome, late.indicator.value) == (Outcome.UNCHANGED, Decimal(16199))


def test_a_changed_way_of_reading_is_stored_in_silence() -> None:
    change = decide(stored(decide(None, rate())), rate(value="16.199"), rebaseline=True)
    assert (change.outcome, change.event, change.changed) == (Outcome.REBASELINED, None, ())
