"""Logging that storage fails: once a minute however often it does, and once when it works again.

It is logged here and nowhere else. Code that meets a failure waits, responds 503 or tries again without a line of its
own: ten loops and a thousand requests that each log it would fill a disk, and a full disk may be the cause.
"""

from __future__ import annotations

import sqlite3
import time
from types import TracebackType

from publisher import telemetry
from publisher.errors import StorageError

log = telemetry.logger(__name__)

TELL_SECONDS = 60.0


class Outage:
    """Failures of one kind of transaction (``doing``: reading, writing). Each runs in a ``with`` block of this."""

    def __init__(self, doing: str) -> None:
        self._doing = doing
        self._failures = 0
        self._since: float | None = None
        self._told: float | None = None
        self._recovered = False
        self.worked_at: float | None = None
        """When the last transaction succeeded, by the monotonic clock."""
        self.failed_at: float | None = None
        self.error = ""
        """What the last failure said."""

    @property
    def seconds(self) -> float:
        """For how many seconds it has failed, 0 if the last transaction succeeded."""
        return 0.0 if self._since is None else time.monotonic() - self._since

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, _type: type[BaseException] | None, error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        if error is None:
            self._worked(time.monotonic())
        elif isinstance(error, StorageError) and not _of_the_statement(error):
            error.told = True
            self._failed(time.monotonic(), error)

    def _failed(self, now: float, error: StorageError) -> None:
        self.failed_at, self.error = now, str(error)
        self._since = now if self._since is None else self._since
        self._failures += 1
        if self._told is None or now - self._told >= TELL_SECONDS:
            log.error("storage.failing", doing=self._doing, failures=self._failures, error=str(error)[:300])
            self._told, self._failures, self._recovered = now, 0, False

    def _worked(self, now: float) -> None:
        self.worked_at = now
        if self._since is not None:
            self._since = None
            if not self._recovered:  # an outage that comes and goes is logged once a minute, too
                log.info("storage.works", doing=self._doing)
                self._recovered = True


def _of_the_statement(error: StorageError) -> bool:
    """Whether the database works but refused this statement's values, which is most likely a bug of ours."""
    cause = error.__cause__
    found = getattr(cause, "orig", cause)
    if isinstance(found, sqlite3.IntegrityError | sqlite3.DataError):
        return True
    # Data exceptions and violated constraints, as PostgreSQL classes them.
    return str(getattr(found, "sqlstate", None) or "")[:2] in ("22", "23")
