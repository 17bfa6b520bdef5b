"""Faults that databases and libraries were seen to have, each with what keeps it out.

Two more have their tests where they belong: that nothing is sent again while outcomes cannot be recorded stands in
``tests/delivery/test_deliverer.py``, that a success is decided at the status line in
``tests/outbound/test_outbound_requests.py``, and how the log tells of its growth in ``test_listening.py``.
"""

import asyncio
import contextlib
import re
import sqlite3
import tomllib
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from support.deliveries import append, claim, fan_out, fan_out_once, next_due, states, subscribe
from support.items import an_event, article_change

from publisher import clock as clocks
from publisher.model import DeliveryState
from publisher.storage.configuration import sources
from publisher.storage.engine.database import Database, Tx
from publisher.storage.engine.engines import SQLITE_READERS
from publisher.storage.items.record import BULK, Reading, record
from publisher.storage.log import events
from publisher.storage.subscriptions import listing

OpenDatabase = Callable[[], Awaitable[Database]]

# Every way of joining but the one that runs its inner side again for each outer row.
LEFT_WITH_ONE_PLAN = (
    "enable_hashjoin", "enable_mergejoin", "enable_hashagg", "enable_material",
    "enable_indexscan", "enable_indexonlyscan", "enable_bitmapscan",
)  # fmt: skip

NAIVE_CLAIM = """
    UPDATE deliveries SET lease = 'naive', state = 'sending', due_at = due_at + 60000000 WHERE id IN (
      SELECT id FROM deliveries WHERE due_at <= $1 ORDER BY due_at LIMIT $2 FOR UPDATE SKIP LOCKED)"""


@pytest.fixture
async def open_node(database_url: str, tmp_path: Path) -> AsyncIterator[OpenDatabase]:
    """Opens the database as one more node does: with no clock but its own."""
    opened: list[Database] = []

    async def open_one() -> Database:
        opened.append(await Database.open(database_url, tmp_path / "data"))
        return opened[-1]

    yield open_one
    for database in opened:
        await database.close()


async def test_no_event_is_passed_over_while_several_nodes_append(db: Database, open_database: OpenDatabase) -> None:
    """A database's own sequence gives numbers out before the transactions that use them end.

    They become visible in another order, and a follower that has seen 7 never asks for 6 again. Here the number comes
    from a row that stays locked until the commit.
    """
    subscription = await db.write(subscribe)
    nodes = [await open_database() for _ in range(4)]
    done = asyncio.Event()

    def append_slowly(tx: Tx, count: int) -> None:
        events.append(tx, [an_event() for _ in range(count)])
        for _ in range(count * 3 % 7):
            events.last_seq(tx)

    async def append_many(node: Database, name: int) -> None:
        for n in range(20):
            await node.write(append_slowly, 1 + (n + name) % 4)

    async def follow() -> None:
        while not done.is_set():
            await fan_out_once(db)
        await fan_out(db)

    following = asyncio.create_task(follow())
    await asyncio.gather(*(append_many(node, n) for n, node in enumerate(nodes)))
    done.set()
    await following

    last = await db.read(events.last_seq)
    assert last == 4 * 20 * 2.5
    told = await db.read(listing.page, subscription.id, limit=1000)
    assert sorted(one.seq for one in told) == list(range(1, last + 1))


async def test_a_claim_keeps_to_its_limit_under_whatever_plan(postgres_url: str, tmp_path: Path) -> None:
    """``id IN (SELECT … LIMIT n FOR UPDATE SKIP LOCKED)`` is only as limited as its plan.

    One made while the queue was empty may join by running the subselect again for every row, and each run passes over
    what the runs before it took. The naive claim shows that the plan is such a one.
    """

    def spoil(tx: Tx) -> None:
        tx.conn.execute(text("ANALYZE deliveries"))
        name = tx.conn.execute(text("SELECT current_database()")).scalar_one()
        for setting in (*(f"{one} = off" for one in LEFT_WITH_ONE_PLAN), "plan_cache_mode = force_generic_plan"):
            tx.conn.execute(text(f"ALTER DATABASE {name} SET {setting}"))

    def naive(tx: Tx, limit: int) -> int:
        return int(tx.conn.exec_driver_sql(NAIVE_CLAIM, (tx.now, limit)).rowcount)

    first = await Database.open(postgres_url, tmp_path)
    await first.write(spoil)
    await first.close()
    db = await Database.open(postgres_url, tmp_path)
    try:
        assert len((await claim(db, limit=32)).deliveries) == 0  # plans are made now
        assert await db.write(naive, 32) == 0
        for _ in range(20):
            await db.write(subscribe)
        await append(db, 20)
        await fan_out(db)

        assert len((await claim(db, limit=32)).deliveries) == 32
        assert await db.write(naive, 32) > 32
    finally:
        await db.close()


async def test_a_claim_is_planned_for_the_queue_as_it_is(postgres_url: str, tmp_path: Path) -> None:
    """A plan that was kept from when the queue was empty reads all of it, however long it has become.

    The claim's transaction has each statement planned anew.
    """

    def mode(tx: Tx) -> str:
        tx.dialect.begin_claim(tx.conn)
        return str(tx.conn.execute(text("SHOW plan_cache_mode")).scalar_one())

    db = await Database.open(postgres_url, tmp_path)
    try:
        assert await db.write(mode) == "force_custom_plan"
    finally:
        await db.close()


