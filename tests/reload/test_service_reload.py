"""A running service whose configuration is changed under it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import standardwebhooks
from support.receiver import Received, Receiver, receiving
from support.service import Service, api_client, key_of, migrated, publisher, serving, write_installation

SPORT = 'title = "Olahraga"\n[select]\ntopics = ["olahraga"]\n'
OPERATIONS = 'title = "Operasi"\nitems = "operations"\n'
FORMATS = ("rss", "atom", "json")


@dataclass
class Newsroom:
    """A service, an operator's session with it, and a receiver."""

    home: Path
    service: Service
    session: aiohttp.ClientSession
    receiver: Receiver

    async def status(self, path: str, **headers: str) -> int:
        async with self.session.get(f"{self.service.url}{path}", headers=headers) as answer:
            return answer.status

    async def get(self, path: str) -> Any:
        async with self.session.get(f"{self.service.url}{path}") as answer:
            assert answer.status == 200, await answer.text()
            return json.loads(await answer.read())

    async def send(self, method: str, path: str, body: Any, expected: int) -> Any:
        async with self.session.request(method, f"{self.service.url}{path}", json=body) as answer:
            assert answer.status == expected, await answer.text()
            return await answer.json()

    async def register(self, *feeds: str) -> Any:
        return await self.send("POST", "/api/v1/webhooks", {"url": self.receiver.url, "feeds": feeds}, 201)

    async def push(self, id_: str, **fields: Any) -> Any:
        article = {"title": f"Judul {id_}", "body": "<p>Isi.</p>", **fields}
        return await self.send("PUT", f"/api/v1/articles/{id_}", article, 201 if "published" not in fields else 202)

    async def remove(self, feed: str) -> None:
        (self.home / f"feeds/{feed}.toml").unlink()
        await self.service.logged("feed.removed", feed=feed)

    async def told(self, type_: str) -> Received:
        """The first event of this type that the receiver took."""
        await self.receiver.until(lambda: any(one.event["type"] == type_ for one in self.receiver.taken))
        return next(one for one in self.receiver.taken if one.event["type"] == type_)


@pytest.fixture
async def newsroom(tmp_path: Path) -> AsyncIterator[Newsroom]:
    """Feeds: ``news`` of everything, ``sport``, ``operations``."""
    home = write_installation(tmp_path / "home", {"feeds/sport.toml": SPORT, "feeds/operations.toml": OPERATIONS})
    key = await key_of(home)
    async with serving(home) as service, api_client(key) as session, receiving() as receiver:
        yield Newsroom(home, service, session, receiver)


async def test_a_changed_file_is_taken_without_being_asked(newsroom: Newsroom) -> None:
    assert await newsroom.status("/feeds/culture.rss") == 404
    (newsroom.home / "feeds/culture.toml").write_text('title = "Budaya"\n')
    await newsroom.service.logged("config.reloaded", added=["feed culture"])
    assert await newsroom.status("/feeds/culture.rss") == 200


async def test_a_broken_edit_is_told_with_its_line_and_the_last_good_one_stays(newsroom: Newsroom) -> None:
    good = (newsroom.home / "feeds/sport.toml").read_text()
    (newsroom.home / "feeds/sport.toml").write_text('title = "Olahraga"\nlimits = 5\n')
    error = await newsroom.service.logged("config.error")
    await newsroom.service.logged("config.kept", errors=1)

    assert (error["file"], error["line"], error["key"]) == ("feeds/sport.toml", 2, "limits")
    assert error["problem"] == 'is not a known key; did you mean "limit"?'
    for path in ("/feeds/sport.rss", "/healthz", "/readyz"):
        assert await newsroom.status(path) == 200
    (newsroom.home / "feeds/sport.toml").write_text(good)
    await newsroom.service.logged("config.unchanged")


async def test_a_removed_feed_is_gone_and_says_so_also_after_a_restart(newsroom: Newsroom) -> None:
    await newsroom.remove("sport")
    for _ in range(2):
        for path in [f"/feeds/sport.{format_}" for format_ in FORMATS] + ["/feeds/sport"]:
            assert await newsroom.status(path) == 410
        async with newsroom.session.get(f"{newsroom.service.url}/feeds/sport.atom") as answer:
            assert answer.content_type == "application/problem+json"
            assert "the feed 'sport' was removed" in (await answer.json(content_type=None))["detail"]
        assert await newsroom.status("/feeds/sporty.rss") == 404
        assert await newsroom.service.stop() == 0
        await newsroom.service.start()


