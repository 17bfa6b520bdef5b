"""The current documents of the feeds.

A feed's version is a hash of everything its bytes depend on, so a conditional request is answered without rendering.
A version of a document is built once, however many ask for it at that moment, from fragments that are kept per item
revision; what is larger than 1 MB is kept on disk and sent from there.
"""

from __future__ import annotations

import asyncio
import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import orjson

from publisher import clock, render
from publisher.errors import NotFound, StorageError
from publisher.model import Event, FeedDefinition
from publisher.publish.appearance import SiteInfo, appearance
from publisher.publish.cache import Bounded, Shelf
from publisher.publish.items import Item, Packed, Revision, Snapshot, chosen, revision_of, snapshot
from publisher.render import Entry, Head, Options, identity
from publisher.storage.configuration import feeds as feed_states
from publisher.storage.configuration.feeds import FeedState
from publisher.storage.engine.database import Database
from publisher.storage.items.articles import ArticleHead, StoredArticle

FRAGMENT_BYTES = 64 * 1024 * 1024
"""Holds ten thousand articles of 3 KB with room to spare: with less, each would be written anew at every change."""

DOCUMENT_BYTES = 32 * 1024 * 1024
ON_DISK_FROM = 1024 * 1024

STALE_SECONDS = 3600.0
"""How long feeds are published as they last were while storage fails."""

GZIP_LEVEL = 6

_FragmentKey = tuple[str, str, int, str, Options]
_DocumentKey = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Version:
    """The validators of a feed's documents. ``etag`` is bare: the web room makes a strong one per coding of it.

    ``last_modified`` is None where storage was told of another appearance of the feed, as by a release that runs beside
    this one: its date would stand for other bytes.
    """

    etag: str
    last_modified: datetime | None


@dataclass(frozen=True, slots=True)
class Document:
    """One feed in one format. ``body`` and ``gzip`` are the same bytes plain and packed; a Path is a file of them."""

    etag: str
    last_modified: datetime | None
    content_type: str
    body: bytes | Path
    gzip: bytes | Path

    @property
    def size(self) -> int:
        """The bytes it takes in memory."""
        return sum(len(part) for part in (self.body, self.gzip) if isinstance(part, bytes))

    @property
    def present(self) -> bool:
        """Whether its files, if it is in files, are still there: ``data/cache`` may be emptied at any time."""
        return all(isinstance(part, bytes) or part.is_file() for part in (self.body, self.gzip))


