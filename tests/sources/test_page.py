"""The kind ``page``."""

import re
import tomllib
from pathlib import Path

import pytest
from pydantic import ValidationError
from support.clock import ManualClock
from support.reading import FIXTURES, Answer, Server, open_source

from publisher.configfile import TomlFile
from publisher.errors import AddressRefused, FetchError
from publisher.sources.base import Source
from publisher.sources.kinds.page import PageOptions
from publisher.sources.profiles.profile import parse_profile

PAGE = (FIXTURES / "kontan" / "cengkih.html").read_bytes()
URL = "https://industri.kontan.co.id/news/x"
HTML = {"Content-Type": "text/html; charset=utf-8"}


def open_page(home: Path, clock: ManualClock, server: Server, **options: object) -> Source:
    return open_source("page", home, clock, profile="kontan", http=server, url=URL, **options)


async def test_a_page_gives_its_article_and_its_ticker(tmp_path: Path, clock: ManualClock) -> None:
    batch = await open_page(tmp_path, clock, Server(Answer(PAGE, headers=HTML))).read({})
    assert [one.article.dateline for one in batch.articles] == ["AMBON"]
    assert [one.symbol for one in batch.indicators] == ["EMAS", "USD/IDR", "IDX", "LQ45"]
    assert batch.problems == ()


MARKUP = """<html lang="id"><title> Panen
 cengkih </title><article><script>x()</script><p>Isi <a href="javascript:x()">
lanjut</a>.</p><form><p>Cari</p></form><iframe src="//film.example/1" title="Film"></iframe></article>"""
MARKED = """
kind = "html"
base_url = "https://contoh.id/"
locale = "id"
timezone = "Asia/Jakarta"
language = "id"
article.title = "title"
article.body.select = "article"
"""


async def test_what_is_left_out_of_a_text_is_told_but_not_the_machinery_of_the_page(
    tmp_path: Path, clock: ManualClock
) -> None:
    profile = parse_profile(TomlFile("site.toml", MARKED, tomllib.loads(MARKED)))
    server = Server(Answer(MARKUP.encode(), headers=HTML))
    batch = await open_source("page", tmp_path, clock, profile=profile, http=server, url=URL).read({})
    [found] = batch.articles
    link = '<a href="https://film.example/1" rel="noopener noreferrer">Film</a>'
    assert (found.article.title, found.article.body) == ("Panen cengkih", f"<p>Isi lanjut.</p>\n<p>{link}</p>")
    assert [(one.message, one.severity) for one in batch.problems if one.field == "body"] == [
        ("a link to 'javascript:x()' is left out: it is no address that can be kept", "warning")
    ]


async def test_a_page_is_asked_for_only_when_it_has_changed(tmp_path: Path, clock: ManualClock) -> None:
    server = Server(Answer(PAGE, headers={"ETag": '"v1"', "last-modified": "Fri, 09 Feb 2024 06:31:00 GMT", **HTML}))
    source = open_page(tmp_path, clock, server)
    first = await source.read({})
    server.answer = Answer(status=304)
    second = await source.read(first.bookmark)
    assert server.asked[0] == (URL, {})
    assert server.asked[1][1] == {
        "If-None-Match": '"v1"',
        "If-Modified-Since": "Fri, 09 Feb 2024 06:31:00 GMT",
    }
    assert (second.articles, second.indicators, second.bookmark) == ((), (), first.bookmark)


async def test_a_304_that_nobody_asked_for_is_a_failure(tmp_path: Path, clock: ManualClock) -> None:
    with pytest.raises(FetchError, match="answered 304"):
        await open_page(tmp_path, clock, Server(Answer(status=304))).read({})


