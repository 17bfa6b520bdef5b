"""Caches in memory that stay within a bound of bytes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from contextlib import suppress
from typing import Generic, TypeVar

from cachetools import LRUCache

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Bounded(Generic[K, V]):
    """The values used last, as many as fit into ``capacity`` bytes by ``size``. Safe to use from several threads."""

    def __init__(self, capacity: int, size: Callable[[V], int]) -> None:
        self._held: LRUCache[K, V] = LRUCache(capacity, getsizeof=size)
        self._lock = threading.Lock()

    @property
    def used(self) -> int:
        """The bytes held."""
        return int(self._held.currsize)

    def get(self, key: K) -> V | None:
        """The value, which counts as used now; None if it is not held."""
        with self._lock:
            return self._held.get(key)

    def put(self, key: K, value: V) -> None:
        """Hold a value, in place of those used longest ago. One that is larger than all room is not held."""
        with self._lock:
            self._held.pop(key, None)
            with suppress(ValueError):  # it is larger than all room
                self._held[key] = value

    def drop(self, key: K) -> None:
        """Hold nothing under this key."""
        with self._lock:
            self._held.pop(key, None)

    def drop_where(self, outdated: Callable[[K], bool]) -> None:
        """Hold nothing under the keys of which this is true."""
        with self._lock:
            for key in [key for key in self._held if outdated(key)]:
                del self._held[key]

    def clear(self) -> None:
        """Hold nothing."""
        with self._lock:
            self._held.clear()


class Shares(Generic[K, V]):
    """Two caches with a bound each: of whole feeds, and of what narrowings add, which never displaces the first."""

    def __init__(self, whole: int, narrowed: int, size: Callable[[V], int]) -> None:
        self._whole: Bounded[K, V] = Bounded(whole, size)
        self._narrowed: Bounded[K, V] = Bounded(narrowed, size)

    @property
    def used(self) -> int:
        """The bytes held."""
        return self._whole.used + self._narrowed.used

    def get(self, key: K) -> V | None:
        """The value in either, which counts as used now; None if it is not held."""
        found = self._whole.get(key)
        return self._narrowed.get(key) if found is None else found

    def put(self, key: K, value: V, *, narrowed: bool) -> None:
        """Hold a value in its share."""
        (self._narrowed if narrowed else self._whole).put(key, value)

    def drop_where(self, outdated: Callable[[K], bool]) -> None:
        """Hold nothing under the keys of which this is true."""
        for share in (self._whole, self._narrowed):
            share.drop_where(outdated)

    def clear(self) -> None:
        """Hold nothing."""
        for share in (self._whole, self._narrowed):
            share.clear()
