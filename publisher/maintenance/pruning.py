"""Clearing away what is kept for a time only."""

from __future__ import annotations

from publisher.storage.access import idempotency
from publisher.storage.engine.database import Database

EVERY = 3600.0
"""Seconds between two prunings. What has had its time and is still there does no harm: nothing reads it."""


async def prune(db: Database) -> int:
    """Forget the answers to requests that can be repeated no more; returns how many.

    Where there are none, nothing is written: an idle process leaves its disk in peace.
    """
    return await db.write(idempotency.prune) if await db.read(idempotency.outdated) else 0
