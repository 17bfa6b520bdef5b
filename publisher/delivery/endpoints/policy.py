"""By what deliveries are sent."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Policy:
    """``schedule``: the waits between attempts; ``timeout``: the limit of one; ``queue``: how long what was taken may
    wait in memory; ``lease``: of what is taken. In seconds.

    The lease outlasts the queue and the timeout: else another process would send again what is still under way.
    """

    schedule: tuple[float, ...]
    timeout: float
    queue: float
    lease: float
