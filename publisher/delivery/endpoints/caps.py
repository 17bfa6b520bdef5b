"""How much one host is sent at once, however many endpoints it has.

Without a cap, a host with many endpoints could take every free slot, whoever registered them. The cap counts requests
under way, not requests per second. A host that answers quickly and with success frees its slots before others miss
them, so it is not held to the cap: that would cost a second claim of most deliveries (measured with 10,000 endpoints at
one host: twice the CPU of each delivery).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import lru_cache

from cachetools import LRUCache

from publisher.model.subscription import endpoint_host

PER_HOST = 64
"""Requests under way to one host at most."""

RESUMED_AT = 3 / 4
"""A full host is sent to again once no more than this share of its places is taken, so that a claim brings several."""

QUICK_SECONDS = 0.25
"""A host that answers within this, on average, and took the last request, is not held to the cap."""

KEPT = 16_384
"""Endpoints and hosts remembered."""

LONGEST_TURN = 1.0
"""Seconds until a full host is tried again, at most: it may be quick by then."""

FIRST_GUESS = 0.1
"""Seconds that a request is taken to last until the first was answered."""


class HostCaps:
    """Counts what is under way to each host. ``now`` is in seconds, monotonic."""

    def __init__(self, now: Callable[[], float], per_host: int = PER_HOST) -> None:
        self._now = now
        self._per_host = per_host
        self._resumed_at = int(per_host * RESUMED_AT)
        self._under_way: Counter[str] = Counter()
        self._full: set[str] = set()
        self._of: LRUCache[int, str] = LRUCache(KEPT)
        self._took: LRUCache[str, float] = LRUCache(KEPT)
        self._quick: LRUCache[str, bool] = LRUCache(KEPT)
        self._next_turn: LRUCache[str, float] = LRUCache(KEPT)

    @property
    def busy(self) -> list[int]:
        """The subscriptions known to be at a host that is full."""
        if not self._full:
            return []
        return [subscription for subscription, host in self._of.items() if host in self._full]

    def begin(self, subscription: int, url: str) -> float | None:
        """Take a place at the host of this URL; where there is none, seconds until it is worth trying again."""
        self._of[subscription] = host = host_of(url)
        if self._under_way[host] >= self._per_host and host not in self._quick:
            self._full.add(host)
            return self._turn(host)
        self._under_way[host] += 1
        return None

    def end(self, url: str) -> bool:
        """Give the place back; returns whether a full host takes more again."""
        host = host_of(url)
        self._under_way[host] -= 1
        left = self._under_way[host]
        if not left:
            del self._under_way[host]
        if host in self._full and left <= self._resumed_at:
            self._full.discard(host)
            return True
        return False

    def took(self, url: str, seconds: float, *, taken: bool) -> None:
        """Learn how long the host takes to answer, and whether with a success."""
        host = host_of(url)
        self._took[host] = (self._took.get(host, seconds) * 3 + seconds) / 4
        if taken and self._took[host] <= QUICK_SECONDS:
            self._quick[host] = True
            self._full.discard(host)
        else:
            self._quick.pop(host, None)

    def _turn(self, host: str) -> float:
        """When a place should be free, after all who were told so before."""
        now = self._now()
        apart = self._took.get(host, FIRST_GUESS) / self._per_host
        at = max(self._next_turn.get(host, now), now) + apart
        self._next_turn[host] = min(at, now + LONGEST_TURN)
        return self._next_turn[host] - now


host_of = lru_cache(KEPT)(endpoint_host)
"""The host of a URL, whatever its port: many ports are still one machine."""
