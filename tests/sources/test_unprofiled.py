"""Pages that no profile describes are read by what they say of themselves, and each field says where it came from."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from support.clock import ManualClock
from support.reading import Answer, Server, open_source
from support.unprofiled import json_ld, meta, page
from support.unprofiled import read as read_at

from publisher.sources.reading.draft import Reading

URL = "http://contoh.id/berita/garam"


def read(html: str, language: str = "id") -> Reading:
    return read_at(html, url=URL, language=language)


ARTICLE = {
    "@type": "NewsArticle",
    "headline": "Panen garam &amp; harga",
    "description": "Singkatnya.",
    "articleBody": "Kalimat satu.\nKalimat dua <b>tebal</b>.",
    "datePublished": "2026-03-01T08:00:00+07:00",
    "dateModified": "2026-03-01T09:00:00+07:00",
    "author": [{"@type": "Person", "name": "Ratih"}, "Dimas"],
    "articleSection": "Industri",
    "keywords": "garam, tambak,garam",
    "image": {"@type": "ImageObject", "url": "/garam.jpg", "caption": "Petambak"},
}
OPENGRAPH = meta(
    og__title="Judul lain", og__description="Ringkasan lain", og__image="/lain.jpg",
    article__published_time="2026-02-01T00:00:00Z", article__section="Ekonomi", article__tag="harga",
    article__author="http://contoh.id/penulis/1",
)  # fmt: skip
TEXT = "".join(
    f"<p>Kalimat nomor {n} dari sebuah tulisan yang cukup panjang untuk dikenali sebagai isi, dan seterusnya.</p>"
    for n in range(8)
)


def test_json_ld_is_taken_whole_before_anything_else() -> None:
    same_moment = OPENGRAPH.replace("2026-02-01T00:00:00Z", "2026-03-01T01:00:00Z")
    reading = read(page(json_ld({"@context": "https://schema.org", **ARTICLE}), same_moment, lang="id"))
    assert reading.problems == []
    fields = dict(reading.fields or {})
    (image,) = fields.pop("images")
    assert (image.url, image.caption) == ("http://contoh.id/garam.jpg", "Petambak")
    assert fields == {
        "url": URL, "language": "id", "title": "Panen garam & harga", "summary": "Singkatnya.",
        "body": "<p>Kalimat satu.</p>\n<p>Kalimat dua <b>tebal</b>.</p>",
        "published": datetime(2026, 3, 1, 1, tzinfo=UTC), "updated": datetime(2026, 3, 1, 2, tzinfo=UTC),
        "authors": ["Ratih", "Dimas"], "section": "Industri", "topics": ["garam", "tambak"],
    }  # fmt: skip
    assert set(reading.origins.values()) == {"jsonld", "page"}


@pytest.mark.parametrize(
    "document",
    [
        [{"@type": "WebSite", "name": "x"}, ARTICLE],
        {"@graph": [{"@type": "BreadcrumbList"}, ARTICLE]},
        {"@type": "WebPage", "mainEntity": ARTICLE},
        {**ARTICLE, "@type": ["Thing", "https://schema.org/ReportageNewsArticle"]},
        {"@graph": [{**ARTICLE, "author": {"@id": "#r"}}, {"@id": "#r", "@type": "Person", "name": "Ratih"}]},
    ],
)
def test_json_ld_is_found_wherever_it_stands_in_the_document(document: object) -> None:
    fields = read(page(json_ld(document))).fields
    assert fields is not None
    assert (fields["title"], fields["authors"][0]) == ("Panen garam & harga", "Ratih")


def test_opengraph_fills_in_what_json_ld_lacks_and_each_field_says_where_it_came_from() -> None:
    short = {key: ARTICLE[key] for key in ("@type", "headline", "articleBody")}
    reading = read(page(json_ld(short), OPENGRAPH))
    assert reading.fields is not None
    assert (reading.fields["title"], reading.fields["summary"]) == ("Panen garam & harga", "Ringkasan lain")
    assert reading.fields["published"] == datetime(2026, 2, 1, tzinfo=UTC)
    assert "authors" not in reading.fields  # the address of a page about an author is no name
    assert reading.origins == {
        "url": "page", "title": "jsonld", "body": "jsonld", "summary": "opengraph",
        "published": "opengraph", "section": "opengraph", "topics": "opengraph", "images": "opengraph",
    }  # fmt: skip


def test_the_text_is_taken_from_the_page_where_it_is_not_stated() -> None:
    reading = read(page(OPENGRAPH, body=f"<nav>Beranda</nav><article><h1>Judul lain</h1>{TEXT}</article>"))
    assert reading.fields is not None
    assert reading.fields["body"].startswith("<p>Kalimat nomor 0 ")
    assert reading.fields["body"].count("<p>") == 8
    assert (reading.origins["title"], reading.origins["body"]) == ("opengraph", "extracted")


def test_the_text_is_read_without_the_extra_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "trafilatura", None)
    reading = read(page(OPENGRAPH, body=f"<nav>Beranda</nav><article>{TEXT}</article>"))
    assert reading.fields is not None
    assert reading.fields["body"].count("<p>") == 8


def test_without_the_extra_it_is_said_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "trafilatura", None)
    reading = read(page(OPENGRAPH, body="<form><input name=user></form>"))
    assert reading.fields is None
    (problem,) = [one for one in reading.problems if one.severity == "error"]
    assert (problem.field, 'pip install "publisher[extract]"' in problem.message) == ("body", True)


def test_a_day_in_words_is_not_tried_in_two_hundred_languages(monkeypatch: pytest.MonkeyPatch) -> None:
    extractors = pytest.importorskip("htmldate.extractors")
    tried: list[str] = []
    monkeypatch.setattr(extractors, "get_external_parser", lambda: tried.append("dateparser"))
    read(page(body=f"<article><h1>O forno da aldeia</h1><p>Publicado: 21 março 2026</p>{TEXT}</article>"))
    assert tried == []


def test_a_page_that_is_no_article_is_a_problem() -> None:
    reading = read(page("<title>Masuk</title>", body="<form><input name=user></form>"))
    assert reading.fields is None
    assert [problem.severity for problem in reading.problems] == ["error"]


def test_json_ld_that_is_none_is_told_and_passed_over() -> None:
    broken = '<script type="application/ld+json">{"@type": "NewsArticle", </script>'
    reading = read(page(broken, json_ld(ARTICLE)))
    assert reading.fields is not None
    assert [problem.field for problem in reading.problems] == ["JSON-LD"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"headline": {"a": 1}}, {"author": [[1]]}, {"image": [None, 3, {"url": "javascript:x"}]},
        {"keywords": {"name": 4}}, {"articleSection": [None]}, {"author": {"@id": ["x"]}}, {"description": 7},
    ],
)  # fmt: skip
def test_values_of_the_wrong_shape_are_left_out(wrong: dict[str, Any]) -> None:
    reading = read(page(json_ld({**ARTICLE, **wrong}), meta(og__title="Judul lain")))
    assert reading.fields is not None
    assert reading.fields["body"].startswith("<p>Kalimat satu")


def test_a_date_without_a_zone_is_the_installations() -> None:
    reading = read(page(json_ld({**ARTICLE, "datePublished": "2026-03-01 08:00"})))
    assert reading.fields is not None
    assert reading.fields["published"] == datetime(2026, 3, 1, 1, tzinfo=UTC)


async def test_a_source_without_a_profile_reads_pages_so(tmp_path: Path, clock: ManualClock) -> None:
    html = page(json_ld(ARTICLE)).encode()
    server = Server(Answer(html, headers={"Content-Type": "text/html"}))
    (one,) = (await open_source("page", tmp_path, clock, http=server, url=URL).read({})).articles
    assert one.article.title == "Panen garam & harga"
    assert one.origins["title"] == "jsonld"
