import asyncio
import stat
import threading
import traceback
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from sqlalchemy import text
from support.clock import ManualClock
from support.items import an_event, article_change
from support.statements import counting

from publisher import clock as clocks
from publisher.errors import ConfigError, StorageError
from publisher.storage.engine.database import Database, Tx
from publisher.storage.items import articles
from publisher.storage.items.record import record
from publisher.storage.log import events

OpenDatabase = Callable[[], Awaitable[Database]]


async def test_a_fresh_log_is_empty(db: Database) -> None:
    assert await db.read(events.last_seq) == 0
    assert db.last_seq == 0


async def test_a_transaction_runs_at_the_time_of_the_clock_that_was_given(db: Database, clock: ManualClock) -> None:
    assert await db.read(lambda tx: tx.now) == clocks.to_micros(clock())
    clock.advance(0.5)
    assert await db.write(lambda tx: tx.now) == clocks.to_micros(clock())


async def test_without_a_clock_the_time_is_that_of_the_database(database_url: str, tmp_path: Path) -> None:
    database = await Database.open(database_url, tmp_path / "data")
    try:
        before = clocks.to_micros(clocks.now())
        moment = await database.read(lambda tx: tx.now)
        assert abs(moment - before) < 60_000_000
    finally:
        await database.close()


async def test_an_error_shows_neither_the_statement_nor_the_values_in_it(db: Database) -> None:
    secret = "a value of someone's"

    def fail(tx: Tx) -> None:
        tx.conn.execute(text("SELECT * FROM no_such_table WHERE name = :name"), {"name": secret})

    with pytest.raises(StorageError, match="no_such_table") as refused:
        await db.read(fail)
    assert "SELECT" not in str(refused.value)
    assert "sqlalche.me" not in str(refused.value)
    assert secret not in "".join(traceback.format_exception(refused.value))


async def test_what_was_written_is_there_when_the_database_is_opened_again(
    db: Database, open_database: OpenDatabase
) -> None:
    await db.write(record, articles=[article_change("a1")], events=[an_event()])
    await db.close()

    again = await open_database()

    assert await again.read(articles.count) == 1
    assert again.last_seq == 1


async def test_a_reading_transaction_sees_one_consistent_view(db: Database, open_database: OpenDatabase) -> None:
    other = await open_database()
    async with db._reader.connect() as connection:

        async def count() -> int:
            return await connection.run_sync(lambda conn: articles.count(Tx(conn, db._dialect, 0)))

        assert await count() == 0
        await other.write(record, articles=[article_change("a1")])
        assert await count() == 0
    assert await db.read(articles.count) == 1


async def test_a_reading_transaction_cannot_write(db: Database) -> None:
    with pytest.raises(StorageError, match=r"(?i)read.?only"):
        await db.read(events.append, [an_event()])

    assert await db.read(events.last_seq) == 0


async def test_a_driver_error_becomes_ours_and_leaves_the_database_usable(db: Database) -> None:
    for run in (db.read, db.write):
        with pytest.raises(StorageError, match="no_such_table"):
            await run(lambda tx: tx.conn.execute(text("SELECT * FROM no_such_table")))

    await db.write(record, articles=[article_change("a1")])
    assert await db.read(articles.count) == 1


async def test_many_writers_at_once_all_get_their_turn(db: Database, open_database: OpenDatabase) -> None:
    other = await open_database()

    def add(tx: Tx, id: str) -> None:
        events.lock(tx)
        seen = articles.count(tx)  # a write that follows a read is where SQLite would refuse to upgrade a lock
        record(tx, articles=[article_change(f"{id}-{seen}")])

    await asyncio.gather(*(database.write(add, str(n)) for n, database in enumerate([db, other] * 15)))

    assert await db.read(articles.count) == 30


async def test_readers_do_not_wait_for_a_writer(db: Database) -> None:
    async with db._writer.connect() as connection:
        await connection.run_sync(lambda conn: record(Tx(conn, db._dialect, 0), articles=[article_change("a1")]))
        assert await db.read(articles.count) == 0
        await connection.commit()
    assert await db.read(articles.count) == 1


async def test_a_cancelled_write_happens_whole_or_not_at_all_and_leaves_the_database_usable(db: Database) -> None:
    """On SQLite it goes on to its end: a driver's thread cannot be stopped half-way."""
    entered = asyncio.Event()
    loop = asyncio.get_running_loop()

    def takes_long(tx: Tx) -> None:
        record(tx, articles=[article_change("cancelled")], events=[an_event()])
        loop.call_soon_threadsafe(entered.set)
        for _ in range(50):
            articles.count(tx)

    task = asyncio.create_task(db.write(takes_long))
    await entered.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    await db.write(record, articles=[article_change("kept")])
    whole = db.single_node
    found = await db.read(articles.known, ["cancelled", "kept"])
    assert sorted(found) == (["cancelled", "kept"] if whole else ["kept"])
    assert await db.read(events.last_seq) == whole


