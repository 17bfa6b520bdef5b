"""A feed narrowed: its own address, version and document, in room of its own."""

from __future__ import annotations

import random
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from newsroom import SITE, Open
from support.statements import counting

from publisher.model import FeedDefinition, Selection
from publisher.model.facets import item_facets
from publisher.model.narrowing import EMPTY, KEYS, Narrowing
from publisher.publish import Address, Document, composing, publications
from publisher.publish.codings import GZIP, IDENTITY
from publisher.publish.shelf import Shelf
from publisher.selection import narrowed_to
from publisher.storage.engine.database import Database

NEWS = FeedDefinition(name="news", title="Berita")
RATES = FeedDefinition(name="rates", title="Kurs", items="indicators")
GOLD = Narrowing.of({"topic": ["Emas"]})


def ids(document: Document) -> list[str]:
    """The ids in a JSON document, without what all of them share."""
    assert isinstance(document.body, bytes)
    return [item["id"].rpartition(":")[2] for item in orjson.loads(document.body)["items"]]


wanted = st.dictionaries(st.sampled_from([*KEYS]), st.lists(st.text(min_size=1, max_size=9).filter(str.strip)))


@given(wanted, st.randoms(use_true_random=False))
def test_a_narrowing_is_written_in_one_form_however_it_was_asked(
    wanted: dict[str, list[str]], chance: random.Random
) -> None:
    keys = [*wanted]
    chance.shuffle(keys)
    shuffled = {key: chance.sample(wanted[key], len(wanted[key])) + wanted[key][:1] for key in keys}
    narrowing = Narrowing.of(wanted)
    assert narrowing == Narrowing.of({key: [f" {value} " for value in values] for key, values in shuffled.items()})
    assert hash(narrowing) == hash(Narrowing.of(shuffled))
    assert bool(narrowing) == any(wanted.values())
    assert narrowing.text.isascii()
    again: dict[str, list[str]] = {}
    for key, value in parse_qsl(narrowing.text, strict_parsing=bool(narrowing)):
        again.setdefault(key, []).append(value)
    assert Narrowing.of(again) == narrowing


def test_another_key_narrows_nothing() -> None:
    with pytest.raises(KeyError, match="colour"):
        Narrowing.of({"colour": ["red"]})
    assert (Narrowing.of({}), EMPTY.text, bool(EMPTY)) == (EMPTY, "", False)


@pytest.mark.parametrize(
    ("wanted", "meets"),
    [
        ({"topic": ["EMAS "]}, True),
        ({"topic": ["kopi", "emas"]}, True),
        ({"topic": ["emas"], "section": ["pasar"]}, True),
        ({"topic": ["emas"], "section": ["dunia"]}, False),
        ({"language": ["en"]}, True),
        ({"language": ["en-US"]}, False),
        ({}, True),
    ],
)
def test_an_item_must_meet_every_key_by_one_of_its_values(wanted: dict[str, list[str]], meets: bool) -> None:
    facets = item_facets({"topics": ["Emas", "Perak"], "section": "Pasar", "language": "en-GB"}, "desk")
    assert narrowed_to(Narrowing.of(wanted), facets) == meets


@given(wanted)
def test_an_address_is_one_url_whatever_the_narrowing_holds(wanted: dict[str, list[str]]) -> None:
    address = Address("news", "rss", Narrowing.of(wanted))
    parts = urlsplit(address.url("https://berita.example.id/a/"))
    assert parts.path == "/a/feeds/news.rss"
    assert parts.query == address.narrowing.text
    assert address.url("https://x.id") == address.url("https://x.id/") == f"https://x.id{address.path}"


async def test_a_narrowed_feed_shows_what_it_leaves_under_an_address_and_a_version_of_its_own(newsroom: Open) -> None:
    room = await newsroom(NEWS.model_copy(update={"select": Selection(topics=("emas", "kopi"))}), RATES)
    await room.take("a1", topics=["emas"])
    await room.take("a2", topics=["kopi"])
    await room.take("a3", topics=["Emas", "kopi"])
    await room.take("a4", topics=["perak"])
    await room.observe("USD/IDR", "16104", "2026-11-21T08:00:00Z")
    narrowed = await room.publications.current("news", "json", GOLD)
    assert sorted(ids(narrowed)) == ["a1", "a3"]
    whole = await room.publications.current("news", "json")
    assert sorted(ids(whole)) == ["a1", "a2", "a3"]
    assert isinstance(narrowed.body, bytes)
    assert orjson.loads(narrowed.body)["feed_url"] == "https://berita.example.id/feeds/news.json?topic=emas"
    assert narrowed.etag == (await room.publications.version("news", GOLD)).etag != whole.etag
    assert ids(await room.publications.current("rates", "json", GOLD)) == []
    await room.take("a1", topics=["kopi"])
    assert ids(await room.publications.current("news", "json", GOLD)) == ["a3"]


