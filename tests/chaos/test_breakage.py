"""Clocks that jump, a disk that is full, a database that is locked, folders that vanish, wires that are cut, and kills:
what was promised is kept, readers are served all the while, and the log stays readable."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import asyncpg
from sqlalchemy.engine import make_url
from support.breakage import away, full, locked, small_disk
from support.cut import Line, line_to
from support.delivering import PAUSE
from support.receiver import Receiver, receiving
from support.service import Service, api_client, key_of, write_installation
from support.wallclock import faked, preloaded

AT_ONCE = 5
"""Articles pushed while something is broken."""

LOG_LINES = 400
"""More than these lines of a run of this size would be a flood."""


class Desk:
    """A CMS that pushes until it is answered, and a reader of the feed."""

    def __init__(self, service: Service, client: aiohttp.ClientSession, receiver: Receiver) -> None:
        self._service = service
        self._client = client
        self._receiver = receiver
        self.pushed: list[str] = []

    async def _push(self, id: str) -> None:
        article = {"title": f"Kabar {id}", "body": f"<p>Isi {id}.</p>"}
        while True:
            # What is not answered is pushed again, as an article under its id may be.
            with contextlib.suppress(aiohttp.ClientError, TimeoutError):
                async with self._client.put(f"{self._service.url}/api/v1/articles/{id}", json=article) as answer:
                    if answer.status in (200, 201):
                        return
                    assert answer.status == 503, await answer.text()
            await asyncio.sleep(PAUSE)

    def begin(self) -> asyncio.Task[None]:
        """Push some articles; the task ends once each is answered."""
        ids = [f"kabar-{len(self.pushed) + number}" for number in range(AT_ONCE)]
        self.pushed += ids

        async def push() -> None:
            async with asyncio.timeout(120), asyncio.TaskGroup() as group:
                for id in ids:
                    group.create_task(self._push(id))

        return asyncio.create_task(push())

    async def read(self) -> None:
        """The feed answers."""
        async with self._client.get(f"{self._service.url}/feeds/news.json") as answer:
            assert answer.status == 200, await answer.text()

    async def all_told(self) -> None:
        """Everything that was pushed is in the feed and at the receiver."""
        expected = set(self.pushed)
        await self._receiver.until(lambda: {one.event["data"]["id"] for one in self._receiver.taken} >= expected)
        async with self._client.get(f"{self._service.url}/feeds/news.json") as answer:
            items = (await answer.json())["items"]
        assert {item["title"].removeprefix("Kabar ") for item in items} == expected


@contextlib.asynccontextmanager
async def _newsroom(service: Service) -> AsyncIterator[tuple[Desk, Line]]:
    """A desk at a running service, whose receiver is at the end of a line."""
    key = await key_of(service.home)
    async with receiving() as receiver, api_client(key) as client:
        line = Line("127.0.0.1", urlsplit(receiver.url).port or 0)
        await line.mend()
        try:
            registration = {"url": f"http://127.0.0.1:{line.port}/hook", "feeds": ["news"]}
            async with client.post(f"{service.url}/api/v1/webhooks", json=registration) as answer:
                assert answer.status == 201, await answer.text()
                webhook = (await answer.json())["id"]
            yield Desk(service, client, receiver), line
            async with client.get(f"{service.url}/api/v1/webhooks/{webhook}") as answer:
                assert (await answer.json())["state"] == "active"
        finally:
            await line.cut()


async def _under(desk: Desk, breakage: AbstractAsyncContextManager[object] | AbstractContextManager[object]) -> None:
    """Push while something is broken, and read; in the end everything has arrived."""
    async with contextlib.AsyncExitStack() as stack:
        if isinstance(breakage, AbstractAsyncContextManager):
            await stack.enter_async_context(breakage)
        else:
            stack.enter_context(breakage)
        pushing = desk.begin()
        for _ in range(3):
            await desk.read()
    await pushing
    await desk.all_told()


async def _killed(desk: Desk, service: Service) -> None:
    pushing = desk.begin()
    await service.kill()
    await service.start()
    await pushing
    await desk.all_told()


def _readable(service: Service) -> None:
    assert not [entry for entry in service.log if "exception" in entry]
    assert len(service.log) < LOG_LINES


async def test_nothing_is_lost_on_sqlite_whatever_breaks(
    tmp_path: Path, program: Callable[[str], str], lacking: Callable[[str], None]
) -> None:
    clock = tmp_path / "clock"
    clock.write_text("+0s\n")
    home = write_installation(tmp_path / "site", delivery='timeout = "2s"')
    with small_disk(home / "data", 16, lacking) as data:
        service = Service(home, faked(preloaded(program("faketime")), clock))
        await service.start()
        try:
            async with _newsroom(service) as (desk, line):
                await _under(desk, contextlib.nullcontext())
                for hours in (1, -2, 9600, 0):
                    seen = len(service.log)
                    async with line.away():
                        pushing = desk.begin()
                        await service.logged("delivery.failed", after=seen)  # its retry is due by the clock before
                        clock.write_text(f"{hours:+}h\n")
                    await pushing
                    await desk.all_told()
                await _under(desk, full(data))
                await _under(desk, locked(data / "publisher.db"))
                for folder in ("feeds", "config"):
                    seen = len(service.log)
                    with away(home / folder):
                        await service.logged("config.kept", after=seen)
                        await _under(desk, contextlib.nullcontext())
                await _under(desk, line.away())
                await _under(desk, line.held())
                await _killed(desk, service)
            _readable(service)
            assert await service.stop() == 0
        finally:
            await service.kill()


async def test_nothing_is_lost_on_postgresql_whatever_breaks(postgres_url: str, tmp_path: Path) -> None:
    async with line_to(postgres_url) as (database, url):
        home = write_installation(tmp_path / "site", delivery='timeout = "2s"')
        settings = home / "config/publisher.toml"
        settings.write_text(f'{settings.read_text()}[storage]\nurl = "{url}"\n')
        service = Service(home)
        await service.start()
        try:
            async with _newsroom(service) as (desk, line):
                await _under(desk, contextlib.nullcontext())
                for breakage in (database.away(), database.held(), _held_log(postgres_url), line.away(), line.held()):
                    await _under(desk, breakage)
                await _killed(desk, service)
            _readable(service)
            assert await service.stop() == 0
        finally:
            await service.kill()


@contextlib.asynccontextmanager
async def _held_log(url: str) -> AsyncIterator[None]:
    """Another session holds the log's row and is silent, while the block runs."""
    connection = await asyncpg.connect(make_url(url).set(drivername="postgresql").render_as_string(hide_password=False))
    transaction = connection.transaction()
    await transaction.start()
    await connection.execute("SELECT seq FROM cursors WHERE name = 'log' FOR UPDATE")
    try:
        yield
    finally:
        await transaction.rollback()
        await connection.close()