async def test_a_feed_that_comes_back_works_again_with_what_happened_meanwhile(newsroom: Newsroom) -> None:
    await newsroom.push("a1", topics=["olahraga"])
    path = "/feeds/sport.json"
    async with newsroom.session.get(f"{newsroom.service.url}{path}") as answer:
        tag = answer.headers["ETag"]
    assert await newsroom.status(path, **{"If-None-Match": tag}) == 304
    await newsroom.remove("sport")
    await newsroom.push("a2", topics=["olahraga"])
    (newsroom.home / "feeds/sport.toml").write_text(SPORT)
    await newsroom.service.logged("config.reloaded", added=["feed sport"])

    assert await newsroom.status(path, **{"If-None-Match": tag}) == 200
    assert len((await newsroom.get(path))["items"]) == 2


async def test_messages_are_in_the_language_that_the_site_has_by_now(newsroom: Newsroom) -> None:
    asked = {"url": newsroom.receiver.url, "feeds": ["news"], "format": "discord"}
    webhook = await newsroom.send("POST", "/api/v1/webhooks", asked, 201)
    titles = []
    for language in ("id", "en"):
        if language == "en":
            settings = newsroom.home / "config/publisher.toml"
            settings.write_text(settings.read_text().replace('language = "id"', 'language = "en"'))
            await newsroom.service.logged("config.reloaded")
        assert (await newsroom.send("POST", f"/api/v1/webhooks/{webhook['id']}/test", {}, 200))["delivered"]
        titles.append(newsroom.receiver.attempts[-1].event["embeds"][0]["title"])
    assert titles == ["Uji coba: Kabar dari Meja Uji sampai di sini.", "Test: What Meja Uji tells arrives here."]


async def test_a_webhook_that_followed_only_a_removed_feed_stands_still_until_it_is_back(newsroom: Newsroom) -> None:
    webhook = await newsroom.register("sport")
    await newsroom.remove("sport")
    path = f"/api/v1/webhooks/{webhook['id']}"
    shown = await newsroom.get(path)
    assert (shown["state"], shown["reason"]) == ("paused", 'the feed "sport" was removed')
    refused = await newsroom.send("PATCH", path, {"state": "active"}, 422)
    assert refused["errors"][0]["path"] == "state"
    assert "'sport'" in refused["errors"][0]["message"]
    await newsroom.push("a1", topics=["olahraga"])

    (newsroom.home / "feeds/sport.toml").write_text(SPORT)
    await newsroom.service.logged("config.reloaded", added=["feed sport"])
    assert (await newsroom.told("article.published")).event["data"]["id"] == "a1"
    again = await newsroom.get(path)
    assert (again["state"], again["reason"]) == ("active", None)


async def test_a_paused_webhook_may_be_given_another_feed(newsroom: Newsroom) -> None:
    webhook = await newsroom.register("sport")
    await newsroom.remove("sport")
    path = f"/api/v1/webhooks/{webhook['id']}"
    assert (await newsroom.send("PATCH", path, {"feeds": ["news"]}, 200))["state"] == "active"
    await newsroom.push("a1", topics=["olahraga"])
    assert (await newsroom.told("article.published")).event["data"]["id"] == "a1"


async def test_a_feed_that_turns_private_is_told_to_whoever_may_follow_it_no_more(newsroom: Newsroom) -> None:
    key = await publisher(
        "keys", "create", "--role", "subscriber", "--owner", "acme", "--private-networks", "--home", str(newsroom.home)
    )
    async with api_client(key.strip()) as session:
        asked = {"url": newsroom.receiver.url, "feeds": ["sport"]}
        async with session.post(f"{newsroom.service.url}/api/v1/webhooks", json=asked) as answer:
            webhook = await answer.json()
    (newsroom.home / "feeds/sport.toml").write_text(f"private = true\n{SPORT}")
    await newsroom.service.logged("config.reloaded", changed=["feed sport"])
    await newsroom.push("a1", topics=["olahraga"])
    got = await newsroom.told("webhook.access")

    told = standardwebhooks.Webhook(webhook["secret"]).verify(got.body, got.headers)["data"]
    assert (told["state"], told["reason"]) == ("paused", 'only operators may follow "sport" now')
    assert [one.event["type"] for one in newsroom.receiver.taken] == ["webhook.access"]
    assert (await newsroom.get(f"/api/v1/webhooks/{webhook['id']}"))["state"] == "paused"


