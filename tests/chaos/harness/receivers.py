"""Endpoints over real sockets, each at an address of its own in 127.0.0.0/8, and what each of them got.

They are one small server: at 20,000 deliveries a framework would cost more than the publishers do.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from chaos.harness.script import Manner, Script

WITHOUT_PROGRESS = 120.0
"""Seconds in which nothing arrives, after which it is no use to wait."""

REASONS = {204: "No Content", 404: "Not Found", 429: "Too Many Requests", 500: "Server Error", 503: "Unavailable"}


@dataclass(slots=True)
class Attempt:
    """One request: from when it was read until it was answered, by the loop's clock. ``status`` 0: no answer."""

    begun: float
    ended: float | None = None
    status: int = 0

    @property
    def taken(self) -> bool:
        """Whether it was answered with a success."""
        return 200 <= self.status < 300


@dataclass(slots=True)
class Told:
    """What an endpoint got of one event."""

    article: str
    attempts: list[Attempt] = field(default_factory=list)


class Receivers:
    """So many endpoints, which answer by a script."""

    def __init__(self, count: int, script: Script) -> None:
        self.count = count
        self.got: list[dict[str, Told]] = [{} for _ in range(count)]
        self.taken = 0
        self.open: set[asyncio.Transport] = set()
        self._script = script
        self._port = 0
        self._moved = asyncio.Event()

    def url(self, endpoint: int) -> str:
        """The address of an endpoint: each a host of its own, so that no cap of a host holds the others back."""
        return f"http://127.1.{endpoint // 250}.{endpoint % 250 + 1}:{self._port}/{endpoint}"

    def told(self, endpoint: int, event: str, body: bytes) -> tuple[Attempt, Callable[[], None], float, Manner]:
        """A request was read: its attempt, what is called once it is answered, after how long, and in which manner."""
        now = asyncio.get_running_loop().time()
        known = self.got[endpoint].get(event)
        if known is None:
            known = self.got[endpoint][event] = Told(json.loads(body)["data"]["id"])
        reply = self._script.reply(endpoint, known.article, len(known.attempts))
        attempt = Attempt(now)
        first = not any(one.taken for one in known.attempts)
        known.attempts.append(attempt)

        def answered() -> None:
            attempt.ended = asyncio.get_running_loop().time()
            attempt.status = reply.status
            if first and attempt.taken and sum(one.taken for one in known.attempts) == 1:
                self.taken += 1
            self._moved.set()

        return attempt, answered, reply.after, reply.manner

    async def until(self, enough: Callable[[], bool]) -> None:
        """Wait until enough arrived; a time without anything new is a failure."""
        while not enough():
            self._moved.clear()
            async with asyncio.timeout(WITHOUT_PROGRESS):
                await self._moved.wait()

    async def begin(self) -> asyncio.Server:
        """Listen at every address of the loopback network."""
        server = await asyncio.get_running_loop().create_server(lambda: _Connection(self), "0.0.0.0", 0, backlog=1024)
        self._port = server.sockets[0].getsockname()[1]
        return server


@asynccontextmanager
async def receiving(count: int, script: Script) -> AsyncIterator[Receivers]:
    """Endpoints that answer until the block ends."""
    receivers = Receivers(count, script)
    server = await receivers.begin()
    try:
        yield receivers
    finally:
        server.close()
        for transport in tuple(receivers.open):
            transport.abort()


class _Connection(asyncio.Protocol):
    """HTTP/1.1 as webhooks use it: requests with a Content-Length, one after the other."""

    def __init__(self, receivers: Receivers) -> None:
        self._receivers = receivers
        self._read = bytearray()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._receivers.open.add(transport)

    def connection_lost(self, error: Exception | None) -> None:
        assert self._transport is not None
        self._receivers.open.discard(self._transport)
        self._transport = None

    def data_received(self, data: bytes) -> None:
        self._read += data
        end = self._read.find(b"\r\n\r\n")
        if end < 0:
            return
        first, *lines = self._read[:end].decode("latin-1").split("\r\n")
        heads = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        length = end + 4 + int(heads["content-length"])
        if len(self._read) < length:
            return
        body = bytes(self._read[end + 4 : length])
        del self._read[:length]
        endpoint = int(first.split(" ")[1].lstrip("/"))
        attempt, answered, after, manner = self._receivers.told(endpoint, heads["webhook-id"], body)
        if after:
            asyncio.get_running_loop().call_later(after, self._answer, attempt, answered, manner)
        else:
            self._answer(attempt, answered, manner)

    def _answer(self, attempt: Attempt, answered: Callable[[], None], manner: Manner) -> None:
        if self._transport is None or self._transport.is_closing():
            return  # the publisher is gone, or waits no more
        answered()
        if manner is Manner.HANGS_UP:
            self._transport.abort()
            return
        length = "" if attempt.status == 204 else "Content-Length: 0\r\n"
        self._transport.write(f"HTTP/1.1 {attempt.status} {REASONS[attempt.status]}\r\n{length}\r\n".encode())
