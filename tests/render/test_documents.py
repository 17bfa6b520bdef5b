"""The documents: exact bytes, and what readers and validators make of them."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import feedparser
import golden_pairs
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from reader import make_reader

from publisher.model import Event, EventType
from publisher.render import FORMATS, Head, Options, article_entry, event_entry, indicator_entry

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
OPTIONS = Options("https://berita.example.id", "id", "Asia/Jakarta")
NS = {
    "a": "http://www.w3.org/2005/Atom",
    "at": "http://purl.org/atompub/tombstones/1.0",
    "cb": "http://www.cbwiki.net/wiki/index.php/Specification_1.2/",
    "content": "http://purl.org/rss/1.0/modules/content/",
    "dc": "http://purl.org/dc/elements/1.1/",
    "media": "http://search.yahoo.com/mrss/",
}


def head(format: str, **fields: Any) -> Head:
    values = {
        "id": "tag:berita.example.id,2026:feed/f",
        "title": "F",
        "description": "",
        "language": "id",
        "updated": NOW,
        "url": f"https://berita.example.id/feeds/f.{format}",
        "home_url": "https://berita.example.id/feeds/f",
        "site_title": "Berita",
        "site_url": "https://berita.example.id/",
    }
    return Head(**(values | fields))


def article(options: Options = OPTIONS, revision: int = 1, **fields: Any) -> Any:
    data = {"id": "a1", "title": "Judul", "body": "<p>Isi.</p>", "published": "2026-11-22T01:00:00Z"} | fields
    return article_entry(data, revision=revision, first_seen_at=NOW, changed_at=NOW, options=options)


def rendered(format: str, *entries: Any, **fields: Any) -> bytes:
    writer = FORMATS[format]
    return writer.document(head(format, **fields), [writer.fragment(entry) for entry in entries])


def xml(document: bytes) -> etree._Element:
    return etree.fromstring(document, etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True))


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("name", golden_pairs.NAMES)
def test_the_document_is_byte_for_byte_the_golden_one(name: str, format: str) -> None:
    assert golden_pairs.document(name, format) == (golden_pairs.GOLDEN / f"{name}.{format}").read_bytes()


@pytest.mark.parametrize("name", golden_pairs.NAMES)
def test_an_item_has_the_same_id_and_link_in_every_format(name: str) -> None:
    rss = xml(golden_pairs.document(name, "rss"))
    atom = xml(golden_pairs.document(name, "atom"))
    json = orjson.loads(golden_pairs.document(name, "json"))
    ids = [item["id"] for item in json["items"]]
    assert rss.xpath("channel/item/guid/text()") == ids
    assert atom.xpath("a:entry/a:id/text()", namespaces=NS) == ids
    assert len(set(ids)) == len(ids)
    links = [item["url"] for item in json["items"]]
    assert rss.xpath("channel/item/link/text()") == links
    assert atom.xpath("a:entry/a:link[@rel='alternate']/@href", namespaces=NS) == links


@pytest.mark.parametrize("name", golden_pairs.NAMES)
def test_rss_keeps_the_rules_that_validators_enforce(name: str) -> None:
    channel = xml(golden_pairs.document(name, "rss")).find("channel")
    assert channel is not None
    assert channel.xpath("count(a:link[@rel='self'])", namespaces=NS) == 1
    assert not channel.xpath("item/a:link | item/author | item/dc:subject", namespaces=NS)
    assert not channel.xpath("item[count(enclosure) > 1 or count(dc:creator) > 1]", namespaces=NS)
    assert not channel.xpath("item/enclosure[not(@url and @type and @length)]")
    assert set(channel.xpath("item/guid/@isPermaLink")) <= {"false"}
    for date in channel.xpath("item/pubDate/text() | lastBuildDate/text()"):
        assert re.fullmatch(r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d \+0000", date)
    assert channel.xpath("count(item) = count(item[title or description])")


@pytest.mark.parametrize("name", golden_pairs.NAMES)
def test_atom_keeps_the_rules_of_rfc_4287(name: str) -> None:
    feed = xml(golden_pairs.document(name, "atom"))
    assert feed.xpath("count(a:link[@rel='self'])", namespaces=NS) == 1
    assert feed.xpath("count(a:author/a:name)", namespaces=NS) == 1
    for entry in feed.xpath("a:entry", namespaces=NS):
        for one in ("id", "title", "updated"):
            assert entry.xpath(f"count(a:{one})", namespaces=NS) == 1
        assert entry.xpath("count(a:link[@rel='alternate'])", namespaces=NS) == 1
        assert all(entry.xpath("a:category/@term", namespaces=NS))
    for moment in feed.xpath("//a:updated/text() | //a:published/text()", namespaces=NS):
        assert datetime.fromisoformat(moment).tzinfo is not None


@pytest.mark.parametrize("name", golden_pairs.NAMES)
def test_json_feed_has_every_key_that_version_1_1_requires(name: str) -> None:
    feed = orjson.loads(golden_pairs.document(name, "json"))
    assert feed["version"] == "https://jsonfeed.org/version/1.1"
    assert feed["title"]
    assert feed["feed_url"].endswith(".json")
    for item in feed["items"]:
        assert isinstance(item["id"], str)
        assert "content_html" in item or "content_text" in item
        assert all(author["name"] for author in item.get("authors", []))


@pytest.mark.parametrize("format", ["rss", "atom"])
@pytest.mark.parametrize("name", golden_pairs.NAMES)
def test_feedparser_reads_every_entry_without_complaint(name: str, format: str) -> None:
    parsed = feedparser.parse(golden_pairs.document(name, format))
    entries = golden_pairs.entries(golden_pairs.case(name))
    assert not parsed.bozo
    assert parsed.feed.language == "id"
    assert [entry.id for entry in parsed.entries] == [entry.id for entry in entries]
    for entry, ours in zip(parsed.entries, entries, strict=True):
        assert entry.updated_parsed[:6] == ours.updated.utctimetuple()[:6]
        assert ("published" in entry) == (ours.published is not None)


@pytest.mark.parametrize("format", ["rss", "atom", "json"])
@pytest.mark.parametrize("name", golden_pairs.NAMES)
def test_reader_keeps_every_entry_with_its_title_and_link(name: str, format: str, tmp_path: Path) -> None:
    (tmp_path / f"feed.{format}").write_bytes(golden_pairs.document(name, format))
    with make_reader(":memory:", feed_root=str(tmp_path)) as reader:
        reader.add_feed(f"feed.{format}")
        reader.update_feed(f"feed.{format}")
        kept = {(entry.id, entry.title, entry.link) for entry in reader.get_entries()}
    assert kept == {(entry.id, entry.title, entry.url) for entry in golden_pairs.entries(golden_pairs.case(name))}


@pytest.mark.parametrize("format", ["rss", "atom", "json"])
def test_the_body_is_carried_as_it_is_stored_character_by_character(format: str) -> None:
    # Whatever is written over clean markup can undo what cleaned it: text here looks like an attribute of a tag.
    body = (
        """<p><img src="https://x.id/n.png" alt="x src='bar"> ' <a title=" onerror=x() y=" href="https://x.id/">a</a>"""
        """ <code> src="rel.png"</code></p>"""
    )
    entry = article(url="https://x.id/news/1", body=body)
    content = {
        "rss": lambda d: xml(d).xpath("//content:encoded/text()", namespaces=NS)[0],
        "atom": lambda d: xml(d).xpath("//a:content/text()", namespaces=NS)[0],
        "json": lambda d: orjson.loads(d)["items"][0]["content_html"],
    }[format](rendered(format, entry))
    assert content == body


