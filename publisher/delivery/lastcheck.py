"""The last check before a delivery is sent: it may have been stopped while it waited for a connection."""

from __future__ import annotations

import asyncio
import time

from publisher.delivery.unbroken import unbroken
from publisher.errors import StorageError
from publisher.storage.engine.database import Database
from publisher.storage.subscriptions import deliveries

FRESH_SECONDS = 0.5
"""How long after its claim a delivery is sent without this check. So nothing begins to be sent a second after it was
stopped, whatever it waited for."""

CHECK_SECONDS = 2.0
"""How long the check may take. After that it is not sent: the receiver would be left with less than its timeout."""


class LastCheck:
    """Awaited once there was a connection, before anything is written to one; for one delivery (its id).

    ``claimed_at`` is in seconds of the monotonic clock. ``unanswered`` is set from the start of a check until it has
    said yes: a timeout meanwhile is none of the receiver's.
    """

    __slots__ = ("_claimed_at", "_db", "_fresh_seconds", "_id", "unanswered")

    def __init__(self, db: Database, id: int, claimed_at: float, fresh_seconds: float) -> None:
        self._db = db
        self._id = id
        self._claimed_at = claimed_at
        self._fresh_seconds = fresh_seconds
        self.unanswered = False

    def fresh(self) -> bool:
        """Whether it was claimed so lately that it need not be checked."""
        return time.monotonic() - self._claimed_at < self._fresh_seconds

    async def __call__(self) -> None:
        """Raise CancelledError if it may not be sent any more, or cannot be checked; it is handed back then."""
        began = time.monotonic()
        self.unanswered = True
        try:
            stopped = await unbroken(self._db.read(deliveries.stopped, [self._id]))
        except StorageError as error:
            raise asyncio.CancelledError from error
        if stopped or time.monotonic() - began > CHECK_SECONDS:
            raise asyncio.CancelledError
        self.unanswered = False
