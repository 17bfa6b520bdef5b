"""Recording and fanning out under many feeds: 1,000 articles, new and then changed, under 10 feeds and under 1,000.

    python -m benchmarks.feeds [--quick] [--database URL]

Every article is in three feeds, however many there are: that of everything, one of its topic, one of its section and
language; a batch is spread over all of them. Recording is measured as a source's reading does it, from articles with
their fingerprints to the commit; fanning out as the judging of events for as many distinct filters as there are feeds,
of which each event is told to three. Figures are CPU seconds of this process, medians of rounds in turns, each on a
database of its own. A database named by ``--database`` is emptied; what its server takes is in the wall clock's ratio
alone.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import uvloop

from benchmarks.loading import BODY, _empty
from publisher import telemetry
from publisher.ingest.pull import CHUNK
from publisher.ingest.recorder import Definitions, Recorder, prepared
from publisher.model import Article, Event, EventType, FeedDefinition, Filter, Selection, article_json
from publisher.model.observed import Batch, ObservedArticle
from publisher.selection import Followers, Judge
from publisher.storage.configuration import feeds
from publisher.storage.engine.database import Database

ARTICLES = 1_000
NOW = datetime(2026, 11, 28, 8, 0, tzinfo=UTC)


def definitions(count: int) -> dict[str, FeedDefinition]:
    """So many feeds: one of everything, half of the others by topic, half by section and language."""
    made = [FeedDefinition(name="news", title="News")]
    for n in range((count - 1) // 2 + 1):
        made.append(FeedDefinition(name=f"t{n}", title="A topic", select=Selection(topics=(f"Topic {n}",))))
        of_section = Selection(sections=(f"Section {n}",), languages=("id",))
        made.append(FeedDefinition(name=f"s{n}", title="A section", select=of_section))
    return {feed.name: feed for feed in made[:count]}


def articles(edition: int, places: int) -> tuple[ObservedArticle, ...]:
    """The batch: each in a topic and a section of ``places``."""
    return prepared(
        [
            ObservedArticle(
                Article(
                    id=f"article-{n}",
                    title=f"Headline {n}, edition {edition}",
                    body=BODY,
                    language="id",
                    section=f"Section {n % places}",
                    topics=(f"Topic {n % places}", "Economy"),
                ),
                f"article-{n}",
                "benchmark",
            )
            for n in range(ARTICLES)
        ]
    )


async def recorded(url: str, count: int) -> list[tuple[float, float]]:
    """CPU and wall seconds for the new batch and for the changed one, under so many feeds."""
    known = definitions(count)
    by = Definitions(feeds=lambda: known, sources=frozenset, indicators=dict, timezone=lambda: "UTC")
    took = []
    with tempfile.TemporaryDirectory() as folder:
        db = await Database.open(url, Path(folder))
        await db.write(feeds.define, {feed.name: feed.digest for feed in known.values()})
        for edition in (0, 1):
            batch = articles(edition, (count - 1) // 2)
            recorder = Recorder(by, "given")
            wall, cpu = time.perf_counter(), time.process_time()
            for start in range(0, len(batch), CHUNK):
                await db.write(recorder.apply, Batch(articles=batch[start : start + CHUNK]))
            took.append((time.process_time() - cpu, time.perf_counter() - wall))
            if recorder.tally.events != ARTICLES:
                raise SystemExit(f"expected {ARTICLES} events, got {recorder.tally}")
        await db.close()
    return took


def judged(count: int) -> float:
    """CPU seconds for judging the events of the new batch for so many filters, one for each feed."""
    known = definitions(count)
    one = Judge(known, {}, (), {})
    followers = Followers((n, Filter(feeds=(name,)), False) for n, name in enumerate(known))
    events = [
        Event(
            seq=n, id=f"e{n}", type=EventType.ARTICLE_PUBLISHED, timestamp=NOW, source="given",
            subject=observed.article.id, data=article_json(observed.article),
        )
        for n, observed in enumerate(articles(0, (count - 1) // 2))
    ]  # fmt: skip
    began = time.process_time()
    told = sum(len(one.matches(event, followers)) for event in events)
    took = time.process_time() - began
    if told != 3 * ARTICLES:
        raise SystemExit(f"expected {3 * ARTICLES} matches, got {told}")
    return took


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one round")
    parser.add_argument("--database", default="sqlite", help="a [storage] url; its contents are dropped")
    given = parser.parse_args()
    telemetry.configure(level="error")
    counts = (10, 1_000)
    found: dict[int, list[list[tuple[float, float]]]] = {count: [] for count in counts}
    rounds = 1 if given.quick else 3
    for _ in range(rounds):
        for count in counts:
            _empty(given.database)
            found[count].append(uvloop.run(recorded(given.database, count)))
    print(f"feeds: {ARTICLES} articles of 2.5 KB recorded on {given.database.partition('+')[0]}")
    for which, name in enumerate(("new", "changed")):
        cpu = {count: statistics.median(one[which][0] for one in own) for count, own in found.items()}
        wall = {count: statistics.median(one[which][1] for one in own) for count, own in found.items()}
        print(
            f"  {name:8} {counts[0]} feeds {cpu[counts[0]] * 1e3:4.0f} ms of CPU, {counts[1]} feeds"
            f" {cpu[counts[1]] * 1e3:4.0f} ms  ×{cpu[counts[1]] / cpu[counts[0]]:.2f}"
            f"  (×{wall[counts[1]] / wall[counts[0]]:.2f} by wall time)"
        )
    micros = {count: statistics.median(judged(count) for _ in range(rounds)) / ARTICLES * 1e6 for count in counts}
    print(
        f"  an event judged for {counts[0]} filters {micros[counts[0]]:4.0f} µs, for {counts[1]} filters"
        f" {micros[counts[1]]:4.0f} µs  ×{micros[counts[1]] / micros[counts[0]]:.2f}"
    )


if __name__ == "__main__":
    main()
