"""How the effort of something grows with its input, told without a clock on the wall."""

import time
from collections.abc import Callable
from typing import Any

QUADRATIC = 3.2
"""Twice the input takes 2 times as long where the effort is linear, 4 times where it is quadratic."""


def growth(make: Callable[[int], Any], work: Callable[[Any], object], *, size: int = 16_384) -> float:
    """How much more of the processor ``work`` takes for twice the input, ``make(2 * size)`` against ``make(size)``.

    ``size`` is in characters, by default 16 KB against 32 KB. Where that looks quadratic, it is told from eight times
    the input, in which what a busy machine adds has less weight.
    """
    once = max(_least(work, make(size)), 1e-4)
    twice = _least(work, make(2 * size)) / once
    if twice < QUADRATIC:
        return twice
    return min(twice, float((_least(work, make(8 * size)) / max(_least(work, make(size)), 1e-4)) ** (1 / 3)))


def _least(work: Callable[[Any], object], given: Any) -> float:
    """The least of three, which is the one that others disturbed least."""
    return min(_taken(work, given) for _ in range(3))


def _taken(work: Callable[[Any], object], given: Any) -> float:
    began = time.thread_time()
    work(given)
    return time.thread_time() - began
