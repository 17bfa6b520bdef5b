"""Recording what a source brings: 10,000 new articles, and the same source again with 1 % of them changed.

    python -m benchmarks.loading [--quick] [--database URL]

The baseline is a bare ``sqlite3`` file that takes the same articles as JSON in the same chunks, each committed with
``synchronous=FULL``: it compares nothing, logs nothing and selects for no feed. Ratios are of articles per second,
medians of alternating rounds; under 1 is slower than the bare one. A database named by ``--database`` is emptied.
"""

from __future__ import annotations

import argparse
import asyncio
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson
import uvloop

from publisher import telemetry
from publisher.catalog import SourceDefinition
from publisher.ingest import Definitions, Puller
from publisher.ingest.pull import CHUNK
from publisher.model import Article, FeedDefinition, Selection, article_json
from publisher.model.observed import Batch, ObservedArticle
from publisher.sources.base import NoOptions, Source
from publisher.storage.configuration import feeds
from publisher.storage.engine.database import Database

FEEDS = {
    "news": FeedDefinition(name="news", title="News"),
    "coffee": FeedDefinition(name="coffee", title="Coffee", select=Selection(topics=("topic-1",))),
}
BODY = "<p>" + "A sentence of the sort that articles are made of. " * 50 + "</p>"


class Given(Source):
    """Brings what it was given."""

    kind = "given"
    batch = Batch()

    async def read(self, bookmark: Mapping[str, Any]) -> Batch:
        return self.batch


def _articles(count: int, edition: int, changed: int) -> list[Article]:
    return [
        Article(
            id=f"article-{number}",
            title=f"Headline {number}, edition {edition if number < changed else 0}",
            body=BODY,
            topics=(f"topic-{number % 20}", "economy"),
        )
        for number in range(count)
    ]


def _bare(articles: Sequence[Article]) -> float:
    with tempfile.TemporaryDirectory() as folder:
        database = sqlite3.connect(Path(folder) / "bare.db")
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("PRAGMA synchronous=FULL")
        database.execute("CREATE TABLE articles (id TEXT PRIMARY KEY, data BLOB)")
        began = time.perf_counter()
        for start in range(0, len(articles), CHUNK):
            rows = [(one.id, orjson.dumps(article_json(one))) for one in articles[start : start + CHUNK]]
            with database:
                database.executemany("INSERT INTO articles VALUES (?, ?)", rows)
        took = time.perf_counter() - began
        database.close()
    return took


async def _ours(url: str, count: int) -> tuple[float, float]:
    """Seconds for a first load, and for a second reading with 1 % changed."""
    with tempfile.TemporaryDirectory() as folder:
        db = await Database.open(url, Path(folder))
        await db.write(feeds.define, {feed.name: feed.digest for feed in FEEDS.values()})
        definitions = Definitions(
            feeds=lambda: FEEDS, sources=lambda: frozenset({"given"}), indicators=lambda: {}, timezone=lambda: "UTC"
        )
        puller = Puller(db, definitions)
        source = Given("given", NoOptions(), None)  # type: ignore[arg-type]
        definition = SourceDefinition(name="given", kind=Given, options=NoOptions())
        took = []
        for edition in (0, 1):
            articles = _articles(count, edition, changed=count // 100 if edition else 0)
            source.batch = Batch(tuple(ObservedArticle(one, one.id, "benchmark") for one in articles))
            began = time.perf_counter()
            report = await puller.run(definition, source)
            took.append(time.perf_counter() - began)
            expected = count // 100 if edition else count
            if report.events != expected or report.items != count:
                raise SystemExit(f"expected {expected} events of {count} items, got {report}")
        await db.close()
    return took[0], took[1]


def _empty(url: str) -> None:
    if url == "sqlite":
        return
    from sqlalchemy import text
    from sqlalchemy.ext.asyncio import create_async_engine

    async def drop() -> None:
        engine = create_async_engine(url)
        async with engine.begin() as connection:
            await connection.execute(text("DROP SCHEMA public CASCADE"))
            await connection.execute(text("CREATE SCHEMA public"))
        await engine.dispose()

    asyncio.run(drop())


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="only show that it runs")
    parser.add_argument("--database", default="sqlite", help="a [storage] url; its contents are dropped")
    given = parser.parse_args()
    telemetry.configure(level="error")
    count, rounds = (1_000, 1) if given.quick else (10_000, 5)
    bare, first, again = [], [], []
    for _ in range(rounds):
        _empty(given.database)
        bare.append(_bare(_articles(count, 0, 0)))
        load, second = uvloop.run(_ours(given.database, count))
        first.append(load)
        again.append(second)
    base = statistics.median(bare)
    print(f"{count} articles of 2.5 KB on {given.database.partition('+')[0]}, medians of {rounds}")
    print(f"  bare insert        {count / base:9,.0f} articles/s")
    for name, times in (("first load", first), ("again, 1 % changed", again)):
        took = statistics.median(times)
        print(f"  {name:<18} {count / took:9,.0f} articles/s  ×{base / took:.2f} of bare")


if __name__ == "__main__":
    main()