def test_an_id_survives_a_new_headline_and_a_new_address() -> None:
    edited = article(title="Lain", url="https://lain.id/", published="2027-01-01T00:00:00Z", revision=9)
    assert edited.id == article().id == "tag:berita.example.id,2026:a1"


def test_an_image_without_an_address_is_left_out_everywhere() -> None:
    entry = article(images=[{"url": None, "caption": "hilang", "credit": "hilang"}])
    assert not any(b"hilang" in rendered(format, entry) for format in FORMATS)


def test_a_picture_carries_its_caption_and_its_credit() -> None:
    entry = article(images=[{"url": "https://x.id/1.jpg", "caption": "Panen", "credit": "ANTARA"}])
    for format in ("rss", "atom"):
        media = feedparser.parse(rendered(format, entry)).entries[0]
        assert media.media_content[0]["url"] == "https://x.id/1.jpg"
        found = xml(rendered(format, entry))
        assert found.xpath("//media:content/media:description/text()", namespaces=NS) == ["Panen"]
        assert found.xpath("//media:content/media:credit/text()", namespaces=NS) == ["ANTARA"]
    item = orjson.loads(rendered("json", entry))["items"][0]
    assert item["image"] == "https://x.id/1.jpg"
    [told] = item["_publisher"]["images"]
    assert told == {"url": "https://x.id/1.jpg", "caption": "Panen", "credit": "ANTARA", "type": "image/jpeg"}


def test_related_links_keep_their_relation_in_atom() -> None:
    entry = article(related=[{"title": "B", "url": "https://x.id/b"}, {"title": "C", "url": None}])
    links = xml(rendered("atom", entry)).xpath("a:entry/a:link[@rel='related']", namespaces=NS)
    assert [(link.get("href"), link.get("title")) for link in links] == [("https://x.id/b", "B")]


