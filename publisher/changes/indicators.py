"""Indicators: every difference is an event at once, except one of the time of observation alone.

One that is far from what is published waits until a second reading agrees with it: that is how a misread separator, a
moved column or a slip of the finger looks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from publisher.changes.articles import was
from publisher.changes.fingerprint import canonical_indicator, differing, indicator_fingerprint
from publisher.clock import SKEW, bounded, rfc3339
from publisher.model import EventType, Indicator, indicator_json
from publisher.model.base import STORED
from publisher.model.change import IndicatorChange, Outcome
from publisher.model.indicator import HOLD_ABOVE, decimal_text
from publisher.model.known import HeldObservation, KnownIndicator

AGREEING = 10
"""A second reading agrees that is as near to the first as a tenth of what is held: within 2 % where 20 % are."""


def indicator(
    known: KnownIndicator | None,
    observed: Indicator,
    *,
    source: str,
    timezone: str,
    now: datetime,
    rebaseline: bool,
    hold_above: float = HOLD_ABOVE,
    held: Sequence[HeldObservation] = (),
) -> IndicatorChange:
    """Decide what an observation is, against the newest one known of its symbol and those that are held.

    Within one period a difference corrects the period's item; in a later period it is a new item (outcome ``new``,
    with what it follows as ``before``). The same values read on another day are unchanged: a closed market makes no
    items. An observation of an earlier moment than the known one comes too late, and changes nothing: it is of an
    earlier period, or a cache or a queue kept it. But one of a period that has not come yet, which earlier versions
    took, is displaced by any.

    A value that differs from the known one by more than the share ``hold_above`` is held, until a later reading agrees
    with one that is held. A reading that is near the known value again ends what its source had held.
    """
    taken = indicator_fingerprint(indicator_json(observed))
    period = period_of(observed, timezone)
    own = frozenset(one.source for one in held if one.source == source)
    if known is None:
        return IndicatorChange(
            Outcome.NEW, source, observed, period, taken, revision=1, event=EventType.INDICATOR_UPDATED
        )
    today = _day(now + SKEW, timezone)
    ahead = known.period > today
    alike = taken == indicator_fingerprint(known.data)  # the stored one may be of another version
    if not ahead and alike:
        return _unchanged(known, settled=own)
    late = None if ahead else _too_late(known, observed, period, now)
    if late:
        return _unchanged(known, settled=frozenset(), doubt=late)
    if _jumps(known, observed, hold_above) and not any(_agrees(one, observed, hold_above) for one in held):
        return _held(known, observed, source, period, held=held, share=hold_above)
    settled = frozenset(one.source for one in held) if _jumps(known, observed, hold_above) else own
    change = _taken(known, observed, source, period, silent=rebaseline or alike)
    return replace(change, settled=settled, displaced=today if ahead else None)


def _taken(known: KnownIndicator, observed: Indicator, source: str, period: str, *, silent: bool) -> IndicatorChange:
    """The observation in the place of the known one; a correction within one period, and an event unless ``silent``."""
    data, same = indicator_json(observed), period == known.period
    return IndicatorChange(
        Outcome.REBASELINED if silent else Outcome.CHANGED if same else Outcome.NEW,
        source,
        observed,
        period,
        indicator_fingerprint(data),
        known.revision + 1 if same else 1,
        before=was(known.data, known.source, source),
        event=None if silent else EventType.INDICATOR_UPDATED,
        changed=() if silent else differing(canonical_indicator(known.data), canonical_indicator(data)),
    )


def period_of(indicator: Indicator, timezone: str) -> str:
    """The trading day, ``2026-11-22``, in the indicator's own time zone: of ``as_of``, else of the reading."""
    return _day(indicator.as_of or indicator.observed_at, timezone)


def _day(moment: datetime, timezone: str) -> str:
    return bounded(moment).astimezone(ZoneInfo(timezone)).date().isoformat()


def _unchanged(known: KnownIndicator, *, settled: frozenset[str], doubt: str | None = None) -> IndicatorChange:
    return IndicatorChange(
        Outcome.UNCHANGED,
        known.source,
        Indicator.model_validate(known.data, context=STORED),
        known.period,
        known.fingerprint,
        known.revision,
        settled=settled,
        doubt=doubt,
    )


def _too_late(known: KnownIndicator, observed: Indicator, period: str, now: datetime) -> str | None:
    """Why an observation comes too late, in words; None where it does not. A moment to come keeps nobody out."""
    standing = Indicator.model_validate(known.data, context=STORED)
    before, after = standing.observed_at, observed.observed_at
    if standing.as_of is not None and observed.as_of is not None:
        before, after = standing.as_of, observed.as_of
    if period < known.period:
        own, other = period, known.period
    elif after < before <= now + SKEW:
        own, other = rfc3339(after), rfc3339(before)
    else:
        return None
    return f"is of {own}, and {other} is published already: it comes too late and changes nothing"


def _jumps(known: KnownIndicator, observed: Indicator, share: float) -> bool:
    """Whether the value is far from the published one; never where that is zero."""
    before = Decimal(known.data["value"])
    return bool(share and before) and abs(observed.value - before) > abs(before) * Decimal(str(share))


def _agrees(held: HeldObservation, observed: Indicator, share: float) -> bool:
    """Whether the observation confirms the one that is held."""
    first = Indicator.model_validate(held.data, context=STORED)
    near = abs(observed.value - first.value) <= abs(first.value) * Decimal(str(share)) / AGREEING
    return near and observed.observed_at > first.observed_at


def _held(
    known: KnownIndicator,
    observed: Indicator,
    source: str,
    period: str,
    *,
    held: Sequence[HeldObservation],
    share: float,
) -> IndicatorChange:
    data = indicator_json(observed)
    again = any(one.source == source and one.data == data for one in held)
    return IndicatorChange(
        Outcome.HELD,
        source,
        observed,
        period,
        known.fingerprint,
        known.revision,
        before=was(known.data, known.source, source),
        event=None if again else EventType.INDICATOR_HELD,
        changed=differing(canonical_indicator(known.data), canonical_indicator(data)),
        settled=frozenset({source}),
        doubt=(
            f"the value {decimal_text(observed.value)} is more than {share:.0%} from the published"
            f" {known.data['value']}; it waits for a second reading that agrees"
        ),
    )