async def test_without_a_canonical_link_the_fetched_address_counts(tmp_path: Path, clock: ManualClock) -> None:
    page = PAGE.replace(b'rel="canonical"', b'rel="other"')
    landed = Answer(page, headers=HTML, url="https://Industri.kontan.co.id:443/news/y?fbclid=1&page=2#top")
    [found] = (await open_page(tmp_path, clock, Server(landed)).read({})).articles
    assert found.identity == "https://industri.kontan.co.id/news/y?page=2"
    [fixed] = (await open_page(tmp_path, clock, Server(landed), identity="path").read({})).articles
    assert fixed.identity == URL


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (
            Answer(b"<title>Just a moment...</title>", 403, {"Server": "cloudflare"}),
            "answered 403 with a challenge page: blocked",
        ),
        (Answer(b"", 503, {"cf-mitigated": "challenge"}), "answered 503 with a challenge page: blocked"),
        (Answer(b"nope", 403), "answered 403"),
        (Answer(b"", 404), "answered 404: there is no such page"),
        (Answer(b"", 429, {"Retry-After": "120"}), "answered 429: asked too often"),
        (Answer(b"", 500), "answered 500"),
        (Answer(b"", 204), "answered 204"),
        (Answer(b"%PDF-1.7", 200, {"Content-Type": "application/pdf"}), "is application/pdf, no page"),
        (AddressRefused("169.254.169.254 is never allowed"), "refused: 169.254.169.254 is never allowed"),
        (TimeoutError(), "did not answer in time"),
    ],
)
async def test_what_keeps_a_page_from_being_read_is_said_in_words(
    answer: Answer | Exception, said: str, tmp_path: Path, clock: ManualClock
) -> None:
    with pytest.raises(FetchError) as caught:
        await open_page(tmp_path, clock, Server(answer)).read({})
    assert str(caught.value) == said


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("120", 120.0), ("Mon, 02 Mar 2026 09:05:00 GMT", 300.0), ("Mon, 02 Mar 2026 08:00:00 GMT", 0.0), ("soon", None)],
)
async def test_a_server_that_says_when_to_come_back_is_heard(
    value: str, seconds: float | None, tmp_path: Path, clock: ManualClock
) -> None:
    with pytest.raises(FetchError) as caught:
        await open_page(tmp_path, clock, Server(Answer(b"", 429, {"Retry-After": value}))).read({})
    assert caught.value.retry_after == seconds


@pytest.mark.parametrize(
    "url", ["inbox", "ftp://contoh.id/", "https://", "javascript:alert(1)", "http://u:p@contoh.id/"]
)
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ValidationError, match="is no absolute http or https URL"):
        PageOptions(url=url)


REBUILT = """
kind = "html"
base_url = "http://contoh.id/"
locale = "en"
timezone = "Asia/Jakarta"
language = "en"
[article]
title = "h1.head"
[article.body]
select = "div.text"
[ticker]
rows = "ul.market li"
symbol = "b"
value = "i"
"""
WHOLE = "<h1 class=head>A</h1><div class=text><p>B</p></div><ul class=market><li><b>X</b><i>1</i></li></ul>"


@pytest.mark.parametrize(
    ("now", "said"),
    [
        (WHOLE.replace("h1", "h2"), '"h1.head" ([article] title) finds nothing any more; has the page changed?'),
        (WHOLE.replace("text", "txt"), '"div.text" ([article] body) finds nothing any more; has the page changed?'),
        (WHOLE.replace("market", "m"), '"ul.market li" ([ticker] rows) finds nothing any more; has the page changed?'),
        (WHOLE.replace("<i>1</i>", "<i>n/a</i>"), "there is no ticker any more: "),
    ],
)
async def test_a_profile_that_finds_nothing_any_more_is_a_failure_that_names_the_selector(
    now: str, said: str, tmp_path: Path, clock: ManualClock
) -> None:
    profile = parse_profile(TomlFile("site.toml", REBUILT, tomllib.loads(REBUILT)))
    server = Server(Answer(WHOLE.encode()))
    source = open_source("page", tmp_path, clock, profile=profile, http=server, url=URL)
    batch = await source.read({})
    server.answer = Answer(now.encode())
    with pytest.raises(FetchError, match="^" + re.escape(said)):
        await source.read(batch.bookmark)
    assert (await source.read({})).problems  # where it never found anything, that is no sudden change


async def test_a_row_of_a_ticker_that_is_gone_is_told(tmp_path: Path, clock: ManualClock) -> None:
    rows = ["<li><b>X</b><i>1</i></li>", "<li><b>Y</b><i>2</i></li>", "<li><b>Z</b><i>3</i></li>"]
    profile = parse_profile(TomlFile("site.toml", REBUILT, tomllib.loads(REBUILT)))
    server = Server(Answer(WHOLE.replace(rows[0], "".join(rows)).encode()))
    source = open_source("page", tmp_path, clock, profile=profile, http=server, url=URL)
    batch = await source.read({})
    server.answer = Answer(WHOLE.replace(rows[0], rows[0] + rows[2].replace("3", "n/a")).encode())
    problems = (await source.read(batch.bookmark)).problems
    assert [one.message for one in problems if one.severity == "warning" and one.field == "ticker"] == [
        "no row any more of Y, read last time beside 1 others; has it changed?"
    ]
