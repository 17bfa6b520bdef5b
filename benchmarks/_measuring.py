"""What benchmarks have in common: costs, quantiles, and their command line."""

from __future__ import annotations

import argparse
import asyncio
import statistics
from collections.abc import Collection, Coroutine, Sequence
from typing import Any, NamedTuple

import uvloop


class Cost(NamedTuple):
    """Seconds that one round took."""

    wall: float
    cpu: float


def micros(costs: Collection[Cost], count: int) -> float:
    """CPU of each of ``count``, in microseconds: the median of the rounds."""
    return statistics.median(cost.cpu for cost in costs) / count * 1e6


def rate(costs: Collection[Cost], count: int) -> float:
    """How many a second: the best of the rounds."""
    return count / min(cost.wall for cost in costs)


def quantiles(values: Sequence[float]) -> tuple[float, float]:
    """The 50th and the 99th percentile, in milliseconds."""
    ordered = sorted(values)
    return tuple(ordered[min(len(ordered) - 1, int(len(ordered) * part))] * 1000 for part in (0.5, 0.99))  # type: ignore[return-value]


def options(text: str | None, quick: str) -> argparse.ArgumentParser:
    """The command line of a benchmark: its docstring, and what ``--quick`` does."""
    parser = argparse.ArgumentParser(description=text, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help=quick)
    return parser


def measured(work: Coroutine[Any, Any, None], seconds: float = 3600.0) -> None:
    """Do it; what takes longer than any machine would need has come to a stop, and is given up."""
    uvloop.run(_within(work, seconds))


async def _within(work: Coroutine[Any, Any, None], seconds: float) -> None:
    try:
        await asyncio.wait_for(work, seconds)
    except TimeoutError:
        raise SystemExit(f"not done after {seconds:.0f} s") from None
