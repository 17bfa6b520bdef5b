"""What a reload takes, what it leaves alone, and what it does with a broken edit."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from support.kinds import Watched
from support.reloading import Running, source

from publisher import clock
from publisher.app.watching import watch
from publisher.errors import NotFound
from publisher.storage.configuration import feeds as feed_states
from publisher.storage.configuration import sources as source_states
from publisher.storage.engine.database import Tx

SOURCES = "config/sources.toml"


FAIL_AT_COMMIT = (
    "CREATE TABLE faults (id INTEGER REFERENCES filters (id) DEFERRABLE INITIALLY DEFERRED)",
    "CREATE TRIGGER fault AFTER INSERT ON feed_states BEGIN INSERT INTO faults VALUES (-1); END",
)


def run_sql(tx: Tx, statement: str) -> None:
    tx.conn.execute(text(statement))


def events_of(logged: list[dict[str, Any]]) -> list[str]:
    return [entry["event"] for entry in logged]


async def test_a_new_source_is_read_at_once(running: Running) -> None:
    running.write(SOURCES, source("desk") + source("market") + source("sport"))
    (entry,) = await running.reload()

    assert (entry["event"], entry["added"]) == ("config.reloaded", ["source sport"])
    assert (await running.read("sport")).readings == 1


async def test_a_source_that_did_not_change_keeps_its_reader_and_its_place_in_the_timetable(running: Running) -> None:
    reader, due = running.reader("desk"), await running.due("desk")
    running.write(SOURCES, source("desk") + source("market", marker="other"))
    await running.reload()
    changed = await running.read("market")

    assert running.reader("desk") is reader
    assert (reader.readings, reader.closed) == (1, False)
    assert due is not None
    assert await running.due("desk") == due
    assert changed.readings == 1


async def test_another_pace_is_no_reason_for_another_reader(running: Running) -> None:
    reader, before = running.reader("desk"), clock.now()
    running.recorded.clear()
    running.write(SOURCES, source("desk", every="1d") + source("market"))
    (entry,) = await running.reload()

    assert entry["changed"] == ["source desk"]
    assert await running.read("desk") is reader
    # Read at once, as every source that gets a pace; the next time is far.
    due = await running.due("desk")
    assert due is not None
    assert before + timedelta(days=1) <= due <= clock.now() + timedelta(days=1)
    assert reader.readings == 2


async def test_a_changed_source_is_read_again_at_once_also_in_its_back_off(running: Running) -> None:
    before = running.reader("market")
    later = clock.now() + timedelta(hours=1)
    await running.app.db.write(source_states.failed, "market", "answered 403", later)
    running.write(SOURCES, source("desk") + source("market", marker="right"))
    await running.reload()
    after = await running.read("market")

    assert (after.readings, after.options.marker) == (1, "right")
    assert before.closed


async def test_a_removed_source_is_read_no_more_and_closed(running: Running) -> None:
    reader = running.reader("market")
    running.write(SOURCES, source("desk"))
    (entry,) = await running.reload()

    assert entry["removed"] == ["source market"]
    with pytest.raises(NotFound, match="market"):
        running.schedule.trigger_now("market")
    assert reader.closed
    with pytest.raises(NotFound, match="desk"):
        running.app.source("market")


async def test_a_reading_under_way_ends_as_it_would_have(running: Running) -> None:
    running.write(SOURCES, source("desk") + source("market", held=True))
    await running.reload()
    reading = running.reader("market")
    await asyncio.wait_for(reading.begun.wait(), 60)
    running.write(SOURCES, source("desk"))
    await running.reload()
    assert not reading.closed

    Watched.free.set()
    await running.schedule.stop()
    assert reading.closed
    assert (await running.app.db.read(source_states.state, "market")).loaded


async def test_a_new_feed_is_published_with_what_is_there(running: Running) -> None:
    with pytest.raises(NotFound):
        await running.app.publications.current("all", "json")
    running.write("feeds/all.toml", 'title = "Semua"\n')
    (entry,) = await running.reload()

    assert entry["added"] == ["feed all"]
    document = await running.app.publications.current("all", "json")
    assert b"Semua" in (document.body if isinstance(document.body, bytes) else document.body.read_bytes())


async def test_a_changed_feed_has_another_version(running: Running) -> None:
    before = await running.app.publications.version("news")
    running.write("feeds/news.toml", 'title = "Kabar"\n')
    await running.reload()
    assert (await running.app.publications.version("news")).etag != before.etag


async def test_a_changed_indicator_reaches_readers_that_stay(running: Running) -> None:
    reader = running.reader("desk")
    running.write(
        "config/indicators.toml", '[[indicator]]\nsymbol = "EMAS"\nslug = "emas"\nname = "Emas"\ndecimals = 0\n'
    )
    await running.reload()

    assert running.reader("desk") is reader
    assert reader.context.indicators["EMAS"].decimals == 0
    assert set(reader.context.indicators) == set(running.app.catalog.indicators)


async def test_every_fault_of_a_broken_edit_is_told_with_its_place_and_nothing_of_the_edit_is_taken(
    running: Running,
) -> None:
    before = running.app.catalog
    running.write("feeds/all.toml", 'title = "Semua"\n')
    running.write("feeds/news.toml", 'title = "Berita"\nitem = "articles"\n')
    running.write(SOURCES, source("desk") + source("market") + '[[source]\nname = "x"\n')
    logged = await running.reload()

    assert events_of(logged) == ["config.error", "config.error", "config.kept"]
    places = {(one["file"], one["line"], one["key"]) for one in logged[:2]}
    assert ("feeds/news.toml", 2, "item") in places
    assert {file for file, _, _ in places} == {"feeds/news.toml", SOURCES}
    assert all(isinstance(line, int) for _, line, _ in places)
    assert 'did you mean "items"?' in next(one["problem"] for one in logged if one.get("key") == "item")
    assert running.app.catalog is before
    assert set(await running.app.db.read(feed_states.states)) == {"news"}


async def test_a_broken_edit_that_is_mended_is_told_too(running: Running) -> None:
    good = (running.app.home / "feeds/news.toml").read_text()
    running.write("feeds/news.toml", "title = ")
    await running.reload()
    running.write("feeds/news.toml", good)
    status = await running.reloader.reload(requested=False)

    assert status == "Answers"
    assert events_of(await running.reload()) == ["config.unchanged"]


async def test_the_manager_shows_the_first_fault(running: Running) -> None:
    running.write("feeds/news.toml", 'titel = "Berita"\n')
    status = await running.reloader.reload(requested=True)
    assert status.startswith("Answers; goes on with the last good configuration: feeds/news.toml:")


async def test_a_setting_that_cannot_be_read_holds_the_rest_back(running: Running) -> None:
    settings = (running.app.home / "config/publisher.toml").read_text()
    running.write("config/publisher.toml", settings.replace("port = 0", "port = 99999"))
    running.write("feeds/all.toml", 'title = "Semua"\n')
    logged = await running.reload()

    assert events_of(logged) == ["config.error", "config.kept"]
    assert (logged[0]["file"], logged[0]["key"]) == ("config/publisher.toml", "server.port")
    assert "all" not in running.app.catalog.feeds


async def test_settings_of_this_node_are_named_as_waiting_for_a_restart_and_all_others_hold_at_once(
    running: Running,
) -> None:
    settings = (running.app.home / "config/publisher.toml").read_text()
    settings = settings.replace("Meja Uji", "Meja Baru").replace("port = 0", "port = 8099")
    running.write("config/publisher.toml", settings.replace("[delivery]", '[delivery]\ntimeout = "7s"'))
    running.write("feeds/all.toml", 'title = "Semua"\n')
    logged = await running.reload()

    assert events_of(logged) == ["config.needs_restart", "config.reloaded"]
    assert logged[0]["keys"] == ["server.port"]
    assert logged[1]["changed"] == ["setting delivery.timeout", "setting site.title"]
    assert running.app.site.title == "Meja Baru"
    assert running.app.settings.delivery.timeout == 7.0
    assert "all" in running.app.catalog.feeds


async def test_a_reload_without_a_change_says_so(running: Running) -> None:
    assert events_of(await running.reload()) == ["config.unchanged"]


async def test_a_kind_that_cannot_be_made_leaves_everything_as_it_was(running: Running) -> None:
    before, readers = running.app.catalog, dict(running.app.readers.held)
    running.write(SOURCES, source("desk", marker="new") + source("market", broken=True))
    (entry,) = await running.reload()

    assert entry["event"] == "config.failed"
    assert running.app.catalog is before
    assert running.app.readers.held == readers
    assert not running.reader("desk").closed


async def test_storage_that_does_not_take_it_leaves_everything_as_it_was(running: Running) -> None:
    for statement in FAIL_AT_COMMIT:
        await running.app.db.write(run_sql, statement)
    before, readers = running.app.catalog, dict(running.app.readers.held)
    running.write("feeds/all.toml", 'title = "Semua"\n')
    running.write(SOURCES, source("desk", marker="new"))
    (entry,) = await running.reload()

    assert entry["event"] == "config.failed"
    assert running.app.catalog is before
    assert running.app.readers.held == readers
    assert not running.reader("desk").closed
    assert Watched.made[-1].closed
    with pytest.raises(NotFound):
        await running.app.publications.version("all")
    await running.app.db.write(run_sql, "DROP TRIGGER fault")
    assert events_of(await running.reload()) == ["config.reloaded"]


class Noticed:
    """What stood in ``feeds/`` whenever a change was noticed; None where there was no such folder."""

    def __init__(self, home: Path) -> None:
        self._feeds = home / "feeds"
        self._seen: asyncio.Queue[set[str] | None] = asyncio.Queue()

    def __call__(self) -> None:
        there = self._feeds.is_dir()
        self._seen.put_nowait({path.name for path in self._feeds.iterdir()} if there else None)

    async def until(self, wanted: set[str] | None) -> None:
        async with asyncio.timeout(60):
            while await self._seen.get() != wanted:
                pass

    @property
    def quiet(self) -> bool:
        return self._seen.empty()


@pytest.fixture
async def noticed(tmp_path: Path) -> AsyncIterator[Noticed]:
    """A watch that stands over an empty ``feeds/``."""
    (tmp_path / "feeds").mkdir()
    noticed = Noticed(tmp_path)
    watching = asyncio.create_task(watch(tmp_path, noticed))
    await noticed.until(set())
    yield noticed
    watching.cancel()
    await asyncio.wait([watching])


async def test_a_folder_that_takes_the_place_of_another_is_watched(noticed: Noticed, tmp_path: Path) -> None:
    (tmp_path / "feeds").rename(tmp_path / "feeds.old")
    await noticed.until(None)
    (tmp_path / "feeds").mkdir()
    await noticed.until(set())
    (tmp_path / "feeds/news.toml").touch()
    await noticed.until({"news.toml"})
    # By now the watch stands; before, this could have been seen as it began.
    (tmp_path / "feeds/sport.toml").touch()
    await noticed.until({"news.toml", "sport.toml"})


async def test_only_files_that_are_read_are_noticed(noticed: Noticed, tmp_path: Path) -> None:
    for name in ("feeds/.news.toml.swp", "feeds/4913", "notes.toml"):
        (tmp_path / name).touch()
    # The next that is noticed is this one, however long it takes.
    (tmp_path / "feeds/news.toml").touch()
    await noticed.until({".news.toml.swp", "4913", "news.toml"})
    assert noticed.quiet
