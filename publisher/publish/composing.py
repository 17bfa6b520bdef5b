"""Documents put together from fragments, which are kept per item revision."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from publisher import clock, render
from publisher.model import Event, FeedDefinition
from publisher.publish import codings
from publisher.publish.addresses import Address, page_path
from publisher.publish.appearance import SiteInfo
from publisher.publish.cache import Shares
from publisher.publish.codings import IDENTITY, Coding
from publisher.publish.items import Item, Packed, Revision, Snapshot, Written, revision_of, snapshot
from publisher.publish.shelf import Shelf
from publisher.publish.versions import version_of
from publisher.render import Entry, Head, Options, identity
from publisher.storage.engine.database import Database
from publisher.storage.items.articles import ArticleHead, StoredArticle

FRAGMENT_BYTES = 64 * 1024 * 1024
"""Holds ten thousand articles of 3 KB with room to spare: with less, each would be written anew at every change."""

NARROWED_FRAGMENT_BYTES = 16 * 1024 * 1024
"""For what stands in narrowed feeds alone, further back than the whole ones reach."""

SELECTED_BYTES = 64 * 1024 * 1024
NARROWED_SELECTED_BYTES = 8 * 1024 * 1024

REVISION_BYTES = 256
"""What the memory of one revision takes, about."""

ON_DISK_FROM = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Document:
    """One feed in one format. ``bodies``: the same in each coding, in order of preference; a Path is a file of it."""

    etag: str
    last_modified: datetime | None
    content_type: str
    bodies: Mapping[Coding, bytes | Path]

    @property
    def body(self) -> bytes | Path:
        """The document as it is, in no coding."""
        return self.bodies[IDENTITY]

    @property
    def size(self) -> int:
        """The bytes it takes in memory, besides itself."""
        return sum(len(part) for part in self.bodies.values() if isinstance(part, bytes))

    @property
    def present(self) -> bool:
        """Whether its files, if it is in files, are still there: ``data/cache`` may be emptied at any time."""
        return all(isinstance(part, bytes) or part.is_file() for part in self.bodies.values())


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be composed: the document at an address, of the feed and the site as they stood when it was asked."""

    address: Address
    feed: FeedDefinition
    site: SiteInfo

    @property
    def options(self) -> Options:
        """What shapes the entries."""
        feed, site = self.feed, self.site
        url = site.url.rstrip("/")
        return Options(url, feed.language or site.language, site.timezone, feed.content, site.ids)


@dataclass(frozen=True, slots=True)
class _Selected:
    """What a feed, as it was defined, was last seen to select: its content need not be looked at again for that."""

    digest: str
    revisions: frozenset[Revision]


class Composer:
    """Makes documents of what is stored, each item written once per revision."""

    def __init__(self, db: Database, shelf: Shelf) -> None:
        self._db = db
        self._shelf = shelf
        self._fragments: Shares[Hashable, bytes] = Shares(FRAGMENT_BYTES, NARROWED_FRAGMENT_BYTES, len)
        self._selected: Shares[tuple[str, str], _Selected] = Shares(
            SELECTED_BYTES, NARROWED_SELECTED_BYTES, lambda one: (1 + len(one.revisions)) * REVISION_BYTES
        )

    @property
    def used(self) -> int:
        """The bytes held."""
        return self._fragments.used + self._selected.used

    def clear(self) -> None:
        """Hold nothing of what was written."""
        self._fragments.clear()

    async def compose(self, order: Order) -> Document:
        """The document as it is now; what is large is kept on the shelf."""
        address, options = order.address, order.options
        key = address.feed, address.narrowing.text
        found = await self._db.read(snapshot, order.feed, address.narrowing, self._written(order, options))
        selected = _Selected(order.feed.digest, found.revisions)
        self._selected.put(key, selected, narrowed=bool(address.narrowing))
        return await asyncio.to_thread(self._render, order, options, found)

    def _written(self, order: Order, options: Options) -> Written:
        address = order.address
        held = self._selected.get((address.feed, address.narrowing.text))
        selected = held.revisions if held and held.digest == order.feed.digest else frozenset()

        def written(article: ArticleHead) -> bytes | None:
            if revision_of(article) not in selected:
                return None
            return self._fragments.get((*_revision(article), address.format, options))

        return written

    def _render(self, order: Order, options: Options, found: Snapshot) -> Document:
        """Runs in a thread: a large feed takes seconds."""
        address = order.address
        writer = render.FORMATS[address.format]
        version = version_of(order.feed, order.site, found.state).narrowed(address.narrowing)
        body = writer.document(
            _head(order, options, found), [self._fragment(item, order, options) for item in found.items]
        )
        packed = {coding: coding.pack(body) for coding in codings.every()}
        filed = self._shelf.put(address, version.etag, packed) if len(body) > ON_DISK_FROM else None
        return Document(version.etag, version.last_modified, writer.content_type, filed or packed)

    def _fragment(self, item: Item | Packed | bytes, order: Order, options: Options) -> bytes:
        if isinstance(item, bytes):
            return item
        format = order.address.format
        key = (*_revision(item.article if isinstance(item, Packed) else item), format, options)
        fragment = self._fragments.get(key)
        if fragment is None:
            whole = item.unpacked() if isinstance(item, Packed) else item
            fragment = render.FORMATS[format].fragment(_entry(whole, options))
            self._fragments.put(key, fragment, narrowed=bool(order.address.narrowing))
        return fragment


def _head(order: Order, options: Options, found: Snapshot) -> Head:
    feed, site = order.feed, order.site
    return Head(
        id=identity.feed_id(site.ids, feed.name),
        title=feed.title,
        description=feed.description.strip(),
        language=options.language,
        updated=found.state.changed_at if found.state else clock.EPOCH,
        url=order.address.url(site.url),
        home_url=f"{options.site_url}{page_path(feed.name)}",
        site_title=site.title,
        site_url=f"{options.site_url}/",
        items=feed.items,
        deleted=[(identity.article_id(site.ids, id), at) for id, at in found.deleted],
    )


def _revision(item: Item | ArticleHead) -> tuple[str, str, int]:
    if isinstance(item, Event):
        return "event", item.id, 0
    if isinstance(item, ArticleHead):
        return "article", item.id, item.revision
    return item.period, item.symbol, item.revision


def _entry(item: Item, options: Options) -> Entry:
    if isinstance(item, Event):
        return render.event_entry(item, options=options)
    if isinstance(item, StoredArticle):
        return render.article_entry(
            item.data,
            revision=item.revision,
            first_seen_at=item.first_seen_at,
            changed_at=item.changed_at,
            options=options,
        )
    return render.indicator_entry(
        item.data,
        period=item.period,
        first_seen_at=item.first_seen_at,
        changed_at=item.changed_at,
        options=options,
    )