async def test_a_narrowing_reaches_as_far_back_as_the_feed_is_long(newsroom: Open) -> None:
    room = await newsroom(NEWS.model_copy(update={"limit": 2}))
    for day in range(1, 8):
        topics = ["emas"] if day < 4 else ["kopi"]
        await room.take(f"a{day}", topics=topics, published=f"2026-11-0{day}T00:00:00Z")
    assert ids(await room.publications.current("news", "json", GOLD)) == ["a3", "a2"]


async def test_an_edit_of_what_was_written_before_is_shown_narrowed_too(newsroom: Open) -> None:
    room = await newsroom(NEWS)
    await room.take("a1", topics=["emas"], title="Lama")
    await room.take("a2", topics=["kopi"])
    for title in ("Baru", "Terbaru"):
        before = await room.publications.current("news", "rss", GOLD)
        await room.take("a1", topics=["emas"], title=title)
        after = await room.publications.current("news", "rss", GOLD)
        assert after.body == (await room.publish_anew().current("news", "rss", GOLD)).body != before.body


async def test_however_many_narrowings_are_asked_for_memory_is_bounded_and_whole_feeds_keep_theirs(
    newsroom: Open, sqlite_db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publications, "NARROWED_DOCUMENT_BYTES", 200_000)
    monkeypatch.setattr(composing, "NARROWED_FRAGMENT_BYTES", 50_000)
    monkeypatch.setattr(composing, "NARROWED_SELECTED_BYTES", 50_000)
    room = await newsroom(NEWS.model_copy(update={"limit": 10}))
    await room.take(*(f"a{n:02}" for n in range(20)), topics=[f"t{n}" for n in range(150)], body="<p>Isi.</p>" * 200)
    whole = await room.publications.current("news", "rss")
    own = room.publications.used
    for number in range(150):
        document = await room.publications.current("news", "rss", Narrowing.of({"topic": [f"t{number}"]}))
        assert isinstance(document.body, bytes)
        assert f"topic=t{number}".encode() in document.body
        assert room.publications.used <= own + 300_000
    with counting(sqlite_db) as sent:
        assert await room.publications.current("news", "rss") is whole
        versions = {
            (await room.publications.version("news", Narrowing.of({"topic": [f"t{n}"]}))).etag for n in range(150)
        }
    assert sent == []
    assert len(versions) == 150
    room.publications.replace({})
    assert room.publications.used < own


def test_narrowed_documents_on_disk_stay_within_their_bytes_and_take_no_other(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path, narrowed=1_000)
    shelf.put(Address("news", "rss"), "v1", {GZIP: b"b" * 5_000, IDENTITY: b"a" * 5_000})
    for number in range(20):
        address = Address("news", "rss", Narrowing.of({"topic": [f"t{number}/../x"]}))
        for version in ("v1", "v2"):
            assert shelf.put(address, version, {GZIP: b"b" * 50, IDENTITY: b"a" * 200})
            assert shelf.find(address, version)
        assert sum(path.stat().st_size for path in tmp_path.glob("*+*")) <= 1_000
    assert shelf.find(Address("news", "rss"), "v1")
    shelf.sweep({"news": "v1"})
    assert {path.name for path in tmp_path.iterdir()} == {"news.rss.v1", "news.rss.v1.gz"}


async def test_a_large_narrowed_document_is_found_on_disk_by_what_narrows_it(newsroom: Open) -> None:
    room = await newsroom(NEWS)
    await room.take("a1", topics=["emas"], body=f"<p>{'kopi ' * 250_000}</p>")
    await room.take("a2", topics=["perak"], body=f"<p>{'kopi ' * 250_000}</p>")
    silver = Narrowing.of({"topic": ["perak"]})
    first, second = [await room.publications.current("news", "json", one) for one in (GOLD, silver)]
    assert isinstance(first.body, Path)
    assert isinstance(second.body, Path)
    assert [orjson.loads(one.body.read_bytes())["items"][0]["tags"] for one in (first, second)] == [["emas"], ["perak"]]
    assert SITE.url.encode() in first.body.read_bytes()
    await room.publications.sweep()
    assert not first.body.exists()
    assert await room.publications.current("news", "json", GOLD) == first