async def test_a_lease_holds_by_the_databases_clock_whatever_a_nodes_says(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two nodes' clocks differ. By its own, the one that is fast would find every lease of the other run out.

    And what it claims itself would look leased to the other for as long as it is ahead. (On SQLite all processes are
    on one machine.)
    """
    right, day = clocks.now, timedelta(days=1)
    one, fast = [await Database.open(postgres_url, tmp_path) for _ in range(2)]
    try:
        subscription = await one.write(subscribe)
        await append(one, 2)
        await fan_out(one)
        [held] = (await claim(one, lease="one", limit=1)).deliveries

        monkeypatch.setattr(clocks, "now", lambda: right() + day)
        [other] = (await claim(fast, lease="fast")).deliveries
        assert other.id != held.id
        monkeypatch.setattr(clocks, "now", right)

        due = await next_due(one)
        assert due is not None
        assert due <= 60
        assert await states(one, subscription) == [DeliveryState.SENDING] * 2
    finally:
        await one.close()
        await fast.close()


async def test_every_sqlite_connection_is_set_up_to_wait_and_to_keep_what_it_commits(sqlite_db: Database) -> None:
    """Settings of SQLite hold for one connection, so each that a pool makes needs them.

    Without ``synchronous=FULL`` a power cut takes back commits that were answered; without ``busy_timeout`` a lock is
    an error; without WAL readers and the writer keep each other out.
    """

    def settings(conn: sqlite3.Connection) -> list[object]:
        names = ("journal_mode", "synchronous", "busy_timeout", "foreign_keys", "query_only")
        return [conn.exec_driver_sql(f"PRAGMA {name}").scalar() for name in names]  # type: ignore[attr-defined]

    async with contextlib.AsyncExitStack() as stack:
        writer = await stack.enter_async_context(sqlite_db._writer.connect())
        readers = [await stack.enter_async_context(sqlite_db._reader.connect()) for _ in range(SQLITE_READERS)]
        assert await writer.run_sync(settings) == ["wal", 2, 30000, 1, 0]
        assert [await reader.run_sync(settings) for reader in readers] == [["wal", 2, 30000, 1, 1]] * SQLITE_READERS


async def test_a_sqlite_writer_holds_the_lock_from_its_first_statement(sqlite_db: Database, tmp_path: Path) -> None:
    """A transaction that reads first and writes later must upgrade its lock, which SQLite refuses at once.

    No time-out helps, if another has written meanwhile: so a writing transaction begins with the lock.
    """
    file = tmp_path / "data" / "publisher.db"

    def read_while_another_writes(tx: Tx) -> None:
        events.last_seq(tx)
        other = sqlite3.connect(file, timeout=0, isolation_level=None)
        with contextlib.closing(other), pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("UPDATE cursors SET seq = seq + 1 WHERE name = 'log'")
        events.append(tx, [an_event()])

    await sqlite_db.write(read_while_another_writes)

    assert await sqlite_db.read(events.last_seq) == 1


async def test_a_claim_and_its_lease_are_one_step(db: Database, open_node: OpenDatabase) -> None:
    """To select what is due and then mark it is two statements, between which another worker selects the same."""
    del db
    nodes = [await open_node() for _ in range(4)]
    for _ in range(25):
        await nodes[0].write(subscribe)
    await append(nodes[0], 4)
    await fan_out(nodes[0])

    taken: list[int] = []
    for round_ in range(100):
        claims = [claim(node, lease=f"{n}.{round_}", limit=3) for n, node in enumerate(nodes)]
        found = [one.id for got in await asyncio.gather(*claims) for one in got.deliveries]
        taken += found
        if not found:
            break

    assert len(taken) == len(set(taken)) == 100


def test_the_asynchronous_part_of_sqlalchemy_is_asked_for_by_name() -> None:
    """SQLAlchemy no longer brings greenlet by itself, and without it no asynchronous engine can be made."""
    root = Path(__file__).parents[2]
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    [needed] = [one for one in project["dependencies"] if re.match(r"sqlalchemy\b", one, re.IGNORECASE)]

    assert needed.startswith("sqlalchemy[asyncio]")
    assert re.search(r"^greenlet==", (root / "requirements" / "run.txt").read_text(), re.MULTILINE)


@pytest.mark.parametrize(("events_made", "looked_at"), [(BULK, True), (BULK - 1, False)])
async def test_after_a_bulk_load_postgresql_knows_what_it_holds(
    events_made: int, looked_at: bool, postgres_url: str, tmp_path: Path
) -> None:
    """Until the server looks at a table by itself, minutes later, it plans as though nothing were there."""

    def known(tx: Tx) -> list[float]:
        names = "('articles', 'article_facets', 'events')"
        statement = f"SELECT reltuples FROM pg_class WHERE relname IN {names} ORDER BY relname"
        return list(tx.conn.execute(text(statement)).scalars())

    db = await Database.open(postgres_url, tmp_path)
    try:
        await db.write(sources.claim, "desk", "lease", 60)
        assert await db.read(known) == [-1, -1, -1]
        reading = Reading("desk", "lease", {}, None, items=1, events=events_made - 1)
        await db.write(record, articles=[article_change("a1")], events=[an_event()], reading=reading)
        found = await db.read(known)
    finally:
        await db.close()

    assert (min(found) > 0) is looked_at
