"""One change in a feed of 50 items: cached fragments against building the whole feed with feedgen again.

    python -m benchmarks.render [--quick]

Both sides make RSS of the same 50 articles of 3 KB, one of them edited each time. They take turns in one run, since
the machine's own pace varies more than what is measured; the result is the ratio of their median CPU times.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import feedgen.entry
import feedgen.feed

from publisher.render import FORMATS, Head, Options, article_entry

ITEMS = 50
START = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
OPTIONS = Options("https://news.example", "id", "Asia/Jakarta")
PARAGRAPH = "<p>Harga komoditas bergerak naik pada perdagangan hari ini di tengah permintaan yang kuat.</p>"


def articles() -> list[dict[str, Any]]:
    """Fifty articles of about 3 KB."""
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
        for number in range(ITEMS)
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


def with_feedgen() -> Callable[[int], bytes]:
    """The plain way: the feed is built with feedgen from all its items."""
    stored = articles()

    def change(turn: int) -> bytes:
        stored[turn % ITEMS] = {**stored[turn % ITEMS], "title": f"Diubah {turn}"}
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


def main() -> None:
    """Print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="few turns: whether it runs, not how fast")
    turns = 20 if parser.parse_args().quick else 400
    medians = measure(turns)
    for name, microseconds in medians.items():
        print(f"{name:10} {microseconds:8.0f} µs a change in {ITEMS} items")
    print(f"ratio      {medians['feedgen'] / medians['fragments']:8.1f}")


if __name__ == "__main__":
    main()
