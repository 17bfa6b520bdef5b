"""What readers of other makers make of the feeds, over real HTTP."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import aiohttp
import feedparser
import pytest
from reader import make_reader
from support.clients import listed_by_npm
from support.machine import needs
from support.service import Service, api_client, publisher, serving, write_installation

TITLES = {
    "kopi": "Ekspor kopi naik & petani tersenyum",
    "pelabuhan": "Pelabuhan <baru> mulai beroperasi",
    "panen": "Panen raya: 12% di atas target",
}


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[Service]:
    home = write_installation(tmp_path / "home")
    async with serving(home) as running:
        yield running


@pytest.fixture
async def editor(service: Service) -> AsyncIterator[aiohttp.ClientSession]:
    key = (await publisher("keys", "create", "--role", "editor", "--home", str(service.home))).strip()
    async with api_client(key) as client:
        for number, (name, title) in enumerate(TITLES.items()):
            article = {"title": title, "body": f"<p>{title}.</p>", "published": f"2026-11-2{number}T03:00:00Z"}
            async with client.put(f"{service.url}/api/v1/articles/{name}", json=article) as answer:
                assert answer.status == 201, await answer.text()
        yield client


async def _document(service: Service, name: str) -> bytes:
    async with aiohttp.ClientSession() as client, client.get(f"{service.url}/feeds/{name}") as answer:
        assert answer.status == 200
        return await answer.read()


@pytest.mark.parametrize("format", ["rss", "atom", "json"])
@pytest.mark.usefixtures("editor")
async def test_feedparser_and_npm_clients_list_the_same_items(service: Service, format: str) -> None:
    document = await _document(service, f"news.{format}")
    clients = ["feedsmith"] if format == "json" else ["feedsmith", "rss-parser"]
    listings = {client: listed_by_npm(client, document) for client in clients}
    if format != "json":
        parsed = feedparser.parse(document)
        assert not parsed.bozo
        listings["feedparser"] = [{"id": entry.id, "title": entry.title} for entry in parsed.entries]
    for client, items in listings.items():
        assert [item["title"] for item in items] == list(reversed(TITLES.values())), client
        assert len({item["id"] for item in items}) == 3, client
        assert all(item["id"].startswith("tag:") for item in items), client


@pytest.mark.parametrize("format", ["rss", "atom", "json"])
async def test_reader_sees_an_edit_as_the_same_entry_changed(
    service: Service, editor: aiohttp.ClientSession, tmp_path: Path, format: str
) -> None:
    url = f"{service.url}/feeds/news.{format}"

    def update() -> dict[str, str | None]:
        with closing(make_reader(str(tmp_path / "reader.db"))) as reader:
            reader.add_feed(url, exist_ok=True)
            reader.update_feed(url)
            return {entry.id: entry.title for entry in reader.get_entries()}

    before = await asyncio.to_thread(update)
    changed = {"title": "Pelabuhan baru ditunda", "body": "<p>Ditunda.</p>", "published": "2026-11-21T03:00:00Z"}
    async with editor.put(f"{service.url}/api/v1/articles/pelabuhan", json=changed) as answer:
        assert answer.status == 200
    after = await asyncio.to_thread(update)
    assert set(before) == set(after)
    assert [title for id_, title in after.items() if before[id_] != title] == ["Pelabuhan baru ditunda"]


@needs("newsboat")
@pytest.mark.parametrize("format", ["rss", "atom"])
@pytest.mark.usefixtures("editor")
async def test_newsboat_lists_every_item(service: Service, tmp_path: Path, format: str) -> None:
    urls, cache = tmp_path / "urls", tmp_path / "cache.db"
    urls.write_text(f"{service.url}/feeds/news.{format}\n")
    process = await asyncio.create_subprocess_exec(
        "newsboat", "-u", str(urls), "-c", str(cache), "-x", "reload",
        env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"},
    )  # fmt: skip
    assert await process.wait() == 0
    with sqlite3.connect(cache) as database:
        rows = database.execute("SELECT title FROM rss_item").fetchall()
    database.close()
    assert {title for (title,) in rows} == set(TITLES.values())
