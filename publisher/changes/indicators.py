"""Indicators: every difference is told at once; only the moment of observation is none."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from publisher.changes.articles import was
from publisher.changes.fingerprint import canonical_indicator, differing, indicator_fingerprint, is_current
from publisher.clock import bounded
from publisher.model import EventType, Indicator, indicator_json
from publisher.model.base import STORED
from publisher.model.change import IndicatorChange, Outcome
from publisher.model.known import KnownIndicator


def indicator(
    known: KnownIndicator | None, observed: Indicator, *, source: str, timezone: str, rebaseline: bool
) -> IndicatorChange:
    """Decide what an observation is, against the newest one known of its symbol.

    Within one period a difference corrects the period's item; in a later period it is a new item (outcome ``new``,
    with what it follows as ``before``). The same values read on another day are unchanged: a closed market makes no
    items. An observation of an earlier period than the known one comes too late, and changes nothing.
    """
    data = indicator_json(observed)
    taken = indicator_fingerprint(data)
    period = period_of(observed, timezone)
    if known is None:
        return IndicatorChange(
            Outcome.NEW, source, observed, period, taken, revision=1, event=EventType.INDICATOR_UPDATED
        )
    if taken == known.fingerprint or period < known.period:
        return IndicatorChange(
            Outcome.UNCHANGED,
            known.source,
            Indicator.model_validate(known.data, context=STORED),
            known.period,
            known.fingerprint,
            known.revision,
        )
    same = period == known.period
    silent = rebaseline or not is_current(known.fingerprint)
    return IndicatorChange(
        Outcome.REBASELINED if silent else Outcome.CHANGED if same else Outcome.NEW,
        source,
        observed,
        period,
        taken,
        known.revision + 1 if same else 1,
        before=was(known.data, known.source, source),
        event=None if silent else EventType.INDICATOR_UPDATED,
        changed=() if silent else differing(canonical_indicator(known.data), canonical_indicator(data)),
    )


def period_of(indicator: Indicator, timezone: str) -> str:
    """The trading day, ``2026-11-22``, in the indicator's own time zone: of ``as_of``, else of the reading."""
    return bounded(indicator.as_of or indicator.observed_at).astimezone(ZoneInfo(timezone)).date().isoformat()
