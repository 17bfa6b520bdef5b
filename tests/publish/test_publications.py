"""Feed name → current document."""

from __future__ import annotations

import asyncio
import gzip
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import feedparser
import orjson
import pytest
from newsroom import SITE, Newsroom, Open
from support.clock import ManualClock
from support.statements import counting

from publisher.errors import NotFound
from publisher.model import EventType, FeedDefinition, Selection
from publisher.model.change import FeedTouch
from publisher.model.event import Change
from publisher.model.facets import item_facets
from publisher.publish import Document, Publications
from publisher.publish.codings import GZIP
from publisher.publish.items import chosen
from publisher.selection import selects
from publisher.storage.configuration import feeds
from publisher.storage.engine.database import Database
from publisher.storage.items import articles

NEWS = FeedDefinition(name="news", title="Berita")
GOLD = FeedDefinition(name="gold", title="Emas", select=Selection(topics=("Emas",)))
RATES = FeedDefinition(name="rates", title="Kurs", items="indicators")
DOLLAR = FeedDefinition(name="dollar", title="Dolar", items="indicators", select=Selection(symbols=("usd/idr",)))
OPERATIONS = FeedDefinition(name="operations", title="Operasi", items="operations")


def ids(document: Document) -> list[str]:
    """The ids in a JSON document, without what all of them share."""
    return [item["id"].rpartition(":")[2] for item in orjson.loads(plain(document))["items"]]


def plain(document: Document) -> bytes:
    return document.body.read_bytes() if isinstance(document.body, Path) else document.body


def packed(document: Document) -> bytes:
    body = document.bodies[GZIP]
    return body.read_bytes() if isinstance(body, Path) else body


async def test_a_feed_of_nothing_is_a_document_in_every_format(newsroom: Open) -> None:
    room = await newsroom(NEWS)
    for format in ("rss", "atom"):
        parsed = feedparser.parse(plain(await room.publications.current("news", format)))
        assert not parsed.bozo
        assert parsed.entries == []
    assert ids(await room.publications.current("news", "json")) == []


async def test_the_newest_stand_first_and_no_more_than_the_limit(newsroom: Open) -> None:
    room = await newsroom(NEWS.model_copy(update={"limit": 2}))
    for day in (3, 1, 2):
        await room.take(f"a{day}", published=f"2026-11-0{day}T00:00:00Z")
    assert ids(await room.publications.current("news", "json")) == ["a3", "a2"]
    assert [item.id for item in await room.db.read(chosen, room.feeds["news"], 1)] == ["a3"]  # type: ignore[union-attr]


async def test_a_feed_shows_only_what_it_selects_and_changes_only_with_it(newsroom: Open) -> None:
    room = await newsroom(NEWS, GOLD)
    await room.take("a1", topics=["emas"])
    before = await room.publications.version("gold")
    await room.take("a2", topics=["dolar"])
    assert ids(await room.publications.current("gold", "json")) == ["a1"]
    assert await room.publications.version("gold") == before
    assert set(ids(await room.publications.current("news", "json"))) == {"a1", "a2"}


async def test_an_edit_changes_the_bytes_and_the_version_but_not_the_id(newsroom: Open, clock: ManualClock) -> None:
    room = await newsroom(NEWS)
    await room.take("a1", title="Lama")
    before = await room.publications.current("news", "rss")
    clock.advance(60)
    await room.take("a1", title="Baru")
    after = await room.publications.current("news", "rss")
    assert after.etag != before.etag
    assert after.last_modified > before.last_modified
    old, new = (feedparser.parse(plain(document)).entries for document in (before, after))
    assert (old[0].id, old[0].title, new[0].title) == (new[0].id, "Lama", "Baru")


async def test_the_same_input_twice_makes_no_new_bytes(newsroom: Open, clock: ManualClock) -> None:
    room = await newsroom(NEWS)
    await room.take("a1")
    before = await room.publications.current("news", "atom")
    clock.advance(3600)
    await room.take("a1")
    assert await room.publications.current("news", "atom") is before


async def test_bytes_and_version_are_the_same_after_a_restart(newsroom: Open, clock: ManualClock) -> None:
    room = await newsroom(NEWS)
    await room.take("a1", "a2")
    before = [await room.publications.current("news", format) for format in ("rss", "atom", "json")]
    clock.advance(3600)
    await room.open()
    after = [await room.publish_anew().current("news", format) for format in ("rss", "atom", "json")]
    assert after == before


