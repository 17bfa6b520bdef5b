"""Caches that stay within a bound: of bytes in memory, of versions on disk."""

from __future__ import annotations

import os
import secrets
import threading
import time
from collections.abc import Callable, Hashable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Generic, TypeVar

from cachetools import LRUCache

from publisher import telemetry

log = telemetry.logger(__name__)

TELL_SECONDS = 60.0
"""How often it is told that the disk takes nothing."""

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
        """The value, which counts as used now; null if it is not held."""
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

    def clear(self) -> None:
        """Hold nothing."""
        with self._lock:
            self._held.clear()


class Shelf:
    """Large documents as files, so that they are sent from disk and not built again after a restart.

    ``NAME.FORMAT.VERSION`` and the same with ``.gz`` behind it. The version before is kept beside the newest, for
    whoever has been told of it and is about to open it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._told = float("-inf")
        for leftover in folder.glob(".writing-*"):
            leftover.unlink(missing_ok=True)

    def find(self, name: str, format: str, version: str) -> tuple[Path, Path] | None:
        """The file of this version and its gzip form."""
        plain, packed = self._paths(name, format, version)
        return (plain, packed) if plain.is_file() and packed.is_file() else None

    def put(self, name: str, format: str, version: str, body: bytes, gzip: bytes) -> tuple[Path, Path] | None:
        """Write a version, whole or not at all, and remove those before the last.

        None where the disk does not take it, such as a full one: what is to be served needs no disk.
        """
        plain, packed = self._paths(name, format, version)
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            older = sorted(self._versions(name, format) - {plain, packed}, key=_written, reverse=True)
            self._write(packed, gzip)
            self._write(plain, body)
        except OSError as error:
            self._refused(error)
            with suppress(OSError):
                packed.unlink(missing_ok=True)
            return None
        for path in older[2:]:
            path.unlink(missing_ok=True)
        return plain, packed

    def _refused(self, error: OSError) -> None:
        now = time.monotonic()
        if now - self._told >= TELL_SECONDS:
            self._told = now
            log.warning("feed.not_kept", folder=str(self._folder), error=error.strerror or str(error))

    def sweep(self, present: Mapping[str, str]) -> None:
        """Remove every file but those of the present version of each feed, given by name."""
        kept = {f"{name}.{version}" for name, version in present.items()}
        for path in self._folder.glob("*.*.*"):
            name, _, version = path.name.removesuffix(".gz").split(".", 2)
            if f"{name}.{version}" not in kept:
                try:
                    path.unlink(missing_ok=True)
                except OSError as error:  # no reason to publish nothing; but an operator must remove it
                    log.error("feed.not_removed", file=str(path), error=error.strerror or str(error))

    def _paths(self, name: str, format: str, version: str) -> tuple[Path, Path]:
        plain = self._folder / f"{name}.{format}.{version}"
        return plain, plain.with_name(plain.name + ".gz")

    def _versions(self, name: str, format: str) -> set[Path]:
        return set(self._folder.glob(f"{name}.{format}.*"))

    def _write(self, path: Path, data: bytes) -> None:
        unfinished = self._folder / f".writing-{secrets.token_hex(8)}"
        try:
            with unfinished.open("wb") as file:
                file.write(data)
                file.flush()
                # Without it, a power cut can leave the new name on an empty file.
                os.fsync(file.fileno())
            unfinished.replace(path)
        finally:
            unfinished.unlink(missing_ok=True)


def _written(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0.0