def test_what_left_the_feed_is_a_tombstone_in_atom_and_listed_in_json_feed() -> None:
    deleted = [("tag:x,2026:gone", NOW)]
    graves = xml(rendered("atom", deleted=deleted)).xpath("at:deleted-entry", namespaces=NS)
    assert [(grave.get("ref"), grave.get("when")) for grave in graves] == [("tag:x,2026:gone", "2026-11-22T08:00:00Z")]
    listed = orjson.loads(rendered("json", deleted=deleted))["_publisher"]["deleted"]
    assert listed == [{"id": "tag:x,2026:gone", "when": "2026-11-22T08:00:00Z"}]


def test_updated_is_the_sources_word_else_our_last_edit_else_the_publication() -> None:
    published = datetime(2026, 11, 22, 1, tzinfo=UTC)
    assert article().updated == published
    assert article(revision=2).updated == NOW
    assert article(revision=2, updated="2026-11-22T05:00:00Z").updated == datetime(2026, 11, 22, 5, tzinfo=UTC)
    undated = article(published=None)
    assert (undated.updated, undated.published) == (NOW, None)


@pytest.mark.parametrize(
    ("language", "title"),
    [
        ("id", "USD/IDR 16.199,00 ▲ 0,58% (+95,00) – 22 Nov 2026 15.00 WIB"),
        ("en", "USD/IDR 16,199.00 ▲ 0.58% (+95.00) – Nov 22, 2026 3:00 PM +0700"),
        ("de", "USD/IDR 16.199,00 ▲ 0,58% (+95,00) – 22.11.2026 15:00 +0700"),
        ("fr", "USD/IDR 16 199,00 ▲ 0,58% (+95,00) – 22 nov. 2026 15:00 +0700"),
        ("zz", "USD/IDR 16,199.00 ▲ 0.58% (+95.00) – Nov 22, 2026 3:00 PM +0700"),
    ],
)
def test_an_indicators_headline_reads_as_its_language_writes(language: str, title: str) -> None:
    data = {"symbol": "USD/IDR", "name": "Dolar", "value": "16199.00", "change": "95.00", "percent": "0.58"}
    data |= {"as_of": "2026-11-22T08:00:00Z", "observed_at": "2026-11-22T08:01:00Z"}
    options = Options("https://x.id", language, "Asia/Jakarta")
    entry = indicator_entry(data, period="2026-11-22", first_seen_at=NOW, changed_at=NOW, options=options)
    assert re.sub(r"[\u00a0\u202f]", " ", entry.title) == title


def test_two_symbols_never_share_an_id() -> None:
    symbols = ["A/B", "A-B", "A B", "a/b", "AB", "^AB", "指数", "指标"]
    data = {"name": "N", "value": "1", "observed_at": "2026-11-22T08:01:00Z"}
    ids = {
        indicator_entry(
            {**data, "symbol": symbol},
            period="2026-11-22",
            first_seen_at=NOW,
            changed_at=NOW,
            options=OPTIONS,
        ).id
        for symbol in symbols
    }
    assert len(ids) == len(symbols)


def test_an_operations_event_is_an_entry_in_every_format() -> None:
    event = Event(
        id="evt_1",
        type=EventType.SOURCE_FAILING,
        timestamp=NOW,
        source="desk",
        subject="desk",
        data={"source": "desk", "failures": 3, "error": "503 <busy>"},
    )
    entry = event_entry(event, options=OPTIONS)
    assert feedparser.parse(rendered("rss", entry)).entries[0].title == "source.failing: desk"
    assert feedparser.parse(rendered("atom", entry)).entries[0].id == "tag:berita.example.id,2026:event/evt_1"
    assert orjson.loads(rendered("json", entry))["items"][0]["_publisher"]["data"]["failures"] == 3


anything = st.text(alphabet=st.characters(exclude_categories=[]), max_size=40)


@settings(max_examples=150, deadline=None)
@given(title=anything.filter(str.strip), text=anything, line=st.none() | anything)
def test_whatever_the_characters_the_documents_parse_and_agree(title: str, text: str, line: str | None) -> None:
    entry = article(title=title, body=f"<p>{text}</p>", summary=line, editor=line, authors=[title], topics=[title])
    rss, atom = xml(rendered("rss", entry)), xml(rendered("atom", entry))
    json = orjson.loads(rendered("json", entry))["items"][0]
    # XML reads every line break as LF (section 2.11) unless it is written as a reference, which lxml does for CR.
    assert rss.findtext("channel/item/title", "") == atom.findtext("a:entry/a:title", "", NS)
    assert rss.findtext("channel/item/title", "") == json.get("title", "")
    assert atom.findtext("a:entry/a:content", "", NS) == json["content_html"]
