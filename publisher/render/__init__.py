"""Items in, feed documents out, in every format of ``formats/``. Pure: the bytes depend on nothing but what is given.

Each entry becomes a fragment once per revision; a document is a head and its fragments, put together.
"""

from __future__ import annotations

from publisher.render.entry import Entry, Options, article_entry, event_entry, indicator_entry
from publisher.render.format import Format, Head
from publisher.render.formats import FORMATS

RENDERER_VERSION = 3
"""Raise it when the same items give other bytes, so that readers are not told that nothing changed."""

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
