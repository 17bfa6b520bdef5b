"""Which stored items a feed shows, newest first. Storage narrows; ``selection`` has the last word.

A feed may show ten thousand articles. They are read in pieces, since between two statements the loop does other work,
and one that was written before is not read at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

import orjson

from publisher.jsonbytes import compact
from publisher.model import Event, EventType, FeedDefinition
from publisher.model.facets import fold, item_facets
from publisher.model.narrowing import EMPTY, Narrowing
from publisher.selection import narrowed_to, selects, wants
from publisher.storage.configuration import feeds
from publisher.storage.configuration.feeds import FeedState
from publisher.storage.engine.database import Tx
from publisher.storage.items import articles, indicators
from publisher.storage.items.articles import ArticleHead, StoredArticle
from publisher.storage.items.indicators import StoredIndicator
from publisher.storage.log import events

T = TypeVar("T")

Item = StoredArticle | StoredIndicator | Event

Revision = tuple[str, int, str]
"""An article in one revision, from one source: (id, revision, source)."""

Written = Callable[[ArticleHead], bytes | None]
"""What a feed shows of an article in this revision, if that is at hand and the feed is known to select it."""

TOMBSTONES_SHOWN = 100

HEADS = 500
"""Articles asked for at once without their content."""

READ_BYTES = 512 * 1024
"""Bytes of articles that are read at once: 5 ms in which nothing else is done."""

_OPERATIONS = frozenset(type for type in EventType if type.items == "operations")


@dataclass(frozen=True, slots=True)
class Packed:
    """An article whose content waits as text, so that the garbage collector has no parts of ten thousand to look at."""

    article: StoredArticle
    data: bytes

    @classmethod
    def of(cls, article: StoredArticle) -> Packed:
        """The same article, packed."""
        return cls(replace(article, data={}), compact(article.data))

    def unpacked(self) -> StoredArticle:
        """The article with its content."""
        return replace(self.article, data=orjson.loads(self.data))


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything that a feed's documents are made of, as it was at one moment.

    ``items`` are bytes where they were written before. ``revisions`` are those of the articles.
    """

    state: FeedState | None
    items: list[Item | Packed | bytes]
    deleted: list[tuple[str, datetime]]
    revisions: frozenset[Revision] = frozenset()


def snapshot(tx: Tx, feed: FeedDefinition, narrowing: Narrowing, written: Written) -> Snapshot:
    """Read a feed's version, items and tombstones in one transaction.

    The tombstones are those of the whole feed: one for an entry that a reader never had does no harm. What left the
    narrowing and is still in the feed has none.
    """
    state = feeds.state(tx, feed.name)
    if feed.items != "articles":
        return Snapshot(state, [*chosen(tx, feed, feed.limit, narrowing)], [])
    found = _lines(tx, feed, narrowing, written)
    deleted = feeds.tombstones(tx, feed.name, TOMBSTONES_SHOWN)
    return Snapshot(state, [line for _, line in found], deleted, frozenset(revision for revision, _ in found))


def chosen(tx: Tx, feed: FeedDefinition, limit: int, narrowing: Narrowing = EMPTY) -> list[Item]:
    """Up to ``limit`` items of the feed, narrowed, newest first."""
    if feed.items == "articles":
        return [*_articles(tx, feed, narrowing, limit)]
    if feed.items == "indicators":
        return [*_indicators(tx, feed, narrowing, limit)]
    return [*_operations(tx, feed, narrowing, limit)]


def revision_of(article: ArticleHead) -> Revision:
    """The revision that an article stands in."""
    return article.id, article.revision, article.source


def shown(tx: Tx, feed: FeedDefinition, limit: int, show: Callable[[StoredArticle], T]) -> list[T]:
    """What ``show`` makes of the newest articles of a feed, up to ``limit``; no more than that is kept of one."""
    return [show(one) for one in _articles(tx, feed, EMPTY, limit)]


def _articles(tx: Tx, feed: FeedDefinition, narrowing: Narrowing, limit: int) -> Iterator[StoredArticle]:
    facets = _asked_of_storage(feed, narrowing)
    missing, before = limit, None
    while missing:
        asked = min(missing, HEADS)
        heads = articles.heads(tx, limit=asked, before=before, facets=facets)
        for batch in articles.batches(tx, [head.id for head in heads], READ_BYTES):
            chosen = [one for one in batch if _selected(feed, narrowing, one)]
            missing -= len(chosen)
            yield from chosen
        if len(heads) < asked:
            return
        before = heads[-1].position


def _lines(
    tx: Tx, feed: FeedDefinition, narrowing: Narrowing, written: Written
) -> list[tuple[Revision, Packed | bytes]]:
    facets = _asked_of_storage(feed, narrowing)
    found: list[tuple[Revision, Packed | bytes]] = []
    before = None
    while missing := feed.limit - len(found):
        asked = min(missing, HEADS)
        heads = articles.heads(tx, limit=asked, before=before, facets=facets)
        found += _completed(tx, feed, narrowing, heads, written)
        if len(heads) < asked:
            break
        before = heads[-1].position
    return found


def _completed(
    tx: Tx, feed: FeedDefinition, narrowing: Narrowing, heads: Sequence[ArticleHead], written: Written
) -> Iterator[tuple[Revision, Packed | bytes]]:
    lines: dict[str, Packed | bytes] = {head.id: line for head in heads if (line := written(head)) is not None}
    missing = [head.id for head in heads if head.id not in lines]
    for batch in articles.batches(tx, missing, READ_BYTES):
        lines.update({one.id: Packed.of(one) for one in batch if _selected(feed, narrowing, one)})
    return ((revision_of(head), lines[head.id]) for head in heads if head.id in lines)


def _asked_of_storage(feed: FeedDefinition, narrowing: Narrowing) -> dict[str, frozenset[str]]:
    # An item must meet both. Where both name one key storage narrows by one of them, and ``_selected`` checks the rest.
    return {**dict(wants(feed.select)), **dict(narrowing.wants)}


def _selected(feed: FeedDefinition, narrowing: Narrowing, item: Item) -> bool:
    facets = item_facets(item.data, item.source)
    return selects(feed, feed.items, facets) and narrowed_to(narrowing, facets)


def _indicators(tx: Tx, feed: FeedDefinition, narrowing: Narrowing, limit: int) -> list[StoredIndicator]:
    symbols = None
    if feed.select.symbols:
        wanted = set(map(fold, feed.select.symbols))
        symbols = [one.symbol for one in indicators.latest(tx) if fold(one.symbol) in wanted]
    asked = limit
    while True:
        page = indicators.periods(tx, limit=asked, symbols=symbols)
        found = [one for one in page if _selected(feed, narrowing, one)]
        if len(found) >= limit or len(page) < asked:
            return found[:limit]
        asked *= 4


def _operations(tx: Tx, feed: FeedDefinition, narrowing: Narrowing, limit: int) -> list[Event]:
    found: list[Event] = []
    until = None
    while missing := limit - len(found):
        page = events.after(tx, 0, missing, until=until, types=_OPERATIONS, newest_first=True)
        found += [one for one in page if _selected(feed, narrowing, one)]
        if len(page) < missing:
            break
        until = page[-1].seq - 1
    return found
