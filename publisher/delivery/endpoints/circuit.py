"""An endpoint that fails again and again is left alone, but for a probe now and then.

What waits for it keeps its place meanwhile: no attempt is counted, and nothing becomes dead for lack of attempts. Any
2xx closes the circuit.
"""

from __future__ import annotations

import random

OPENS_AFTER = 10
"""Attempts in a row that failed."""

PACE = (5.0, 30.0, 60.0, 120.0, 300.0)
"""Seconds before each probe; the last holds for all that follow."""

JITTER = 0.2


class Circuit:
    """Closed at first. Times are in seconds of a monotonic clock."""

    __slots__ = ("_probes", "failures", "newest", "probe_at", "probing")

    def __init__(self) -> None:
        self.failures = 0
        self._probes = 0
        self.probe_at = float("inf")
        self.probing = False
        self.newest = True

    @property
    def open(self) -> bool:
        """Whether only probes are sent."""
        return self.failures >= OPENS_AFTER

    def known(self, failures: int, now: float) -> None:
        """Take over what is on record: so many failures in a row. An open one is probed at once."""
        if failures > self.failures:
            self.failures = failures
            if self.open:
                self._probes = min(failures - OPENS_AFTER, len(PACE) - 1)
                self.probe_at = now

    def failed(self, now: float) -> bool:
        """An attempt failed; returns whether that opened it."""
        self.failures += 1
        if self.failures == OPENS_AFTER:
            self._probes = 0
            self._wait(now)
            return True
        return False

    def probe(self) -> bool:
        """A probe begins; returns whether it should be the newest of what waits, else the oldest.

        One event that a receiver cannot take does not hold the rest.
        """
        self.probing = True
        self.newest = not self.newest
        return self.newest

    def unanswered(self, now: float) -> None:
        """The probe failed, or there was none to send."""
        self.probing = False
        self._probes += 1
        self._wait(now)

    def succeeded(self) -> bool:
        """Something was taken; returns whether that closed it."""
        closed = self.open
        self.failures, self._probes, self.probing, self.probe_at = 0, 0, False, float("inf")
        return closed

    def _wait(self, now: float) -> None:
        pace = PACE[min(self._probes, len(PACE) - 1)]
        self.probe_at = now + pace * (1 - JITTER + 2 * JITTER * random.random())
