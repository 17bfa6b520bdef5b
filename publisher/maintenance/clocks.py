"""Noticing that the database's clock was put forward or back, by the monotonic clock of this process."""

from __future__ import annotations

from collections.abc import Callable

from publisher import clock, telemetry
from publisher.storage import steps
from publisher.storage.engine.database import LONGEST_ANSWER, Database, Tx

log = telemetry.logger(__name__)

LOOK_SECONDS = 1.0
"""How often the clock is looked at: what waits is moved this long after a step at the latest."""

NOTE_SECONDS = 60.0
"""How often the time is noted, so that the next start, too, sees a clock that was put back."""


class ClockWatch:
    """Moves along with the clock what waits in storage; ``moved`` is called after that.

    It looks every second, and before anything is written by another time than was expected: what was written by the
    new time already could not be told from what was written by the old one, and would be moved with it.
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
        self._offset = offset  # only now: what could not be written is seen again

    def _judge(self, tx: Tx, now: Callable[[], int]) -> None:
        if abs(self._put(tx.now, self._elapsed())) < steps.SLACK:
            return
        asked = self._elapsed()
        tx.now = now()  # a transaction may have waited for its turn since it read the time
        answered = self._elapsed()
        moved = self._put(tx.now, answered)
        if answered - asked <= LONGEST_ANSWER and abs(moved) >= steps.SLACK:
            # Told by the next look. Until then each transaction comes here, and finds it done.
            self._by = steps.keep(tx, moved) or self._by

    def _put(self, now: int, answered: float) -> int:
        """By how much the clock was put since the last look (microseconds)."""
        return 0 if self._offset is None else round(now - answered * 1e6 - self._offset)
