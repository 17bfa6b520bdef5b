"""Items in, feed documents out: RSS 2.0, Atom and JSON Feed 1.1. Pure: the bytes depend on nothing but what is given.

Each entry becomes a fragment once per revision; a document is a head and its fragments, put together.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module

from publisher.render.entry import Entry, Options, article_entry, event_entry, indicator_entry
from publisher.render.format import Format, Head
from publisher.render.summary import summarised, summary_of

RENDERER_VERSION = 3
"""Raise it when the same items give other bytes, so that readers are not told that nothing changed."""

_WRITERS = {"rss": "rss:Rss", "atom": "atom:Atom", "json": "json_feed:JsonFeed"}


class _Formats(Mapping[str, Format]):
    """Made when first asked for: feedgen and lxml are 6 MB that a service need not hold before it is read."""

    def __init__(self) -> None:
        self._made: dict[str, Format] = {}

    def __getitem__(self, name: str) -> Format:
        if name not in self._made:
            module, _, writer = _WRITERS[name].partition(":")
            self._made[name] = getattr(import_module(f"{__name__}.{module}"), writer)()
        return self._made[name]

    def __contains__(self, name: object) -> bool:
        return name in _WRITERS

    def __iter__(self) -> Iterator[str]:
        return iter(_WRITERS)

    def __len__(self) -> int:
        return len(_WRITERS)


FORMATS: Mapping[str, Format] = _Formats()
"""Every format by the ending of its URLs."""

__all__ = [
    "FORMATS",
    "RENDERER_VERSION",
    "Entry",
    "Format",
    "Head",
    "Options",
    "article_entry",
    "event_entry",
    "indicator_entry",
    "summarised",
    "summary_of",
]
