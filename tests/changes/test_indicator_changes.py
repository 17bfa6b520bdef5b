"""What an observation of an indicator means."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publisher import changes
from publisher.model import EventType, Indicator, indicator_json
from publisher.model.change import IndicatorChange, Outcome
from publisher.model.known import HeldObservation, KnownIndicator

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)


def rate(**fields: Any) -> Indicator:
    values = {"symbol": "USD/IDR", "name": "Dolar AS", "value": "16199", "change": "95.00", "observed_at": NOW}
    return Indicator(**(values | fields))


def decide(known: KnownIndicator | None, seen: Indicator, **how: Any) -> IndicatorChange:
    how = {"source": "ticker", "timezone": "Asia/Jakarta", "rebaseline": False, "now": seen.observed_at} | how
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
        last_seen_at=NOW,
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
    for value in ["16200", "16300"] * 6:
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
    change = decide(stored(decide(None, rate())), rate(change="95.50"), rebaseline=True)
    assert (change.outcome, change.event, change.changed) == (Outcome.REBASELINED, None, ())


def test_what_an_earlier_version_stored_is_compared_as_this_one_does() -> None:
    known = replace(stored(decide(None, rate())), fingerprint="2:of-before")
    change = decide(known, rate(value="16250"))
    assert (change.outcome, change.event, change.changed) == (
        Outcome.CHANGED,
        EventType.INDICATOR_UPDATED,
        ("value",),
    )
    assert decide(known, rate(value="16199.00")).outcome is Outcome.UNCHANGED


def test_numbers_that_differ_in_their_last_digit_alone_differ_however_many_they_have() -> None:
    known = stored(decide(None, rate(value="123456789012345678901234567890.01", change=None)))
    change = decide(known, rate(value="123456789012345678901234567890.02", change=None))
    assert (change.outcome, change.changed) == (Outcome.CHANGED, ("value",))


def waiting(change: IndicatorChange) -> HeldObservation:
    assert change.outcome is Outcome.HELD
    return HeldObservation(change.indicator.symbol, change.source, NOW, indicator_json(change.indicator))


def later(minutes: int = 1, **fields: Any) -> Indicator:
    return rate(observed_at=NOW + timedelta(minutes=minutes), **fields)


def test_a_value_far_from_the_published_one_is_held_and_told_as_that() -> None:
    known = stored(decide(None, rate()))
    change = decide(known, later(value="16.199"))
    assert (change.outcome, change.event) == (Outcome.HELD, EventType.INDICATOR_HELD)
    assert (change.before, change.changed) == (known.data, ("value",))
    assert change.doubt == (
        "the value 16.199 is more than 20% from the published 16199; it waits for a second reading that agrees"
    )


@pytest.mark.parametrize(("value", "held"), [("19438", False), ("19439", True), ("12960", False), ("12959", True)])
def test_a_fifth_of_the_published_value_is_the_bound_on_both_sides(value: str, held: bool) -> None:
    change = decide(stored(decide(None, rate())), later(value=value))
    assert (change.outcome is Outcome.HELD) is held


def test_the_bound_is_the_indicators_own_and_zero_is_none() -> None:
    known = stored(decide(None, rate()))
    assert decide(known, later(value="16400"), hold_above=0.01).outcome is Outcome.HELD
    assert decide(known, later(value="16300"), hold_above=0.01).outcome is Outcome.CHANGED
    assert decide(known, later(value="1"), hold_above=0).outcome is Outcome.CHANGED


def test_of_a_published_zero_nothing_is_a_share() -> None:
    assert decide(stored(decide(None, rate(value="0"))), later(value="5")).outcome is Outcome.CHANGED


@pytest.mark.parametrize("value", ["20000", "20400", "19600"])
def test_a_second_reading_that_agrees_is_published(value: str) -> None:
    known = stored(decide(None, rate()))
    first = decide(known, later(value="20000"))
    second = decide(known, later(2, value=value), held=[waiting(first)])
    assert (second.outcome, second.event) == (Outcome.CHANGED, EventType.INDICATOR_UPDATED)
    assert (second.settled, second.before, second.changed) == ({"ticker"}, known.data, ("value",))


def test_a_second_reading_far_from_the_first_is_held_in_its_place() -> None:
    known = stored(decide(None, rate()))
    first = decide(known, later(value="20000"))
    second = decide(known, later(2, value="20401"), held=[waiting(first)])
    assert (second.outcome, second.event, second.settled) == (Outcome.HELD, EventType.INDICATOR_HELD, {"ticker"})


def test_one_reading_that_is_recorded_twice_confirms_nothing_and_is_told_once() -> None:
    known = stored(decide(None, rate()))
    first = decide(known, later(value="20000"))
    again = decide(known, later(value="20000"), held=[waiting(first)])
    assert (again.outcome, again.event) == (Outcome.HELD, None)


@pytest.mark.parametrize("value", ["16199", "16250"])
def test_a_reading_near_the_published_value_ends_what_its_source_held(value: str) -> None:
    known = stored(decide(None, rate()))
    first = decide(known, later(value="20000"))
    back = decide(known, later(2, value=value), held=[waiting(first)])
    assert back.outcome in (Outcome.UNCHANGED, Outcome.CHANGED)
    assert back.settled == {"ticker"}


def test_a_reading_of_another_source_confirms_what_is_held_and_ends_nothing_but_its_own() -> None:
    known = stored(decide(None, rate()))
    held = [waiting(decide(known, later(value="20000")))]
    assert decide(known, later(2, value="16200"), source="api", held=held).settled == frozenset()
    confirmed = decide(known, later(2, value="20000"), source="api", held=held)
    assert (confirmed.outcome, confirmed.settled) == (Outcome.CHANGED, {"ticker"})


def test_a_jump_that_comes_with_another_way_of_reading_is_held_as_well() -> None:
    assert decide(stored(decide(None, rate())), later(value="16.199"), rebaseline=True).outcome is Outcome.HELD


def test_an_observation_now_displaces_one_whose_day_has_not_come() -> None:
    known = stored(decide(None, rate(as_of=datetime(2099, 1, 1, tzinfo=UTC))))
    change = decide(known, rate(value="16250"))
    assert (change.outcome, change.event) == (Outcome.NEW, EventType.INDICATOR_UPDATED)
    assert (change.period, change.revision, change.displaced) == ("2026-11-22", 1, "2026-11-22")
    assert change.before == known.data


def test_the_same_values_are_put_under_the_day_that_they_are_of_without_an_event() -> None:
    known = stored(decide(None, rate(observed_at=datetime(2099, 1, 1, tzinfo=UTC))))
    change = decide(known, rate())
    assert (change.outcome, change.event, change.displaced) == (Outcome.REBASELINED, None, "2026-11-22")


def test_a_clock_that_is_a_little_ahead_over_midnight_is_no_day_to_come() -> None:
    midnight = datetime(2026, 11, 22, 17, 0, tzinfo=UTC)  # in Jakarta
    known = stored(decide(None, rate(observed_at=midnight + timedelta(minutes=2))))
    change = decide(known, rate(value="16250", observed_at=midnight - timedelta(minutes=2)))
    assert (change.outcome, change.displaced) == (Outcome.UNCHANGED, None)


def test_a_correction_of_the_same_moment_is_taken() -> None:
    known = stored(decide(None, rate(as_of=NOW)))
    change = decide(known, later(as_of=NOW, value="16190"))
    assert (change.outcome, change.event, change.revision) == (Outcome.CHANGED, EventType.INDICATOR_UPDATED, 2)


def test_an_observation_that_comes_too_late_says_so_unless_it_says_the_same() -> None:
    known = stored(decide(None, rate(as_of=NOW)))
    late = decide(known, later(value="16190", as_of=NOW - timedelta(days=2)))
    assert late.doubt == (
        "is of 2026-11-20, and 2026-11-22 is published already: it comes too late and changes nothing"
    )
    undated = stored(decide(None, rate()))
    assert decide(undated, rate(observed_at=NOW - timedelta(days=2))).doubt is None


def test_what_a_cache_or_a_queue_kept_comes_too_late_within_a_day_as_well() -> None:
    known = stored(decide(None, rate(as_of=NOW)))
    stale = decide(known, later(value="16190", as_of=NOW - timedelta(minutes=5)))
    assert (stale.outcome, stale.event) == (Outcome.UNCHANGED, None)
    assert stale.doubt == (
        "is of 2026-11-22T07:55:00Z, and 2026-11-22T08:00:00Z is published already:"
        " it comes too late and changes nothing"
    )
    queued = decide(stored(decide(None, rate())), later(-1, value="16190"), now=NOW)
    assert (queued.outcome, "comes too late" in str(queued.doubt)) == (Outcome.UNCHANGED, True)


def test_a_moment_of_this_day_that_has_not_come_keeps_nobody_out() -> None:
    known = stored(decide(None, rate(as_of=NOW + timedelta(hours=5))))
    change = decide(known, later(value="16190", as_of=NOW))
    assert (change.outcome, change.doubt) == (Outcome.CHANGED, None)
