"""What the requests that read the log share, so that many who wait cost the database no more than one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Generic, TypeVar

from aiohttp import web

from publisher.model import FeedDefinition, Key
from publisher.storage.access import keys
from publisher.storage.configuration import feeds as feed_states
from publisher.storage.configuration import in_force
from publisher.storage.engine.database import Database
from publisher.web.access.views import Offer
from publisher.web.services import services_of

T = TypeVar("T")

Left = Mapping[str, set[str]]


class _Shared(Generic[T]):
    """One reading for all who ask for the same at the same time; one that failed is made again."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._of: object = None
        self._task: asyncio.Task[T] | None = None

    async def get(self, of: object, read: Callable[[], Awaitable[T]]) -> T:
        """What ``read`` returns, read once for equal ``of`` in a row."""
        task = self._task
        failed = task is not None and task.done() and (task.cancelled() or task.exception() is not None)
        if task is None or failed or of != self._of:
            task = asyncio.create_task(_awaited(read), name=self._name)
            self._of, self._task = of, task
        return await asyncio.shield(task)


async def _awaited(read: Callable[[], Awaitable[T]]) -> T:
    return await read()


class Following:
    """What the requests of one application share. ``stopping`` is set once waiting requests must end."""

    def __init__(self) -> None:
        self.stopping = asyncio.Event()
        self._offer: Offer | None = None
        self._opened: _Shared[Mapping[str, int]] = _Shared("feeds that were opened")
        self._left: _Shared[Left] = _Shared("feeds that were left")
        self._keys: _Shared[frozenset[tuple[str, str]]] = _Shared("keys in force")

    async def offer(self, db: Database, feeds: Mapping[str, FeedDefinition]) -> Offer:
        """The feeds in force, by these definitions."""
        found = self._offer
        if found is None or found.feeds is not feeds:
            # By what they are, not by what they say: a feed may have been private in between.
            opened = await self._opened.get((id(feeds), feeds), lambda: _opened(db))
            self._offer = found = Offer.of(feeds, opened)
        return found

    async def left(self, db: Database, articles: frozenset[str]) -> Left:
        """For each of these articles the feeds that it left."""
        return await self._left.get((articles, db.edition), lambda: db.read(feed_states.left, articles))

    async def holds(self, db: Database, key: Key) -> bool:
        """Whether the key was in force when the log last grew, or later."""
        return (key.id, key.prefix) in await self._keys.get(db.edition, lambda: db.read(keys.in_force))


async def _opened(db: Database) -> Mapping[str, int]:
    return (await db.read(in_force.standing, 0)).opened


FOLLOWING: web.AppKey[Following] = web.AppKey("following", Following)


def following_of(request: web.Request) -> Following:
    """What this request shares with the others of its application."""
    return request.app[FOLLOWING]


async def offer_of(request: web.Request) -> Offer:
    """The feeds in force at this moment, for whoever reads the log."""
    services = services_of(request)
    return await following_of(request).offer(services.db, services.catalog().feeds)


def prepare(app: web.Application) -> None:
    """Let requests wait for events until the application shuts down."""
    app[FOLLOWING] = following = Following()

    async def stop(_app: web.Application) -> None:
        following.stopping.set()

    app.on_shutdown.append(stop)
