"""The ``Retry-After`` header (RFC 9110 section 10.2.3), for clients: seconds, or a date. Pure.

The server says when to come back, and is heeded within reason: for a day at most, and not at all where it cannot be
meant.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

LONGEST = 86_400.0
"""Seconds; a longer wait is cut to a day."""

ABSURD = 366 * 86_400.0
"""Seconds; a wait of over a year cannot be meant."""


@dataclass(frozen=True, slots=True)
class RetryAfter:
    """``seconds`` to wait, None where nothing usable was said; ``ignored`` is then what was said, in words."""

    seconds: float | None = None
    ignored: str | None = None


def read(value: str | None, now: datetime) -> RetryAfter:
    """What a header says; None or empty is no header."""
    if value is None or not value.strip():
        return RetryAfter()
    seconds = _seconds(value.strip()[:100], now)
    wait = RetryAfter() if seconds is None else within(seconds)
    if wait.seconds is None:
        return RetryAfter(ignored=f"Retry-After: {value.strip()[:60]!a} is ignored")
    return wait


def within(seconds: float) -> RetryAfter:
    """What a wait says that an answer gives as a number of seconds, in a body of its own."""
    if not -LONGEST <= seconds <= ABSURD:  # nor where it is no number
        return RetryAfter(ignored=f"a wait of {seconds:g} s is ignored")
    return RetryAfter(min(max(0.0, seconds), LONGEST))


def _seconds(value: str, now: datetime) -> float | None:
    if re.fullmatch(r"[0-9]+", value):
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
        return float(math.ceil(((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - now).total_seconds()))
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
