"""Pictures, recordings and other files, their enclosures, and addresses and names as documents carry them."""

from __future__ import annotations

from typing import Any

import feedparser
import orjson
import pytest
from test_documents import NS, article, rendered, xml

MP3 = {"url": "https://x.id/pagi.mp3", "type": "audio/mpeg", "length": 99, "duration": 61.6}
MP4 = {"url": "https://x.id/pagi.mp4", "type": "video/mp4", "length": None, "duration": None}
PDF = {"url": "https://x.id/naskah.pdf", "type": "application/pdf", "length": 7, "duration": None}
JPG = {"url": "https://x.id/1.jpg", "caption": None, "credit": None}
PNG = {"url": "https://x.id/2.png", "caption": None, "credit": None}


def enclosed(**fields: Any) -> list[dict[str, str]]:
    """The enclosures of the one item in RSS."""
    found = xml(rendered("rss", article(**fields))).xpath("//item/enclosure")
    return [dict(one.attrib) for one in found]


def media(format: str, **fields: Any) -> list[dict[str, str]]:
    """The attributes of each ``media:content``."""
    found = xml(rendered(format, article(**fields))).xpath("//media:content", namespaces=NS)
    return [dict(one.attrib) for one in found]


def item(**fields: Any) -> dict[str, Any]:
    """The one item in JSON Feed."""
    found: dict[str, Any] = orjson.loads(rendered("json", article(**fields)))["items"][0]
    return found


@pytest.mark.parametrize(
    ("images", "attachments", "url"),
    [
        ([], [], None),
        ([JPG, PNG], [], JPG["url"]),
        ([{**JPG, "url": None}, PNG], [], PNG["url"]),
        ([JPG], [MP3], MP3["url"]),
        ([JPG], [PDF, MP4], MP4["url"]),
        ([JPG], [PDF], JPG["url"]),
        ([], [PDF], PDF["url"]),
        ([], [MP3, MP4], MP3["url"]),
    ],
)
def test_the_enclosure_is_a_recording_else_the_lead_picture_else_a_file(
    images: list[Any], attachments: list[Any], url: str | None
) -> None:
    found = enclosed(images=images, attachments=attachments)
    assert [one["url"] for one in found] == ([url] if url else [])
    assert all(one["length"].isdecimal() and "/" in one["type"] for one in found)


def test_an_enclosure_of_unknown_length_says_0_as_rss_has_it() -> None:
    assert enclosed(images=[JPG]) == [{"url": "https://x.id/1.jpg", "length": "0", "type": "image/jpeg"}]
    assert enclosed(attachments=[MP3]) == [{"url": "https://x.id/pagi.mp3", "length": "99", "type": "audio/mpeg"}]


@pytest.mark.parametrize("format", ["rss", "atom"])
def test_a_picture_says_its_type_and_size_where_they_are_known(format: str) -> None:
    images = [{**JPG, "type": "image/webp", "width": 1200, "height": 675}, PNG, {"url": "https://x.id/7"}]
    assert media(format, images=images) == [
        {"url": "https://x.id/1.jpg", "type": "image/webp", "medium": "image", "width": "1200", "height": "675"},
        {"url": "https://x.id/2.png", "type": "image/png", "medium": "image"},
        {"url": "https://x.id/7", "medium": "image"},
    ]


@pytest.mark.parametrize(
    ("image", "type"),
    [
        ({"url": "https://x.id/FOTO.JPEG?w=300#a"}, "image/jpeg"),
        ({"url": "https://x.id/foto.jpg.webp"}, "image/webp"),
        ({"url": "https://x.id/foto%2Ejpg"}, "image/jpeg"),
        ({"url": "https://x.id/foto.php?file=a.jpg"}, None),
        ({"url": "https://x.id/foto.mp3"}, None),
        ({"url": "https://x.id/foto.jpg", "type": "image/jpg"}, "image/jpeg"),
        ({"url": "https://x.id/foto.jpg", "type": "text/html"}, "image/jpeg"),
        ({"url": "https://x.jpg"}, None),
    ],
)
def test_the_type_of_a_picture_is_what_is_said_of_it_else_how_its_address_ends(
    image: dict[str, str], type: str | None
) -> None:
    assert media("rss", images=[image])[0].get("type") == type


