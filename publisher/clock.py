"""The one place that reads the time, so that everything else can be given it.

Times inside the program are aware ``datetime`` in UTC. Times in the database are integers: microseconds since
1970-01-01T00:00:00Z, which compare and index alike on SQLite and PostgreSQL.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

SKEW = timedelta(minutes=5)
"""How far the clock of whoever wrote a time may be ahead of ours."""

Clock = Callable[[], datetime]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

EARLIEST, LATEST = datetime(1900, 1, 1, tzinfo=UTC), datetime(2100, 12, 31, 23, 59, 59, tzinfo=UTC)
"""The dates of items: anything outside is a slip, and what it does in another time zone may be no date at all."""


def now() -> datetime:
    """The current time in UTC."""
    return datetime.now(UTC)


def elapsed() -> float:
    """Seconds since some moment in the past, whatever is done to the wall clock; also while the machine sleeps."""
    # CLOCK_MONOTONIC stands still in a suspended Linux machine, and the wall clock would seem to have been put forward.
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


def steady() -> Clock:
    """A clock that begins with the present time and is put by no one: for waits, which must not grow with a step."""
    begun, since = now(), elapsed()
    return lambda: begun + timedelta(seconds=elapsed() - since)


def to_micros(moment: datetime) -> int:
    """Microseconds since the epoch; exact, since it never goes through a float."""
    return (moment - EPOCH) // _MICROSECOND


def from_micros(micros: int) -> datetime:
    """The inverse of :func:`to_micros`."""
    return EPOCH + timedelta(microseconds=micros)


def bounded(moment: datetime) -> datetime:
    """The moment, or the nearest that items may have: earlier versions stored any."""
    return min(max(moment, EARLIEST), LATEST)


def rfc3339(moment: datetime) -> str:
    """RFC 3339 in UTC, ``2024-02-08T23:31:00Z``; a fraction only where there is one."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"
