"""Feeds of no, one and ten thousand items, served in every format."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest
from lxml import etree
from support.service import migrated, publisher, serving, write_installation

SOURCE = '[[source]]\nname = "desk"\nkind = "folder"\npath = "inbox"\nevery = "1h"\n'
ATOM = "{http://www.w3.org/2005/Atom}"


def _titles_in_rss(document: bytes) -> list[str | None]:
    return [item.findtext("title") for item in etree.fromstring(document).iter("item")]


def _titles_in_atom(document: bytes) -> list[str | None]:
    return [entry.findtext(f"{ATOM}title") for entry in etree.fromstring(document).iter(f"{ATOM}entry")]


def _titles_in_json(document: bytes) -> list[str | None]:
    return [item["title"] for item in json.loads(document)["items"]]


FORMATS: dict[str, Callable[[bytes], list[str | None]]] = {
    "rss": _titles_in_rss,
    "atom": _titles_in_atom,
    "json": _titles_in_json,
}


@pytest.mark.parametrize("count", [0, 1, 10_000])
async def test_a_feed_of_any_size_is_served_whole_in_every_format_and_coding(tmp_path: Path, count: int) -> None:
    news = 'title = "Berita"\nitems = "articles"\nlimit = 10000\n'
    home = migrated(write_installation(tmp_path, {"config/sources.toml": SOURCE, "feeds/news.toml": news}))
    start = datetime(2024, 1, 1, tzinfo=UTC)
    articles = [
        {
            "id": f"kabar-{number}",
            "title": f"Kabar {number}",
            "body": f"<p>Isi kabar & nomor {number}.</p>",
            "published": (start + timedelta(minutes=number)).isoformat(),
        }
        for number in range(count)
    ]
    dropped = home / "inbox/kabar.json"
    dropped.parent.mkdir()
    dropped.write_text(json.dumps(articles))
    os.utime(dropped, (0, 0))
    [report] = json.loads(await publisher("load", "--json", "--home", str(home)))
    assert (report["items"], report["problems"]) == (count, [])
    newest_first = [f"Kabar {number}" for number in reversed(range(count))]
    async with serving(home) as service, aiohttp.ClientSession(service.url, auto_decompress=False) as session:
        for format, titles in FORMATS.items():
            documents = {}
            for coding in ("identity", "gzip"):
                async with session.get(f"/feeds/news.{format}", headers={"Accept-Encoding": coding}) as answer:
                    assert answer.status == 200
                    documents[coding] = await answer.read()
            assert titles(documents["identity"]) == newest_first
            assert gzip.decompress(documents["gzip"]) == documents["identity"]
