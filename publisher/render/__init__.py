"""Items in, feed documents out: RSS 2.0, Atom and JSON Feed 1.1. Pure: the bytes depend on nothing but what is given.

Each entry becomes a fragment once per revision; a document is a head and its fragments, put together.
"""

from collections.abc import Mapping

from publisher.render.atom import Atom
from publisher.render.entry import Entry, Options, article_entry, event_entry, indicator_entry
from publisher.render.format import Format, Head
from publisher.render.json_feed import JsonFeed
from publisher.render.rss import Rss

RENDERER_VERSION = 1
"""Raise it when the same items give other bytes, so that readers are not told that nothing changed."""

FORMATS: Mapping[str, Format] = {"rss": Rss(), "atom": Atom(), "json": JsonFeed()}
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
]
