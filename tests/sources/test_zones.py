"""Times without a zone: whose clock they are of, and when that is only supposed."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import orjson
import pytest
from support.clock import ManualClock
from support.reading import Answer, Server, open_source

from publisher.configfile import TomlFile
from publisher.model.observed import Batch
from publisher.sources.profiles.profile import parse_profile

URL = "https://warta.example/1"
SCRIPT = """{{"@type": "NewsArticle", "headline": "Ernte gestiegen", "datePublished": "{}",
 "articleBody": "Im Dorf wird seit dem Morgen Reis geerntet, und es ist mehr als im letzten Jahr."}}"""
PAGE = '<!doctype html><html lang="de"><title>Ernte</title><script type="application/ld+json">{}</script></html>'
FEED = """<rss version="2.0"><channel><title>Warta</title><item><title>Panen</title><link>https://warta.example/1</link>
 <description>Isi.</description><pubDate>{}</pubDate></item></channel></rss>"""
POSTS = {"items": "[*]", "title": "t", "body": "b", "url": "u", "published": "p"}
PROFILE = """
kind = "html"
base_url = "https://warta.example/"
locale = "en"
timezone = "Europe/Berlin"
language = "de"
article.title = "title"
article.body.select = "p"
article.published = "time"
"""
NAIVE = "2024-02-09T06:31:00"


async def read(kind: str, document: str, home: Path, clock: ManualClock, **options: Any) -> Batch:
    server = Server(Answer(document.encode(), headers={"Content-Type": "text/html"}))
    return await open_source(kind, home, clock, http=server, url=URL, **options).read({})


async def page(said: str, home: Path, clock: ManualClock, **options: Any) -> Batch:
    return await read("page", PAGE.format(SCRIPT.format(said)), home, clock, **options)


async def feed(said: str, home: Path, clock: ManualClock, **options: Any) -> Batch:
    return await read("feed", FEED.format(said), home, clock, **options)


async def api(said: str, home: Path, clock: ManualClock, **options: Any) -> Batch:
    document = orjson.dumps([{"t": "Panen", "b": "<p>Isi.</p>", "u": URL, "p": said}]).decode()
    return await read("json", document, home, clock, **{"articles": POSTS, **options})


KINDS = pytest.mark.parametrize("kind", [page, feed, api])


def published(batch: Batch) -> str:
    moment = batch.articles[0].article.published
    assert moment is not None
    return moment.isoformat()


def doubts(batch: Batch) -> list[tuple[str | None, str]]:
    return [(one.field, one.message) for one in batch.problems if one.field in ("published", "updated")]


@KINDS
async def test_it_is_of_the_installations_clock_which_is_told(kind: Any, tmp_path: Path, clock: ManualClock) -> None:
    batch = await kind(NAIVE, tmp_path, clock)
    assert published(batch) == "2024-02-08T23:31:00+00:00"
    (doubt,) = doubts(batch)
    assert doubt == ("published", "no zone: taken as Asia/Jakarta; set timezone of the source if it is another")


@KINDS
async def test_the_sources_own_time_zone_settles_it(kind: Any, tmp_path: Path, clock: ManualClock) -> None:
    batch = await kind(NAIVE, tmp_path, clock, timezone="Europe/Berlin")
    assert (published(batch), doubts(batch)) == ("2024-02-09T05:31:00+00:00", [])


@KINDS
async def test_a_zone_in_the_text_counts_before_all_others(kind: Any, tmp_path: Path, clock: ManualClock) -> None:
    batch = await kind(f"{NAIVE}+09:00", tmp_path, clock, timezone="Europe/Berlin")
    assert (published(batch), doubts(batch)) == ("2024-02-08T21:31:00+00:00", [])


@KINDS
async def test_a_day_without_a_time_is_told_once(kind: Any, tmp_path: Path, clock: ManualClock) -> None:
    (doubt,) = doubts(await kind("2024-02-09", tmp_path, clock))
    assert "no time of day" in doubt[1]


@KINDS
async def test_a_range_is_no_time(kind: Any, tmp_path: Path, clock: ManualClock) -> None:
    batch = await kind("2024-02-12 08:00-09:30", tmp_path, clock)
    assert batch.articles[0].article.published is None
    assert any("range" in message for _, message in doubts(batch))


async def test_the_profiles_time_zone_is_the_sites(tmp_path: Path, clock: ManualClock) -> None:
    document = f"<title>Ernte</title><time>{NAIVE}</time><p>Im Dorf wird geerntet.</p>"
    profile = parse_profile(TomlFile("site.toml", PROFILE, tomllib.loads(PROFILE)))
    batch = await read("page", document, tmp_path, clock, profile=profile)
    assert (published(batch), doubts(batch)) == ("2024-02-09T05:31:00+00:00", [])


async def test_an_abbreviation_of_several_places_is_told_in_a_feed(tmp_path: Path, clock: ManualClock) -> None:
    batch = await feed("Fri, 09 Feb 2024 06:31:00 EST", tmp_path, clock)
    assert published(batch) == "2024-02-09T11:31:00+00:00"
    assert "EST is taken as -05:00, but in Australia +10:00" in doubts(batch)[0][1]


async def test_the_sources_time_zone_says_which_place_it_is(tmp_path: Path, clock: ManualClock) -> None:
    batch = await feed("Fri, 09 Feb 2024 06:31:00 EST", tmp_path, clock, timezone="America/New_York")
    assert (published(batch), doubts(batch)) == ("2024-02-09T11:31:00+00:00", [])


async def test_the_installations_time_zone_settles_no_abbreviation(tmp_path: Path, clock: ManualClock) -> None:
    batch = await feed("Tue, 09 Jul 2024 06:31:00 IST", tmp_path, clock)
    assert "IST is taken as +05:30" in doubts(batch)[0][1]


async def test_a_date_of_a_mappings_format_is_held_to_the_same(tmp_path: Path, clock: ManualClock) -> None:
    rules = {**POSTS, "published": {"path": "p", "format": "%d-%m-%Y %H:%M"}}
    batch = await api("09-02-2024 06:31", tmp_path, clock, articles=rules)
    assert published(batch) == "2024-02-08T23:31:00+00:00"
    assert "no zone" in doubts(batch)[0][1]
    batch = await api("31-03-2024 02:30", tmp_path, clock, articles=rules, timezone="Europe/Berlin")
    assert "does not exist" in doubts(batch)[0][1]
    batch = await api(
        "09-02-2024", tmp_path, clock, articles={**rules, "published": {"path": "p", "format": "%d-%m-%Y"}}
    )
    assert "no time of day" in doubts(batch)[0][1]


@KINDS
async def test_a_site_and_its_feed_show_their_articles_and_an_api_may_hold_them_back(
    kind: Any, tmp_path: Path, clock: ManualClock
) -> None:
    assert (await kind(f"{NAIVE}Z", tmp_path, clock)).shown is (kind is not api)
