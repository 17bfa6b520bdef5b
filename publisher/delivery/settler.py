"""Settling: outcomes are gathered for some milliseconds and committed together.

While commits fail nothing may be sent: the outcome of a delivery sent meanwhile could not be recorded, and it would be
sent again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress

from publisher import telemetry
from publisher.errors import told
from publisher.storage.engine.database import Database
from publisher.storage.subscriptions import deliveries
from publisher.storage.subscriptions.deliveries import Outcome
from publisher.unbroken import unbroken

log = telemetry.logger(__name__)

BATCH = 500
BACKLOG = 4 * BATCH
_TELLING = frozenset((1, BATCH, BACKLOG))
"""Lengths of the queue at which one more outcome changes a signal."""

GATHER_SECONDS = 0.05
FIRST_BACKOFF = 0.05
LONGEST_BACKOFF = 5.0


class Settler:
    """Commits outcomes in the background. ``keeps_up`` is clear while commits fail or fall behind.

    ``returned`` is called after each commit with its outcomes, some of which wait in the queue again; ``failed`` after
    one with deliveries that failed at their first attempt.
    """

    def __init__(
        self,
        db: Database,
        returned: Callable[[Sequence[Outcome]], None] = lambda _outcomes: None,
        failed: Callable[[], None] = lambda: None,
    ) -> None:
        self._db = db
        self.returned = returned
        self._failed = failed
        self._waiting: list[Outcome] = []
        self._arrived = asyncio.Event()
        self._full = asyncio.Event()
        self._finishing = False
        self._failing = False
        self.keeps_up = asyncio.Event()
        self.keeps_up.set()

    def add(self, outcome: Outcome) -> None:
        """Take an outcome; it is committed soon."""
        self._waiting.append(outcome)
        if len(self._waiting) in _TELLING:
            self._signal()

    def finish(self) -> None:
        """Let :meth:`run` end once everything is committed."""
        self._finishing = True
        self._signal()

    async def run(self) -> None:
        """Commit what arrives, until :meth:`finish` was called and nothing is left."""
        while self._waiting or not self._finishing:
            await self._arrived.wait()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._full.wait(), GATHER_SECONDS)
            batch, self._waiting = self._waiting[:BATCH], self._waiting[BATCH:]
            self._signal()
            await self._commit(batch)

    def _signal(self) -> None:
        _set(self._arrived, bool(self._waiting) or self._finishing)
        _set(self._full, len(self._waiting) >= BATCH or self._finishing)
        _set(self.keeps_up, not self._failing and len(self._waiting) < BACKLOG)

    async def _commit(self, batch: list[Outcome]) -> None:
        """Commit a batch, however often it takes; it is kept and not sent again meanwhile."""
        backoff = FIRST_BACKOFF
        while batch:
            try:
                own = await unbroken(self._db.write_loosely(deliveries.settle, batch))
            except Exception as error:
                self._failing = True
                self._signal()
                if not told(error):
                    log.error("delivery.settle_failed", deliveries=len(batch), retry_in=backoff, error=str(error)[:300])
                await asyncio.sleep(backoff)
                backoff = min(backoff * 2, LONGEST_BACKOFF)
            else:
                # What else has waited is committed first: else it could be taken, and sent, again.
                self._failing = self._failing and bool(self._waiting)
                self._signal()
                self.returned(batch)
                if any(one.number == 1 and one.state != "delivered" for one in batch):
                    self._failed()
                if len(own) < len(batch):
                    # Another has them now and may send them again; a receiver tells by webhook-id.
                    log.warning("delivery.lease_lost", deliveries=len(batch) - len(own))
                return


def _set(event: asyncio.Event, on: bool) -> None:
    if on:
        event.set()
    else:
        event.clear()
