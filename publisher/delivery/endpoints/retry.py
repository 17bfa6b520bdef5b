"""When a delivery is tried again. Pure.

With the default schedule the attempts come at 0 s, 5 s, 5 min, 35 min, 2 h 35 min, 7 h 35 min, 17 h 35 min,
31 h 35 min, 51 h 35 min and 75 h 35 min: ten over three days, each wait ±20 %.
"""

from __future__ import annotations

from collections.abc import Sequence

JITTER = 0.2


def next_wait(attempt: int, schedule: Sequence[float], spread: float) -> float | None:
    """Seconds to wait after failed attempt number ``attempt`` (from 1); None if it was the last.

    ``spread``, from 0 to 1, chooses a place within ±20 %, so that those that failed together do not come back together.
    """
    if attempt > len(schedule):
        return None
    return schedule[attempt - 1] * (1 - JITTER + 2 * JITTER * spread)
