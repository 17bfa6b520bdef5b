"""A deliverer over a real database, and receivers on real sockets that tests can hold back."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult

from publisher.delivery import Deliverer
from publisher.delivery.credentials import Credentials
from publisher.delivery.endpoints.slots import Bounds
from publisher.delivery.signing import new_secret
from publisher.model import FeedDefinition, Subscription
from publisher.outbound import Outbound
from publisher.storage.access.sealing import Sealer
from publisher.storage.engine.database import Database
from support.clock import ManualClock
from support.deliveries import subscribe
from support.rights import define


def _feeds() -> dict[str, FeedDefinition]:
    russia = {"name": "russia", "title": "Russia", "select": {"topics": ["rusia"]}}
    return {
        "news": FeedDefinition(name="news", title="News"),
        "russia": FeedDefinition.model_validate(russia),
    }


@dataclass
class Bench:
    """What a deliverer is made of, and the secrets of the subscriptions made with it."""

    db: Database
    outbound: Outbound
    sealer: Sealer
    clock: ManualClock
    feeds: dict[str, FeedDefinition] = field(default_factory=_feeds)
    secrets: dict[str, str] = field(default_factory=dict)

    async def subscribe(
        self, url: str, feed: str = "news", *, credentials: Credentials | None = None, **fields: Any
    ) -> Subscription:
        """A subscription with a secret of its own, or with these credentials."""
        secret = new_secret()
        sealed = self.sealer.seal(secret.encode())
        if credentials is not None:
            secret, sealed = credentials.secret or "", self.sealer.seal(credentials.written())
            fields["shown"] = credentials.shown()
        made: Subscription = await self.db.write(subscribe, feed, url=url, sealed_secret=sealed, **fields)
        self.secrets[made.id] = secret
        return made

    def deliverer(self, **options: Any) -> Deliverer:
        """A deliverer that tries again at once and gives a receiver all the time that a busy machine may need."""
        bounds = {name: options.pop(name) for name in ("slots", "endpoint", "host", "owner") if name in options}
        given: dict[str, Any] = {"schedule": [0.0] * 30, "timeout": 30.0, "lease_margin": 30.0, **options}
        given["bounds"] = Bounds(**bounds)
        return Deliverer(self.db, self.outbound, self.sealer, **given)

    @contextlib.asynccontextmanager
    async def running(self, **options: Any) -> AsyncIterator[Deliverer]:
        """A deliverer that runs, and is stopped with grace at the end: everything under way is settled then."""
        await define(self.db, *self.feeds.values())
        deliverer = self.deliverer(**options)
        task = asyncio.create_task(deliverer.run())
        try:
            yield deliverer
        finally:
            await deliverer.stop(30)
            await task


PAUSE = 0.02
"""Seconds between two looks at what nobody announces: looking without a pause takes a whole core."""


class Held(AbstractResolver):
    """Answers once it is let."""

    def __init__(self) -> None:
        self.asked, self.let = asyncio.Event(), asyncio.Event()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        self.asked.set()
        await self.let.wait()
        return [
            ResolveResult(
                hostname=host, host="127.0.0.1", port=port, family=socket.AF_INET, proto=0, flags=socket.AI_NUMERICHOST
            )
        ]

    async def close(self) -> None:
        pass


async def eventually(look: Callable[[], Awaitable[Any]], wanted: Any) -> None:
    """Look until it is as wanted; a minute without it is a failure."""
    async with asyncio.timeout(60):
        while await look() != wanted:  # noqa: ASYNC110 -- another process or the database changes it, who cannot tell
            await asyncio.sleep(PAUSE)


@dataclass(frozen=True)
class Got:
    """One request: where, with which headers and body, and how it was answered (0: not yet)."""

    path: str
    headers: dict[str, str]
    body: bytes
    answered: int

    @property
    def id(self) -> str:
        """The ``webhook-id``."""
        return self.headers["webhook-id"]


class Endpoint:
    """Answers ``answer(number of the request to its path, from 0)``.

    Requests to ``/held`` wait until :attr:`release` is set.
    """

    def __init__(self, answer: Callable[[int], int]) -> None:
        self._answer = answer
        self._changed = asyncio.Condition()
        self._requests: Counter[str] = Counter()
        self.release = asyncio.Event()
        self.got: list[Got] = []
        self.held = 0
        self.most_held = 0
        self.root = ""

    def url(self, path: str = "/hook") -> str:
        """The address of a path."""
        return self.root + path

    @property
    def taken(self) -> set[tuple[str, str]]:
        """(path, webhook-id) of everything that was answered with a success."""
        return {(one.path, one.id) for one in self.got if 200 <= one.answered < 300}

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for a state of what was received; a minute without it is a failure."""
        async with self._changed:
            await asyncio.wait_for(self._changed.wait_for(condition), 60)

    async def handle(self, request: web.Request) -> web.Response:
        """Keep the request and answer it."""
        body = await request.read()
        if request.path == "/held":
            await self._hold()
        status = self._answer(self._requests[request.path])
        self._requests[request.path] += 1
        headers = {name.lower(): value for name, value in request.headers.items()}
        async with self._changed:
            self.got.append(Got(request.path, headers, body, status))
            self._changed.notify_all()
        return web.Response(status=status, text="noted", headers={"Location": self.root} if status == 302 else None)

    async def _hold(self) -> None:
        async with self._changed:
            self.held += 1
            self.most_held = max(self.held, self.most_held)
            self._changed.notify_all()
        try:
            await self.release.wait()
        finally:
            self.held -= 1


@contextlib.asynccontextmanager
async def endpoint(answer: Callable[[int], int] = lambda _n: 204, host: str = "127.0.0.1") -> AsyncIterator[Endpoint]:
    """A running receiver; with the host 0.0.0.0 it answers at every address of the loopback network."""
    one = Endpoint(answer)
    application = web.Application()
    application.router.add_post("/{path:.*}", one.handle)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, host, 0).start()
    one.root = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield one
    finally:
        one.release.set()
        await runner.cleanup()
