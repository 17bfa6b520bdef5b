"""Servers that speak bytes: each connection is handed to a test, which says what is answered and when."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

OK = b"HTTP/1.1 204 No Content\r\n\r\n"
BODY = b"{}"


class Talk:
    """One connection, ``number`` from 0 in the order in which they came."""

    def __init__(self, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.number = number
        self.reader = reader
        self.writer = writer

    async def request(self) -> bytes:
        """The head of the next request, whose body is :data:`BODY`; empty where the client has hung up."""
        try:
            head = await self.reader.readuntil(b"\r\n\r\n")
            await self.reader.readexactly(len(BODY))
        except (asyncio.IncompleteReadError, ConnectionError):
            return b""
        return head

    def say(self, answer: bytes) -> None:
        """Send this."""
        self.writer.write(answer)

    async def gone(self) -> None:
        """Until the client has hung up."""
        try:
            while await self.reader.read(65_536):
                pass
        except ConnectionError:
            pass


class Server:
    """``port`` and what came: connections, and requests that were read."""

    def __init__(self, talk: Callable[[Talk], Awaitable[None]]) -> None:
        self._talk = talk
        self._changed = asyncio.Condition()
        self.port = 0
        self.connections = 0
        self._under_way: dict[asyncio.Task[None], Talk] = {}

    def url(self, host: str = "127.0.0.1", scheme: str = "http") -> str:
        """The address of a hook there."""
        return f"{scheme}://{host}:{self.port}/hook"

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for a state of what came; a minute without it is a failure."""
        async with self._changed:
            await asyncio.wait_for(self._changed.wait_for(condition), 60)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        talk = Talk(self.connections, reader, writer)
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self._under_way[task] = talk
        async with self._changed:
            self._changed.notify_all()
        try:
            await self._talk(talk)
        finally:
            del self._under_way[task]
            writer.close()

    async def end(self) -> None:
        """End the connections that are still open."""
        under_way = dict(self._under_way)
        for task, talk in under_way.items():
            talk.writer.transport.abort()
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)
        await asyncio.sleep(0)


@asynccontextmanager
async def talking(
    talk: Callable[[Talk], Awaitable[None]],
    host: str = "127.0.0.1",
    tls: ssl.SSLContext | None = None,
    *,
    port: int = 0,
) -> AsyncIterator[Server]:
    """A running server, by default at a port that is free."""
    server = Server(talk)
    listening = await asyncio.start_server(server.serve, host, port, ssl=tls)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()
        await server.end()


async def answers(talk: Talk) -> None:
    """Answers each request of a connection with a success."""
    while await talk.request():
        talk.say(OK)