async def test_a_key_that_is_revoked_at_the_command_line_stops_a_running_service(newsroom: Newsroom) -> None:
    home = str(newsroom.home)
    key = await publisher(
        "keys", "create", "--role", "subscriber", "--owner", "acme", "--private-networks", "--home", home
    )
    async with api_client(key.strip()) as session:
        asked = {"url": newsroom.receiver.url, "feeds": ["news"]}
        async with session.post(f"{newsroom.service.url}/api/v1/webhooks", json=asked) as answer:
            assert answer.status == 201
    listed = (await publisher("keys", "list", "--home", home)).splitlines()
    [id_] = [line.split("\t")[0] for line in listed if "acme" in line]
    await publisher("keys", "revoke", id_, "--home", home)
    await newsroom.push("a1")
    await newsroom.told("webhook.access")
    assert [one.event["type"] for one in newsroom.receiver.taken] == ["webhook.access"]


async def test_a_webhook_that_follows_another_feed_too_goes_on_with_that(newsroom: Newsroom) -> None:
    webhook = await newsroom.register("sport", "news")
    await newsroom.remove("sport")
    await newsroom.push("a1", topics=["olahraga"])

    assert (await newsroom.told("article.published")).event["data"]["id"] == "a1"
    assert (await newsroom.get(f"/api/v1/webhooks/{webhook['id']}"))["state"] == "active"
    assert [one.event["type"] for one in newsroom.receiver.taken] == ["article.published"]


async def test_a_feed_that_was_removed_while_the_service_was_down_pauses_at_its_start(newsroom: Newsroom) -> None:
    webhook = await newsroom.register("sport")
    assert await newsroom.service.stop() == 0
    (newsroom.home / "feeds/sport.toml").unlink()
    await newsroom.service.start()

    assert (await newsroom.get(f"/api/v1/webhooks/{webhook['id']}"))["state"] == "paused"
    assert await newsroom.status("/feeds/sport.rss") == 410


async def test_an_embargoed_article_is_published_at_its_time_also_after_a_restart(newsroom: Newsroom) -> None:
    await newsroom.register("news")
    for number in range(2):
        at = datetime.now(UTC) + timedelta(seconds=3)
        await newsroom.push(f"a{number}", published=at.isoformat())
        if number:
            assert await newsroom.service.stop() == 0
            await newsroom.service.start()
        await newsroom.receiver.until(lambda number=number: len(newsroom.receiver.taken) == number + 1)
        assert datetime.now(UTC) >= at
    assert [one.event["data"]["id"] for one in newsroom.receiver.taken] == ["a0", "a1"]


class Told(asyncio.DatagramProtocol):
    """What the service tells its manager."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[str] = asyncio.Queue()

    def datagram_received(self, data: bytes, _address: object) -> None:
        self.queue.put_nowait(data.decode())

    async def until(self, start: str) -> str:
        """The next that begins so."""
        async with asyncio.timeout(60):
            while not (told := await self.queue.get()).startswith(start):
                pass
        return told


@asynccontextmanager
async def manager(monkeypatch: pytest.MonkeyPatch, name: str) -> AsyncIterator[Told]:
    loop = asyncio.get_running_loop()
    transport, told = await loop.create_datagram_endpoint(Told, f"\0{name}", family=1)
    monkeypatch.setenv("NOTIFY_SOCKET", f"@{name}")
    try:
        yield told
    finally:
        transport.close()


async def test_on_sighup_the_manager_is_told_when_it_begins_and_when_it_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = migrated(write_installation(tmp_path / "home"))
    async with manager(monkeypatch, f"publisher-reload-{os.getpid()}") as told, serving(home) as service:
        ready = await told.until("READY=1")
        service.send(signal.SIGHUP)
        reloading = (await told.until("RELOADING=1")).splitlines()
        assert any(line.startswith("MONOTONIC_USEC=") for line in reloading)
        assert await told.until("READY=1") == ready
        await service.logged("config.unchanged")

        (home / "feeds/news.toml").write_text("title = ")
        service.send(signal.SIGHUP)
        await told.until("RELOADING=1")
        # Found at the end of the file, which is its first line.
        assert "last good configuration: feeds/news.toml:1" in await told.until("READY=1")
        assert await service.stop() == 0
