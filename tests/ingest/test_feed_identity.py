"""What an entry of a feed is known by: its guid, where it has one, and what an earlier version knew stays as it was."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from sqlalchemy import text
from support.clock import ManualClock
from support.reading import Answer, Server, open_source

from publisher.catalog import SourceDefinition
from publisher.ingest import Definitions, Puller, Recorder
from publisher.model import Article, Event, EventType, identity_id
from publisher.model.observed import Batch, ObservedArticle, Problem
from publisher.sources.urls import canonical
from publisher.storage.engine.database import Database
from publisher.storage.items import articles
from publisher.storage.log import events

FEED = "https://kanal.example/rss"
DEFINITIONS = Definitions(
    feeds=dict, sources=lambda: frozenset({"news"}), indicators=dict, timezone=lambda: "Asia/Jakarta"
)
PUBLISHED, UPDATED = EventType.ARTICLE_PUBLISHED, EventType.ARTICLE_UPDATED
DAY = "<pubDate>Fri, 09 Feb 2024 06:31:00 +0700</pubDate>"


def item(link: str | None, guid: str | None, title: str = "Judul", text: str = "Isi.", date: str = DAY) -> str:
    parts = f"<link>{link.replace('&', '&amp;')}</link>" if link else ""
    parts += f'<guid isPermaLink="false">{guid.replace("&", "&amp;")}</guid>' if guid else ""
    return f"<item><title>{title}</title>{parts}<description>{text}</description>{date}</item>"


class Feed:
    """One feed as its readings follow one another."""

    def __init__(self, db: Database, home: Path, clock: ManualClock, **options: object) -> None:
        self.db = db
        self.server = Server()
        self.source = open_source("feed", home, clock, http=self.server, name="news", url=FEED, **options)
        self.puller = Puller(db, DEFINITIONS)
        self.definition = SourceDefinition("news", type(self.source), self.source.options)
        self.problems: Sequence[Problem] = ()

    async def shows(self, *items: str) -> list[Event]:
        """What followers are told once the feed has these entries."""
        seq = await self.db.read(events.last_seq)
        document = f'<rss version="2.0"><channel><title>K</title><link>https://kanal.example/</link>{"".join(items)}'
        self.server.answer = Answer(f"{document}</channel></rss>".encode())
        report = await self.puller.run(self.definition, self.source, forced=True)
        assert report.error is None
        self.problems = report.problems
        return await self.db.read(events.after, seq, 100)

    async def titles(self) -> list[str]:
        """Of all articles that are stored."""
        stored = await self.db.read(lambda tx: articles.page(tx, limit=100))
        return sorted(one.data["title"] for one in stored)


@pytest.fixture
async def feed(db: Database, tmp_path: Path, clock: ManualClock) -> Feed:
    return Feed(db, tmp_path, clock)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("https://kanal.example/", "https://kanal.example/"),
        ("https://kanal.example/live", "https://kanal.example/live"),
        ("https://kanal.example/live#a", "https://kanal.example/live#b"),
        ("https://kanal.example/live?utm_source=a", "https://kanal.example/live?token=9f8e&expires=17"),
    ],
)
async def test_another_guid_is_another_article_whatever_its_link(feed: Feed, first: str, second: str) -> None:
    await feed.shows(item(first, "s1", "Siaran satu"))
    (told,) = await feed.shows(item(second, "s2", "Siaran dua"))
    assert told.type is PUBLISHED
    (told,) = await feed.shows(item(second, "s3", "Siaran tiga"), item(second, "s2", "Siaran dua"))
    assert (told.type, told.data["title"]) == (PUBLISHED, "Siaran tiga")
    assert await feed.shows(item(first, "s1", "Siaran satu"), item(second, "s3", "Siaran tiga")) == []
    assert await feed.titles() == ["Siaran dua", "Siaran satu", "Siaran tiga"]


async def test_the_same_title_under_another_guid_is_another_article_too(feed: Feed) -> None:
    await feed.shows(item("https://kanal.example/cuaca", "c1", "Cuaca hari ini", "Hujan.", DAY))
    (told,) = await feed.shows(
        item(
            "https://kanal.example/cuaca",
            "c2",
            "Cuaca hari ini",
            "Cerah.",
            DAY.replace("09", "10").replace("Fri", "Sat"),
        )
    )
    assert told.type is PUBLISHED


async def test_two_entries_of_one_reading_with_one_link_are_two_articles(feed: Feed) -> None:
    told = await feed.shows(*(item("https://kanal.example/live", f"s{n}", f"Siaran {n}") for n in range(3)))
    assert [one.type for one in told] == [PUBLISHED] * 3
    assert not [one for one in feed.problems if one.severity == "error"]


async def test_guids_that_are_places_in_one_page_are_apart(feed: Feed) -> None:
    page = "https://kanal.example/live"
    await feed.shows(item(page, page, "Awal"))
    (told,) = await feed.shows(item(f"{page}#2", f"{page}#2", "Dua"), item(page, page, "Awal"))
    assert (told.type, told.data["title"]) == (PUBLISHED, "Dua")
    assert await feed.titles() == ["Awal", "Dua"]


async def test_links_to_places_in_one_page_are_apart_without_guids_too(feed: Feed) -> None:
    await feed.shows(item("https://kanal.example/live#a", None, "A"))
    (told,) = await feed.shows(item("https://kanal.example/live#b", None, "B"))
    assert told.type is PUBLISHED
    assert await feed.titles() == ["A", "B"]


async def test_a_feed_that_makes_up_its_guids_anew_publishes_nothing_anew_and_that_is_told(feed: Feed) -> None:
    await feed.shows(item("https://kanal.example/1", "r-1"), item("https://kanal.example/2", "r-2", "Lain"))
    for turn in range(3):
        again = [item("https://kanal.example/1", f"t-{turn}"), item("https://kanal.example/2", f"u-{turn}", "Lain")]
        assert await feed.shows(*again) == []
        assert [one.severity for one in feed.problems if "another id than before" in one.message] == ["warning"] * 2


async def test_a_guid_that_changes_once_and_stays_is_learnt(feed: Feed) -> None:
    link = "https://kanal.example/1"
    await feed.shows(item(link, "https://kanal.example/?p=7"))
    assert await feed.shows(item(link, "https://kanal.example/id/7")) == []
    (told,) = await feed.shows(item(link, "https://kanal.example/id/7", "Judul baru"))
    assert (told.type, told.changed) == (UPDATED, ("title",))
    assert not [one for one in feed.problems if one.field == "id"]
    assert await feed.titles() == ["Judul baru"]


@pytest.mark.parametrize("guids", [True, False])
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("http://kanal.example/satu", "https://kanal.example/satu"),
        ("https://www.kanal.example/satu?id=7", "https://kanal.example/satu?id=7"),
        ("http://kanal.example/satu", "https://www.kanal.example/satu/"),
    ],
)
async def test_a_site_that_moves_to_https_publishes_nothing_anew(
    feed: Feed, before: str, after: str, guids: bool
) -> None:
    (first,) = await feed.shows(item(before, before if guids else None))
    (told,) = await feed.shows(item(after, after if guids else None))
    assert (told.type, told.subject, told.changed) == (UPDATED, first.subject, ("url",))
    (told,) = await feed.shows(item(after, after if guids else None, "Judul baru"))
    assert (told.type, told.subject, told.changed) == (UPDATED, first.subject, ("title",))


async def test_addresses_that_both_stand_in_a_feed_are_two_articles(feed: Feed) -> None:
    await feed.shows(item("https://kanal.example/a", None, "A"))
    (told,) = await feed.shows(item("https://kanal.example/a/", None, "B"), item("https://kanal.example/a", None, "A"))
    assert (told.type, told.data["title"]) == (PUBLISHED, "B")


@pytest.mark.parametrize("hours", [range(6, 10), None], ids=["dated", "undated"])
async def test_guids_that_number_the_entries_overwrite_no_article(feed: Feed, hours: range | None) -> None:
    entries = [
        (
            f"https://kanal.example/{n}",
            f"Berita {n}",
            f"Isi {n}.",
            DAY.replace("06:", f"{hours[n]:02}:") if hours else "",
        )
        for n in range(4)
    ]
    for newest in range(1, 5):
        shown = list(reversed(entries[:newest]))
        told = await feed.shows(
            *(item(link, str(n), title, text, date) for n, (link, title, text, date) in enumerate(shown, 1))
        )
        assert [(one.type, one.data["title"]) for one in told] == [(PUBLISHED, f"Berita {newest - 1}")]
    assert [one for one in feed.problems if one.field == "id" and one.text == "1"]
    assert await feed.titles() == [f"Berita {n}" for n in range(4)]


async def test_a_guid_that_every_day_has_another_article_overwrites_none_and_that_is_told(feed: Feed) -> None:
    await feed.shows(item("https://kanal.example/satu", "hari-ini", "Satu", "Isi satu."))
    day = DAY.replace("Fri, 09", "Sat, 10")
    (told,) = await feed.shows(item("https://kanal.example/dua", "hari-ini", "Dua", "Isi dua.", day))
    assert told.type is PUBLISHED
    assert [one.text for one in feed.problems if one.field == "id"] == ["hari-ini"]
    assert await feed.titles() == ["Dua", "Satu"]


async def test_tokens_and_tracking_in_links_and_guids_make_no_event(feed: Feed) -> None:
    def entry(noise: str) -> str:
        return item(f"https://kanal.example/berita?id=7&{noise}", f"https://kanal.example/berita?id=7&{noise}")

    await feed.shows(entry("utm_source=rss"))
    for noise in (
        "at_medium=RSS&at_campaign=x", "token=1f2e&expires=1707435060", "token=99ab&expires=1707435999", "ref=rss",
        "cmp=rss", "fbclid=Iw", "sid=3f9ac1b2d4e5f60718293a4b", "PHPSESSID=ab12", "jsessionid=77", "sessionid=5",
    ):  # fmt: skip
        assert await feed.shows(entry(noise)) == []
    (told,) = await feed.shows(item("https://kanal.example/berita?id=8", "https://kanal.example/berita?id=8"))
    assert told.type is PUBLISHED


async def test_a_key_in_an_address_that_says_nothing_else_is_no_token(feed: Feed) -> None:
    for key in ("AbCdEf0123456789aa", "ZyXwVu9876543210bb"):
        link = f"https://kanal.example/detail?key={key}"
        (told,) = await feed.shows(item(link, link, f"Berita {key}"))
        assert told.type is PUBLISHED


async def test_a_link_that_changes_under_one_guid_is_an_update(feed: Feed) -> None:
    (first,) = await feed.shows(item("https://kanal.example/satu", "g"))
    (told,) = await feed.shows(item("https://kanal.example/dua", "g"))
    assert (told.type, told.subject, told.changed) == (UPDATED, first.subject, ("url",))


async def test_a_guid_that_every_entry_has_is_no_guid(feed: Feed) -> None:
    told = await feed.shows(item("https://kanal.example/1", "same", "A"), item("https://kanal.example/2", "same", "B"))
    assert [one.type for one in told] == [PUBLISHED] * 2
    assert (
        await feed.shows(item("https://kanal.example/2", "same", "B"), item("https://kanal.example/1", "same", "A"))
        == []
    )


async def test_an_entry_whose_guid_goes_or_comes_is_the_same_article(feed: Feed) -> None:
    await feed.shows(item("https://kanal.example/1", None))
    assert await feed.shows(item("https://kanal.example/1", "g")) == []
    assert await feed.shows(item("https://kanal.example/1", None)) == []
    (told,) = await feed.shows(item("https://kanal.example/2", "g"))
    assert told.type is UPDATED


async def test_one_number_in_two_feeds_stands_for_two_articles(
    db: Database, tmp_path: Path, clock: ManualClock
) -> None:
    definitions = Definitions(
        feeds=dict, sources=lambda: frozenset({"a", "b"}), indicators=dict, timezone=lambda: "Asia/Jakarta"
    )
    for name in ("a", "b"):
        body = f'<rss version="2.0"><channel>{item(None, "1", f"Dari {name}")}</channel></rss>'
        source = open_source(
            "feed", tmp_path, clock, http=Server(Answer(body.encode())), name=name, url=f"https://{name}.example/rss"
        )
        report = await Puller(db, definitions).run(SourceDefinition(name, type(source), source.options), source)
        assert (report.events, [one for one in report.problems if one.field is None]) == (1, [])


class TestAnInstallationThatExists:
    """Its rows are those that the version before wrote: ids made of canonical links, and guids as aliases of them."""

    async def wrote(self, db: Database, link: str | None, guid: str | None, title: str = "Judul") -> str:
        identity = canonical(link) if link else str(guid)
        article = Article(id=identity_id(identity), url=link, title=title, body="<p>Isi.</p>")
        seen = ObservedArticle(article, identity, FEED, key=guid)
        await db.write(Recorder(DEFINITIONS, "news").apply, Batch((seen,)))
        await db.write(lambda tx: tx.conn.execute(text("UPDATE articles SET fingerprint = '2:of-the-version-before'")))
        return article.id

    @pytest.mark.parametrize(
        ("link", "guid"),
        [
            ("https://kanal.example/1", "g1"),
            ("https://kanal.example/1", None),
            (None, "g1"),
            (None, "tag:kanal.example,2024:1"),
            ("https://kanal.example/1", "https://kanal.example/1"),
            ("https://kanal.example/1?at_medium=rss", "g1"),
            ("https://kanal.example/1?at_medium=rss", None),
            ("https://kanal.example/1?token=5&expires=6", None),
            ("https://kanal.example/", "g1"),
            ("https://kanal.example/live#a", "g1"),
            ("https://kanal.example/live#a", None),
            ("https://kanal.example/été?q=ä[1]", None),
            ("https://kafé.example/", None),
        ],
    )
    async def test_keeps_its_ids(self, db: Database, feed: Feed, link: str | None, guid: str | None) -> None:
        id = await self.wrote(db, link, guid)
        assert await feed.shows(item(link, guid, date="")) == []
        (told,) = await feed.shows(item(link, guid, "Judul baru", date=""))
        assert (told.type, told.subject) == (UPDATED, id)

    async def test_keeps_what_it_knew_by_its_link_when_a_guid_comes(self, db: Database, feed: Feed) -> None:
        id = await self.wrote(db, "https://kanal.example/1", None)
        assert await feed.shows(item("https://kanal.example/1", "g1", date="")) == []
        (told,) = await feed.shows(item("https://kanal.example/pindah", "g1", date=""))
        assert (told.type, told.subject) == (UPDATED, id)

    async def test_overwrites_no_article_with_another_guid(self, db: Database, feed: Feed) -> None:
        await self.wrote(db, "https://kanal.example/live", "s1", "Siaran satu")
        (told,) = await feed.shows(item("https://kanal.example/live", "s2", "Siaran dua", date=""))
        assert told.type is PUBLISHED
        assert await feed.titles() == ["Siaran dua", "Siaran satu"]

    async def test_publishes_nothing_anew_of_a_feed_whose_guids_never_held(self, db: Database, feed: Feed) -> None:
        for guid in ("t1", "t2", "t3"):
            await self.wrote(db, "https://kanal.example/1", guid)
        for guid in ("t4", "t5"):
            assert await feed.shows(item("https://kanal.example/1", guid, date="")) == []
