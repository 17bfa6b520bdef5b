"""Large documents as files."""

from __future__ import annotations

import hashlib
import os
import secrets
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from publisher import telemetry
from publisher.publish.addresses import Address

log = telemetry.logger(__name__)

TELL_SECONDS = 60.0
"""How often it is told that the disk takes nothing."""

NARROWED_BYTES = 256 * 1024 * 1024
"""Of narrowed documents on disk. Anyone can ask for a narrowing that nobody has asked for before."""

_NARROWED = "+"
"""Stands in the names of their files, and in no feed's name."""


class Shelf:
    """Large documents as files, so that they are sent from disk and not built again after a restart.

    ``NAME.FORMAT.VERSION`` and the same with ``.gz`` behind it; of a narrowing, NAME has its digest behind a ``+``.
    The version before is kept beside the newest, for whoever has been told of it and is about to open it. Of narrowed
    documents those written last are kept, as many as fit into ``narrowed`` bytes.
    """

    def __init__(self, folder: Path, narrowed: int = NARROWED_BYTES) -> None:
        self._folder = folder
        self._narrowed = narrowed
        self._told = float("-inf")
        for leftover in folder.glob(".writing-*"):
            leftover.unlink(missing_ok=True)

    def find(self, address: Address, version: str) -> tuple[Path, Path] | None:
        """The file of this version and its gzip form."""
        plain, packed = self._paths(address, version)
        return (plain, packed) if plain.is_file() and packed.is_file() else None

    def put(self, address: Address, version: str, body: bytes, gzip: bytes) -> tuple[Path, Path] | None:
        """Write a version, whole or not at all, and remove those before the last.

        None where the disk does not take it, such as a full one: what is to be served needs no disk.
        """
        plain, packed = self._paths(address, version)
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            older = sorted(self._versions(address) - {plain, packed}, key=_written, reverse=True)
            self._write(packed, gzip)
            self._write(plain, body)
        except OSError as error:
            self._refused(error)
            with suppress(OSError):
                packed.unlink(missing_ok=True)
            return None
        for path in older[2:]:
            path.unlink(missing_ok=True)
        if address.narrowing:
            self._make_room(plain, packed)
        return plain, packed

    def _make_room(self, *newest: Path) -> None:
        """Remove the narrowed documents written longest ago, until the rest fits."""
        others = set(self._folder.glob(f"*{_NARROWED}*")) - {*newest}
        room = self._narrowed - sum(map(_size, newest))
        for path in sorted(others, key=_written, reverse=True):
            room -= _size(path)
            if room < 0:
                path.unlink(missing_ok=True)

    def _refused(self, error: OSError) -> None:
        now = time.monotonic()
        if now - self._told >= TELL_SECONDS:
            self._told = now
            log.warning("feed.not_kept", folder=str(self._folder), error=error.strerror or str(error))

    def sweep(self, present: Mapping[str, str]) -> None:
        """Remove every file but those of the present version of each whole feed, given by name."""
        kept = {f"{name}.{version}" for name, version in present.items()}
        for path in self._folder.glob("*.*.*"):
            name, _, version = path.name.removesuffix(".gz").split(".", 2)
            if f"{name}.{version}" not in kept:
                try:
                    path.unlink(missing_ok=True)
                except OSError as error:  # no reason to publish nothing; but an operator must remove it
                    log.error("feed.not_removed", file=str(path), error=error.strerror or str(error))

    def _paths(self, address: Address, version: str) -> tuple[Path, Path]:
        plain = self._folder / f"{_stem(address)}.{version}"
        return plain, plain.with_name(plain.name + ".gz")

    def _versions(self, address: Address) -> set[Path]:
        return set(self._folder.glob(f"{_stem(address)}.*"))

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


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _stem(address: Address) -> str:
    narrowing = address.narrowing
    digest = _NARROWED + hashlib.sha256(narrowing.text.encode()).hexdigest()[:32] if narrowing else ""
    return f"{address.feed}{digest}.{address.format}"
