"""Counting what one party does: at most so many a minute, and so many at a time. Monotonic time, bounded memory."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from cachetools import LRUCache

KEPT = 10_000
"""Parties that are remembered; the one that was idle longest is forgotten first, and has its full share again."""

MINUTE = 60.0
ROUNDING = 1e-6


class Buckets:
    """A token bucket for each party: ``per_minute`` tokens, all at once at first, coming back evenly over a minute.

    Kept as the generic cell rate algorithm has it (ITU-T I.371): one number for each party, the moment at which its
    bucket is full again.
    """

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._interval = MINUTE / per_minute
        self._clock = clock
        self._full_at: LRUCache[str, float] = LRUCache(KEPT)

    def adjust(self, per_minute: int) -> None:
        """Allow so many a minute from now on; tokens already taken stay taken."""
        self._interval = MINUTE / per_minute

    def wait(self, party: str) -> float:
        """Seconds until the party has a token, 0 if it has one."""
        now = self._clock()
        wait = self._full_at.get(party, now) + self._interval - now - MINUTE
        return wait if wait > ROUNDING else 0.0

    def take(self, party: str) -> None:
        """Take one of the party's tokens. Where it has none this changes nothing, so that the next one is not
        delayed.
        """
        now = self._clock()
        self._full_at[party] = min(max(now, self._full_at.get(party, now)) + self._interval, now + MINUTE)


class Slots:
    """A limited number of places for each party, for work that takes long."""

    def __init__(self, each: int) -> None:
        self.each = each
        self._taken: Counter[str] = Counter()

    def full(self, party: str) -> bool:
        """Whether the party has no place left."""
        return self._taken.get(party, 0) >= self.each

    @contextmanager
    def taken(self, party: str) -> Iterator[None]:
        """Hold a place, whether there is one or not."""
        self._taken[party] += 1
        try:
            yield
        finally:
            self._taken[party] -= 1
            if not self._taken[party]:
                del self._taken[party]
