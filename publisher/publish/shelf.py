"""Large documents as files."""

from __future__ import annotations

import hashlib
import os
import secrets
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from publisher import telemetry
from publisher.publish import codings
from publisher.publish.addresses import Address
from publisher.publish.codings import Coding

log = telemetry.logger(__name__)

TELL_SECONDS = 60.0
"""How often it is told that the disk takes nothing."""

NARROWED_BYTES = 256 * 1024 * 1024
"""Of narrowed documents on disk. Anyone can ask for a narrowing that nobody has asked for before."""

_NARROWED = "+"
"""Stands in the names of their files, and in no feed's name."""


class Shelf:
    """Large documents as files, so that they are sent from disk and not built again after a restart.

    ``NAME.FORMAT.VERSION``, and for each coding the same with its suffix behind it (``.gz``); of a narrowing, NAME has
    its digest behind a ``+``. The version before is kept beside the newest, for a request that has been told of it and
    is about to open it. Of narrowed documents those written last are kept, as many as fit into ``narrowed`` bytes.
    """

    def __init__(self, folder: Path, narrowed: int = NARROWED_BYTES) -> None:
        self._folder = folder
        self._narrowed = narrowed
        self._told = float("-inf")
        for leftover in folder.glob(".writing-*"):
            leftover.unlink(missing_ok=True)

    def find(self, address: Address, version: str) -> Mapping[Coding, Path] | None:
        """The files of this version, one in each coding; None where any of them is missing."""
        paths = self._paths(address, version, codings.every())
        return paths if all(path.is_file() for path in paths.values()) else None

    def put(self, address: Address, version: str, bodies: Mapping[Coding, bytes]) -> Mapping[Coding, Path] | None:
        """Write a version in these codings, whole or not at all, and remove those before the last.

        None where the disk does not take it, such as a full one: what is to be served needs no disk.
        """
        paths = self._paths(address, version, bodies)
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            older = self._older(address, version)
            for coding, body in bodies.items():
                self._write(paths[coding], body)
        except OSError as error:
            self._refused(error)
            _remove(paths.values())
            return None
        _remove(older)
        if address.narrowing:
            self._make_room(*paths.values())
        return paths

    def _older(self, address: Address, version: str) -> list[Path]:
        """The files of all versions before the one that was the newest so far."""
        files: dict[str, list[Path]] = {}
        for path in self._folder.glob(f"{_stem(address)}.*"):
            files.setdefault(_version(path), []).append(path)
        files.pop(version, None)
        newest = max(files, key=lambda one: max(map(_written, files[one])), default="")
        return [path for one, paths in files.items() if one != newest for path in paths]

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
        for path in self._folder.glob("*.*.*"):
            name = path.name.partition(".")[0]
            if present.get(name) != _version(path):
                try:
                    path.unlink(missing_ok=True)
                except OSError as error:  # no reason to publish nothing; but an operator must remove it
                    log.error("feed.not_removed", file=str(path), error=error.strerror or str(error))

    def _paths(self, address: Address, version: str, each: Iterable[Coding]) -> dict[Coding, Path]:
        stem = f"{_stem(address)}.{version}"
        return {coding: self._folder / coding.file(stem) for coding in each}

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


def _version(path: Path) -> str:
    """What stands third in the name of a file, whatever its coding, also one that is known no more."""
    return path.name.split(".")[2]


def _remove(paths: Iterable[Path]) -> None:
    for path in paths:
        with suppress(OSError):
            path.unlink(missing_ok=True)


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
