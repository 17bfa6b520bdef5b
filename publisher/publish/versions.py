"""Versions of feeds: hashes of everything their documents depend on, worked out without rendering."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import orjson

from publisher import clock
from publisher.errors import StorageError
from publisher.model import FeedDefinition
from publisher.model.narrowing import Narrowing
from publisher.publish.appearance import SiteInfo, appearance
from publisher.storage.configuration import feeds as feed_states
from publisher.storage.configuration.feeds import FeedState
from publisher.storage.engine.database import Database

STALE_SECONDS = 3600.0
"""How long feeds are published as they last were while storage fails."""


@dataclass(frozen=True, slots=True)
class Version:
    """The validators of a feed's documents. ``etag`` is bare: the web room makes a strong one per coding of it.

    ``last_modified`` is None where storage was told of another appearance of the feed, as by a release that runs beside
    this one: its date would stand for other bytes.
    """

    etag: str
    last_modified: datetime | None

    def narrowed(self, narrowing: Narrowing) -> Version:
        """The version of the feed narrowed: another one whenever the feed's is."""
        return Version(_hashed(self.etag, narrowing.text), self.last_modified) if narrowing else self


def version_of(feed: FeedDefinition, site: SiteInfo, state: FeedState | None) -> Version:
    """The version of a feed of this site in this state; None: nothing was ever in it."""
    looks = appearance(feed, site)
    if state is None:
        return Version(_hashed(looks, 0, clock.to_micros(clock.EPOCH)), None)
    changed_at = state.changed_at if state.digest == looks else None
    return Version(_hashed(state.generation, looks, state.version, clock.to_micros(state.changed_at)), changed_at)


def _hashed(*parts: str | int) -> str:
    return hashlib.sha256(orjson.dumps(parts)).hexdigest()[:32]


class States:
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
