"""An article whose address changes stays the same article."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from support.clock import ManualClock
from support.site import Answer, Site, article, client, linking, reading_site, serving

from publisher.catalog import SourceDefinition
from publisher.ingest import Definitions, Puller, Recorder, Report
from publisher.ingest.absences import settle
from publisher.ingest.identity import resolve
from publisher.model import Article, Event, EventType, identity_id
from publisher.model.observed import Batch, ObservedArticle
from publisher.sources.base import Source
from publisher.storage.configuration import sources
from publisher.storage.engine.database import Database
from publisher.storage.items import articles
from publisher.storage.log import events

DEFINITIONS = Definitions(
    feeds=dict, sources=lambda: frozenset({"news"}), indicators=dict, timezone=lambda: "Asia/Jakarta"
)


def seen(url: str, key: str | None, title: str = "Title") -> ObservedArticle:
    known_by = f"http://a.example{url}"
    one = Article(id=identity_id(known_by), url=known_by, title=title, body="<p>Text.</p>")
    return ObservedArticle(one, known_by, "feed", key=key)


class Log:
    """Records what a source named ``news`` observed."""

    def __init__(self, db: Database) -> None:
        self.db = db

    async def take(self, *observed: ObservedArticle) -> list[Event]:
        seq = await self.db.read(events.last_seq)
        await self.db.write(Recorder(DEFINITIONS, "news").apply, Batch(observed))
        return await self.db.read(events.after, seq, 100)


@pytest.fixture
def log(db: Database) -> Log:
    return Log(db)


async def test_an_article_with_another_url_and_the_same_key_is_the_same_article(log: Log) -> None:
    (first,) = await log.take(seen("/a", "guid-1"))
    (second,) = await log.take(seen("/b", "guid-1"))
    assert (second.type, second.subject, second.changed) == (EventType.ARTICLE_UPDATED, first.subject, ("url",))
    assert second.data["url"] == "http://a.example/b"


async def test_what_is_met_later_under_the_new_url_alone_is_that_article_too(log: Log) -> None:
    (first,) = await log.take(seen("/a", "guid-1"))
    await log.take(seen("/b", "guid-1"))
    (third,) = await log.take(seen("/b", "another", title="Corrected"))
    assert (third.type, third.subject) == (EventType.ARTICLE_UPDATED, first.subject)
    assert await log.take(seen("/b", "another", title="Corrected")) == []


async def test_a_key_that_stands_for_several_articles_at_once_is_none(log: Log) -> None:
    told = await log.take(seen("/a", "same"), seen("/b", "same"))
    assert [one.type for one in told] == [EventType.ARTICLE_PUBLISHED] * 2
    (third,) = await log.take(seen("/c", "same"), seen("/a", "same"), seen("/b", "same"))
    assert third.type is EventType.ARTICLE_PUBLISHED


async def test_keys_that_are_places_in_a_list_join_no_articles(log: Log) -> None:
    await log.take(seen("/a", "place-1"), seen("/b", "place-2"))
    (told,) = await log.take(seen("/c", "place-1"), seen("/a", "place-2"))
    assert (told.type, told.data["url"]) == (EventType.ARTICLE_PUBLISHED, "http://a.example/c")


async def test_an_article_that_came_back_under_another_url_is_published_again_as_itself(log: Log) -> None:
    (first,) = await log.take(seen("/a", "guid-1"))
    gone = Batch(gone=frozenset({first.subject}))
    await log.db.write(lambda tx: settle(tx, Recorder(DEFINITIONS, "news"), "news", gone, {}))
    (told,) = await log.take(seen("/b", "guid-1"))
    assert (told.type, told.subject) == (EventType.ARTICLE_PUBLISHED, first.subject)


async def test_another_sources_key_is_its_own(log: Log) -> None:
    await log.take(seen("/a", "guid-1"))
    await log.db.write(Recorder(DEFINITIONS, "wire").apply, Batch((seen("/b", "guid-1"),)))
    assert len(await log.db.read(lambda tx: articles.page(tx, limit=10))) == 2


@pytest.mark.parametrize(
    ("id", "key", "known_as", "here", "own", "is_"),
    [
        ("b", "k", {"k": "a"}, {"a"}, {"b"}, "a"),
        ("b", "a", {}, {"a"}, {"b"}, "a"),  # the link was its first address
        ("b", "k", {"k": "a"}, {"a", "b"}, {"b"}, "b"),  # both are known apart
        ("b", "k", {"k": "a"}, set(), {"b"}, "b"),  # it was erased, or is another source's
        ("b", None, {"b": "a"}, {"a"}, {"b"}, "a"),
        ("b", "k", {}, {"a"}, {"b"}, "b"),
    ],
)
def test_who_it_is(id: str, key: str | None, known_as: dict[str, str], here: set[str], own: set[str], is_: str) -> None:
    assert resolve(id, key, known_as=known_as, here=here, own=own) == is_


# --- over HTTP


class News:
    """A source over a site, run by the puller."""

    def __init__(self, db: Database, source: Source) -> None:
        self.db, self.source = db, source
        self.puller = Puller(db, DEFINITIONS)

        self.definition = SourceDefinition("news", type(source), source.options)
        self.digest = self.definition.profile_digest

    async def read(self) -> Report:
        return await self.puller.run(self.definition, self.source, forced=True)

    async def last(self) -> Event:
        return (await self.db.read(events.after, 0, 100))[-1]


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with serving() as found:
        yield found


async def test_a_page_whose_canonical_url_changes_is_updated_even_when_the_bookmark_is_lost(
    db: Database, site: Site, clock: ManualClock, tmp_path: Path
) -> None:
    async with client() as http:
        site["/latest"], site["/a"] = linking("/a"), article("A")
        source = reading_site("index", http, clock, tmp_path, url=f"{site.url}/latest", recheck="0s")
        news = News(db, source)
        await news.read()
        first = await news.last()
        site["/a"] = article("A", head='<link rel=canonical href="/section/a">')
        await db.write(lambda tx: sources.succeeded(tx, "news", bookmark={}, profile_digest=news.digest))
        await news.read()
        told = await news.last()
        assert (told.type, told.subject, told.changed) == (EventType.ARTICLE_UPDATED, first.subject, ("url",))
        site["/latest"] = linking("/section/a")
        site["/a"] = Answer(status=301, headers={"Location": "/section/a"})
        site["/section/a"] = article("A", "Changed.")
        await news.read()
        told = await news.last()
        assert (told.type, told.subject, told.changed) == (EventType.ARTICLE_UPDATED, first.subject, ("body",))


async def test_an_entry_of_a_feed_whose_link_changes_is_updated(
    db: Database, site: Site, clock: ManualClock, tmp_path: Path
) -> None:
    def feed(link: str) -> bytes:
        entry = f"<guid>tag:a.example,2026:7</guid><link>{link}</link><title>T</title><description>D</description>"
        return f'<rss version="2.0"><channel><title>x</title><item>{entry}</item></channel></rss>'.encode()

    async with client() as http:
        site["/rss"] = feed("http://a.example/one")
        news = News(db, reading_site("feed", http, clock, tmp_path, url=f"{site.url}/rss"))
        await news.read()
        first = await news.last()
        site["/rss"] = feed("http://a.example/two")
        await news.read()
        told = await news.last()
    assert (told.type, told.subject, told.changed) == (EventType.ARTICLE_UPDATED, first.subject, ("url",))
