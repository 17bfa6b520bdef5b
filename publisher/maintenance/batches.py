"""Large work in small transactions: as many rows at once as are done in a few milliseconds.

Everyone else's pushes and settlings wait while a batch is written (SQLite has one writer), so what a batch took decides
the size of the next one. Between two batches the others have their turn, and the machine some rest.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar

from publisher import clock
from publisher.storage.engine.database import Database, Tx

P = ParamSpec("P")
T = TypeVar("T")

AIM_SECONDS = 0.008
"""What a batch should take, its commit included: so far below 20 ms that one which meets a slow disk stays there."""

FIRST, MOST = 50, 5_000
"""Rows of the first batch, and at most."""

REST = 4.0
"""How long to rest after a batch, as a multiple of what it took: a fifth of the writer's time is taken, at most."""


class Batches:
    """Transactions of at most :attr:`size` rows, by ``elapsed``, a monotonic clock; ``rest`` is a multiple as above."""

    def __init__(self, db: Database, *, rest: float = REST, elapsed: Callable[[], float] = clock.elapsed) -> None:
        self.db = db
        self.size = FIRST
        self._rest = rest
        self._elapsed = elapsed

    async def write(self, fn: Callable[Concatenate[Tx, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run one batch; the size is another one afterwards if it took too long, or little."""
        begun = 0.0

        def batch(tx: Tx) -> T:
            nonlocal begun
            begun = self._elapsed()  # here its turn has come: nobody waited for it before
            return fn(tx, *args, **kwargs)

        result = await self.db.write(batch)
        took = self._elapsed() - begun
        self._adapt(took)
        if self._rest:
            await asyncio.sleep(took * self._rest)
        return result

    def _adapt(self, took: float) -> None:
        if took > AIM_SECONDS:
            self.size = max(1, round(self.size * max(AIM_SECONDS / took, 0.1)))
        elif took < AIM_SECONDS / 2:
            self.size = min(MOST, self.size * 2)
