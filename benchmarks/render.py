"""One change in a feed: cached fragments against building the whole feed with feedgen again.

    python -m benchmarks.render [--quick]

Of 50 articles of 3 KB, one is edited each time, and both sides make RSS of all of them. They take turns in one run,
since the machine's own pace varies more than what is measured; the result is the ratio of their median CPU times.

Of 10,000 articles the whole way is measured: a push of one edit into SQLite, then the document as it is served, packed
and written to disk. Beside the time stands the longest that the event loop did nothing else meanwhile.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import feedgen.entry
import feedgen.feed
import uvloop

from publisher.ingest import Definitions, Intake
from publisher.model import Article, FeedDefinition
from publisher.model.observed import ObservedArticle
from publisher.publish import Publications, SiteInfo
from publisher.render import FORMATS, Head, Options, article_entry
from publisher.storage.configuration import feeds
from publisher.storage.engine.database import Database

ITEMS = 50
MANY = 10_000
START = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
OPTIONS = Options("https://news.example", "id", "Asia/Jakarta")
PARAGRAPH = "<p>Harga komoditas bergerak naik pada perdagangan hari ini di tengah permintaan yang kuat.</p>"


def articles(count: int = ITEMS) -> list[dict[str, Any]]:
    """Articles of about 3 KB."""
    return [
        {
            "id": f"a{number}",
            "url": f"https://news.example/news/{number}",
            "title": f"Berita nomor {number}",
            "summary": "Ringkasan berita.",
            "body": PARAGRAPH * 33,
            "authors": ["Sari Dewi"],
            "editor": "Ratna",
            "agency": "Antara",
            "section": "Ekonomi",
            "topics": ["kopi", "ekspor"],
            "published": (START - timedelta(minutes=number)).isoformat(),
            "images": [{"url": f"https://foto.example/{number}.jpg", "caption": "Panen", "credit": "ANTARA"}],
        }
        for number in range(count)
    ]


def with_fragments() -> Callable[[int], bytes]:
    """Our way: one fragment is written anew, the document is put together."""
    stored = articles()
    writer = FORMATS["rss"]
    head = Head(
        id="tag:news.example,2026:feed/f",
        title="Berita",
        description="",
        language="id",
        updated=START,
        url="https://news.example/feeds/f.rss",
        home_url="https://news.example/feeds/f",
        site_title="Berita",
        site_url="https://news.example/",
    )

    def fragment(data: dict[str, Any], revision: int) -> bytes:
        moments = {"first_seen_at": START, "changed_at": START}
        return writer.fragment(article_entry(data, revision=revision, options=OPTIONS, **moments))

    fragments = [fragment(data, 1) for data in stored]

    def change(turn: int) -> bytes:
        edited = {**stored[turn % ITEMS], "title": f"Diubah {turn}"}
        fragments[turn % ITEMS] = fragment(edited, turn + 2)
        return writer.document(head, fragments)

    return change


def with_feedgen(count: int = ITEMS) -> Callable[[int], bytes]:
    """The plain way: the feed is built with feedgen from all its items."""
    stored = articles(count)

    def change(turn: int) -> bytes:
        stored[turn % count] = {**stored[turn % count], "title": f"Diubah {turn}"}
        feed = feedgen.feed.FeedGenerator()
        feed.load_extension("dc")
        feed.load_extension("media")
        feed.title("Berita")
        feed.link(href="https://news.example/")
        feed.description("Berita")
        feed.language("id")
        feed.lastBuildDate(START)
        for data in stored:
            entry = feed.add_entry(order="append")
            entry.id(f"tag:news.example,2026:{data['id']}")
            entry.title(data["title"])
            entry.link(href=data["url"])
            entry.description(data["summary"])
            entry.content(data["body"])
            entry.category([{"term": topic} for topic in data["topics"]])
            entry.pubDate(data["published"])
            entry.dc.dc_creator(data["authors"])
            entry.media.content({"url": data["images"][0]["url"], "medium": "image"}, group=None)
        return bytes(feed.rss_str())

    return change


def measure(turns: int) -> dict[str, float]:
    """Median CPU microseconds of each way, taken in turns."""
    ways = {"fragments": with_fragments(), "feedgen": with_feedgen()}
    spent: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(turns):
        for name, change in ways.items():
            began = time.process_time_ns()
            document = change(turn)
            spent[name].append((time.process_time_ns() - began) / 1000)
            assert f"Diubah {turn}".encode() in document
    return {name: statistics.median(times) for name, times in spent.items()}


class Stalls:
    """Looks every millisecond whether the event loop still turns; ``longest`` is in seconds."""

    async def __aenter__(self) -> Stalls:
        self.longest = 0.0
        self._task = asyncio.create_task(self._look())
        await asyncio.sleep(0.01)
        self.longest = 0.0
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()

    async def _look(self) -> None:
        while True:
            before = time.perf_counter()
            await asyncio.sleep(0.001)
            self.longest = max(self.longest, time.perf_counter() - before - 0.001)


async def many(folder: Path, count: int, turns: int) -> dict[str, list[tuple[float, float]]]:
    """Seconds of CPU, and of the longest stall, for the first document of a large feed and after each change."""
    feed = FeedDefinition(name="f", title="Berita", limit=count)
    site = SiteInfo("Berita", "https://news.example", "id", "Asia/Jakarta")
    db = await Database.open("sqlite", folder)
    await db.write(feeds.sync, {feed.name: feed.digest})
    definitions = Definitions(
        feeds=lambda: {feed.name: feed}, sources=frozenset, indicators=dict, timezone=lambda: site.timezone
    )
    intake, publications = Intake(db, definitions), Publications(db, {feed.name: feed}, site, folder)
    stored = [Article.model_validate(data) for data in articles(count)]
    for start in range(0, count, 500):
        await db.write(intake.take, [ObservedArticle(one, one.id, one.id) for one in stored[start : start + 500]])
    # As the service does once it has started.
    gc.collect()
    gc.freeze()
    found: dict[str, list[tuple[float, float]]] = {"first": [], "change": []}
    for turn in range(turns + 1):
        if turn:
            edited = stored[turn].model_copy(update={"title": f"Diubah {turn}"})
            await intake.push_article(ObservedArticle(edited, edited.id, edited.id))
        async with Stalls() as stalls:
            began = time.process_time()
            document = await publications.current(feed.name, "rss")
            spent = time.process_time() - began
        body = document.body if isinstance(document.body, bytes) else document.body.read_bytes()
        assert body.count(b"<item>") == count
        assert not turn or f"Diubah {turn}".encode() in body
        found["change" if turn else "first"].append((spent, stalls.longest))
    await db.close()
    return found


def main() -> None:
    """Print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="few turns: whether it runs, not how fast")
    quick = parser.parse_args().quick
    medians = measure(20 if quick else 400)
    print(f"render: one change in a feed of {ITEMS} articles, RSS")
    for name, microseconds in medians.items():
        print(f"  {name:24} {microseconds / 1000:9.2f} ms of CPU")
    print(f"  {'ratio':24} {medians['feedgen'] / medians['fragments']:9.1f}")
    count = 1_000 if quick else MANY
    print(f"render: one change in a feed of {count:,} articles, RSS, read, packed and written to disk")
    with tempfile.TemporaryDirectory() as folder:
        found = uvloop.run(many(Path(folder), count, 2 if quick else 9))
    whole = with_feedgen(count)
    began = time.process_time()
    whole(0)
    plain = time.process_time() - began
    for label, key in (("the first document", "first"), ("after a change", "change")):
        spent = statistics.median(cpu for cpu, _ in found[key])
        stall = statistics.median(stall for _, stall in found[key])
        print(f"  {label:24} {spent * 1000:9.0f} ms of CPU; longest stall of the loop {stall * 1000:.0f} ms (median)")
    print(f"  {'feedgen, not even packed':24} {plain * 1000:9.0f} ms of CPU")
    print(f"  {'ratio':24} {plain / statistics.median(cpu for cpu, _ in found['change']):9.1f}")


if __name__ == "__main__":
    main()
