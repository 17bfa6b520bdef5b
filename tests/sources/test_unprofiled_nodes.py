"""Which node of a page's JSON-LD is its article, and what is read of it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from support.unprofiled import URL, json_ld, meta, page, paragraphs, read, told

OWN = {"@type": "NewsArticle", "headline": "Panen padi naik", "datePublished": "2024-02-09T06:31:00+07:00", "url": URL}
OTHER = {
    "@type": "NewsArticle",
    "headline": "Artikel saran",
    "datePublished": "2024-03-01T00:00:00+07:00",
    "url": "https://kanal.example/saran",
}
BODY = f"<article><h1>Panen padi naik</h1>{paragraphs()}</article>"


def fields_of(*head: str, body: str = BODY) -> dict[str, Any]:
    fields = read(page(*head, body=body)).fields
    assert fields is not None
    return fields


@pytest.mark.parametrize(
    "documents",
    [
        [[OTHER, OWN]],
        [OTHER, OWN],
        [{"@graph": [OTHER, OWN]}],
        [{"@type": "ItemList", "itemListElement": [{"@type": "ListItem", "item": OTHER}]}, OWN],
        [OTHER, {**OWN, "url": None, "mainEntityOfPage": {"@type": "WebPage", "@id": URL}}],
        [OTHER, {**OWN, "url": None, "@id": f"{URL}/#article"}],
        [OTHER, {**OWN, "url": f"{URL}?utm_source=x"}],
        [OTHER, {**OWN, "url": "https://www.kanal.example/berita/panen-padi-naik/"}],
        [OTHER, {**OWN, "url": "https://amp.kanal.example/berita/panen-padi-naik"}],
        [OTHER, {**OWN, "url": None}],
        [OTHER, {**OWN, "@type": ["Thing", "https://schema.org/OpinionNewsArticle"]}],
        [OTHER, {**OWN, "@type": "LiveBlogPosting", "liveBlogUpdate": [{**OTHER, "@type": "BlogPosting"}]}],
    ],
)
def test_the_node_of_this_page_wins_over_the_first(documents: list[object]) -> None:
    fields = fields_of(*map(json_ld, documents))
    assert (fields["title"], fields["published"].isoformat()) == ("Panen padi naik", "2024-02-08T23:31:00+00:00")


def test_a_node_of_another_page_alone_is_ignored_and_told() -> None:
    reading = read(page(json_ld(OTHER), body=BODY))
    assert reading.fields is not None
    assert reading.fields["title"] == "Panen padi naik"
    assert reading.fields.get("published") is None
    assert told(reading, "JSON-LD") == ["describes another page; it is ignored"]


def test_a_node_whose_address_is_the_front_page_is_this_pages() -> None:
    assert fields_of(json_ld({**OWN, "headline": "Panen", "url": "https://kanal.example/"}))["published"] is not None


def test_several_nodes_without_address_or_headline_on_the_page_are_told() -> None:
    one, other = ({**each, "url": None} for each in (OTHER, {**OTHER, "headline": "Artikel lain sama sekali"}))
    reading = read(page(json_ld([one, other]), body=BODY.replace("Panen padi naik", "Judul di halaman ini")))
    assert told(reading, "JSON-LD") == ["describes several articles and not which is this page's; the first is taken"]


@pytest.mark.parametrize(
    "script",
    [
        "<!-- {} -->",
        "//<![CDATA[\n{}\n//]]>",
        "/*<![CDATA[*/ {} /*]]>*/",
        "{};",
        "\ufeff{}",
    ],
)
def test_what_wraps_a_document_is_taken_off(script: str) -> None:
    text = script.replace("{}", json.dumps(OWN), 1)
    assert fields_of(f'<script type="application/ld+json">{text}</script>')["published"] is not None


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(OWN)[:-1] + ",}",
        json.dumps({**OWN, "keywords": ["a"]}).replace('["a"]', '["a", ]'),
        json.dumps({**OWN, "description": "satu|dua"}).replace("|", "\n\t"),
        json.dumps({**OWN, "description": "x, ] y, } z"})[:-1] + ",}",
        json.dumps(OTHER) + json.dumps(OWN),
        json.dumps(OWN).replace('"', "&quot;"),
    ],
)
def test_json_that_is_almost_json_is_read(text: str) -> None:
    reading = read(page(f"<script type='application/ld+json; charset=utf-8'>{text}</script>", body=BODY))
    assert reading.fields is not None
    assert reading.fields["published"] is not None
    assert told(reading, "JSON-LD") == []
    assert reading.fields.get("summary") in (None, "satu dua", "x, ] y, } z")


def test_json_that_is_none_is_told() -> None:
    reading = read(
        page('<script type="application/ld+json">{"@type": "NewsArticle", "headline": "x</script>', body=BODY)
    )
    (said,) = told(reading, "JSON-LD")
    assert said.startswith("is no JSON: ")


def test_a_picture_has_its_size_type_caption_and_credit() -> None:
    image = {
        "@type": "ImageObject", "url": "/padi.jpg", "width": "1200", "height": {"value": 800},
        "caption": "Petani memanen", "creditText": "Antara/Wahyu", "encodingFormat": "image/jpeg",
    }  # fmt: skip
    (found,) = fields_of(json_ld({**OWN, "image": image}))["images"]
    assert found.model_dump() == {
        "url": "https://kanal.example/padi.jpg", "width": 1200, "height": 800, "type": "image/jpeg",
        "caption": "Petani memanen", "credit": "Antara/Wahyu",
    }  # fmt: skip


def test_the_size_that_opengraph_gives_of_the_same_picture_is_kept() -> None:
    given = meta(
        og__image="/padi.jpg", og__image__width="1200", og__image__height="800px", og__image__type="image/jpeg"
    )
    (found,) = fields_of(json_ld({**OWN, "image": "/padi.jpg"}), given)["images"]
    assert (found.width, found.height, found.type) == (1200, 800, "image/jpeg")


def test_what_opengraph_says_behind_a_second_picture_is_not_said_of_the_first() -> None:
    first = '<meta property="og:image" content="/padi.jpg">'
    second = meta(og__image="/gudang.jpg", og__image__width="640", og__image__alt="Gudang")
    (found,) = fields_of(json_ld(OWN), first, second)["images"]
    assert (found.url, found.width, found.caption) == ("https://kanal.example/padi.jpg", None, None)


def test_a_credit_at_the_end_of_a_caption_is_the_pictures() -> None:
    image = {"@type": "ImageObject", "url": "/padi.jpg", "caption": "Petani memanen. (ANTARA/Bagas Prakoso)"}
    (found,) = fields_of(json_ld({**OWN, "image": image}))["images"]
    assert (found.caption, found.credit) == ("Petani memanen.", "ANTARA/Bagas Prakoso")


def test_recordings_are_attachments_and_the_pages_of_players_are_none() -> None:
    audio = {"@type": "AudioObject", "contentUrl": "/panen.mp3", "encodingFormat": "audio/mpeg", "duration": "PT1M30S"}
    video = {"@type": "VideoObject", "embedUrl": "https://video.example/embed/1"}
    (found,) = fields_of(json_ld({**OWN, "audio": audio, "video": [video]}))["attachments"]
    assert (found.url, found.type, found.duration) == ("https://kanal.example/panen.mp3", "audio/mpeg", 90.0)


@pytest.mark.parametrize(
    ("text", "seconds"), [("PT1M30S", 90), ("PT1H", 3600), ("P1DT0H0M1S", 86401), ("1:30", None), ("P", None)]
)
def test_a_duration_is_read_as_iso_8601_has_it(text: str, seconds: float | None) -> None:
    audio = {"@type": "AudioObject", "contentUrl": "/a.mp3", "duration": text}
    assert fields_of(json_ld({**OWN, "audio": audio}))["attachments"][0].duration == seconds
