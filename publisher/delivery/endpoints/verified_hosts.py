"""Which hosts of webhooks have answered 2xx: told of each success, and written once for each host."""

from __future__ import annotations

import asyncio

from cachetools import LRUCache

from publisher import telemetry
from publisher.delivery.endpoints.parties import host_of
from publisher.errors import told
from publisher.storage.engine.database import Database
from publisher.storage.subscriptions import hosts
from publisher.unbroken import unbroken

log = telemetry.logger(__name__)

KEPT = 16_384
"""Hosts remembered as written; one that was forgotten is written again, which changes nothing."""


class VerifiedHosts:
    """Remembers in the database which hosts take what is sent to them."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._known: LRUCache[str, bool] = LRUCache(KEPT)
        self._waiting: set[str] = set()
        self._writing: asyncio.Task[None] | None = None

    def answered(self, url: str) -> None:
        """The URL answered 2xx; its host is written soon."""
        host = host_of(url)
        if host in self._known:
            return
        self._known[host] = True
        self._waiting.add(host)
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write(), name="verified hosts")

    async def written(self, within: float) -> None:
        """Wait until what was told is written, or failed to be, for that many seconds at most."""
        if self._writing is not None:
            await asyncio.wait([self._writing], timeout=within)

    async def _write(self) -> None:
        while self._waiting:
            names, self._waiting = self._waiting, set()
            try:
                await unbroken(self._db.write(hosts.verify, names))
            except Exception as error:
                # The next success of any of them tries again.
                self._known.clear()
                if not told(error):
                    log.warning("delivery.host_not_noted", hosts=len(names), error=str(error)[:300])