async def test_a_write_that_is_cancelled_while_it_waits_for_its_turn_never_runs(sqlite_db: Database) -> None:
    ran = threading.Event()
    async with sqlite_db._turns.turn():
        task = asyncio.create_task(sqlite_db.write(lambda tx: ran.set()))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    await sqlite_db.write(record, articles=[article_change("kept")])

    assert not ran.is_set()


async def test_followers_are_woken_when_the_log_has_grown(db: Database) -> None:
    followers = [asyncio.create_task(db.grown(after)) for after in (0, 1)]
    await db.write(events.append, [an_event()])
    assert await followers[0] == 1
    assert not followers[1].done()

    await db.write(events.append, [an_event(), an_event()])

    assert await followers[1] == 3


async def test_what_another_process_appended_shows_after_a_refresh(db: Database, open_database: OpenDatabase) -> None:
    other = await open_database()
    await other.write(events.append, [an_event()])
    assert db.last_seq == 0

    assert await db.refresh() == 1
    assert await db.grown(0) == 1


async def test_what_was_just_looked_at_by_anyone_is_not_looked_at_again(db: Database) -> None:
    await db.refresh()
    with counting(db) as sent:
        await asyncio.gather(*(db.refresh(older=3600.0) for _ in range(10)))
    assert sent == []
    with counting(db) as sent:
        await db.refresh()
    assert len(sent) == 1


async def test_the_sqlite_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    database = await Database.open("sqlite", tmp_path / "fresh" / "data")
    await database.write(record, articles=[article_change("a1")])
    files = list((tmp_path / "fresh" / "data").glob("publisher.db*"))
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in files}
    await database.close()

    assert modes["publisher.db"] == 0o600
    assert set(modes.values()) == {0o600}


async def test_sqlite_commits_outlive_a_power_cut(sqlite_db: Database) -> None:
    def pragmas(tx: Tx) -> tuple[object, object]:
        return tuple(tx.conn.execute(text(f"PRAGMA {name}")).scalar() for name in ("journal_mode", "synchronous"))

    assert await sqlite_db.write(pragmas) == ("wal", 2)  # 2: FULL


@pytest.mark.parametrize("url", ["mysql://x/y", "sqlite+pysqlite:///x", "postgresql://h/db", "not a url"])
async def test_a_database_of_another_kind_is_refused_by_name(url: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"storage\.url") as refused:
        await Database.open(url, tmp_path)
    assert refused.value.key == "storage.url"


async def test_a_server_that_is_not_there_is_an_error_that_hides_the_password(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot open postgresql") as refused:
        await Database.open(f"postgresql+asyncpg://u:hunter2@/db?host={tmp_path}", tmp_path)
    assert "hunter2" not in str(refused.value)


async def test_a_commit_that_fails_leaves_nothing_to_the_next_writer(db: Database) -> None:
    def run(tx: Tx, *statements: str) -> None:
        for statement in statements:
            tx.conn.execute(text(statement))

    await db.write(run, "CREATE TABLE late (id BIGINT REFERENCES filters (id) DEFERRABLE INITIALLY DEFERRED)")
    with pytest.raises(StorageError):
        await db.write(run, "UPDATE cursors SET seq = 7 WHERE name = 'log'", "INSERT INTO late VALUES (-1)")
    await db.write(run, "UPDATE cursors SET subscription = 1 WHERE name = 'log'")
    assert await db.read(events.last_seq) == 0


async def test_on_sqlite_alone_what_can_be_done_again_is_not_forced_to_the_disk_at_once(sqlite_db: Database) -> None:
    def level(tx: Tx) -> int:
        return int(tx.conn.execute(text("PRAGMA synchronous")).scalar_one())

    full, normal = 2, 1
    assert await sqlite_db.write(level) == full
    assert await sqlite_db.write_loosely(level) == normal
    assert await sqlite_db.write(level) == full


async def test_what_is_written_loosely_takes_its_turn_with_all_else_and_is_seen_by_it(db: Database) -> None:
    def count(tx: Tx) -> None:
        tx.conn.execute(text("UPDATE cursors SET seq = seq + 1 WHERE name = 'changes'"))

    def counted(tx: Tx) -> int:
        return int(tx.conn.execute(text("SELECT seq FROM cursors WHERE name = 'changes'")).scalar_one())

    before = await db.read(counted)
    await asyncio.gather(*(write(count) for _ in range(10) for write in (db.write, db.write_loosely)))
    assert await db.read(counted) == before + 20