class Publications:
    """The feeds of an installation as documents; made once, asked from every request."""

    def __init__(self, db: Database, feeds: Mapping[str, FeedDefinition], site: SiteInfo, data: Path) -> None:
        self._db = db
        self._feeds = dict(feeds)
        self._site = site
        self._site_url = site.url.rstrip("/")
        self._shelf = Shelf(data / "cache")
        self._fragments: Bounded[_FragmentKey, bytes] = Bounded(FRAGMENT_BYTES, len)
        self._documents: Bounded[_DocumentKey, Document] = Bounded(
            DOCUMENT_BYTES, lambda document: document.size or 256
        )
        # What each feed, as it was defined, was last seen to select: the content need not be looked at again for that.
        self._selected: dict[str, tuple[str, frozenset[Revision]]] = {}
        self._swept = False
        self._building: dict[tuple[str, str, str], asyncio.Task[Document]] = {}
        self._states = _States(db)
        self._versions: dict[str, Version] = {}
        self._versions_of: Mapping[str, FeedState] | None = None

    def replace(self, feeds: Mapping[str, FeedDefinition], site: SiteInfo | None = None) -> None:
        """Publish these feeds, and name the ``site`` so, from now on.

        Storage must have been told of their appearance (``feeds.define``).
        """
        self._site = site or self._site
        self._site_url = self._site.url.rstrip("/")
        for name, before in self._feeds.items():
            if name not in feeds or feeds[name].digest != before.digest:
                # What another definition chose must not stand in for what this one does.
                for format in render.FORMATS:
                    self._documents.drop((name, format))
        self._feeds = dict(feeds)
        self._versions_of = None

    async def version(self, name: str) -> Version:
        """A feed's validators, without rendering. Raises NotFound for a name that is no feed."""
        states = await self._states()
        feed = self._feed(name)  # as it is now, after waiting
        if states is not self._versions_of:
            self._versions, self._versions_of = {}, states
        if name not in self._versions:
            self._versions[name] = self._version(feed, states.get(name))
        return self._versions[name]

    async def current(self, name: str, format: str) -> Document:
        """The document of a feed in ``rss``, ``atom`` or ``json``. Raises NotFound for another name or format.

        While storage fails it is the one that was made last, if that is no older than :data:`STALE_SECONDS`.
        """
        if format not in render.FORMATS:
            raise NotFound(f"there is no format {format!r}; feeds come as {', '.join(render.FORMATS)}")
        version = await self.version(name)
        held = self._documents.get((name, format))
        if held is not None and held.etag == version.etag and held.present:
            return held
        try:
            return await self._made(name, format, version)
        except StorageError:
            if held is None or not held.present or not self._states.may_stand_in:
                raise
            return held

    async def _made(self, name: str, format: str, version: Version) -> Document:
        if not self._swept:
            await self.sweep()
        key = (name, format, version.etag)
        if key not in self._building:
            self._building[key] = asyncio.create_task(self._build(self._feed(name), format, version))
            self._building[key].add_done_callback(lambda _: self._building.pop(key, None))
        # One who gives up waiting must not take the document from the others.
        return await asyncio.shield(self._building[key])

    async def sweep(self) -> None:
        """Forget every version but the present ones, in memory and on disk, so that nothing of what was erased stays.

        The first document that a process makes does so too, for one that was stopped before it could.
        """
        self._swept = True
        while self._building:
            await asyncio.wait(tuple(self._building.values()))
        self._fragments.clear()
        self._documents.clear()
        states = await self._states()
        present = {name: self._version(feed, states.get(name)).etag for name, feed in self._feeds.items()}
        await asyncio.to_thread(self._shelf.sweep, present)

    async def items(self, name: str, limit: int) -> list[Item]:
        """The newest items of a feed as they are stored, at most as many as the feed shows. Raises NotFound."""
        feed = self._feed(name)
        return await self._db.read(chosen, feed, min(limit, feed.limit))

    def _feed(self, name: str) -> FeedDefinition:
        try:
            return self._feeds[name]
        except KeyError:
            raise NotFound(f"there is no feed {name!r}") from None

    def _version(self, feed: FeedDefinition, state: FeedState | None) -> Version:
        looks = appearance(feed, self._site)
        if state is None:
            return Version(_digest(looks, 0, clock.EPOCH), None)
        return Version(
            _digest(looks, state.version, state.changed_at), state.changed_at if state.digest == looks else None
        )

    async def _build(self, feed: FeedDefinition, format: str, version: Version) -> Document:
        kept = await asyncio.to_thread(self._shelf.find, feed.name, format, version.etag)
        if kept is not None:
            content_type = render.FORMATS[format].content_type
            document = Document(version.etag, version.last_modified, content_type, *kept)
        else:
            document = await self._compose(feed, format)
        self._documents.put((feed.name, format), document)
        return document

    async def _compose(self, feed: FeedDefinition, format: str) -> Document:
        options = self._options(feed)
        digest, selected = self._selected.get(feed.name, ("", frozenset()))

        def written(article: ArticleHead) -> bytes | None:
            if digest != feed.digest or revision_of(article) not in selected:
                return None
            return self._fragments.get((*_revision(article), format, options))

        found = await self._db.read(snapshot, feed, written)
        self._selected[feed.name] = feed.digest, found.revisions
        return await asyncio.to_thread(self._render, feed, format, options, found)

    def _options(self, feed: FeedDefinition) -> Options:
        site = self._site
        return Options(self._site_url, feed.language or site.language, site.timezone, feed.content, site.ids)

    def _render(self, feed: FeedDefinition, format: str, options: Options, found: Snapshot) -> Document:
        """Runs in a thread: a large feed takes seconds."""
        writer = render.FORMATS[format]
        version = self._version(feed, found.state)
        head = Head(
            id=identity.feed_id(self._site.ids, feed.name),
            title=feed.title,
            description=feed.description.strip(),
            language=options.language,
            updated=found.state.changed_at if found.state else clock.EPOCH,
            url=f"{self._site_url}/feeds/{feed.name}.{format}",
            home_url=f"{self._site_url}/feeds/{feed.name}",
            site_title=self._site.title,
            site_url=f"{self._site_url}/",
            items=feed.items,
            deleted=[(identity.article_id(self._site.ids, id), at) for id, at in found.deleted],
        )
        body = writer.document(head, [self._fragment(item, format, options) for item in found.items])
        packed = gzip.compress(body, GZIP_LEVEL, mtime=0)
        parts: tuple[bytes, bytes] | tuple[Path, Path] = (body, packed)
        if len(body) > ON_DISK_FROM:
            parts = self._shelf.put(feed.name, format, version.etag, body, packed) or parts
        return Document(version.etag, version.last_modified, writer.content_type, *parts)

    def _fragment(self, item: Item | Packed | bytes, format: str, options: Options) -> bytes:
        if isinstance(item, bytes):
            return item
        key = (*_revision(item.article if isinstance(item, Packed) else item), format, options)
        fragment = self._fragments.get(key)
        if fragment is None:
            whole = item.unpacked() if isinstance(item, Packed) else item
            fragment = render.FORMATS[format].fragment(_entry(whole, options))
            self._fragments.put(key, fragment)
        return fragment


def _digest(looks: str, version: int, changed_at: datetime) -> str:
    return hashlib.sha256(orjson.dumps([looks, version, clock.to_micros(changed_at)])).hexdigest()[:32]


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


class _States:
    """The states of all feeds, read again once the database says that any may be another.

    So a request needs no reading, and one that comes after a push was answered still sees what was pushed. Many that
    ask at once share a reading, each one that began after it asked. While storage fails they are those of the last
    reading, for :data:`STALE_SECONDS`.
    """

    def __init__(self, db: Database) -> None:
        self._db = db
        self._held: tuple[int, Mapping[str, FeedState]] | None = None
        self._running: asyncio.Task[Mapping[str, FeedState]] | None = None
        self._next: asyncio.Task[Mapping[str, FeedState]] | None = None

    async def __call__(self) -> Mapping[str, FeedState]:
        if self._held is not None and self._held[0] == self._db.edition and self.may_stand_in:
            return self._held[1]
        if self._next is None:
            self._next = asyncio.create_task(self._after(self._running))
        try:
            return await asyncio.shield(self._next)
        except StorageError:
            if self._held is None or not self.may_stand_in:
                raise
            return self._held[1]

    @property
    def may_stand_in(self) -> bool:
        """Whether storage has answered lately enough for what was read then to stand in for what is there now."""
        return self._db.reading.seconds < STALE_SECONDS

    async def _after(self, running: asyncio.Task[Mapping[str, FeedState]] | None) -> Mapping[str, FeedState]:
        if running is not None:
            await asyncio.wait([running])
        self._running, self._next = self._next, None
        # Taken before reading: what is committed meanwhile may or may not be in it, and makes it outdated.
        edition = self._db.edition
        states = await self._db.read(feed_states.states)
        self._held = edition, states
        return states