@pytest.mark.parametrize("format", ["rss", "atom"])
def test_a_recording_is_media_with_its_size_and_duration(format: str) -> None:
    assert media(format, attachments=[PDF, MP3, MP4]) == [
        {"url": MP3["url"], "fileSize": "99", "type": "audio/mpeg", "medium": "audio", "duration": "62"},
        {"url": MP4["url"], "type": "video/mp4", "medium": "video"},
        {"url": PDF["url"], "fileSize": "7", "type": "application/pdf", "medium": "document"},
    ]


def test_atom_links_every_recording_the_lead_picture_and_every_file() -> None:
    found = xml(rendered("atom", article(images=[JPG, PNG], attachments=[PDF, MP3])))
    links = found.xpath("a:entry/a:link[@rel='enclosure']", namespaces=NS)
    assert [dict(one.attrib) for one in links] == [
        {"rel": "enclosure", "href": MP3["url"], "type": "audio/mpeg", "length": "99"},
        {"rel": "enclosure", "href": JPG["url"], "type": "image/jpeg"},
        {"rel": "enclosure", "href": PDF["url"], "type": "application/pdf", "length": "7"},
    ]


def test_json_feed_lists_the_attachments_with_what_is_known_of_them() -> None:
    found = item(images=[JPG], attachments=[MP3, {"url": "https://x.id/unduh", "type": None, "length": 0}])
    assert found["image"] == JPG["url"]
    assert found["attachments"] == [
        {"url": MP3["url"], "mime_type": "audio/mpeg", "size_in_bytes": 99, "duration_in_seconds": 61.6},
        {"url": "https://x.id/unduh", "mime_type": "application/octet-stream"},
    ]
    assert "attachments" not in item()


@pytest.mark.parametrize(
    ("authors", "shown"),
    [
        (["Sari Dewi"], "Sari Dewi"),
        (["Sari Dewi", "Budi Santoso", "Ratna"], "Sari Dewi, Budi Santoso, Ratna"),
        (["Dr. Sari Dewi, M.Si.", "Budi Santoso"], "Dr. Sari Dewi, M.Si.; Budi Santoso"),
        (["Sari\n Dewi", " ", ""], "Sari Dewi"),
    ],
)
def test_rss_names_all_authors_where_readers_show_one(authors: list[str], shown: str) -> None:
    assert feedparser.parse(rendered("rss", article(authors=authors))).entries[0].author == shown
    parted = [{"name": " ".join(name.split())} for name in authors if name.strip()]
    assert item(authors=authors)["authors"] == parted
    names = xml(rendered("atom", article(authors=authors))).xpath("a:entry/a:author/a:name/text()", namespaces=NS)
    assert [{"name": name} for name in names] == parted


@pytest.mark.parametrize("format", ["rss", "atom", "json"])
def test_every_address_in_a_document_is_a_uri(format: str) -> None:
    odd = "https://bücher.example/ä[1] {x}|?q=é&r[]=%#ü"
    meant = "https://xn--bcher-kva.example/%C3%A4%5B1%5D%20%7Bx%7D%7C?q=%C3%A9&r%5B%5D=%25#%C3%BC"
    entry = article(
        url=odd,
        images=[{"url": odd}],
        attachments=[{"url": odd, "type": "audio/mpeg"}],
        related=[{"title": "R", "url": odd}],
    )
    written = rendered(format, entry).decode().replace("&amp;", "&")
    assert "bücher" not in written
    # link, enclosures, media and related; RSS has no related links
    assert written.count(meant) == {"rss": 4, "atom": 6, "json": 5}[format]


def test_an_article_that_an_older_release_stored_is_rendered_all_the_same() -> None:
    stored = {
        "title": " ",
        "body": None,
        "authors": None,
        "images": None,
        "language": "bahasa",
        "published": "0001-01-01T00:00:00+07:00",
        "updated": "2026-11-22T01:00:00",
        "related": [{"title": None, "url": None}, {"title": " ", "url": "https://x.id/b"}],
    }
    for format in ("rss", "atom", "json"):
        assert b"tag:berita.example.id,2026:a1" in rendered(format, article(**stored))


def test_a_picture_that_is_named_twice_has_the_credit_that_either_gives() -> None:
    twice = [{**JPG, "width": 640}, {**JPG, "caption": "Panen", "credit": "Sari Dewi", "width": 64, "height": 48}]
    assert item(images=twice)["_publisher"]["images"] == [
        {"url": JPG["url"], "caption": "Panen", "credit": "Sari Dewi", "type": "image/jpeg", "width": 640}
    ]
