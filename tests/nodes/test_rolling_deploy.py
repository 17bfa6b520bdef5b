"""Three processes on one PostgreSQL database are given a new feed one after the other, while a newsroom goes on."""

from __future__ import annotations

import asyncio
import itertools
import shutil
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import aiohttp
from support.delivering import PAUSE
from support.receiver import Receiver, receiving
from support.service import Service, api_client, key_of, write_installation

NAMES = ("satu", "dua", "tiga")
NEWS = 'title = "Berita"\nitems = "articles"\nlimit = 5000\n'
COFFEE = 'title = "Kopi"\nitems = "articles"\nlimit = 5000\n[select]\ntopics = ["kopi"]\n'


@asynccontextmanager
async def nodes(tmp_path: Path, url: str) -> AsyncIterator[tuple[dict[str, Service], str]]:
    """One installation on three machines, the same files and storage key in three folders; and an operator's key."""
    homes = {name: write_installation(tmp_path / name, {"feeds/news.toml": NEWS}) for name in NAMES}
    for home in homes.values():
        config = home / "config/publisher.toml"
        config.write_text(f'{config.read_text()}\n[storage]\nurl = "{url}"\n')
    first = homes[NAMES[0]]
    key = await key_of(first)
    for home in homes.values():
        if home != first:
            (home / "data").mkdir(mode=0o700, exist_ok=True)
            shutil.copy2(first / "data/secret-storage.key", home / "data/secret-storage.key")
    async with AsyncExitStack() as stack:
        services = {}
        for name, home in homes.items():
            services[name] = service = Service(home, {"PUBLISHER_SERVER__NODE": name})
            stack.push_async_callback(service.kill)
            await service.start()
        yield services, key


class Newsroom:
    """Pushes as many articles as are wanted, one after the other, to whichever node takes them."""

    def __init__(self, services: dict[str, Service], client: aiohttp.ClientSession) -> None:
        self._services = services
        self._client = client
        self._wanted = asyncio.Semaphore(0)
        self.pushed: list[str] = []
        self._grown = asyncio.Condition()

    async def run(self) -> None:
        for number in itertools.count(1):
            await self._wanted.acquire()
            id_ = f"a{number}"
            article = {"title": f"Kabar {number}", "body": "<p>Isi.</p>", "topics": ["kopi"]}
            await self._taken(id_, article, number)
            async with self._grown:
                self.pushed.append(id_)
                self._grown.notify_all()

    async def _taken(self, id_: str, article: dict[str, object], number: int) -> None:
        """Push to one node after the other until one has it: a node that stops refuses, and is asked no more."""
        for attempt in range(3_000):
            service = self._services[NAMES[(number + attempt) % 3]]
            try:
                async with self._client.put(f"{service.url}/api/v1/articles/{id_}", json=article) as answer:
                    if answer.status in (200, 201):
                        return
                    assert answer.status == 503, await answer.text()
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(PAUSE)
        raise AssertionError(f"no node took {id_}")

    async def more(self, count: int) -> None:
        """Push ``count`` more, and wait until they are taken."""
        until = len(self.pushed) + count
        for _ in range(count):
            self._wanted.release()
        async with self._grown, asyncio.timeout(60):
            await self._grown.wait_for(lambda: len(self.pushed) >= until)


async def _follows(client: aiohttp.ClientSession, service: Service, receiver: Receiver, feed: str) -> None:
    webhook = {"url": f"{receiver.url}/{feed}", "feeds": [feed]}
    async with client.post(f"{service.url}/api/v1/webhooks", json=webhook) as answer:
        assert answer.status == 201, await answer.text()


async def _shown(client: aiohttp.ClientSession, service: Service, feed: str) -> set[str]:
    async with client.get(f"{service.url}/feeds/{feed}.json") as answer:
        assert answer.status == 200, await answer.text()
        document = await answer.json(content_type=None)
    return {item["title"] for item in document["items"]}


async def _deploy(service: Service, files: dict[str, str]) -> None:
    """Stop a node, put other files into its folder, and start it again."""
    assert await service.stop() == 0
    for name, text in files.items():
        (service.home / name).write_text(text)
    await service.start()


async def test_a_rolling_deploy_with_a_new_feed_loses_no_event_and_sends_none_twice(
    tmp_path: Path, postgres_url: str
) -> None:
    async with (
        receiving() as receiver,
        nodes(tmp_path, postgres_url) as (services, key),
        api_client(key) as client,
    ):
        first = services[NAMES[0]]
        await _follows(client, first, receiver, "news")
        newsroom = Newsroom(services, client)
        pushing = asyncio.create_task(newsroom.run())
        await newsroom.more(5)
        await asyncio.gather(_deploy(first, {"feeds/coffee.toml": COFFEE}), newsroom.more(20))
        await _follows(client, first, receiver, "coffee")
        before = set(newsroom.pushed)
        await newsroom.more(10)  # by nodes whose files say nothing of the feed, most of them
        for name in NAMES[1:]:
            await asyncio.gather(_deploy(services[name], {"feeds/coffee.toml": COFFEE}), newsroom.more(20))
        await newsroom.more(5)
        pushing.cancel()

        pushed = set(newsroom.pushed)
        by_feed = {
            feed: lambda feed=feed: [one.event["data"]["id"] for one in receiver.taken if one.path.endswith(feed)]
            for feed in ("news", "coffee")
        }
        after = pushed - before - {newsroom.pushed[len(before)]}  # one may have been on its way when it registered
        await receiver.until(lambda: set(by_feed["news"]()) >= pushed and set(by_feed["coffee"]()) >= after)
        assert [id_ for id_, count in Counter(by_feed["news"]()).items() if count > 1] == []
        assert [id_ for id_, count in Counter(by_feed["coffee"]()).items() if count > 1] == []
        for service in services.values():
            assert await _shown(client, service, "coffee") == await _shown(client, service, "news")
            assert len(await _shown(client, service, "coffee")) == len(pushed)
