"""``Last-Modified`` moves with every change of bytes, whatever changed them; a date never stands for two versions."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from newsroom import SITE, Newsroom
from support.clock import ManualClock

from publisher import render
from publisher.model import FeedDefinition, Selection
from publisher.publish import Document, appearance
from publisher.storage.engine.database import Database

NEWS = FeedDefinition(name="news", title="Berita")
FORMATS = ("rss", "atom", "json")

SITES = {
    "title": replace(SITE, title="Kabar"),
    "address": replace(SITE, url="https://lain.example.id"),
    "language": replace(SITE, language="en"),
    "time zone": replace(SITE, timezone="Asia/Jayapura"),
    "ids": replace(SITE, ids="tag:lain.example.id,2026:"),
}
DEFINITIONS: dict[str, dict[str, Any]] = {
    "title": {"title": "Kabar"},
    "description": {"description": "Apa saja"},
    "language": {"language": "en"},
    "limit": {"limit": 1},
    "content": {"content": "summary"},
    "selection": {"select": Selection(topics=("kopi",))},
}

Read = Callable[[], Awaitable[list[Document]]]


@pytest.fixture
async def room(sqlite_db: Database, tmp_path: Path, clock: ManualClock) -> Newsroom:
    room = await Newsroom(sqlite_db, tmp_path / "data", NEWS).open()
    await room.take("a1", topics=["kopi"])
    await room.take("a2", body=f"<p>{'panjang ' * 150_000}</p>")  # a document that is kept on disk
    clock.advance(60)
    return room


async def documents(room: Newsroom) -> list[Document]:
    return [await room.publications.current("news", format) for format in FORMATS]


def moved(before: list[Document], after: list[Document]) -> None:
    for old, new in zip(before, after, strict=True):
        assert new.etag != old.etag
        assert new.last_modified is not None
        assert old.last_modified is not None
        assert new.last_modified > old.last_modified


@pytest.mark.parametrize("site", SITES.values(), ids=SITES.keys())
async def test_it_moves_with_what_the_site_is_called(room: Newsroom, site: Any) -> None:
    before = await documents(room)
    room.publish_anew(site)
    await room.open()
    moved(before, await documents(room))


@pytest.mark.parametrize("change", DEFINITIONS.values(), ids=DEFINITIONS.keys())
async def test_it_moves_with_how_the_feed_is_defined(room: Newsroom, change: dict[str, Any]) -> None:
    before = await documents(room)
    room.feeds["news"] = NEWS.model_copy(update=change)
    room.publish_anew()
    await room.open()
    moved(before, await documents(room))


async def test_it_moves_with_a_release_that_writes_other_bytes(room: Newsroom, monkeypatch: pytest.MonkeyPatch) -> None:
    before = await documents(room)
    monkeypatch.setattr(render, "RENDERER_VERSION", render.RENDERER_VERSION + 1)
    room.publish_anew()
    await room.open()
    moved(before, await documents(room))


async def test_it_stays_over_a_restart_that_changes_nothing(room: Newsroom, clock: ManualClock) -> None:
    before = await documents(room)
    clock.advance(3600)
    room.publish_anew()
    await room.open()
    assert await documents(room) == before


async def test_it_is_not_told_while_storage_was_told_of_other_bytes(room: Newsroom, clock: ManualClock) -> None:
    # Two releases beside each other, or one that has not yet been told of a reload: one date would stand for both.
    room.publish_anew(SITES["title"])
    assert [one.last_modified for one in await documents(room)] == [None, None, None]
    clock.advance(60)
    await room.open()
    assert {one.last_modified for one in await documents(room)} == {clock()}


async def test_it_moves_on_though_the_clock_is_put_back(room: Newsroom, clock: ManualClock) -> None:
    await room.take("a1", topics=["kopi"], title="Satu")
    before = await documents(room)
    clock.advance(-3600)
    await room.take("a1", topics=["kopi"], title="Dua")
    moved(before, await documents(room))


def test_the_appearance_is_the_same_for_the_same_feed_and_site() -> None:
    assert appearance(NEWS, SITE) == appearance(NEWS, replace(SITE, url=f"{SITE.url}/"))
