"""When articles that a source has no more are withdrawn, and when not."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.clock import ManualClock
from support.reading import open_source

from publisher.catalog import SourceDefinition
from publisher.ingest import Definitions, Puller, Report
from publisher.ingest.absences import Absences, judge
from publisher.model import Event, EventType, FeedDefinition
from publisher.model.change import Outcome
from publisher.model.observed import Batch
from publisher.sources.base import Source
from publisher.storage.configuration import feeds, sources
from publisher.storage.engine.database import Database
from publisher.storage.items import articles
from publisher.storage.log import events

TEN = [f"a{n}" for n in range(10)]


def listed(*ids: str, **more: float) -> Batch:
    return Batch(listed=frozenset(ids), **more)  # type: ignore[arg-type]


def test_what_was_missing_often_enough_in_a_row_goes() -> None:
    misses: dict[str, int] = {}
    went = []
    for _ in range(3):
        found = judge(TEN, listed(*TEN[1:]), misses)
        misses = dict(found.misses)
        went.append(set(found.withdrawn))
    assert went == [set(), set(), {"a0"}]
    assert misses == {}


def test_what_comes_back_is_counted_anew() -> None:
    found = judge(TEN, listed(*TEN), {"a0": 2})
    assert (found.withdrawn, found.misses) == (frozenset(), {})


def test_a_reading_that_does_not_list_everything_counts_nothing() -> None:
    assert judge(TEN, Batch(), {"a0": 2}) == Absences(misses={"a0": 2})


def test_what_the_source_says_is_gone_goes_at_once_and_other_sources_articles_never() -> None:
    assert judge(TEN, Batch(gone=frozenset({"a1", "elsewhere"})), {}).withdrawn == {"a1"}


def test_where_too_much_is_missing_at_once_nothing_goes_and_nothing_is_counted() -> None:
    found = judge(TEN, listed(*TEN[4:]), {"a0": 2})
    assert (found.withdrawn, found.misses) == (frozenset(), {"a0": 2})
    assert found.held is not None and found.held.startswith("4 of 10 articles vanished at once")


def test_it_is_let_go_where_the_source_says_so() -> None:
    assert judge(TEN, listed(*TEN[4:], gone_after=1, hold_above=1.0), {}).withdrawn == set(TEN[:4])


def test_the_smallest_sources_may_lose_three_at_once() -> None:
    assert judge(TEN[:4], listed("a0", gone_after=1), {}).withdrawn == {"a1", "a2", "a3"}
    assert judge(TEN[:4], listed(gone_after=1), {}).held


@given(
    st.sets(st.sampled_from(TEN)), st.sets(st.sampled_from(TEN)), st.sets(st.sampled_from(TEN)),
    st.dictionaries(st.sampled_from(TEN), st.integers(1, 5)),
)  # fmt: skip
def test_only_what_is_published_and_not_listed_ever_goes(
    standing: set[str], still: set[str], gone: set[str], misses: dict[str, int]
) -> None:
    batch = Batch(listed=frozenset(still), gone=frozenset(gone))
    found = judge(standing, batch, misses)
    assert found.withdrawn <= standing
    assert found.withdrawn <= (standing - still) | gone
    assert not (found.held and found.withdrawn)


# --- on both databases, by a folder


DEFINITIONS = Definitions(
    feeds=lambda: {"news": FEED, "operations": OPERATIONS},
    sources=lambda: frozenset({"desk"}),
    indicators=dict,
    timezone=lambda: "Asia/Jakarta",
)
FEED = FeedDefinition(name="news", title="News")
OPERATIONS = FeedDefinition(name="operations", title="Operations", items="operations")


class Inbox:
    """A folder of JSON articles, read by a source that withdraws unless told otherwise."""

    def __init__(self, db: Database, home: Path, clock: ManualClock) -> None:
        self.db, self.home, self.clock = db, home, clock
        self.puller = Puller(db, DEFINITIONS)
        (home / "inbox").mkdir()

    def drop(self, *names: str, text: str = "Text.") -> None:
        for name in names:
            content = (
                f'{{"id": "{name}", "title": "{name}", "body": "<p>{text}</p>", "published": "2026-03-01T00:00:00Z"}}'
            )
            (self.home / "inbox" / f"{name}.json").write_text(content)

    def take(self, *names: str) -> None:
        for name in names:
            (self.home / "inbox" / f"{name}.json").unlink()

    async def read(self, **options: object) -> Report:
        source: Source = open_source("folder", self.home, self.clock, path="inbox", **{"withdraw": True, **options})
        definition = SourceDefinition("desk", type(source), source.options)
        return await self.puller.run(definition, source, forced=True)

    async def standing(self) -> set[str]:
        return set(await self.db.read(articles.standing, "desk"))

    async def log(self) -> list[Event]:
        return await self.db.read(events.after, 0, 1000)


@pytest.fixture
async def inbox(db: Database, tmp_path: Path, clock: ManualClock) -> Inbox:
    await db.write(feeds.sync, {"news": FEED.digest, "operations": OPERATIONS.digest})
    return Inbox(db, tmp_path, clock)


async def test_a_file_that_was_missing_twice_withdraws_its_article(inbox: Inbox) -> None:
    inbox.drop("a", "b")
    await inbox.read()
    inbox.take("a")
    assert (await inbox.read()).events == 0
    report = await inbox.read()
    assert (report.outcomes[Outcome.WITHDRAWN], report.events) == (1, 1)
    assert [(one.type, one.subject) for one in (await inbox.log())[2:]] == [(EventType.ARTICLE_WITHDRAWN, "a")]
    assert await inbox.standing() == {"b"}
    inbox.drop("a")
    await inbox.read()
    assert (await inbox.log())[-1].type is EventType.ARTICLE_PUBLISHED


async def test_a_folder_that_is_not_told_to_withdraws_nothing(inbox: Inbox) -> None:
    inbox.drop("a")
    await inbox.read(withdraw=False)
    inbox.take("a")
    for _ in range(3):
        await inbox.read(withdraw=False)
    assert await inbox.standing() == {"a"}


async def test_a_file_that_was_broken_by_an_editor_withdraws_nothing(inbox: Inbox) -> None:
    inbox.drop("a", "b")
    await inbox.read()
    (inbox.home / "inbox/a.json").write_text("{")
    for _ in range(3):
        await inbox.read()
    assert await inbox.standing() == {"a", "b"}
    inbox.take("a")
    for _ in range(2):
        await inbox.read()
    assert await inbox.standing() == {"b"}


async def test_when_much_vanishes_at_once_it_is_held_and_told_and_what_is_new_is_published(inbox: Inbox) -> None:
    inbox.drop(*TEN)
    await inbox.read()
    inbox.take(*TEN[:4])
    inbox.drop("new")
    reports = [await inbox.read() for _ in range(3)]
    assert all((one.error and one.error.startswith("4 of 10")) or one.error.startswith("4 of 11") for one in reports)
    told = (await inbox.log())[10:]
    assert [one.type for one in told] == [EventType.ARTICLE_PUBLISHED, EventType.SOURCE_FAILING]
    assert "hold_above" in told[1].data["error"]
    assert await inbox.standing() == {*TEN, "new"}
    state = await inbox.db.read(sources.state, "desk")
    assert state.failures >= 3 and state.last_error == reports[-1].error
    inbox.drop(*TEN[:4])
    assert (await inbox.read()).error is None
    assert (await inbox.log())[-1].type is EventType.SOURCE_RECOVERED


async def test_what_was_held_goes_once_the_source_says_that_it_is_right(inbox: Inbox) -> None:
    inbox.drop(*TEN)
    await inbox.read()
    inbox.take(*TEN[:5])
    await inbox.read()
    for _ in range(2):
        await inbox.read(hold_above=1.0)
    assert await inbox.standing() == set(TEN[5:])
    types = [one.type for one in await inbox.log()]
    assert types.count(EventType.ARTICLE_WITHDRAWN) == 5
    assert EventType.SOURCE_RECOVERED in types
