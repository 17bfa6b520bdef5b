"""Which lanes this process sends for, held as long as it is heard of."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from publisher import telemetry
from publisher.errors import told
from publisher.storage.engine.database import Database, Tx
from publisher.storage.subscriptions import crashes, lanes, queue
from publisher.storage.subscriptions.crashes import Found
from publisher.unbroken import unbroken

log = telemetry.logger(__name__)

LEASE_SECONDS = 10.0
"""How long lanes are held without being heard of."""

BEAT_SECONDS = 2.0

MARGIN_SECONDS = 1.0
"""By how much earlier this process takes itself to have lost them than others may take them."""

LET_GO_SECONDS = 0.05


class Lanes:
    """The lanes of one process. With ``alone`` no other process sends: it takes all at once, and for good.

    ``changed`` is called when there are others, ``lost`` with those that were not held for a while, if only between two
    beats; ``busy`` says in which lanes something is under way.
    """

    def __init__(self, db: Database, process: str, *, alone: bool) -> None:
        self._db = db
        self._process = process
        self._alone = alone
        self._held: frozenset[int] = frozenset()
        self._leaving: frozenset[int] = frozenset()
        self._until = float("-inf")
        self.changed: Callable[[], None] = lambda: None
        self.lost: Callable[[frozenset[int]], None] = lambda _lanes: None
        self.busy: Callable[[], frozenset[int]] = frozenset

    @property
    def held(self) -> frozenset[int]:
        """Those in which something may begin to be sent now."""
        if not self._alone and time.monotonic() > self._until:
            return frozenset()
        return self._held

    async def run(self) -> None:
        """Hold a fair share of the lanes until cancelled."""
        while True:
            wait = BEAT_SECONDS
            try:
                if self._alone:
                    if not self._held:
                        self._held, found = await unbroken(self._db.write(self._take_over))
                        _tell(found)
                        self.changed()
                else:
                    await unbroken(self._beat())
                    if self._leaving:
                        wait = LET_GO_SECONDS
            except Exception as error:
                if not told(error):
                    log.error("delivery.lanes_failed", error=str(error)[:300])
            await asyncio.sleep(wait)

    async def leave(self) -> None:
        """Let others have them."""
        self._held = frozenset()
        try:
            await unbroken(self._db.write(lanes.leave, self._process))
        except Exception as error:
            if not told(error):
                log.warning("delivery.lanes_kept", error=str(error)[:300])

    def _take_over(self, tx: Tx) -> tuple[frozenset[int], Found]:
        before = {n: owner for n, owner in lanes.owners(tx).items() if owner != self._process}
        held = lanes.take_over(tx, self._process)
        found = crashes.count(tx, before)
        queue.abandon(tx)
        return held, found

    def _hold(self, tx: Tx) -> tuple[frozenset[int], frozenset[int], Found]:
        ended = lanes.ended(tx, self._process)
        own, surplus = lanes.hold(tx, self._process, LEASE_SECONDS)
        return own, surplus, crashes.count(tx, {n: owner for n, owner in ended.items() if n in own})

    async def _beat(self) -> None:
        began = time.monotonic()
        if self._leaving:
            gone = self._leaving - self.busy()
            if gone:
                await self._db.write(lanes.give_up, self._process, gone)
                self._leaving -= gone
            if self._leaving and began < self._until - LEASE_SECONDS + BEAT_SECONDS:
                return
        own, surplus, found = await self._db.write(self._hold)
        _tell(found)
        lapsed = began > self._until + MARGIN_SECONDS  # so that others may have had them
        self._until = began + LEASE_SECONDS - MARGIN_SECONDS
        self._leaving = surplus
        lost = self._held if lapsed else self._held - (own - surplus)
        if lost:
            self.lost(lost)
        if own - surplus != self._held:
            self._held = own - surplus
            self.changed()


def _tell(found: Found) -> None:
    if found.taken or found.spilled:
        log.warning("delivery.process_ended", taken=found.taken, suspects=found.suspects, seats_to_rows=found.spilled)
    for one in found.dead:
        log.error("delivery.dead", webhook=one.webhook, seq=one.seq, error=one.error)
