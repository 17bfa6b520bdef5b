"""Python's garbage collector, set up for a process that serves for long.

As it comes, it looks at every object there is some nine times in 10,000 deliveries, since each burst of requests makes
more of them than it expects: 45 µs of the CPU of every delivery, and 50 ms in which nothing else happens.
"""

from __future__ import annotations

import gc

YOUNG = 20_000
"""Objects made and not freed before the newest are looked at (700 as Python comes). 256 requests that begin together
make about so many."""


def spare_the_collector() -> None:
    """Take what is there now, modules above all, for what stays, and look at what comes less often.

    For the end of a start: it holds for the whole process.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, 10, 10)
