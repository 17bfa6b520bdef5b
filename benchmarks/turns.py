"""A push beside the readings of 5,000 sources, each read once a minute: how long it waits, against a push alone.

    python -m benchmarks.turns [--quick] [--database URL]

Pushes arrive ten a second, whether those before are answered or not; readings 83 a second, of 300 sources in turns,
which is the rate of 5,000 a minute. With and without them take turns of two seconds. At the end all 300 are due at
once, as after a start. A push is measured from its arrival to its commit.

Readings go through the same code as in the service: claimed under a lease, read, compared, recorded and given back.
What is simulated is the upstream: nothing is fetched or parsed, a reading brings five articles that are known, and in
one of ten the first has changed; so the processor is less busy than with pages. Where the machine does not keep up with
the readings they wait, and the rate that it reached is told. Times are those of the wall clock, so whoever else uses
the machine counts: only the ratio within one run says something, and how many transactions went before a push. A
database named by ``--database`` is emptied; that of SQLite is made in TMPDIR.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import uvloop
from sqlalchemy import event

from benchmarks.loading import BODY, _empty
from publisher import telemetry
from publisher.catalog import SourceDefinition
from publisher.ingest import Definitions, Intake, Puller
from publisher.model import Article, FeedDefinition
from publisher.model.observed import Batch, ObservedArticle
from publisher.sources.base import NoOptions, Source
from publisher.storage.configuration import feeds
from publisher.storage.engine.database import Database

SOURCES = 300
READINGS_A_SECOND = 5_000 / 60
PUSHES_A_SECOND = 10
ARTICLES = 5
ROUND = 2.0
NEWS = {"news": FeedDefinition(name="news", title="News")}


class Upstream(Source):
    """Brings the same articles each time; in one of ten readings, the first of them is another."""

    kind = "upstream"
    readings = 0

    async def read(self, bookmark: Mapping[str, Any]) -> Batch:
        self.readings += 1
        edition = self.readings // 10
        return Batch(tuple(_article(f"{self.name}-{n}", edition if n == 0 else 0) for n in range(ARTICLES)))


def _article(id: str, edition: int = 0) -> ObservedArticle:
    return ObservedArticle(Article(id=id, title=f"Headline {edition}", body=BODY), id, "benchmark")


class Newsroom:
    """A database, what is read into it and what is pushed."""

    def __init__(self, db: Database, sources: int) -> None:
        names = [f"source-{n}" for n in range(sources)]
        known = frozenset(names)
        by = Definitions(feeds=lambda: NEWS, sources=lambda: known, indicators=dict, timezone=lambda: "UTC")
        self._puller, self._intake = Puller(db, by), Intake(db, by)
        self._sources = [
            (SourceDefinition(name=name, kind=Upstream, options=NoOptions()), Upstream(name, NoOptions(), None))  # type: ignore[arg-type]
            for name in names
        ]
        self._pushed = self._committed = 0
        self.before: list[int] = []
        event.listen(db._writer.sync_engine, "commit", self._commit)
        self.readings = 0

    def _commit(self, _connection: object) -> None:
        self._committed += 1

    async def read(self, number: int) -> None:
        """Read one source once."""
        report = await self._puller.run(*self._sources[number % len(self._sources)])
        if report.error:
            raise SystemExit(f"a reading failed: {report}")
        self.readings += not report.taken  # where the one before is still under way, it is left out as in the service

    async def push(self) -> float:
        """Push one article; returns the milliseconds that it took."""
        self._pushed += 1
        began, committed = time.perf_counter(), self._committed
        await self._intake.push_article(_article(f"pushed-{self._pushed}"))
        self.before.append(self._committed - committed - 1)
        return (time.perf_counter() - began) * 1e3

    async def pushes(self, seconds: float) -> list[float]:
        """Pushes for so long, each in its time."""
        begun = []
        for _ in range(int(seconds * PUSHES_A_SECOND)):
            begun.append(asyncio.create_task(self.push()))
            await asyncio.sleep(1 / PUSHES_A_SECOND)
        return list(await asyncio.gather(*begun))

    async def readings_beside(self, over: asyncio.Event) -> None:
        """Readings at their pace, until that is set."""
        begun, began = set(), time.perf_counter()
        for number in range(1 << 30):
            if over.is_set():
                break
            begun.add(task := asyncio.create_task(self.read(number)))
            task.add_done_callback(begun.discard)
            await asyncio.sleep(max(0.0, began + (number + 1) / READINGS_A_SECOND - time.perf_counter()))
        await asyncio.gather(*begun)


async def measure(url: str, sources: int, rounds: int) -> None:
    """Print the three."""
    with tempfile.TemporaryDirectory() as folder:
        db = await Database.open(url, Path(folder))
        await db.write(feeds.define, {name: feed.digest for name, feed in NEWS.items()})
        newsroom = Newsroom(db, sources)
        for number in range(sources):
            await newsroom.read(number)
        alone, beside, reached = [], [], 0
        for _ in range(rounds):
            alone += await newsroom.pushes(ROUND)
            over = asyncio.Event()
            readings = asyncio.create_task(newsroom.readings_beside(over))
            before = newsroom.readings
            beside += await newsroom.pushes(ROUND)
            reached += newsroom.readings - before
            over.set()
            await readings
        _show("alone", alone, alone)
        _show(f"beside {reached / ROUND / rounds:.0f} readings/s", beside, alone)
        everything = [asyncio.create_task(newsroom.read(number)) for number in range(sources)]
        found = []
        while not found or (len(found) < len(alone) and not all(task.done() for task in everything)):
            found += await newsroom.pushes(1)
        _show(f"beside {sources} at once", found, alone)
        went = newsroom.before
        print(f"  transactions that went before a push: {statistics.mean(went):.1f}, {max(went)} at most")

        await asyncio.gather(*everything)
        await db.close()


def _show(name: str, found: list[float], alone: list[float]) -> None:
    (p50, p99), base = _percentiles(found), _percentiles(alone)
    print(
        f"  {name:24} p50 {p50:6.1f} ms, p99 {p99:6.1f} ms, longest {max(found):6.1f} ms"
        f"   p99 ×{p99 / base[1]:.1f} of alone ({len(found)} pushes)"
    )


def _percentiles(found: list[float]) -> tuple[float, float]:
    cuts = statistics.quantiles(found, n=100, method="inclusive")
    return cuts[49], cuts[98]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="100 sources, one round")
    parser.add_argument("--database", default="sqlite", help="a [storage] url; its contents are dropped")
    given = parser.parse_args()
    telemetry.configure(level="error")
    _empty(given.database)
    print(f"turns: pushes beside readings on {given.database.partition('+')[0]}")
    sources, rounds = (100, 1) if given.quick else (SOURCES, 4)
    uvloop.run(measure(given.database, sources, rounds))


if __name__ == "__main__":
    main()
