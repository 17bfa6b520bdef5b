"""The kind ``json``: what a mapping takes out of a document, and what it says where it cannot."""

from __future__ import annotations

import json
import tomllib
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.clock import ManualClock
from support.site import Answer, Site, client, reading_site, serving

from publisher.errors import FetchError, ReadError
from publisher.model import Article
from publisher.outbound import Outbound
from publisher.sources.base import Source
from publisher.sources.json.mapping import ArticleMap, ValueRule, entries, load, moment, steps, walk
from publisher.sources.kinds.jsonapi import JsonOptions

WORDPRESS = """
language = "en"
[articles]
items = "[*]"
id = "guid.rendered"
url = "link"
title = { path = "title.rendered", html = true }
summary = { path = "excerpt.rendered", html = true }
body = "content.rendered"
published = { path = "date_gmt", timezone = "UTC" }
updated = { path = "modified_gmt", timezone = "UTC" }
authors = "_embedded.author[*].name"
topics = '_embedded["wp:term"][*][*].name'
images = '_embedded["wp:featuredmedia"][*].source_url'
agency = { value = "Blog" }
"""
POST = {
    "id": 7,
    "date_gmt": "2026-03-01T01:30:00",
    "modified_gmt": "2026-03-01T02:00:00",
    "guid": {"rendered": "http://blog.example/?p=7"},
    "link": "http://blog.example/2026/salt/?utm_source=api",
    "title": {"rendered": "Salt &#8217;n&#8217; <em>light</em>"},
    "excerpt": {"rendered": "<p>In short.</p>\n"},
    "content": {"rendered": "<p>Text.</p><script>x()</script>"},
    "_embedded": {
        "author": [{"name": "A. Writer"}],
        "wp:term": [[{"name": "Industry"}], [{"name": "salt"}, {"name": "sea"}]],
        "wp:featuredmedia": [{"source_url": "/salt.jpg"}],
    },
}


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with serving() as found:
        yield found


@pytest.fixture
async def http() -> AsyncIterator[Outbound]:
    async with client() as found:
        yield found


@pytest.fixture
def over(site: Site, http: Outbound, clock: ManualClock, tmp_path: Path) -> Any:
    def make(mapping: str, *, language: str = "en", **more: Any) -> Source:
        options = {"url": f"{site.url}/api", **tomllib.loads(mapping), **more}
        source = reading_site("json", http, clock, tmp_path, profile=None, **options)
        source.context = replace(source.context, language=language)
        return source

    return make


def put(site: Site, document: object) -> None:
    site["/api"] = json.dumps(document).encode()


async def test_the_posts_of_a_wordpress_site_are_read_whole(site: Site, over: Any) -> None:
    put(site, [POST])
    batch = await over(WORDPRESS).read({})
    assert [(one.message, one.severity) for one in batch.problems] == [("<script> is left out", "warning")]
    (one,) = batch.articles
    article = one.article
    assert (article.title, article.summary, article.body) == ("Salt ’n’ light", "In short.", "<p>Text.</p>")
    assert article.published == datetime(2026, 3, 1, 1, 30, tzinfo=UTC)
    assert article.updated == datetime(2026, 3, 1, 2, 0, tzinfo=UTC)
    assert (article.authors, article.topics, article.agency) == (("A. Writer",), ("Industry", "salt", "sea"), "Blog")
    assert [image.url for image in article.images] == [f"{site.url}/salt.jpg"]
    assert (one.identity, one.key) == ("http://blog.example/2026/salt/", "http://blog.example/?p=7")


async def test_a_document_that_has_not_changed_is_not_read_again(site: Site, over: Any) -> None:
    put(site, [POST])
    source = over(WORDPRESS)
    first = await source.read({})
    again = await source.read(first.bookmark)
    assert (again.articles, again.bookmark) == ((), first.bookmark)
    assert [status for _, status in site.asked] == [200, 304]


MARKET = """
locale = "id"
timezone = "Asia/Jakarta"
[[indicators]]
items = "data.rows[*]"
symbol = "code"
value = "last"
change = "diff"
percent = "pct"
unit = { value = "IDR" }
as_of = { path = "at", format = "%d-%m-%Y %H:%M" }
symbols = { USDIDR = "USD/IDR" }
[[indicators]]
symbol = { value = "EMAS" }
value = "gold.price"
as_of = { path = "gold.time", format = "unix" }
"""


