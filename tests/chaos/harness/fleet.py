"""The publishers of a run: processes that are killed and begin again, all of one installation."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
from support.delivering import PAUSE, eventually
from support.service import Service, api_client, key_of, write_installation

NEWS = 'title = "Berita"\nitems = "articles"\nlimit = 50\n'
TIMEOUT = 2
"""Seconds that a receiver may take: few, since what a killed process had under way waits as long, and ten more."""

TRIES = 30_000


class Fleet:
    """One publisher or several, a client with an operator's key, and the webhooks that it registered."""

    def __init__(self, services: list[Service], client: aiohttp.ClientSession) -> None:
        self.services = services
        self.webhooks: list[str] = []
        self._client = client
        self._turns = itertools.count()

    async def ask(self, method: str, path: str, **sent: Any) -> tuple[int, Any]:
        """Ask whichever process answers, until one does; status and JSON. 503 is no answer."""
        for _ in range(TRIES):
            service = self.services[next(self._turns) % len(self.services)]
            try:
                async with self._client.request(method, service.url + path, **sent) as answer:
                    if answer.status != 503:
                        return answer.status, await answer.json(content_type=None)
            except (aiohttp.ClientError, TimeoutError):
                pass
            await asyncio.sleep(PAUSE)
        raise AssertionError(f"no process answered {method} {path}")

    async def ready(self) -> None:
        """Wait until every part of every process works."""
        for service in self.services:
            await eventually(lambda service=service: self._works(service), True)  # type: ignore[misc]

    async def _works(self, service: Service) -> bool:
        with contextlib.suppress(aiohttp.ClientError, TimeoutError):
            async with self._client.get(f"{service.url}/readyz") as answer:
                return answer.status == 200
        return False

    async def register(self, url: str) -> str:
        """A webhook on the feed ``news``."""
        status, said = await self.ask("POST", "/api/v1/webhooks", json={"url": url, "feeds": ["news"]})
        assert status == 201, said
        self.webhooks.append(said["id"])
        return str(said["id"])

    async def push(self, ids: list[str]) -> None:
        """Push articles of these ids, again and again until they are taken."""
        articles = [{"id": id, "title": f"Kabar {id}", "body": f"<p>Isi {id}.</p>"} for id in ids]
        status, said = await self.ask("POST", "/api/v1/articles", json=articles)
        assert status in (200, 207), said

    async def deliveries(self, webhook: str, *states: str) -> list[dict[str, Any]]:
        """All deliveries of a webhook, with their attempts."""
        found: list[dict[str, Any]] = []
        narrowed = "".join(f"&state={one}" for one in states)
        query: str | None = f"limit=500{narrowed}"
        while query:
            status, page = await self.ask("GET", f"/api/v1/webhooks/{webhook}/deliveries?{query}")
            assert status == 200, page
            found += page["deliveries"]
            query = f"limit=500{narrowed}&after={page['next']}" if page["next"] else None
        return found

    async def metrics(self) -> dict[str, float]:
        """What the first process shows."""
        async with self._client.get(f"{self.services[0].url}/metrics") as answer:
            assert answer.status == 200
            lines = (line.rpartition(" ") for line in (await answer.text()).splitlines() if not line.startswith("#"))
            return {name: float(value) for name, _, value in lines}


@asynccontextmanager
async def fleet(
    folder: Path, processes: int = 1, url: str = "sqlite", *, timeout: int = TIMEOUT
) -> AsyncIterator[Fleet]:
    """So many processes; several of them on PostgreSQL, each with a folder of its own as on machines of their own."""
    homes = [_home(folder / f"p{number}", url, timeout) for number in range(processes)]
    key = await key_of(homes[0])
    for home in homes[1:]:
        (home / "data").mkdir(mode=0o700)
        shutil.copy2(homes[0] / "data/secret-storage.key", home / "data")
    services = [Service(home, {"PUBLISHER_SERVER__NODE": home.name}) for home in homes]
    async with AsyncExitStack() as stack:
        for service in services:
            stack.push_async_callback(service.kill)
            await service.start()
        yield Fleet(services, await stack.enter_async_context(api_client(key)))


def _home(home: Path, url: str, timeout: int) -> Path:
    write_installation(home, {"feeds/news.toml": NEWS}, delivery=f'timeout = "{timeout}s"')
    settings = home / "config/publisher.toml"
    storage = "" if url == "sqlite" else f'[storage]\nurl = "{url}"\n'
    settings.write_text(settings.read_text() + storage)
    return home
