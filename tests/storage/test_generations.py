"""Numbers of the log are given out anew after a restore: the generation says which log a number belongs to."""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine
from support.clock import ManualClock
from support.items import an_event
from support.rights import SITE
from support.schemas import upgrade

from publisher.model import Change, FeedDefinition
from publisher.model.change import FeedTouch
from publisher.publish import Publications
from publisher.publish.appearance import appearance
from publisher.storage.access.sealing import Sealer
from publisher.storage.configuration import feeds, installation
from publisher.storage.engine.database import Database
from publisher.storage.engine.growth import Generation
from publisher.storage.log import events
from publisher.storage.transfer import backup

OpenDatabase = Callable[[], Awaitable[Database]]

NEWS = FeedDefinition(name="news", title="Berita")

FIRST = Generation("a")
ONCE = FIRST.renewed("b", 800)
TWICE = ONCE.renewed("c", 850)
BACK = ONCE.renewed("d", 700)


@pytest.mark.parametrize(
    ("now", "cursor", "seq", "begin"),
    [
        (FIRST, "a", 5, None),
        (ONCE, "b", 900, None),
        (ONCE, "a", 1000, 800),  # what stood above 800 is another now
        (ONCE, "a", 500, 500),
        (TWICE, "b", 900, 850),
        (TWICE, "a", 1000, 800),  # 801 to 850 came in the second one
        (BACK, "a", 1000, 700),
        (BACK, "b", 750, 700),
        (BACK, "c", 850, 0),  # of a log that began after this copy was taken: nothing is known of it
        (FIRST, None, 5, None),  # a number alone, while there was never another log
        (TWICE, None, 1000, 800),
        (TWICE, None, 3, 3),
    ],
)
def test_a_reader_goes_on_where_the_logs_part(now: Generation, cursor: str | None, seq: int, begin: int | None) -> None:
    assert now.reset_to(cursor, seq) == begin


async def test_it_is_made_with_the_installation_and_stays(db: Database, open_database: OpenDatabase) -> None:
    assert db.generation == Generation("")
    await db.write(installation.claim, b"proof")
    made = db.generation
    await db.write(installation.claim, b"proof")
    assert (len(made.id), made.earlier) == (16, ())
    assert (await open_database()).generation == db.generation == made
    assert await db.read(installation.generation) == made.id


async def test_another_process_learns_that_the_log_is_another_one_and_what_waits_is_told(
    db: Database, open_database: OpenDatabase
) -> None:
    await db.write(installation.claim, b"proof")
    await db.write(events.append, [an_event() for _ in range(3)])
    other = await open_database()
    before = other.generation, other.edition, other.epoch
    renewed = await db.write(installation.renew, 2)
    assert db.generation == renewed
    await other.refresh()
    assert other.generation == renewed == before[0].renewed(renewed.id, 2)
    assert (other.edition != before[1], other.epoch != before[2]) == (True, True)


@pytest.fixture
async def news(sqlite_db: Database, tmp_path: Path) -> Database:
    """An installation with a feed."""
    await sqlite_db.write(installation.claim, Sealer.open(tmp_path / "data").proof())
    await sqlite_db.write(feeds.sync, {"news": appearance(NEWS, SITE)})
    return sqlite_db


async def version(db: Database, data: Path) -> str:
    return (await Publications(db, {"news": NEWS}, SITE, data).version("news")).etag


async def test_a_restored_feed_has_another_version_though_its_number_and_its_time_are_the_same(
    news: Database, tmp_path: Path, clock: ManualClock
) -> None:
    data = tmp_path / "data"
    backup.backup(data / "publisher.db", data, tmp_path / "night.tar", now=clock(), publisher="1.0")
    touch = [FeedTouch("news", "a1", Change.STAYED)]
    await news.write(feeds.touch, touch)
    lost, tag = await news.read(feeds.state, "news"), await version(news, data)
    await news.close()
    backup.restore(tmp_path / "night.tar", data / "publisher.db", data, now=clock())
    db = await Database.open("sqlite", data, now=clock)
    found = await db.read(feeds.state, "news")
    assert found is not None
    assert lost is not None
    assert (found.version, found.changed_at) == (lost.version, lost.changed_at)
    assert await version(db, data) != tag
    await db.close()


async def test_a_backup_from_before_there_were_generations_is_another_log_too(
    news: Database, tmp_path: Path, clock: ManualClock
) -> None:
    data = tmp_path / "data"
    await news.write(events.append, [an_event(), an_event()])
    await news.close()
    with closing(sqlite3.connect(data / "publisher.db", isolation_level=None)) as raw:
        raw.execute("DELETE FROM installation")
    backup.backup(data / "publisher.db", data, tmp_path / "old.tar", now=clock(), publisher="1.0")
    backup.restore(tmp_path / "old.tar", data / "publisher.db", data, now=clock())
    db = await Database.open("sqlite", data, now=clock)
    assert db.generation.earlier == (("", 2),)
    assert db.generation.reset_to(None, 9) == 2
    await db.write(installation.claim, b"proof")
    found = await db.read(installation.standing)
    assert (found.proof, found.empty, db.generation.reset_to(None, 9)) == (b"proof", False, 2)
    await db.close()


def as_it_was(conn: Connection) -> None:
    """Schema 0010: an installation with two events."""
    upgrade(conn, "0010")
    conn.execute(text("INSERT INTO installation (n, id) VALUES (1, 'desk')"))
    conn.execute(text("UPDATE cursors SET seq = 2 WHERE name = 'log'"))
    conn.commit()


async def test_a_log_from_before_there_were_generations_gets_one_and_its_numbers_go_on_being_places(
    tmp_path: Path, empty_database_url: str
) -> None:
    url = empty_database_url
    url = f"sqlite+aiosqlite:///{tmp_path / 'publisher.db'}" if url == "sqlite" else url
    engine = create_async_engine(url)
    async with engine.connect() as connection:
        await connection.run_sync(as_it_was)
    await engine.dispose()
    db = await Database.open(url, tmp_path)
    found, epoch = db.generation, db.epoch
    assert (len(found.id), found.earlier, found.reset_to(None, 2)) == (16, (), None)
    [event, _] = await db.write(events.append, [an_event(), an_event()])
    await db.write(events.erase, event.subject)
    assert db.epoch > epoch
    await db.close()