async def test_numbers_keep_their_digits_and_text_is_read_in_the_locale(site: Site, over: Any) -> None:
    site["/api"] = b"""{"gold": {"price": 1533000.50, "time": 1772420400},
        "data": {"rows": [
            {"code": "USDIDR", "last": "16.199", "diff": "+95,00", "pct": 0.580, "at": "02-03-2026 15:00"}]}}"""
    batch = await over(MARKET).read({})
    assert batch.problems == ()
    dollar, gold = batch.indicators
    assert (dollar.symbol, dollar.value, dollar.change, dollar.unit) == (
        "USD/IDR", Decimal("16199"), Decimal("95.00"), "IDR",
    )  # fmt: skip
    assert str(dollar.percent) == "0.580"
    assert dollar.as_of == datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
    assert (str(gold.value), gold.as_of) == ("1533000.50", datetime(2026, 3, 2, 3, 0, tzinfo=UTC))


async def test_an_arrow_beside_a_value_is_no_minus_and_must_point_where_the_change_does(site: Site, over: Any) -> None:
    rows = [
        {"code": "A", "last": "▼ 16.199", "diff": "-95,00", "pct": "-0,58%"},
        {"code": "B", "last": "▼ 16.199", "diff": "95,00", "pct": "0,58%"},
        {"code": "C", "last": "16.199 ▲"},
    ]
    put(site, {"gold": {"price": 1}, "data": {"rows": rows}})
    batch = await over(MARKET).read({})
    assert [(one.symbol, str(one.value)) for one in batch.indicators][:2] == [("A", "16199"), ("C", "16199")]
    (problem,) = (one for one in batch.problems if one.field == "value")
    assert (problem.severity, problem.text) == ("error", "▼ 16.199")


async def test_seconds_that_are_said_to_be_milliseconds_are_told(site: Site, over: Any) -> None:
    put(site, {"gold": {"price": 1, "time": 1772420400}, "data": {"rows": []}})
    (problem,) = (await over(MARKET.replace('"unix"', '"unix-ms"')).read({})).problems
    assert (problem.field, problem.severity) == ("as_of", "warning")
    assert "does the source mean another format" in problem.message


async def test_an_observation_with_a_number_that_is_none_is_left_out_whole(site: Site, over: Any) -> None:
    rows = [{"code": code, "last": last, "at": "02-03-2026 10:00"} for code, last in (("A", "n/a"), ("B", "1,5"))]
    put(site, {"gold": {"price": 1, "time": 1772420400}, "data": {"rows": rows}})
    batch = await over(MARKET).read({})
    assert [one.symbol for one in batch.indicators] == ["B", "EMAS"]
    (problem,) = batch.problems
    assert (problem.field, problem.text) == ("value", "n/a")


async def test_a_time_that_does_not_stand_where_the_mapping_says_is_told(site: Site, over: Any) -> None:
    put(
        site,
        {"gold": {"price": 1, "time": None}, "at": "02-03-2026 10:00", "data": {"rows": [{"code": "A", "last": 2}]}},
    )
    batch = await over(MARKET.replace('"at"', '"$.at"')).read({})
    assert [(one.symbol, one.as_of) for one in batch.indicators] == [("A", None), ("EMAS", None)]
    assert [(one.field, one.severity, one.message) for one in batch.problems] == [
        ("as_of", "warning", f'nothing stands at "{path}" of the item: it counts as of when it was read')
        for path in ("$.at", "gold.time")
    ]


RATES = """
[indicators]
items = "kurs[*]"
symbol = "kode"
value = "nilai"
change = "ubah"
percent = "persen"
"""


async def test_numbers_in_text_are_read_in_the_sites_language_and_json_numbers_as_they_are(
    site: Site, over: Any
) -> None:
    put(site, {"kurs": [{"kode": "USD/IDR", "nilai": "16.199", "ubah": "95,00"}, {"kode": "PNL", "nilai": 50400.0}]})
    batch = await over(RATES, language="id").read({})
    assert [(one.symbol, str(one.value), str(one.change)) for one in batch.indicators] == [
        ("USD/IDR", "16199", "95.00"),
        ("PNL", "50400.0", "None"),
    ]
    assert batch.problems == ()
    said = await over('locale = "en"\n' + RATES, language="id").read({})
    assert [one.symbol for one in said.indicators] == ["PNL"]
    assert [one.field for one in said.problems] == ["change"]


