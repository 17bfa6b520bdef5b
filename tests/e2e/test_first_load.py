"""A page of each form, from the dropped file to what readers and programs fetch."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
import feedparser
import pytest
import pytest_asyncio
from lxml import etree
from support import kontan_page
from support.kontan_page import CANONICAL, INDICATORS, PICTURE
from support.service import ROOT, Service, migrated, publisher, serving, write_installation

pytestmark = pytest.mark.asyncio(loop_scope="module")


@dataclass(frozen=True)
class Form:
    """A file, the profile that reads it, and what of the article it has."""

    file: str
    profile: str
    text: str
    article: dict[str, Any]
    ticker: bool = True


FORMS = {
    "html": Form(
        "wayang.html",
        'profile = "kontan"',
        kontan_page.as_html(),
        kontan_page.article(url=CANONICAL, picture=PICTURE, linked=True),
    ),
    "text": Form(
        "wayang.txt",
        'profile = "kontan-text"',
        kontan_page.as_text(),
        kontan_page.article(url=None, picture=None, linked=False),
    ),
    "json": Form(
        "wayang.json",
        "",
        kontan_page.as_json(),
        kontan_page.article(url=CANONICAL, picture=PICTURE, linked=True),
        ticker=False,
    ),
}
DOCUMENTS = [f"{feed}.{format}" for feed in ("news", "indicators") for format in ("rss", "atom", "json")]


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def etag(self) -> str:
        return self.headers["ETag"]


Answers = dict[tuple[str, ...], Answer]
"""By method, document, accepted coding, and the entity tag that was sent."""


@dataclass(frozen=True)
class Served:
    """What the service answered: the API's documents, and each feed's in every way that one may ask."""

    articles: list[dict[str, Any]]
    article: dict[str, Any]
    indicators: list[dict[str, Any]]
    single: list[dict[str, Any]]
    events: list[dict[str, Any]]
    answers: Answers

    def plain(self, document: str) -> Answer:
        return self.answers["GET", document, "identity", ""]

    def packed(self, document: str) -> Answer:
        return self.answers["GET", document, "gzip", ""]


@dataclass(frozen=True)
class Story:
    """Loaded and served; the same file written anew, loaded and served again by another process."""

    form: Form
    before: datetime
    after: datetime
    reports: list[dict[str, Any]]
    served: list[Served]


def drop(home: Path, name: str, content: str | bytes, *, age: int = 60) -> None:
    """Put a file into the inbox that was last written ``age`` seconds ago."""
    path = home / "inbox" / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    at = (datetime.now(UTC) - timedelta(seconds=age)).timestamp()
    os.utime(path, (at, at))


def installation(home: Path, profile: str) -> Path:
    source = f'[[source]]\nname = "desk"\nkind = "folder"\npath = "inbox"\n{profile}\nevery = "1h"\n'
    indicators = 'title = "Indikator"\nitems = "indicators"\n'
    return migrated(write_installation(home, {"config/sources.toml": source, "feeds/indicators.toml": indicators}))


async def load(home: Path, code: int = 0) -> dict[str, Any]:
    [report] = json.loads(await publisher("load", "--json", "--home", str(home), code=code))
    found: dict[str, Any] = report
    return found


async def look(service: Service) -> Served:
    async with aiohttp.ClientSession(service.url, auto_decompress=False) as session:

        async def fetch(method: str, path: str, **headers: str) -> Answer:
            async with session.request(method, path, headers=headers, skip_auto_headers=("Accept-Encoding",)) as answer:
                return Answer(answer.status, answer.headers, await answer.read())

        async def api(path: str) -> Any:
            answer = await fetch("GET", f"/api/v1/{path}")
            assert answer.status == 200, answer.body
            return json.loads(answer.body)

        answers: Answers = {}
        for document in DOCUMENTS:
            for coding in ("identity", "gzip"):
                for method in ("GET", "HEAD"):
                    asked = await fetch(method, f"/feeds/{document}", **{"Accept-Encoding": coding})
                    answers[method, document, coding, ""] = asked
                tag = answers["GET", document, coding, ""].etag
                again = {"Accept-Encoding": coding, "If-None-Match": tag}
                answers["GET", document, coding, tag] = await fetch("GET", f"/feeds/{document}", **again)
        articles = (await api("articles"))["articles"]
        indicators = (await api("indicators"))["indicators"]
        return Served(
            articles,
            await api(f"articles/{articles[0]['id']}"),
            indicators,
            [await api(f"indicators/{quote(one['symbol'], safe='')}") for one in indicators],
            (await api("events?limit=100"))["events"],
            answers,
        )


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=FORMS)
async def story(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Story]:
    form = FORMS[request.param]
    home = installation(tmp_path_factory.mktemp(str(request.param)), form.profile)
    reports, served = [], []
    before = datetime.now(UTC)
    for age in (60, 30):
        drop(home, form.file, form.text, age=age)
        reports.append(await load(home))
        async with serving(home) as service:
            served.append(await look(service))
            assert await service.stop() == 0
    yield Story(form, before, datetime.now(UTC), reports, served)


async def test_every_value_of_the_article_is_what_the_api_shows(story: Story) -> None:
    [article] = story.served[0].articles
    assert {name: article[name] for name in story.form.article} == story.form.article
    assert article["body"].count("<p>") == 13
    assert story.served[0].article == article


async def test_all_eleven_indicators_have_the_pages_digits_and_the_time_of_reading(story: Story) -> None:
    seen = story.served[0].indicators
    shown = {(one["symbol"], one["value"], one["change"], one["percent"]) for one in seen}
    assert shown == (set(INDICATORS) if story.form.ticker else set())
    assert {one["as_of"] for one in seen} <= {None}
    assert all(story.before <= datetime.fromisoformat(one["observed_at"]) <= story.after for one in seen)
    assert story.served[0].single == seen


@pytest.mark.parametrize("format", ["rss", "atom"])
async def test_every_value_of_the_article_is_in_the_xml_formats(story: Story, format: str) -> None:
    document = story.served[0].plain(f"news.{format}").body
    parsed = feedparser.parse(document)
    assert not parsed.bozo
    [entry] = parsed.entries
    article = story.served[0].article
    assert entry.title == kontan_page.TITLE
    assert entry.link == (article["url"] or f"http://127.0.0.1:8080/articles/{article['id']}")
    assert entry.published_parsed[:6] == (2024, 2, 8, 23, 31, 0)
    assert entry.content[0].value.count("<p>") == 13
    said = set(etree.fromstring(document).itertext())
    assert {kontan_page.EDITOR, kontan_page.AGENCY, kontan_page.DATELINE} <= said
    # An image without an address stays out of feeds.
    pictured = {kontan_page.CAPTION, kontan_page.CREDIT}
    assert said & pictured == (pictured if article["images"][0]["url"] else set())


async def test_every_value_of_the_article_is_in_json_feed(story: Story) -> None:
    [item] = json.loads(story.served[0].plain("news.json").body)["items"]
    article = story.served[0].article
    assert (item["title"], item["date_published"]) == (article["title"], article["published"])
    assert item["content_html"] == article["body"]
    own = item["_publisher"]
    assert {name: own[name] for name in ("editor", "agency", "dateline")} == {
        name: article[name] for name in ("editor", "agency", "dateline")
    }
    assert [one["title"] for one in own["related"]] == [one["title"] for one in article["related"]]


async def test_ids_are_the_same_in_every_format_and_all_indicators_are_there(story: Story) -> None:
    for feed, count in (("news", 1), ("indicators", 11 * story.form.ticker)):
        items = json.loads(story.served[0].plain(f"{feed}.json").body)["items"]
        ids = [item["id"] for item in items]
        assert len(set(ids)) == count
        assert all(id.startswith("tag:127.0.0.1,") for id in ids)
        for format in ("rss", "atom"):
            parsed = feedparser.parse(story.served[0].plain(f"{feed}.{format}").body)
            assert [(entry.id, entry.title) for entry in parsed.entries] == [(one["id"], one["title"]) for one in items]


async def test_the_same_input_twice_makes_no_event_and_no_new_bytes_nor_does_a_restart(story: Story) -> None:
    count = 12 if story.form.ticker else 1
    first, second = story.reports
    assert (first["outcomes"], first["events"], first["problems"]) == ({"new": count}, count, [])
    assert (second["outcomes"], second["events"], second["problems"]) == ({"unchanged": count}, 0, [])
    once, twice = story.served
    assert twice.events == once.events
    assert len(once.events) == count
    assert (twice.articles, twice.indicators) == (once.articles, once.indicators)
    assert twice.answers.keys() == once.answers.keys()  # entity tags are part of the keys
    for asked, answer in once.answers.items():
        assert (twice.answers[asked].status, twice.answers[asked].body) == (answer.status, answer.body), asked
        assert twice.answers[asked].etag == answer.etag, asked


@pytest.mark.parametrize("document", DOCUMENTS)
async def test_gzip_head_and_304_tell_of_the_same_document(story: Story, document: str) -> None:
    served = story.served[0]
    plain, packed = served.plain(document), served.packed(document)
    assert (plain.status, packed.status) == (200, 200)
    assert gzip.decompress(packed.body) == plain.body
    assert packed.headers["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in plain.headers
    assert packed.etag == f'{plain.etag[:-1]}-gz"'
    for coding, whole in (("identity", plain), ("gzip", packed)):
        head = served.answers["HEAD", document, coding, ""]
        assert (head.status, head.etag, head.body) == (200, whole.etag, b"")
        assert head.headers["Content-Length"] == str(len(whole.body))
        again = served.answers["GET", document, coding, whole.etag]
        assert (again.status, again.etag, again.body) == (304, whole.etag, b"")


BROKEN: dict[str, tuple[str | bytes, str]] = {
    "cut.html": (kontan_page.as_html().partition("<p>Sumber")[0], "body: no body: the article is refused"),
    "half.json": ('{"title": "Setengah", ', "is no JSON: unexpected end of data"),
    "wrong.json": ('{"title": ["Salah"], "body": "<p>Isi.</p>"}', "title: "),
    "nul.html": (b"\0" * 2000, "is no text: 2000 control characters"),
    "large.html": (b"<p>" + b"a" * 6_000_000, "is too large: 6,000,003 bytes, the limit is 5,000,000"),
}


async def test_broken_files_among_good_ones_are_told_and_leave_the_rest_untouched(tmp_path: Path) -> None:
    home = installation(tmp_path, 'profile = "kontan"')
    drop(home, "good.html", kontan_page.as_html())
    drop(home, "good.json", json.dumps({"id": "baik", "title": "Kabar baik", "body": "<p>Isi.</p>"}))
    assert (await load(home))["outcomes"] == {"new": 13}
    show = ("feeds", "show", "news", "--format", "json", "--home", str(home))
    published = await publisher(*show)
    for name, (content, _) in BROKEN.items():
        drop(home, name, content)

    report = await load(home, code=1)
    errors = {one["origin"]: one for one in report["problems"] if one["severity"] == "error"}
    assert errors.keys() == BROKEN.keys()
    assert errors["cut.html"]["field"] == "body"
    assert "new" not in report["outcomes"]
    assert await publisher(*show) == published

    for name, (content, _) in BROKEN.items():
        drop(home, name, content, age=30)
    said = await publisher("load", "--home", str(home), code=1)
    for name, (_, message) in BROKEN.items():
        assert f"  error: {name}: {message}" in said
    assert await publisher(*show) == published


async def test_a_feed_that_names_an_unknown_source_is_told_by_check(tmp_path: Path) -> None:
    home = installation(tmp_path, 'profile = "kontan"')
    (home / "feeds/world.toml").write_text('title = "Dunia"\nitems = "articles"\n[select]\nsources = ["dekt"]\n')
    command = [sys.executable, "-m", "publisher", "check", "--home", str(home)]
    done = await asyncio.to_thread(subprocess.run, command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == 'feeds/world.toml:4: select.sources: "dekt" is no known source; did you mean "desk"?\n'
