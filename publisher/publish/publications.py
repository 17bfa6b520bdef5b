"""The current documents of the feeds.

A feed's version is a hash of everything its bytes depend on, so a conditional request is answered without rendering.
A version of a document is built once, however many ask for it at that moment, from fragments that are kept per item
revision; what is larger than 1 MB is kept on disk and sent from there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

from publisher import render
from publisher.errors import NotFound, StorageError
from publisher.model import FeedDefinition
from publisher.model.narrowing import EMPTY, Narrowing
from publisher.publish.addresses import Address
from publisher.publish.appearance import SiteInfo
from publisher.publish.cache import Shares
from publisher.publish.composing import Composer, Document, Order
from publisher.publish.shelf import Shelf
from publisher.publish.versions import States, Version, version_of
from publisher.storage.configuration.feeds import FeedState
from publisher.storage.engine.database import Database

DOCUMENT_BYTES = 32 * 1024 * 1024
NARROWED_DOCUMENT_BYTES = 16 * 1024 * 1024

RECORD_BYTES = 1024
"""What a document takes besides its bytes, about: its addresses, validators and paths."""


class Publications:
    """The feeds of an installation as documents; made once, asked from every request."""

    def __init__(self, db: Database, feeds: Mapping[str, FeedDefinition], site: SiteInfo, data: Path) -> None:
        self._db = db
        self._feeds = dict(feeds)
        self._site = site
        self._shelf = Shelf(data / "cache")
        self._composer = Composer(db, self._shelf)
        self._documents: Shares[Address, Document] = Shares(
            DOCUMENT_BYTES, NARROWED_DOCUMENT_BYTES, lambda document: document.size + RECORD_BYTES
        )
        self._swept_at: int | None = None
        self._building: dict[tuple[Address, str], asyncio.Task[Document]] = {}
        self._states = States(db)
        self._versions: dict[str, Version] = {}
        self._versions_of: Mapping[str, FeedState] | None = None

    @property
    def used(self) -> int:
        """The bytes of memory that documents, and what they are made of, are held in."""
        return self._documents.used + self._composer.used

    def replace(self, feeds: Mapping[str, FeedDefinition], site: SiteInfo | None = None) -> None:
        """Publish these feeds from now on, of ``site`` where it is another.

        Storage must have been told of their appearance (``feeds.define``).
        """
        before, moved = self._feeds, site is not None and site != self._site
        if site is not None:
            self._site = site
        self._feeds = dict(feeds)
        self._versions_of = None
        # What another definition chose, or another site showed, must not stand in for what these do. Fragments stay:
        # they are kept by all that they depend on.
        changed = {name for name, feed in before.items() if name not in feeds or feeds[name].digest != feed.digest}
        self._documents.drop_where(lambda address: moved or address.feed in changed)

    async def version(self, name: str, narrowing: Narrowing = EMPTY) -> Version:
        """A feed's validators, without rendering. Raises NotFound for a name that is no feed."""
        states = await self._states()
        feed = self._feed(name)  # as it is now, after waiting
        if states is not self._versions_of:
            self._versions, self._versions_of = {}, states
        if name not in self._versions:
            self._versions[name] = version_of(feed, self._site, states.get(name))
        version = self._versions[name]
        return version if narrowing is EMPTY else version.narrowed(narrowing)

    async def current(self, name: str, format: str, narrowing: Narrowing = EMPTY) -> Document:
        """The document of a feed in one of ``render.FORMATS``. Raises NotFound for another name or format.

        While storage fails it is the one that was made last, if that is no older than :data:`STALE_SECONDS`.
        """
        if format not in render.FORMATS:
            raise NotFound(f"there is no format {format!r}; feeds come as {', '.join(render.FORMATS)}")
        version = await self.version(name, narrowing)
        address = Address(name, format, narrowing)
        held = self._documents.get(address)
        if held is not None and held.etag == version.etag and held.present:
            return held
        try:
            return await self._made(address, version)
        except StorageError:
            if held is None or not held.present or not self._states.may_stand_in:
                raise
            return held

    async def _made(self, address: Address, version: Version) -> Document:
        await self.forget_erased()
        key = address, version.etag
        if key not in self._building:
            order = Order(address, self._feed(address.feed), self._site)
            self._building[key] = asyncio.create_task(self._build(order, version))
            self._building[key].add_done_callback(lambda _: self._building.pop(key, None))
        # One who gives up waiting must not take the document from the others.
        return await asyncio.shield(self._building[key])

    async def sweep(self) -> None:
        """Forget every version but the present ones, in memory and on disk, so that nothing of what was erased stays.

        The first document that a process makes does so too, for one that was stopped before it could.
        """
        self._swept_at = self._db.epoch
        try:
            await self._sweep()
        except BaseException:
            self._swept_at = None
            raise

    async def forget_erased(self) -> None:
        """:meth:`sweep` once more where anything was erased since the last time, by whichever process."""
        if self._swept_at != self._db.epoch:
            await self.sweep()

    async def _sweep(self) -> None:
        while self._building:
            await asyncio.wait(tuple(self._building.values()))
        self._composer.clear()
        self._documents.clear()
        states = await self._states()
        present = {name: version_of(feed, self._site, states.get(name)).etag for name, feed in self._feeds.items()}
        await asyncio.to_thread(self._shelf.sweep, present)

    def _feed(self, name: str) -> FeedDefinition:
        try:
            return self._feeds[name]
        except KeyError:
            raise NotFound(f"there is no feed {name!r}") from None

    async def _build(self, order: Order, version: Version) -> Document:
        address = order.address
        kept = await asyncio.to_thread(self._shelf.find, address, version.etag)
        if kept is not None:
            content_type = render.FORMATS[address.format].content_type
            document = Document(version.etag, version.last_modified, content_type, kept)
        else:
            document = await self._composer.compose(order)
        # Not once it was replaced meanwhile: it would stand in for the present one while storage fails.
        if (self._feeds.get(address.feed), self._site) == (order.feed, order.site):
            self._documents.put(address, document, narrowed=bool(address.narrowing))
        return document
