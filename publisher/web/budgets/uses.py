"""Noting when keys are used: for each once an hour, and never in a request's way."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

from publisher import telemetry
from publisher.errors import told
from publisher.model import Key
from publisher.storage.access import keys
from publisher.storage.engine.database import Database

log = telemetry.logger(__name__)

HOUR = timedelta(seconds=keys.USED_SECONDS)


class Uses:
    """Writes the last use of a key beside the request that used it."""

    def __init__(self) -> None:
        self._writing: dict[str, asyncio.Task[None]] = {}

    def note(self, key: Key, db: Database, now: datetime) -> None:
        """A request came with this key, as it is on record."""
        if (key.last_used_at is None or now - key.last_used_at >= HOUR) and key.id not in self._writing:
            self._writing[key.id] = asyncio.create_task(self._write(key.id, db), name="key used")

    async def written(self) -> None:
        """Wait until what was noted is written, or failed to be."""
        await asyncio.gather(*self._writing.values())

    async def _write(self, id: str, db: Database) -> None:
        try:
            await db.write(keys.used, id)
        except Exception as error:  # the next request tries again
            if not told(error):
                log.warning("keys.use_not_noted", key=id, error=str(error)[:300])
        finally:
            del self._writing[id]
