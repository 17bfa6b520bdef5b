"""Settling: outcomes are gathered for 50 ms and committed together, those of seats and of rows in one transaction.

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
from publisher.storage.subscriptions import settling
from publisher.storage.subscriptions.deliveries import Outcome
from publisher.storage.subscriptions.health import GONE
from publisher.storage.subscriptions.parcels import Journaled, Parcel
from publisher.storage.subscriptions.settling import Recorded
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

    After each commit ``recorded`` is called with what it did, and ``returned`` with its outcomes, some of which wait in
    the queue again; ``failed`` after one with deliveries that failed at their first attempt, or whose endpoint is gone.
    ``process`` is the one whose lanes the parcels are in, and ``journaled`` what it knows of the journal.
    """

    def __init__(
        self,
        db: Database,
        returned: Callable[[Sequence[Outcome]], None] = lambda _outcomes: None,
        failed: Callable[[], None] = lambda: None,
        *,
        process: str = "",
        journaled: Journaled | None = None,
    ) -> None:
        self._db = db
        self._process = process
        self._journaled = journaled or Journaled()
        self.returned = returned
        self.recorded: Callable[[Recorded], None] = lambda _recorded: None
        self._failed = failed
        self._waiting: list[Outcome] = []
        self._committing: list[Outcome] = []
        self._arrived = asyncio.Event()
        self._full = asyncio.Event()
        self._finishing = False
        self._failing = False
        self.keeps_up = asyncio.Event()
        self.keeps_up.set()

    @property
    def parcels(self) -> set[Parcel]:
        """Those of which something is not committed yet."""
        return {one.parcel for one in (*self._waiting, *self._committing) if one.parcel is not None}

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
        self._committing = batch
        while batch:
            try:
                recorded = await unbroken(
                    self._db.write_loosely(settling.settle, batch, self._process, self._journaled)
                )
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
                self.recorded(recorded)
                self._committing = []
                self.returned(batch)
                if any(one.state != "delivered" and (one.number == 1 or one.status == GONE) for one in batch):
                    self._failed()
                if recorded.lost:
                    # Another has them now and may send them again; a receiver tells by webhook-id.
                    log.warning("delivery.lease_lost", deliveries=recorded.lost)
                return


def _set(event: asyncio.Event, on: bool) -> None:
    if on:
        event.set()
    else:
        event.clear()
