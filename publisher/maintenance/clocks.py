"""Noticing that the database's clock was set forward or back, by the monotonic clock of this process."""

from __future__ import annotations

from collections.abc import Callable

from publisher import clock, telemetry
from publisher.storage import steps
from publisher.storage.engine.database import LONGEST_ANSWER, Database, Tx

log = telemetry.logger(__name__)

LOOK_SECONDS = 1.0
"""How often the clock is checked: waiting times are moved this long after a step at the latest."""

NOTE_SECONDS = 60.0
"""How often the time is stored, so that the next start, too, sees that the clock was set back."""


class ClockWatch:
    """Moves the times that wait in storage when the clock is set; ``moved`` is called after that.

    It checks every second, and before anything is written at an unexpected time: rows written by the new time could not
    be distinguished from those written by the old one, and would be moved with them.
    """

    def __init__(
        self, db: Database, moved: Callable[[], None] = lambda: None, elapsed: Callable[[], float] = clock.elapsed
    ) -> None:
        self._db = db
        self._moved = moved
        self._elapsed = elapsed
        self._offset: float | None = None
        self._noted = 0.0
        self._by = 0
        db.judge_time(self._judge)

    async def look(self) -> None:
        """Look once; raises StorageError."""
        asked = self._elapsed()
        now = await self._db.read(steps.present)
        answered = self._elapsed()
        if answered - asked > LONGEST_ANSWER:
            return
        offset = now - answered * 1e6
        moved = None if self._offset is None else self._put(now, answered)
        if moved is None or abs(moved) >= steps.SLACK or answered - self._noted >= NOTE_SECONDS:
            by = await self._db.write(steps.keep, moved) or self._by
            self._noted = answered
            self._by = 0
            if by:
                log.warning("clock.stepped", seconds=round(by / 1e6), advice="what waited was moved along with it")
                self._moved()
        self._offset = offset  # only now: after a failed write the step must be seen again

    def _judge(self, tx: Tx, now: Callable[[], int]) -> None:
        if abs(self._put(tx.now, self._elapsed())) < steps.SLACK:
            return
        asked = self._elapsed()
        tx.now = now()  # a transaction may have waited for its turn since it read the time
        answered = self._elapsed()
        moved = self._put(tx.now, answered)
        if answered - asked <= LONGEST_ANSWER and abs(moved) >= steps.SLACK:
            # The next check reports it. Until then each transaction comes here, and finds it done.
            self._by = steps.keep(tx, moved) or self._by

    def _put(self, now: int, answered: float) -> int:
        """By how much the clock was set since the last check (microseconds)."""
        return 0 if self._offset is None else round(now - answered * 1e6 - self._offset)
