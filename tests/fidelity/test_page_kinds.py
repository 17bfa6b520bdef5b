"""One fault of pages each, as newsrooms make it: the value is the one that is meant, and where it cannot be known it is
told. Each has siblings; ``pages/`` holds whole pages.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from publisher.sources.html.unprofiled.page import read_any
from publisher.sources.reading.draft import Reading

URL = "https://kabar.example/ekonomi/panen-garam"
TITLE = "Panen garam maju tiga pekan"
PARAGRAPHS = [
    "Petani garam di muara mulai memanen pekan ini karena kemarau datang lebih cepat daripada tahun lalu.",
    "Hasil dari empat belas hektare tambak mencapai 96 ton dalam enam hari, kata ketua kelompok tani.",
    "Harga di tingkat petani bertahan pada Rp 1.850 per kilogram untuk garam kelas satu.",
    "Dua pabrik di kota kabupaten sudah mengambil enam puluh ton, sisanya disimpan di gudang bersama.",
]
OWN: dict[str, Any] = {
    "@context": "https://schema.org",
    "@type": "NewsArticle",
    "headline": TITLE,
    "datePublished": "2026-05-12T08:40:00+07:00",
}
OTHER: dict[str, Any] = {
    "@type": "NewsArticle",
    "url": "https://kabar.example/ekonomi/harga-cabai",
    "headline": "Harga cabai turun lagi",
    "datePublished": "2026-06-01T00:00:00+07:00",
    "author": {"@type": "Person", "name": "Orang Lain"},
    "articleBody": "Harga cabai turun lagi di pasar induk, dan pedagang berharap pembeli kembali sebelum akhir pekan.",
}
MEANT = datetime(2026, 5, 12, 1, 40, tzinfo=UTC)


def read(document: object, *head: str, above: str = "", lang: str = "id", heading: str = TITLE) -> Reading:
    """A page that states that as JSON-LD, with more in its head and above its text."""
    named = f' lang="{lang}"' if lang else ""
    stated = f'<script type="application/ld+json">{json.dumps(document)}</script>' if document else ""
    text = "".join(f"<p>{one}</p>" for one in PARAGRAPHS)
    html = (
        f"<!doctype html><html{named}><head><meta charset=utf-8><title>{heading}</title>{stated}{''.join(head)}</head>"
        f"<body><article><h1>{heading}</h1>{above}<div>{text}</div></article></body></html>"
    )
    where = {"origin": URL, "url": URL, "language": "id", "timezone": "Asia/Jakarta"}
    return read_any(html.encode(), **where, assumed=True)


def value(reading: Reading, name: str) -> Any:
    """The field of the article that was read."""
    assert reading.fields is not None
    return reading.fields.get(name)


def told(reading: Reading, name: str) -> bool:
    """Whether a word stands on that field."""
    return any(one.field == name for one in reading.problems)


def meta(name: str, content: str) -> str:
    """A ``meta`` element as OpenGraph has them."""
    return f'<meta property="{name}" content="{content}">'


@pytest.mark.parametrize(
    ("said", "beside", "warned"),
    [
        ("2026-05-12T08:40:00+07:00", "2026-05-12T08:40:00+00:00", True),
        ("2026-05-12T08:40:00+07:00", "2026-05-12T15:40:00", True),
        ("2026-05-12T08:40:00", "2026-05-12T08:40:00+07:00", False),
        ("2026-05-12T08:40:00", "2026-05-12T01:40:00Z", False),
        ("2026-05-12", "2026-05-12T08:40:00+07:00", False),
        ("2026-05-12T08:40:00+07:00", "2026-05-12T01:40:30+00:00", False),
        ("besok pagi", "2026-05-12T08:40:00+07:00", True),
    ],
)
def test_of_two_times_the_surer_is_taken_and_a_contradiction_told(said: str, beside: str, warned: bool) -> None:
    reading = read({**OWN, "datePublished": said}, meta("article:published_time", beside))
    assert (value(reading, "published"), told(reading, "published")) == (MEANT, warned)


def test_a_clock_that_was_written_down_as_utc_is_told() -> None:
    shown = '<div class="tanggal">Selasa, 12 Mei 2026 08:40 WIB</div>'
    reading = read({**OWN, "datePublished": "2026-05-12T08:40:00Z"}, above=shown)
    assert told(reading, "published")
    assert not told(read(OWN, above=shown), "published")


@pytest.mark.parametrize(
    "document",
    [
        [OTHER, {**OWN, "url": URL}],
        [OTHER, {**OWN, "mainEntityOfPage": {"@id": "http://www.kabar.example/ekonomi/panen-garam/"}}],
        {"@graph": [OTHER, {**OWN, "url": f"{URL}?utm_source=surel"}]},
        {"@graph": [{"@type": "ItemList", "itemListElement": [{"item": OTHER}]}, OWN]},
        {"@graph": [OTHER, {"@type": "WebPage", "@id": URL, "mainEntity": OWN}]},
    ],
)
def test_the_node_of_this_page_is_read_and_none_of_another(document: object) -> None:
    reading = read(document)
    assert (value(reading, "title"), value(reading, "published")) == (TITLE, MEANT)
    assert not value(reading, "authors")


def test_a_node_under_another_address_is_another_article_even_with_a_like_headline() -> None:
    reading = read({**OTHER, "headline": f"{TITLE} di desa lain"})
    assert (value(reading, "published"), value(reading, "authors")) == (None, None)
    assert told(reading, "JSON-LD")


def test_a_text_that_has_nothing_in_common_with_the_page_is_told() -> None:
    assert told(read({**OWN, "articleBody": OTHER["articleBody"] * 5}), "body")


@pytest.mark.parametrize("teaser", [f"{PARAGRAPHS[0]} Baca selengkapnya…", PARAGRAPHS[0], "<p>Panen garam.</p>"])
def test_a_teaser_is_not_the_text(teaser: str) -> None:
    assert value(read({**OWN, "articleBody": teaser}), "body").count("<p>") == len(PARAGRAPHS)


@pytest.mark.parametrize(
    ("author", "authors"),
    [
        ({"name": "Dr. Wulan Sari, S.E., M.Si."}, ["Dr. Wulan Sari, S.E., M.Si."]),
        ("Wulan Sari dan Bagas Prakoso", ["Wulan Sari", "Bagas Prakoso"]),
        ({"@type": "Person", "name": "kabar.example"}, None),
        ({"@type": "Person", "name": "Tim Redaksi"}, None),
        ({"@type": "Person", "name": "admin"}, None),
        ({"@type": "Person", "name": "wulan@kabar.example"}, None),
        ("https://kabar.example/penulis/wulan", None),
        ({"@type": "Person", "name": "Reuters"}, None),
    ],
)
def test_who_is_credited_is_a_person_with_what_belongs_to_the_name(author: object, authors: list[str] | None) -> None:
    assert value(read({**OWN, "author": author}), "authors") == authors


def test_a_line_that_looks_like_a_byline_is_marked_as_a_guess() -> None:
    reading = read(OWN, above='<div class="byline author">Oleh Wulan Sari, PhD, CNN</div>')
    assert value(reading, "authors") == ["Wulan Sari, PhD"]
    assert (reading.origins["authors"], told(reading, "authors")) == ("guessed", True)


@pytest.mark.parametrize(
    ("head", "language"),
    [
        (meta("og:locale", "id_ID"), "id"),
        ('<meta http-equiv="content-language" content="id">', "id"),
        ("", None),
    ],
)
def test_a_language_is_what_the_page_names_and_never_the_installations(head: str, language: str | None) -> None:
    found = value(read(OWN, head, lang=""), "language")
    assert (found and found[:2]) == language


@pytest.mark.parametrize(
    "link",
    [
        '<link rel="canonical" href="https://kabar.example/">',
        '<link rel="canonical" href="https://kabar.example/ekonomi">',
        '<link rel="canonical" href="https://lain.example/ekonomi/x">',
        meta("og:url", "https://kabar.example"),
    ],
)
def test_an_address_that_is_not_the_articles_is_passed_over_and_told(link: str) -> None:
    reading = read(OWN, link)
    assert (value(reading, "url"), told(reading, "url")) == (URL, True)


@pytest.mark.parametrize(("heading", "length"), [("h1", 9), ("h1", 3), ("h2", 3)])
def test_a_page_that_goes_on_with_the_next_article_is_the_first_alone(heading: str, length: int) -> None:
    following = "".join(
        f"<p>Alinea {n} dari tulisan lain tentang cabai, dengan harga yang turun lagi.</p>" for n in range(length)
    )
    text = "".join(f"<p>{one}</p>" for one in (*PARAGRAPHS, *PARAGRAPHS))
    html = (
        f"<html lang=id><title>{TITLE}</title><div class=a><h1>{TITLE}</h1><div class=isi>{text}</div></div>"
        f"<div class=a><{heading}>Harga cabai turun lagi</{heading}><div class=isi>{following}</div></div>"
    )
    reading = read_any(html.encode(), origin=URL, url=URL, language="id", timezone="Asia/Jakarta")
    assert value(reading, "body").count("<p>") == 2 * len(PARAGRAPHS)
    assert "cabai" not in value(reading, "body")
