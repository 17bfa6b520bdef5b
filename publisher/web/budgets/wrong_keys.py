"""A limit on unknown keys: few a minute from one address, since each one costs a database lookup.

A valid key is not blocked by what others at its address try, be it one office or a proxy that is not in the settings. A
key that was valid within the last hour is always looked up; a key that begins like one in force has a separate
allowance, since a guesser does not know how one begins.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import time
from collections.abc import Callable
from weakref import WeakValueDictionary

from cachetools import TTLCache

from publisher import telemetry
from publisher.model import Key
from publisher.storage.access import keys
from publisher.storage.access.keys import PREFIX_LENGTH
from publisher.storage.engine.database import Database
from publisher.web.budgets.buckets import KEPT, MINUTE, Buckets
from publisher.web.http.limits import client_of
from publisher.web.http.response import Problem, too_many

log = telemetry.logger(__name__)

LONGEST = 200
"""The most characters of a secret; ours have 46, so a longer one need not be looked up."""

RIGHT_SECONDS = 3600.0
PREFIX_SECONDS = 10.0
"""Seconds for which the known beginnings of keys are used before they are read again."""


class WrongKeys:
    """Counts failures by address, and refuses to look further where there were too many."""

    def __init__(
        self,
        per_minute: int,
        *,
        counted: Callable[[str], None] = lambda _limit: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._per_minute = per_minute
        self._counted = counted
        self._clock = clock
        self._failures = Buckets(per_minute, clock)
        self._right: TTLCache[bytes, bool] = TTLCache(KEPT, RIGHT_SECONDS, timer=clock)
        self._pepper = secrets.token_bytes(32)
        self._trying: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._prefixes: frozenset[str] = frozenset()
        self._read_again_at = clock()
        self._unlogged = 0
        self._log_at = clock()

    async def find(self, secret: str, address: str, db: Database) -> Key | None:
        """The key that a secret from this address opens, None for none.

        429 where the address has tried too many unknown keys. Keys not known yet are looked up one after the other, so
        that many at once get no further than the limit.
        """
        party = client_of(address)
        mark = hashlib.blake2b(f"{party} {secret}".encode(errors="replace"), key=self._pepper, digest_size=16).digest()
        if mark in self._right:
            return self._found(party, mark, await db.read(keys.find, secret))
        lock = self._trying.setdefault(party, asyncio.Lock())
        async with lock:
            share = party
            if mark not in self._right and (wait := self._failures.wait(party)):
                share = f"{party} {secret[:PREFIX_LENGTH]}"
                if not await self._begins_well(secret, db) or self._failures.wait(share):
                    raise self._refused(party, wait)
            return self._found(share, mark, await db.read(keys.find, secret) if len(secret) <= LONGEST else None)

    async def _begins_well(self, secret: str, db: Database) -> bool:
        now = self._clock()
        if now >= self._read_again_at:
            self._read_again_at = now + PREFIX_SECONDS
            self._prefixes = await db.read(keys.prefixes)
        return secret[:PREFIX_LENGTH] in self._prefixes

    def _refused(self, party: str, wait: float) -> Problem:
        self._log_refused(party)
        self._counted("wrong_keys_per_minute")
        most = f"{self._per_minute} wrong keys a minute ([server] wrong_keys_per_minute)"
        return too_many(f"from one address may come {most}", wait)

    def _found(self, share: str, mark: bytes, key: Key | None) -> Key | None:
        if key is not None:
            self._right[mark] = True
            return key
        self._right.pop(mark, None)
        self._failures.take(share)
        self._counted("wrong_key")
        self._log_refused(share.partition(" ")[0])
        return None

    def _log_refused(self, party: str) -> None:
        """Log at most one line a minute, however many there are."""
        self._unlogged += 1
        now = self._clock()
        if now >= self._log_at:
            log.warning("keys.refused", requests=self._unlogged, last_from=party)
            self._unlogged, self._log_at = 0, now + MINUTE
