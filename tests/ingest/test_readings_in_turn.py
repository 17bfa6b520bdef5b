"""Readings beside what somebody waits for: what is pushed is written first, and what has begun before more begins."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from support.delivering import eventually

from publisher.catalog import SourceDefinition
from publisher.ingest import Definitions, Intake, Puller, pull
from publisher.model import Article, FeedDefinition
from publisher.model.observed import Batch, ObservedArticle
from publisher.sources.base import NoOptions, Source
from publisher.storage.configuration import feeds, sources
from publisher.storage.engine.database import Database
from publisher.storage.engine.turns import Urgency
from publisher.storage.log import events

NEWS = FeedDefinition(name="news", title="News")
DEFINITIONS = Definitions(
    feeds=lambda: {"news": NEWS}, sources=lambda: frozenset({"a", "b"}), indicators=dict, timezone=lambda: "UTC"
)


def article(id: str) -> ObservedArticle:
    return ObservedArticle(Article(id=id, title="Judul", body="<p>Isi.</p>"), id, "test")


class Waiting(Source):
    """Brings its articles once it may."""

    kind = "waiting"

    def __init__(self, name: str, articles: int = 1) -> None:
        super().__init__(name, NoOptions(), None)  # type: ignore[arg-type]
        self.read_began, self.goes_on = asyncio.Event(), asyncio.Event()
        self._articles = articles

    async def read(self, bookmark: Mapping[str, Any]) -> Batch:
        self.read_began.set()
        await self.goes_on.wait()
        return Batch(tuple(article(f"{self.name}-{n}") for n in range(self._articles)))


async def a_reading(puller: Puller, source: Waiting) -> asyncio.Task[Any]:
    definition = SourceDefinition(name=source.name, kind=Waiting, options=NoOptions())
    return asyncio.create_task(puller.run(definition, source))


def stands(db: Database, urgency: Urgency, count: int) -> Any:
    async def waiting() -> int:
        return db._turns.waiting(urgency)

    return eventually(waiting, count)


async def logged(db: Database) -> list[str]:
    return [event.subject for event in await db.read(events.after, 0, 1000)]


async def test_what_is_pushed_is_written_before_a_reading_that_waited_for_longer(sqlite_db: Database) -> None:
    db, source = sqlite_db, Waiting("a")
    await db.write(feeds.define, {"news": NEWS.digest})
    reading = await a_reading(Puller(db, DEFINITIONS), source)
    await source.read_began.wait()
    async with db._turns.turn():
        source.goes_on.set()
        await stands(db, Urgency.READING, 1)
        push = asyncio.create_task(Intake(db, DEFINITIONS).push_article(article("pushed")))
        await stands(db, Urgency.ANSWER, 1)
    await asyncio.gather(reading, push)

    assert await logged(db) == ["pushed", "a-0"]


async def test_a_reading_that_is_under_way_is_recorded_before_another_begins(sqlite_db: Database) -> None:
    db, first, second = sqlite_db, Waiting("a"), Waiting("b")
    second.goes_on.set()
    await db.write(feeds.define, {"news": NEWS.digest})
    puller = Puller(db, DEFINITIONS)
    reading = await a_reading(puller, first)
    await first.read_began.wait()
    async with db._turns.turn():
        other = await a_reading(puller, second)
        await stands(db, Urgency.UPKEEP, 1)
        first.goes_on.set()
        await stands(db, Urgency.READING, 1)
    await reading
    began = second.read_began.is_set()
    await other

    assert not began
    assert await logged(db) == ["a-0", "b-0"]


async def test_a_push_waits_for_one_piece_of_a_large_reading_at_most(sqlite_db: Database) -> None:
    db, source = sqlite_db, Waiting("a", articles=3 * pull.CHUNK)
    await db.write(feeds.define, {"news": NEWS.digest})
    reading = await a_reading(Puller(db, DEFINITIONS), source)
    await source.read_began.wait()
    async with db._turns.turn():
        source.goes_on.set()
        await stands(db, Urgency.READING, 1)
    await eventually(lambda: _grew(db), True)
    await Intake(db, DEFINITIONS).push_article(article("pushed"))
    before = (await logged(db)).index("pushed")
    await reading

    assert before in (pull.CHUNK, 2 * pull.CHUNK)


async def _grew(db: Database) -> bool:
    return db.last_seq > 0


async def test_a_reading_that_ends_gives_its_source_back_in_the_same_transaction(sqlite_db: Database) -> None:
    db, source = sqlite_db, Waiting("a")
    await db.write(feeds.define, {"news": NEWS.digest})
    reading = await a_reading(Puller(db, DEFINITIONS), source)
    await source.read_began.wait()
    assert set(await db.read(sources.taken)) == {"a"}
    source.goes_on.set()
    await eventually(lambda: _grew(db), True)

    assert await db.read(sources.taken) == {}
    await reading