async def test_the_packed_form_holds_the_same_bytes(newsroom: Open) -> None:
    room = await newsroom(NEWS)
    await room.take("a1")
    document = await room.publications.current("news", "rss")
    assert gzip.decompress(packed(document)) == plain(document)


async def test_another_definition_or_site_is_another_version(newsroom: Open) -> None:
    room = await newsroom(NEWS)
    versions = {(await room.publications.version("news")).etag}
    room.publications.replace({"news": NEWS.model_copy(update={"title": "Kabar"})})
    versions.add((await room.publications.version("news")).etag)
    moved = room.publish_anew(replace(SITE, url="https://lain.example.id"))
    versions.add((await moved.version("news")).etag)
    assert len(versions) == 3


async def test_what_is_no_feed_or_no_format_is_not_found(newsroom: Open) -> None:
    room = await newsroom(NEWS)
    with pytest.raises(NotFound, match="no feed 'berita'"):
        await room.publications.current("berita", "rss")
    with pytest.raises(NotFound, match="no format 'xml'"):
        await room.publications.current("news", "xml")
    room.publications.replace({})
    with pytest.raises(NotFound):
        await room.publications.version("news")


async def test_a_withdrawn_article_leaves_a_tombstone_until_it_is_back(newsroom: Open, clock: ManualClock) -> None:
    room = await newsroom(NEWS, GOLD)
    await room.take("a1", topics=["emas"])
    clock.advance(1)
    await room.withdraw("a1")

    async def gone(feed: str) -> list[str]:
        found = orjson.loads(plain(await room.publications.current(feed, "json")))["_publisher"]
        return [one["id"] for one in found.get("deleted", [])]

    assert ids(await room.publications.current("gold", "json")) == []
    assert await gone("gold") == await gone("news") == ["tag:berita.example.id,2026:a1"]
    await room.take("a1", topics=[])
    assert await gone("news") == []
    assert await gone("gold") == ["tag:berita.example.id,2026:a1"]


async def test_moves_within_a_day_edit_one_item_and_a_new_day_begins_another(newsroom: Open) -> None:
    room = await newsroom(RATES, DOLLAR)
    await room.observe("USD/IDR", "16104", "2026-11-21T08:00:00Z")
    await room.observe("USD/IDR", "16150", "2026-11-22T02:00:00Z")
    await room.observe("USD/IDR", "16199", "2026-11-22T08:00:00Z")
    await room.observe("EMAS", "1533000", "2026-11-22T08:00:00Z")
    days = ["indicator/usd-idr/2026-11-22", "indicator/usd-idr/2026-11-21"]
    assert ids(await room.publications.current("dollar", "json")) == days
    assert len(ids(await room.publications.current("rates", "json"))) == 3
    newest = feedparser.parse(plain(await room.publications.current("dollar", "rss"))).entries[0]
    assert newest.title.startswith("USD/IDR 16.199 – 22 Nov 2026 15.00")


async def test_an_operations_feed_lists_the_events_of_sources_and_webhooks(newsroom: Open) -> None:
    room = await newsroom(OPERATIONS, NEWS)
    await room.take("a1")
    await room.note(EventType.SOURCE_FAILING, "desk")
    await room.note(EventType.SOURCE_RECOVERED, "desk")
    titles = [
        item["title"] for item in orjson.loads(plain(await room.publications.current("operations", "json")))["items"]
    ]
    assert titles == ["source.recovered: desk", "source.failing: desk"]


async def test_one_version_is_built_once_however_many_ask(newsroom: Open) -> None:
    room = await newsroom(NEWS)
    await room.take("a1")
    asked = await asyncio.gather(*(room.publications.current("news", "rss") for _ in range(20)))
    assert len(set(map(id, asked))) == 1


async def test_one_who_gives_up_does_not_take_the_document_from_the_others(newsroom: Open) -> None:
    room = await newsroom(NEWS)
    await room.take("a1")
    impatient = asyncio.create_task(room.publications.current("news", "rss"))
    patient = asyncio.create_task(room.publications.current("news", "rss"))
    for _ in range(5):
        await asyncio.sleep(0)
    impatient.cancel()
    assert plain(await patient).startswith(b"<?xml")


