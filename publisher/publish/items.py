"""Which stored items a feed shows, newest first. Storage narrows; ``selection`` has the last word."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from publisher.model import Event, EventType, FeedDefinition
from publisher.model.facets import fold, item_facets
from publisher.selection import selects, wants
from publisher.storage import articles, events, feeds, indicators
from publisher.storage.articles import StoredArticle
from publisher.storage.database import Tx
from publisher.storage.feeds import FeedState
from publisher.storage.indicators import StoredIndicator

Item = StoredArticle | StoredIndicator | Event

TOMBSTONES_SHOWN = 100
_OPERATIONS = frozenset(type for type in EventType if type.items == "operations")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything that a feed's documents are made of, as it was at one moment."""

    state: FeedState | None
    items: list[Item]
    deleted: list[tuple[str, datetime]]


def snapshot(tx: Tx, feed: FeedDefinition) -> Snapshot:
    """Read a feed's version, items and tombstones in one transaction."""
    deleted = feeds.tombstones(tx, feed.name, TOMBSTONES_SHOWN) if feed.items == "articles" else []
    return Snapshot(feeds.state(tx, feed.name), chosen(tx, feed, feed.limit), deleted)


def chosen(tx: Tx, feed: FeedDefinition, limit: int) -> list[Item]:
    """Up to ``limit`` items of the feed, newest first."""
    if feed.items == "articles":
        return [*_articles(tx, feed, limit)]
    if feed.items == "indicators":
        return [*_indicators(tx, feed, limit)]
    return [*_operations(tx, feed, limit)]


def _articles(tx: Tx, feed: FeedDefinition, limit: int) -> list[StoredArticle]:
    narrowing = dict(wants(feed.select))
    found: list[StoredArticle] = []
    before = None
    while missing := limit - len(found):
        page = articles.page(tx, limit=missing, before=before, facets=narrowing)
        found += [one for one in page if selects(feed, "articles", item_facets(one.data, one.source))]
        if len(page) < missing:
            break
        before = page[-1].position
    return found


def _indicators(tx: Tx, feed: FeedDefinition, limit: int) -> list[StoredIndicator]:
    symbols = None
    if feed.select.symbols:
        wanted = set(map(fold, feed.select.symbols))
        symbols = [one.symbol for one in indicators.latest(tx) if fold(one.symbol) in wanted]
    asked = limit
    while True:
        page = indicators.periods(tx, limit=asked, symbols=symbols)
        found = [one for one in page if selects(feed, "indicators", item_facets(one.data, one.source))]
        if len(found) >= limit or len(page) < asked:
            return found[:limit]
        asked *= 4


def _operations(tx: Tx, feed: FeedDefinition, limit: int) -> list[Event]:
    found: list[Event] = []
    until = None
    while missing := limit - len(found):
        page = events.after(tx, 0, missing, until=until, types=_OPERATIONS, newest_first=True)
        found += [one for one in page if selects(feed, "operations", item_facets(one.data, one.source))]
        if len(page) < missing:
            break
        until = page[-1].seq - 1
    return found
