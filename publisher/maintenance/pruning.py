"""Deleting what is kept for a limited time."""

from __future__ import annotations

from publisher.storage.access import idempotency
from publisher.storage.engine.database import Database
from publisher.storage.subscriptions import mails

EVERY = 3600.0
"""Seconds between two prunings. Expired rows that are still there do no harm: nothing reads them."""


async def prune(db: Database) -> int:
    """Delete the stored responses to requests that can no longer be repeated, and old mail; returns how many.

    If there are none, nothing is written, so that an idle process does not use its disk.
    """
    gone = await db.write(mails.prune) if await db.read(mails.outdated) else 0
    return gone + (await db.write(idempotency.prune) if await db.read(idempotency.outdated) else 0)
