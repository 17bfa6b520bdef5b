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
"""What the rows of a batch should take, beside what each transaction takes however small it is: so far below 20 ms that
a batch which meets a slow disk stays there."""

SIZES = 100, 5_000
"""Rows of a batch: in the first one and at least, and at most. Fewer would make the work longer and no wait shorter: a
hundred rows take 1.5 ms of the CPU, and what each transaction takes besides is more."""

REST = 4.0
"""How long to rest after a batch, as a multiple of what it took: a fifth of the writer's time is taken, at most."""


class Batches:
    """Transactions of at most :attr:`size` rows, by ``elapsed``, a monotonic clock; ``rest`` is a multiple as above.

    ``sizes`` are the least and the most of rows.
    """

    def __init__(
        self,
        db: Database,
        *,
        rest: float = REST,
        elapsed: Callable[[], float] = clock.elapsed,
        sizes: tuple[int, int] = SIZES,
    ) -> None:
        self.db = db
        self._least, self._most = sizes
        self.size = self._least
        self._rest = rest
        self._elapsed = elapsed
        self._shortest = float("inf")

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
        self._shortest = min(self._shortest, took)
        by_rows = took - self._shortest
        if by_rows > AIM_SECONDS:
            self.size = max(self._least, self.size // 2)
        elif by_rows < AIM_SECONDS / 2:
            self.size = min(self._most, self.size * 2)
