"""The wall clock of a running service is put back and forward by hours (libfaketime); nothing waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import web
from support.delivering import endpoint
from support.service import LOOPBACK, Service, api_client, key_of, write_installation
from support.wallclock import faked, preloaded

RSS = b'<?xml version="1.0"?><rss version="2.0"><channel><title>t</title><link>http://x/</link></channel></rss>'

HOURS = (-1, 30, -26)
"""How far from the true time the clock is put, one after the other."""


class Upstream:
    """A feed, and how often it was read."""

    def __init__(self) -> None:
        self.readings = 0
        self.url = ""
        self._changed = asyncio.Condition()

    async def handle(self, _request: web.Request) -> web.Response:
        async with self._changed:
            self.readings += 1
            self._changed.notify_all()
        return web.Response(body=RSS, content_type="application/rss+xml")

    async def read_again(self, times: int) -> None:
        """Wait until it was read so many times more; a minute without it is a failure."""
        wanted = self.readings + times
        async with self._changed:
            await asyncio.wait_for(self._changed.wait_for(lambda: self.readings >= wanted), 60)


@asynccontextmanager
async def upstream() -> AsyncIterator[Upstream]:
    one = Upstream()
    application = web.Application()
    application.router.add_get("/feed", one.handle)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    one.url = f"http://127.0.0.1:{runner.addresses[0][1]}/feed"
    yield one
    await runner.cleanup()


def installation(home: Path, feed: str) -> Path:
    settings = f"""
[server]
port = 0
[fetch]
{LOOPBACK}
robots = false
pause = "0s"
[delivery]
{LOOPBACK}
schedule = ["2s", "2s", "2s"]
"""
    source = f'[[source]]\nname = "wire"\nkind = "feed"\nurl = "{feed}"\nevery = "1s"\n'
    return write_installation(home, {"config/publisher.toml": settings, "config/sources.toml": source})


async def test_sources_are_read_and_deliveries_retried_however_the_clock_is_put(
    tmp_path: Path, program: Callable[[str], str]
) -> None:
    library = preloaded(program("faketime"))
    clock = tmp_path / "clock"
    clock.write_text("+0s\n")
    async with upstream() as wire, endpoint(lambda number: 500 if number % 2 == 0 else 204) as receiver:
        home = installation(tmp_path / "home", wire.url)
        key = await key_of(home)
        service = Service(home, faked(library, clock))
        await service.start()
        try:
            async with api_client(key) as client:
                hook = {"url": receiver.url(), "feeds": ["news"]}
                assert (await client.post(f"{service.url}/api/v1/webhooks", json=hook)).status == 201
                for number, hours in enumerate(HOURS, 1):
                    await wire.read_again(2)
                    article = {"title": f"Kabar {number}", "body": "<p>Isi.</p>"}
                    answer = await client.put(f"{service.url}/api/v1/articles/a{number}", json=article)
                    assert answer.status == 201
                    await receiver.until(lambda number=number: len(receiver.got) == 2 * number - 1)  # type: ignore[misc]
                    clock.write_text(f"{hours:+}h\n")  # its retry waits
                    await wire.read_again(3)
                    await receiver.until(lambda number=number: len(receiver.taken) == number)  # type: ignore[misc]
                    assert len(receiver.got) == 2 * number  # and nothing that was under way was sent twice
        finally:
            assert await service.stop() == 0
    assert [entry["seconds"] // 3600 for entry in service.log if entry["event"] == "clock.stepped"]
