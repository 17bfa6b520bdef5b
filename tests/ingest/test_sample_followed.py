"""The root installation reads the sample newsroom: articles appear, change and are withdrawn."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from aiohttp.test_utils import TestServer
from support.clock import ManualClock

from publisher.catalog import SourceDefinition, load
from publisher.ingest import Definitions, Puller, Report
from publisher.model import EventType
from publisher.outbound import Outbound
from publisher.sample.newsroom import Newsroom
from publisher.sample.site import make_site
from publisher.sources.base import Source, SourceContext
from publisher.storage.configuration import feeds
from publisher.storage.engine.database import Database
from publisher.storage.items import articles
from publisher.storage.log import events

ROOT = Path(__file__).parents[2]

TYPES = {"published": EventType.ARTICLE_PUBLISHED, "changed": EventType.ARTICLE_UPDATED,
            "withdrawn": EventType.ARTICLE_WITHDRAWN}  # fmt: skip


@dataclass
class Reader:
    """The root installation's sources ``news`` and ``news-en`` over a newsroom on a free port."""

    db: Database
    puller: Puller
    sources: dict[str, tuple[SourceDefinition, Source]]

    async def read(self) -> list[Report]:
        return [await self.puller.run(*one, forced=True) for one in self.sources.values()]


@pytest.fixture
def newsroom(clock: ManualClock) -> Newsroom:
    return Newsroom(4, clock())


@pytest.fixture
async def reader(db: Database, clock: ManualClock, newsroom: Newsroom) -> AsyncIterator[Reader]:
    catalog = load(ROOT)
    http = Outbound(allow_private=["127.0.0.0/8:*"])
    async with TestServer(make_site(newsroom, clock)) as server:
        sources = {}
        for one in catalog.sources:
            if one.name in ("news", "news-en"):
                moved = [str(server.make_url(url.removeprefix("http://127.0.0.1:8081"))) for url in one.options.url]
                options = one.kind.Options.model_validate({**one.options.model_dump(exclude={"recheck"}), "url": moved,
                                                           "recheck": f"{one.options.recheck:g}s"})  # fmt: skip
                context = SourceContext(ROOT, one.profile, http, "Asia/Jakarta", "id", now=clock)
                definition = SourceDefinition(one.name, one.kind, options, one.profile)
                sources[one.name] = definition, one.kind(one.name, options, context)
        definitions = Definitions(
            feeds=lambda: catalog.feeds,
            sources=lambda: frozenset(sources),
            indicators=dict,
            timezone=lambda: "Asia/Jakarta",
        )
        await db.write(feeds.sync, {name: feed.digest for name, feed in catalog.feeds.items()})
        yield Reader(db, Puller(db, definitions), sources)
    await http.close()


async def titles(db: Database) -> set[str]:
    return {one.data["title"] for one in await db.read(lambda tx: articles.page(tx, limit=100))}


async def test_the_root_installation_follows_the_newsroom_through_its_day(
    reader: Reader, newsroom: Newsroom, clock: ManualClock
) -> None:
    first = await reader.read()
    assert [one.error for one in first] == [None, None]
    assert [problem for one in first for problem in one.problems] == []
    assert await titles(reader.db) == {piece.title for tag in ("id", "en") for piece in newsroom.latest(tag)}
    seen = set()
    for _ in range(25):
        seq = await reader.db.read(events.last_seq)
        happening = newsroom.make_news(clock.advance(30))
        reports = await reader.read()
        assert [one.error for one in reports] == [None, None]
        told = await reader.db.read(events.after, seq, 10)
        assert [(one.type, happening.slug in (one.data["url"] or "")) for one in told] == [
            (TYPES[happening.what], True)
        ]
        seen.add(happening.what)
    assert seen == set(TYPES)
    assert await titles(reader.db) == {piece.title for tag in ("id", "en") for piece in newsroom.latest(tag)}
