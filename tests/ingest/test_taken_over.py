"""A reader that stood still until another took its source over: what it says then is dropped, all of it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from support.clock import ManualClock

from publisher.catalog import SourceDefinition
from publisher.errors import FetchError
from publisher.ingest import Definitions, Puller, pull
from publisher.model import Article, FeedDefinition
from publisher.model.observed import Batch, ObservedArticle
from publisher.sources.base import NoOptions, Source
from publisher.storage.configuration import feeds, sources
from publisher.storage.engine.database import Database
from publisher.storage.log import events

ITEMS = 5
"""More than are recorded at once in these tests."""

FEED = FeedDefinition(name="news", title="News")


class Standing(Source):
    """Stands still in the middle of a reading, as a process does that got SIGSTOP."""

    kind = "standing"

    def __init__(self, given: Batch | Exception) -> None:
        super().__init__("desk", None, None)  # type: ignore[arg-type]
        self.given = given
        self.begun, self.go_on = asyncio.Event(), asyncio.Event()

    async def read(self, bookmark: Mapping[str, Any]) -> Batch:
        self.begun.set()
        await self.go_on.wait()
        if isinstance(self.given, Exception):
            raise self.given
        return self.given


def batch(title: str) -> Batch:
    """Articles of this title, each the same ones."""
    found = [Article(id=f"a{n}", title=title, body="<p>Body.</p>") for n in range(ITEMS)]
    return Batch(tuple(ObservedArticle(one, one.id, f"{one.id}.html") for one in found))


@pytest.fixture
def definition() -> SourceDefinition:
    return SourceDefinition(name="desk", kind=Standing, options=NoOptions())


@pytest.fixture
async def puller(db: Database, monkeypatch: pytest.MonkeyPatch) -> Puller:
    monkeypatch.setattr(pull, "CHUNK", 2)
    await db.write(feeds.sync, {FEED.name: FEED.digest})
    by = Definitions(
        feeds=lambda: {FEED.name: FEED}, sources=lambda: {"desk"}, indicators=lambda: {}, timezone=lambda: "UTC"
    )
    return Puller(db, by)


async def overtaken(
    puller: Puller, definition: SourceDefinition, clock: ManualClock, late: Batch | Exception
) -> pull.Report:
    """The report of a reading that ends with ``late`` only after another has read the source."""
    stopped, other = Standing(late), Standing(batch("Later"))
    reading = asyncio.create_task(puller.run(definition, stopped))
    await stopped.begun.wait()
    clock.advance(pull.LEASE_SECONDS + 1)
    other.go_on.set()
    assert (await puller.run(definition, other)).items == ITEMS
    stopped.go_on.set()
    return await reading


async def test_what_it_read_of_many_items_puts_none_of_them_back(
    db: Database, puller: Puller, definition: SourceDefinition, clock: ManualClock
) -> None:
    report = await overtaken(puller, definition, clock, batch("Earlier"))
    assert "taken over" in str(report.skipped)
    logged = await db.read(events.after, 0, 5_000)
    assert [one.data["title"] for one in logged] == ["Later"] * (ITEMS)


async def test_that_it_could_not_read_is_no_failure_of_a_source_that_was_read(
    db: Database, puller: Puller, definition: SourceDefinition, clock: ManualClock
) -> None:
    report = await overtaken(puller, definition, clock, FetchError("no answer within 20 s"))
    assert "taken over" in str(report.skipped)
    state = await db.read(sources.state, "desk")
    assert (state.failures, state.last_error) == (0, None)