async def test_a_version_asked_for_after_a_push_shows_it(newsroom: Open) -> None:
    room = await newsroom(NEWS)
    seen = set()
    for number in range(10):
        others = [asyncio.create_task(room.publications.version("news")) for _ in range(3)]
        await room.take(f"a{number}")
        seen.add((await room.publications.version("news")).etag)
        assert len(ids(await room.publications.current("news", "json"))) == number + 1
        await asyncio.gather(*others)
    assert len(seen) == 10


async def test_asking_again_reads_nothing_until_a_feed_changes(newsroom: Open, sqlite_db: Database) -> None:
    room = await newsroom(NEWS, GOLD)
    await room.take("a1")
    await room.publications.current("news", "rss")
    with counting(sqlite_db) as sent:
        for _ in range(10):
            await room.publications.version("news")
            await room.publications.version("gold")
            await room.publications.current("news", "rss")
        assert sent == []
        await room.take("a2")
        sent.clear()
        await room.publications.version("news")
    assert sent


async def test_an_item_that_changes_without_an_event_is_shown_once_the_write_returns(newsroom: Open) -> None:
    room = await newsroom(NEWS)
    await room.take("a1")
    for _ in range(3):
        before = await room.publications.version("news")
        await room.db.write(feeds.touch, [FeedTouch("news", Change.STAYED, "a1")])
        assert await room.publications.version("news") != before


async def test_a_changed_definition_is_shown_as_soon_as_it_is_published(newsroom: Open) -> None:
    room = await newsroom(NEWS)
    await room.take("a1", "a2")
    assert len(ids(await room.publications.current("news", "json"))) == 2
    room.publications.replace({"news": NEWS.model_copy(update={"limit": 1})})
    assert len(ids(await room.publications.current("news", "json"))) == 1


async def test_no_one_who_asks_after_a_push_is_given_what_was_read_before_it(newsroom: Open) -> None:
    room = await newsroom(NEWS)
    shown: list[tuple[int, int]] = []
    pushed = 0

    async def ask(turns: int) -> None:
        for _ in range(turns):
            await asyncio.sleep(0)
        answered = pushed
        document = await room.publications.current("news", "json")
        shown.append((answered, len(ids(document))))

    for number in range(8):
        asking = [asyncio.create_task(ask(turns)) for turns in range(0, 40, 2)]
        await room.take(f"a{number}")
        pushed = number + 1
        await asyncio.gather(*asking)
    assert all(items >= answered for answered, items in shown)
    assert len(shown) == 160


async def test_what_another_process_pushed_is_shown_once_the_log_is_looked_at(
    newsroom: Open, sqlite_url: str, tmp_path: Path
) -> None:
    room = await newsroom(NEWS)
    before = await room.publications.version("news")
    elsewhere = await Database.open(sqlite_url, tmp_path / "data")
    try:
        await Newsroom(elsewhere, tmp_path / "data", NEWS).take("a1")
    finally:
        await elsewhere.close()
    await room.db.refresh()
    assert await room.publications.version("news") != before


async def test_a_large_document_lies_on_disk_and_is_used_again_after_a_restart(
    newsroom: Open, clock: ManualClock
) -> None:
    room = await newsroom(NEWS)
    await room.take(*(f"a{n}" for n in range(3)), body=f"<p>{'kopi ' * 80_000}</p>")
    first = await room.publications.current("news", "json")
    assert isinstance(first.body, Path)
    assert gzip.decompress(packed(first)) == plain(first)
    written = first.body.stat().st_mtime_ns
    again = await room.publish_anew().current("news", "json")
    assert again == first
    assert again.body.stat().st_mtime_ns == written  # type: ignore[union-attr]
    for number in range(4):
        clock.advance(1)
        await room.take("a0", title=f"Judul {number}", body=f"<p>{'kopi ' * 80_000}</p>")
        newest = await room.publications.current("news", "json")
    kept = {path.name for path in first.body.parent.iterdir()}
    assert first.body.name not in kept
    assert newest.body.name in kept  # type: ignore[union-attr]
    assert len(kept) == 4, "two versions, plain and packed"