@pytest.mark.parametrize(("text", "told"), [("7.125", True), ("Rp 7.125", True), ("7.125,50", False), ("7,1", False)])
async def test_a_number_that_only_the_sites_language_tells_is_told_unless_the_source_has_a_locale(
    site: Site, over: Any, text: str, told: bool
) -> None:
    put(site, {"kurs": [{"kode": "IDX", "nilai": text}]})
    batch = await over(RATES, language="id").read({})
    assert len(batch.indicators) == 1
    assert [(one.field, one.severity) for one in batch.problems] == ([("value", "warning")] if told else [])
    assert (await over('locale = "id"\n' + RATES, language="id").read({})).problems == ()


async def test_who_wrote_it_is_read_as_in_feeds(site: Site, over: Any) -> None:
    writers = [{"name": "By Rini Wati, Budi Contoh"}, {"name": "admin"}, {"name": "Editor: Sari Dewi"}]
    put(site, [POST | {"_embedded": {"author": writers}}])
    batch = await over(WORDPRESS).read({})
    (one,) = batch.articles
    assert (one.article.authors, one.article.editor) == (("Rini Wati", "Budi Contoh"), "Sari Dewi")
    assert ("authors", "admin") in [(one.field, one.text) for one in batch.problems]


async def test_a_link_that_is_none_is_told(site: Site, over: Any) -> None:
    put(site, [POST | {"link": "javascript:x()"}])
    batch = await over(WORDPRESS).read({})
    assert ("url", "javascript:x()") in [(one.field, one.text) for one in batch.problems]


async def test_a_document_that_writes_as_programs_do_is_told_to_say_so(site: Site, over: Any) -> None:
    rows = [("USD/IDR", "16199.00"), ("SGD/IDR", "12.035"), ("XAU", "1533000"), ("BI", 6.25)]
    put(site, {"kurs": [{"kode": symbol, "nilai": value} for symbol, value in rows]})
    batch = await over(RATES, language="id").read({})
    assert [(one.symbol, str(one.value)) for one in batch.indicators] == [("XAU", "1533000"), ("BI", "6.25")]
    first, second = batch.problems
    assert (first.text, first.severity) == ("16199.00", "error")
    assert 'set its locale to "en"' in first.message
    assert (second.text, second.severity) == ("12.035", "error")
    assert "may be a thousand times as much or as little" in second.message
    batch = await over('locale = "en"\n' + RATES, language="id").read({})
    assert [str(one.value) for one in batch.indicators] == ["16199.00", "12.035", "1533000", "6.25"]
    assert batch.problems == ()


@pytest.mark.parametrize("text", ["16.199,00", "1.533.000", "0,58"])
async def test_a_number_that_is_not_english_either_is_not_told_to_be_read_in_english(
    text: str, site: Site, over: Any
) -> None:
    put(site, {"kurs": [{"kode": "USD/IDR", "nilai": text}]})
    [problem] = (await over(RATES, language="en").read({})).problems
    assert problem.message.endswith("; set the source's locale to that in which it writes")


@pytest.mark.parametrize("unknown", ["-", "–", "", "n/a", None])
async def test_an_unknown_change_is_none(unknown: str | None, site: Site, over: Any) -> None:
    put(site, {"kurs": [{"kode": "USD/IDR", "nilai": "16.199,00", "ubah": unknown, "persen": unknown}]})
    batch = await over(RATES, language="id").read({})
    assert [(one.change, one.percent) for one in batch.indicators] == [(None, None)]
    assert batch.problems == ()


@pytest.mark.parametrize(
    ("row", "severity", "field"),
    [
        (("USD/IDR", "0,58%", None), "error", "value"),
        (("USD/IDR", "16.199", "0,58%"), "error", "change"),
        (("USD/IDR", "US$ 16.199", "95,00"), "warning", "value"),
    ],
)
async def test_a_sign_beside_a_number_that_is_not_the_units_is_told(
    row: tuple[str, str, str | None], severity: str, field: str, site: Site, over: Any
) -> None:
    put(site, {"kurs": [dict(zip(("kode", "nilai", "ubah"), row, strict=True))]})
    batch = await over(RATES + "unit = { value = 'IDR' }", language="id").read({})
    assert [(one.severity, one.field) for one in batch.problems] == [(severity, field)]
    assert len(batch.indicators) == (severity == "warning")


