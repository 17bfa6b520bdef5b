"""The versions of the program that can read given definitions.

A version of the definitions names the lowest: during a rolling upgrade, a process of an older release then reports that
it is too old, instead of using only half of what was written.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from publisher.catalog.documents import FEEDS, INDICATORS, PROFILES, SOURCES, Documents

FIRST = "0.1.0"
"""The release that can read everything that is not named here."""

SINCE: Mapping[tuple[str, str], str] = {
    ("source", "nodes"): "0.2.0",
}
"""By noun and key, the release that introduced it. ``("kind", NAME)`` is a kind of source."""


def needs(documents: Documents, since: Mapping[tuple[str, str], str] = SINCE) -> str:
    """The lowest version of the program that reads these definitions."""
    return max((since.get(used, FIRST) for used in _used(documents)), key=release, default=FIRST)


def release(version: str) -> tuple[int, ...]:
    """A version in comparable form: ``0.10.1`` is above ``0.9``. A part that is no number counts as 0."""
    return tuple(int(part) if part.isdecimal() else 0 for part in version.split("."))


def reads(version: str, needed: str) -> bool:
    """Whether the program of this version can read definitions that need ``needed``."""
    return release(version) >= release(needed)


def _used(documents: Documents) -> Iterator[tuple[str, str]]:
    """Every key that is used, with its noun, and every kind of source."""
    for name, file in documents.files.items():
        folder = name.rpartition("/")[0]
        if name == SOURCES:
            tables = _tables(file.data.get("source"))
            yield from (("source", key) for table in tables for key in table)
            yield from (("kind", str(table.get("kind"))) for table in tables)
        elif name == INDICATORS:
            yield from (("indicator", key) for table in _tables(file.data.get("indicator")) for key in table)
        elif folder in (FEEDS, PROFILES):
            yield from (("feed" if folder == FEEDS else "profile", key) for key in file.data)
            yield from (("select", key) for table in _tables([file.data.get("select")]) for key in table)


def _tables(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
