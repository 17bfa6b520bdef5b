"""The sample site is read by the profiles of this installation as any site is by its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer
from selectolax.lexbor import LexborHTMLParser
from support.clock import ManualClock

from publisher.sample.newsroom import Newsroom, Piece
from publisher.sample.site import make_site
from publisher.sources.html.profiled import read_html
from publisher.sources.profiles.profile import HtmlProfile, load_profile
from publisher.sources.reading.draft import Reading

HOME = Path(__file__).parents[2]

Site = TestClient[Any, Any]


@pytest.fixture
def newsroom(clock: ManualClock) -> Newsroom:
    return Newsroom(4, clock())


@pytest.fixture
async def site(newsroom: Newsroom, clock: ManualClock) -> AsyncIterator[Site]:
    async with TestClient(TestServer(make_site(newsroom, clock))) as client:
        yield client


async def read(site: Site, path: str, profile: str) -> Reading:
    answer = await site.get(path)
    assert answer.status == 200
    loaded = load_profile(profile, HOME)
    assert isinstance(loaded, HtmlProfile)
    return read_html(
        await answer.read(), loaded, origin=path, now=datetime(2026, 3, 2, tzinfo=UTC), url=str(answer.url)
    )


def paragraphs(reading: Reading) -> list[str]:
    assert reading.fields is not None
    return [node.text() for node in LexborHTMLParser(reading.fields["body"]).css("p")]


def said(piece: Piece, reading: Reading) -> None:
    fields = reading.fields
    assert fields is not None
    assert reading.problems == []
    story = piece.story
    assert (fields["title"], fields["dateline"], fields["editor"]) == (piece.title, story.dateline, story.editor)
    assert (fields.get("agency"), fields["section"], fields["topics"]) == (
        story.agency,
        story.section,
        list(story.topics),
    )
    assert fields["published"] == piece.published.replace(second=0, microsecond=0)
    assert fields["updated"] == piece.updated
    assert paragraphs(reading) == list(piece.paragraphs)
    assert [link.title for link in fields["related"]] == [title for _, title in piece.related]
    [image] = fields["images"]
    assert (image.caption.startswith(story.caption), image.credit) == (True, story.credit)


async def test_every_article_is_read_whole_in_both_languages(site: Site, newsroom: Newsroom) -> None:
    for language, profile in (("id", "sample"), ("en", "sample-en")):
        assert newsroom.latest(language)
        for piece in newsroom.latest(language):
            said(piece, await read(site, f"/news/{piece.story.slug}", profile))


async def test_articles_stay_readable_through_a_day_of_news(site: Site, newsroom: Newsroom, clock: ManualClock) -> None:
    for _ in range(60):
        happening = newsroom.make_news(clock.advance(30))
        piece = newsroom.piece(happening.slug)
        if piece is None:
            assert (await site.get(f"/news/{happening.slug}")).status == 410
        else:
            profile = "sample" if piece.story.language == "id" else "sample-en"
            said(piece, await read(site, f"/news/{happening.slug}", profile))


async def test_the_ticker_is_read_with_every_digit(site: Site, newsroom: Newsroom, clock: ManualClock) -> None:
    for _ in range(20):
        newsroom.move_market(clock.advance(3))
    reading = await read(site, "/", "sample-ticker")
    assert reading.problems == []
    assert [(one.symbol, one.value, str(one.change), str(one.percent)) for one in reading.indicators] == [
        (one.symbol, one.shown, str(one.change), str(one.percent)) for one in newsroom.market.indicators
    ]


@pytest.mark.parametrize("path", ["/", "/en", "/rubrik/industri", "/section/companies"])
async def test_lists_link_to_what_stands_newest_first(site: Site, newsroom: Newsroom, path: str) -> None:
    tree = LexborHTMLParser(await (await site.get(path)).text())
    links = [link.attributes["href"] for link in tree.css(".list-berita a")]
    language = "id" if path in ("/", "/rubrik/industri") else "en"
    section = path.rpartition("/")[2] if path.count("/") == 2 else None
    assert links == [f"/news/{piece.story.slug}" for piece in newsroom.latest(language, section)]
    assert links


async def test_what_has_not_changed_is_not_sent_again(site: Site, newsroom: Newsroom, clock: ManualClock) -> None:
    path = f"/news/{newsroom.latest('id')[0].story.slug}"
    for address in ("/", path):
        first = await site.get(address)
        for condition in (
            {"If-None-Match": first.headers["ETag"]},
            {"If-Modified-Since": first.headers["Last-Modified"]},
        ):
            again = await site.get(address, headers=condition)
            assert (again.status, await again.read()) == (304, b"")
    first = await site.get("/")
    newsroom.move_market(clock.advance(3))
    assert (await site.get("/", headers={"If-None-Match": first.headers["ETag"]})).status == 200
    assert (await site.get("/", headers={"If-Modified-Since": first.headers["Last-Modified"]})).status == 200


async def test_last_modified_of_an_article_is_when_it_changed(
    site: Site, newsroom: Newsroom, clock: ManualClock
) -> None:
    changed = next(
        happening
        for happening in (newsroom.make_news(clock.advance(30)) for _ in range(50))
        if happening.what == "changed"
    )
    answer = await site.get(f"/news/{changed.slug}")
    assert answer.headers["Last-Modified"] == clock().strftime("%a, %d %b %Y %H:%M:%S GMT")


async def test_a_page_that_never_was_is_404(site: Site) -> None:
    for path in ("/news/none", "/rubrik/none", "/section/none", "/photo/No.png"):
        assert (await site.get(path)).status == 404


async def test_illustrations_are_pictures(site: Site) -> None:
    answer = await site.get("/photo/anything.png")
    assert (answer.status, answer.content_type) == (200, "image/png")
