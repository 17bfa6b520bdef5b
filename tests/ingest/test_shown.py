"""What a site shows already is published at once, whatever time it says."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from support.clock import ManualClock

from publisher.ingest import Definitions, Recorder
from publisher.model import Article, Event
from publisher.model.observed import Batch, ObservedArticle, Problem
from publisher.storage.engine.database import Database
from publisher.storage.items import articles, embargoes
from publisher.storage.log import events

DEFINITIONS = Definitions(
    feeds=dict, sources=lambda: frozenset({"news"}), indicators=dict, timezone=lambda: "Asia/Jakarta"
)


class Site:
    """A source named ``news``, which shows its articles unless it is told otherwise."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.problems: list[Problem] = []

    async def read(self, *, shown: bool = True, **fields: Any) -> list[Event]:
        article = Article(**{"id": "a", "title": "Panen naik", "body": "<p>Isi.</p>"} | fields)
        seq = await self.db.read(events.last_seq)
        recorder = Recorder(DEFINITIONS, "news")
        await self.db.write(recorder.apply, Batch((ObservedArticle(article, "a", "page"),), shown=shown))
        self.problems = recorder.tally.problems
        return await self.db.read(events.after, seq, 10)

    async def article(self) -> dict[str, Any]:
        return (await self.db.read(articles.known, ["a"]))["a"].data


@pytest.fixture
def site(db: Database) -> Site:
    return Site(db)


def written(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


async def test_a_time_to_come_is_the_time_of_reading_and_told(site: Site, clock: ManualClock) -> None:
    (event,) = await site.read(published=clock() + timedelta(hours=7))
    assert event.data["published"] == written(clock().replace(microsecond=0))
    (problem,) = site.problems
    assert (problem.origin, problem.field, problem.severity) == ("page", "published", "warning")
    assert "timezone of the source" in problem.message


async def test_it_keeps_that_time_before_and_after_the_sites_own_has_come(site: Site, clock: ManualClock) -> None:
    said = clock() + timedelta(hours=7)
    await site.read(published=said)
    first = await site.article()
    for hours in (1, 5, 2, 20):
        clock.advance(hours * 3600)
        assert await site.read(published=said) == []
        assert await site.article() == first


async def test_an_edit_in_the_wrong_zone_is_an_edit_without_a_time(site: Site, clock: ManualClock) -> None:
    said = clock() + timedelta(hours=7)
    await site.read(published=said, updated=said)
    clock.advance(3600)
    (event,) = await site.read(published=said, updated=said + timedelta(hours=1), title="Panen naik lagi")
    assert event.changed == ("title",)
    assert event.data["updated"] is None


async def test_a_zone_that_is_set_right_later_corrects_the_time(site: Site, clock: ManualClock) -> None:
    began = clock()
    await site.read(published=began + timedelta(hours=6))
    clock.advance(60)
    (event,) = await site.read(published=began - timedelta(hours=1))
    assert (event.changed, site.problems) == (("published",), [])


async def test_an_article_with_a_date_that_is_put_into_the_future_stays_where_it_was(
    site: Site, clock: ManualClock
) -> None:
    await site.read(published=clock() - timedelta(days=1))
    assert await site.read(published=clock() + timedelta(days=3)) == []
    assert len(site.problems) == 1


async def test_a_site_may_date_its_article_anew(site: Site, clock: ManualClock) -> None:
    await site.read(published=clock() + timedelta(hours=7))
    clock.advance(3 * 86400)
    (event,) = await site.read(published=clock())
    assert event.data["published"] == written(clock())


async def test_a_clock_that_is_a_little_ahead_is_believed(site: Site, clock: ManualClock) -> None:
    said = clock() + timedelta(minutes=4)
    (event,) = await site.read(published=said)
    assert (event.data["published"], site.problems) == (written(said), [])


async def test_what_is_dropped_or_pushed_still_waits_for_its_time(site: Site, clock: ManualClock) -> None:
    assert await site.read(shown=False, published=clock() + timedelta(hours=1)) == []
    assert await site.db.read(embargoes.among, ["a"])


async def test_what_waited_is_published_when_a_site_shows_it(site: Site, clock: ManualClock) -> None:
    said = clock() + timedelta(hours=1)
    await site.read(shown=False, published=said)
    (event,) = await site.read(published=said)
    assert event.data["title"] == "Panen naik"
    assert not await site.db.read(embargoes.among, ["a"])