async def test_an_observation_that_contradicts_itself_is_left_out(site: Site, over: Any) -> None:
    rows = [("USD/IDR", 16199, 95.0, -0.58), ("SGD/IDR", 12035, 10.5, 0.09), ("X", "16.199", "95,00", "0,58%")]
    put(site, {"kurs": [dict(zip(("kode", "nilai", "ubah", "persen"), row, strict=True)) for row in rows]})
    batch = await over(RATES, language="id").read({})
    assert [one.symbol for one in batch.indicators] == ["SGD/IDR", "X"]
    assert [(one.field, one.severity) for one in batch.problems] == [("percent", "error")]


async def test_a_row_that_is_gone_is_told_once_and_one_that_is_refused_is_not_gone(site: Site, over: Any) -> None:
    put(site, {"kurs": [{"kode": symbol, "nilai": 5} for symbol in ("A", "B", "C")]})
    source = over(RATES)
    first = await source.read({})
    put(site, {"kurs": [{"kode": "A", "nilai": "x"}, {"kode": "C", "nilai": 5}]})
    second = await source.read(first.bookmark)
    assert [(one.field, one.severity) for one in second.problems] == [("value", "error"), ("ticker", "warning")]
    assert second.problems[1].message.startswith("no row any more of B,")
    put(site, {"kurs": [{"kode": "C", "nilai": 6}]})
    third = await source.read(second.bookmark)
    assert [one.message.partition(",")[0] for one in third.problems] == ["no row any more of A"]
    put(site, {"kurs": [{"kode": "C", "nilai": 7}]})
    assert (await source.read(third.bookmark)).problems == ()


async def test_an_empty_list_is_nothing_to_tell_of_and_a_list_that_is_not_there_is(site: Site, over: Any) -> None:
    mapping = 'articles = { items = "posts[*]", title = "t", body = "b", url = "u" }'
    put(site, {"posts": []})
    assert (await over(mapping).read({})).problems == ()
    put(site, {"entries": []})
    with pytest.raises(FetchError, match=r'has no list at "posts\[\*\]"; has it changed\?'):
        await over(mapping).read({})


async def test_plain_text_becomes_paragraphs_where_the_mapping_says_that_it_is_no_markup(site: Site, over: Any) -> None:
    put(site, {"t": "A < B", "b": "One & two.\n\nThree.", "u": "http://a.example/"})
    mapping = 'articles = { title = "t", body = { path = "b", html = false }, url = "u" }'
    (one,) = (await over(mapping).read({})).articles
    assert (one.article.title, one.article.body) == ("A < B", "<p>One &amp; two.</p>\n<p>Three.</p>")


async def test_articles_may_be_known_by_their_ids(site: Site, over: Any) -> None:
    put(site, [{**POST, "link": "http://blog.example/other"}])
    (one,) = (await over(WORDPRESS, identity="id").read({})).articles
    assert one.identity == "http://blog.example/?p=7"


async def test_a_complete_document_says_what_there_is_also_when_it_has_not_changed(site: Site, over: Any) -> None:
    put(site, [POST])
    source = over(WORDPRESS, complete=True)
    first = await source.read({})
    again = await source.read(first.bookmark)
    assert first.listed == again.listed == {first.articles[0].article.id}


async def test_a_complete_document_with_an_item_that_cannot_be_read_takes_nothing_for_gone(
    site: Site, over: Any
) -> None:
    put(site, [POST, {"link": "http://blog.example/b"}])
    source = over(WORDPRESS, complete=True)
    first = await source.read({})
    assert (first.listed, len(first.articles)) == (None, 1)
    assert (await source.read(first.bookmark)).listed is None


async def test_headers_are_sent_and_not_passed_on_to_another_server(site: Site, over: Any) -> None:
    async with serving() as other:
        other["/api"] = json.dumps([POST]).encode()
        site["/api"] = Answer(status=302, headers={"Location": f"{other.url}/api"})
        await over(WORDPRESS, headers={"X-Api-Key": "secret"}).read({})
        assert site.headers[0]["X-Api-Key"] == "secret"
        assert "X-Api-Key" not in other.headers[0]


