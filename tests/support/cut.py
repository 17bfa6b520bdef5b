"""A way to a server that can be cut and mended, as a network or a stopped server would."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from sqlalchemy.engine import make_url


class Line:
    """Passes bytes between clients and one server. Cut, it ends every connection and takes no new one."""

    def __init__(self, host: str, port: int) -> None:
        """``host`` may be a folder: the server's socket for PostgreSQL's clients is in it."""
        self._to = host, port
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._flowing = asyncio.Event()
        self._flowing.set()
        self.port = 0

    async def mend(self) -> None:
        """Take connections, at the same port as before."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        """End what is open and refuse what comes."""
        assert self._server
        self._server.close()
        for writer in tuple(self._open):
            writer.transport.abort()
        if self._tasks:
            await asyncio.wait(tuple(self._tasks))

    @asynccontextmanager
    async def away(self) -> AsyncIterator[None]:
        """Cut while the block runs."""
        await self.cut()
        try:
            yield
        finally:
            await self.mend()

    @asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        """No byte passes while the block runs, though every connection stands."""
        self._flowing.clear()
        try:
            yield
        finally:
            self._flowing.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._tasks.add(task)
        try:
            there, back = await self._connect()
            self._open |= {writer, back}
            await asyncio.gather(self._pass(reader, back), self._pass(there, writer))
        finally:
            self._tasks.discard(task)

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        host, port = self._to
        if host.startswith("/"):
            return await asyncio.open_unix_connection(f"{host}/.s.PGSQL.{port}")
        return await asyncio.open_connection(host, port)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                await self._flowing.wait()
                writer.write(data)
                await writer.drain()
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


@asynccontextmanager
async def line_to(url: str) -> AsyncIterator[tuple[Line, str]]:
    """A line to this database's server, cut at the end; and the URL of the database by way of it."""
    database = make_url(url)
    host = database.query.get("host", database.host)
    assert isinstance(host, str)
    line = Line(host, database.port or 5432)
    await line.mend()
    through = database.set(host="127.0.0.1", port=line.port, query={})
    try:
        yield line, through.render_as_string(hide_password=False)
    finally:
        await line.cut()