@pytest.mark.parametrize("format", ["rss", "atom", "json"])
async def test_after_a_change_only_what_changed_is_read(newsroom: Open, sqlite_db: Database, format: str) -> None:
    room = await newsroom(NEWS.model_copy(update={"limit": 700}))
    await room.take(*(f"a{number:03}" for number in range(700)))
    await room.publications.current("news", format)
    await room.take("a350", title="Diubah")
    with counting(sqlite_db) as sent:
        changed = plain(await room.publications.current("news", format))
    contents = [parameters for statement, parameters in sent if "articles.data" in statement]
    assert contents == [('["a350"]',)]
    assert changed == plain(await room.publish_anew().current("news", format))


async def test_what_a_feed_selected_before_it_was_defined_anew_is_not_taken_for_selected(newsroom: Open) -> None:
    room = await newsroom(NEWS)
    await room.take("a1", topics=["Emas"])
    await room.take("a2", topics=["kopi"])
    await room.publications.current("news", "json")
    room.feeds["news"] = NEWS.model_copy(update={"select": Selection(topics=("Emas",))})
    room.publications.replace(room.feeds)
    await room.open()
    assert ids(await room.publications.current("news", "json")) == ["a1"]


async def test_an_emptied_cache_folder_is_filled_again(newsroom: Open) -> None:
    room = await newsroom(NEWS)
    await room.take("a1", body=f"<p>{'kopi ' * 250_000}</p>")
    first = await room.publications.current("news", "rss")
    for path in (room.data / "cache").iterdir():
        path.unlink()
    assert feedparser.parse(plain(await room.publications.current("news", "rss"))).entries[0].id
    assert plain(first)


async def test_ten_thousand_items_are_one_document_in_every_format(newsroom: Open) -> None:
    room = await newsroom(NEWS.model_copy(update={"limit": 10_000}))
    for start in range(0, 10_000, 2_500):
        await room.take(*(f"a{n:05}" for n in range(start, start + 2_500)))
    assert len(ids(await room.publications.current("news", "json"))) == 10_000
    for format, item in (("rss", b"<item>"), ("atom", b"<entry>")):
        assert plain(await room.publications.current("news", format)).count(item) == 10_000


@pytest.mark.parametrize("seed", range(3))
async def test_the_document_shows_exactly_what_the_matching_rule_selects(newsroom: Open, seed: int) -> None:
    chance = random.Random(seed)
    selections: list[dict[str, Any]] = [
        {"topics": ("emas", "DOLAR")},
        {"sections": ("pasar",), "topics": ("emas",)},
        {"sources": ("wire",)},
    ]
    chosen = [
        FeedDefinition(name=f"f{n}", title="f", limit=1000, select=Selection(**one)) for n, one in enumerate(selections)
    ]
    room = await newsroom(*chosen)
    for _ in range(60):
        id = f"a{chance.randrange(12)}"
        if chance.random() < 0.15 and await room.db.read(articles.known, [id]):
            known = (await room.db.read(articles.known, [id]))[id]
            if known.withdrawn_at is None:
                await room.withdraw(id)
            continue
        await room.take(
            id,
            source=chance.choice(["desk", "wire"]),
            title=chance.choice("ABC"),
            section=chance.choice([None, "Pasar", "Nasional"]),
            topics=chance.sample(["Emas", "dolar", "kopi"], chance.randrange(3)),
        )
    stored = await room.db.read(lambda tx: articles.page(tx, limit=1000))
    for feed in chosen:
        selected = [one.id for one in stored if selects(feed, "articles", item_facets(one.data, one.source))]
        document = orjson.loads(plain(await room.publications.current(feed.name, "json")))
        assert [item["id"].rpartition(":")[2] for item in document["items"]] == selected
        gone = {one["id"].rpartition(":")[2] for one in document["_publisher"].get("deleted", [])}
        assert not gone & set(selected)


async def test_documents_follow_the_site_once_it_is_replaced(newsroom: Open) -> None:
    room = await newsroom(NEWS)
    await room.take("a1")
    moved = replace(SITE, title="Kabar Baru", url="https://kabar.example.id")
    for format in ("rss", "atom", "json"):
        before = await room.publications.current("news", format)
        room.publications.replace(room.feeds, moved)
        after = await room.publications.current("news", format)
        assert after.etag != before.etag
        assert plain(after) == plain(await Publications(room.db, room.feeds, moved, room.data).current("news", format))
        assert b"kabar.example.id" in plain(after)
        room.publications.replace(room.feeds, SITE)
        assert plain(await room.publications.current("news", format)) == plain(before)
    room.publications.replace(room.feeds)
    assert await room.publications.current("news", "rss")