async def test_an_address_that_has_moved_for_good_is_to_be_corrected(site: Site, over: Any) -> None:
    site["/api"], site["/v2"] = Answer(status=301, headers={"Location": "/v2"}), json.dumps([POST]).encode()
    problem, _left_out = (await over(WORDPRESS).read({})).problems
    assert (problem.field, problem.severity) == ("url", "warning")
    assert problem.message == f"has moved for good to {site.url}/v2; correct the url of the source"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"<html>", "is no JSON"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"a": NaN}', "NaN is no number"),
        (b"\xff\xfe{", "is no JSON"),
        (b"", "is no JSON"),
    ],
)
async def test_what_is_no_json_fails_the_source_in_words(site: Site, over: Any, body: bytes, said: str) -> None:
    site["/api"] = body
    with pytest.raises(FetchError, match=said):
        await over(WORDPRESS).read({})


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("$", [{"a": [{"b": 1}, {"b": None}, {"c": 2}], "x.y": {"z": 3}}]),
        ("a[*].b", [1]),
        ("$.a[0].b", [1]),
        ("a[2].c", [2]),
        ('["x.y"].z', [3]),
        ("a[9].b", []),
        ("a.b", []),
    ],
)
def test_what_stands_at_a_path(path: str, found: list[object]) -> None:
    assert walk({"a": [{"b": 1}, {"b": None}, {"c": 2}], "x.y": {"z": 3}}, path) == found


@pytest.mark.parametrize("path", ["", "a[", "a[x]", "a..b", "a[-1]", "[*]]"])
def test_what_is_no_path_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="path"):
        steps(path)


@given(st.decimals(allow_nan=False, allow_infinity=False, places=4))
def test_every_number_keeps_its_digits(number: Decimal) -> None:
    assert load(f'{{"n": {number:f}}}'.encode())["n"] == number


def test_a_path_without_an_end_in_a_list_must_be_there() -> None:
    assert entries({"a": {"b": 1}}, "a") == [{"b": 1}]
    with pytest.raises(ReadError, match='nothing at "c"'):
        entries({"a": {"b": 1}}, "c")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "reads nothing"),
        ({"articles": {"title": "t"}}, "Field required"),
        ({"articles": {"title": "t", "body": {"path": "b", "value": "c"}}}, 'one of "path" and "value"'),
        ({"articles": {"title": "t", "body": "b..c"}}, "is no path"),
        ({"indicators": {"symbol": "s", "value": {"path": "v", "format": "unix"}}}, "format is for dates"),
    ],
)
def test_a_mapping_that_cannot_work_is_refused_when_it_is_read(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        JsonOptions.model_validate({"url": "http://a.example/", **options})


@pytest.mark.parametrize(
    ("format", "fault"),
    [
        ("%d %b %H:%M", "has no year"),
        ("%d %Y", "has no month"),
        ("%B %Y", "has no day"),
        ("%d/%m/%Y %H:%M %p", "one of %I and %p alone"),
        ("%d/%m/%Y %I:%M", "one of %I and %p alone"),
    ],
)
def test_a_format_that_leaves_a_part_of_the_moment_to_be_made_up_is_refused(format: str, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        ValueRule(path="p", format=format)


@pytest.mark.parametrize(
    "format", ["%d/%m/%Y %I:%M %p", "%Y-%j", "%G-W%V-%u", "%c", "%Y%m%d", "%d.%m.%y %H:%M", "unix", "unix-ms"]
)
def test_a_format_that_says_which_day_it_is_is_taken(format: str) -> None:
    assert ValueRule(path="p", format=format).format == format


@pytest.mark.parametrize(("format", "text"), [("unix-ms", "1707435060"), ("unix", "2024"), ("unix", "-5")])
def test_seconds_near_1970_most_likely_are_something_else_and_that_is_told(format: str, text: str) -> None:
    read = moment(ValueRule(path="p", format=format), text, "Asia/Jakarta", assumed=False)
    assert read
    assert read.warning
    assert "does the source mean another format" in read.warning


def test_the_name_of_a_zone_that_a_format_reads_counts() -> None:
    rule = ValueRule(path="p", format="%d/%m/%Y %H:%M %Z")
    read = moment(rule, "09/02/2024 06:31 UTC", "Asia/Jakarta", assumed=False)
    assert read
    assert read.value == datetime(2024, 2, 9, 6, 31, tzinfo=UTC)


def test_every_field_of_an_article_can_be_mapped_but_files_and_further_links() -> None:
    assert set(Article.model_fields) - set(ArticleMap.model_fields) == {"attachments", "related"}
