"""Keys that open nothing: few a minute from one address, since each that is tried costs a look into the database.

A right key is not held up by what others at its address try, such as colleagues in one office: one that opened
something within the hour is looked up whatever else came from there.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import time
from collections.abc import Awaitable, Callable
from ipaddress import IPv6Address, ip_address
from weakref import WeakValueDictionary

from cachetools import TTLCache

from publisher import telemetry
from publisher.model import Key
from publisher.web.answers import too_many
from publisher.web.buckets import KEPT, MINUTE, Buckets

log = telemetry.logger(__name__)

LONGEST = 200
"""Characters of a secret; ours have 46, so that a longer one need not be looked up."""

RIGHT_SECONDS = 3600.0
IPV6_PREFIX = 64
"""Bits of an IPv6 address that stand for one party: a home or a server has all that follow."""


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
        self._unlogged = 0
        self._log_at = clock()

    async def find(self, secret: str, address: str, look: Callable[[str], Awaitable[Key | None]]) -> Key | None:
        """The key that ``look`` finds for a secret from this address, None for none.

        429 where the address has tried too many that open nothing. Those not known yet are tried one after the other,
        so that many at once get no further than the limit.
        """
        party = party_of(address)
        mark = hashlib.blake2b(f"{party} {secret}".encode(errors="replace"), key=self._pepper, digest_size=16).digest()
        if mark in self._right:
            return self._found(party, mark, await look(secret))
        lock = self._trying.setdefault(party, asyncio.Lock())
        async with lock:
            if mark not in self._right and (wait := self._failures.wait(party)):
                self._told(party)
                self._counted("wrong_keys_per_minute")
                most = f"{self._per_minute} wrong keys a minute ([server] wrong_keys_per_minute)"
                raise too_many(f"from one address may come {most}", wait)
            return self._found(party, mark, await look(secret) if len(secret) <= LONGEST else None)

    def _found(self, party: str, mark: bytes, key: Key | None) -> Key | None:
        if key is not None:
            self._right[mark] = True
            return key
        self._right.pop(mark, None)
        self._failures.take(party)
        self._counted("wrong_key")
        self._told(party)
        return None

    def _told(self, party: str) -> None:
        """A line a minute at most, however many there are."""
        self._unlogged += 1
        now = self._clock()
        if now >= self._log_at:
            log.warning("keys.refused", requests=self._unlogged, last_from=party)
            self._unlogged, self._log_at = 0, now + MINUTE


def party_of(address: str) -> str:
    """What stands for whoever has this address: itself, or the network of an IPv6 one."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if not isinstance(found, IPv6Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    network = IPv6Address(int(found) >> (128 - IPV6_PREFIX) << (128 - IPV6_PREFIX))
    return f"{network}/{IPV6_PREFIX}"
