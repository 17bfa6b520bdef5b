"""PostgreSQL tells other processes at once that the log has grown; none of these looks at the log by itself."""

import asyncio
from collections.abc import Awaitable, Callable

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url
from support.deliveries import append, fan_out, subscribe
from support.items import an_event

from publisher.storage.configuration import installation
from publisher.storage.engine.database import Database, Tx
from publisher.storage.engine.dialects import CHANNEL
from publisher.storage.log import events
from publisher.storage.log.tail import Tail

OpenDatabase = Callable[[], Awaitable[Database]]


async def listening(db: Database) -> asyncio.Task[int]:
    """Waits for the log to grow, and hears of it."""
    task = asyncio.create_task(db.grown(db.last_seq))
    await asyncio.sleep(0)
    assert db._listener is not None
    await asyncio.wait_for(db._listener.listening.wait(), 60)
    return task


def kill_listeners(tx: Tx) -> int:
    """End the connections that listen, as a restarted server or a broken network would; returns how many."""
    statement = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'"
    statement += " AND datname = current_database() AND pid <> pg_backend_pid()"
    return int(tx.conn.execute(text(statement)).scalar_one())


async def test_what_another_process_appends_is_heard_of_without_looking(open_here: OpenDatabase) -> None:
    one, other = await open_here(), await open_here()
    waiting = await listening(one)

    await append(other, 3)

    assert await asyncio.wait_for(waiting, 60) == 3


async def test_an_append_that_is_undone_is_not_announced(open_here: OpenDatabase) -> None:
    one, other = await open_here(), await open_here()
    waiting = await listening(one)

    def append_and_fail(tx: Tx) -> None:
        events.append(tx, [an_event(), an_event()])
        tx.dialect.announce(tx.conn, tx.appended)
        raise RuntimeError("undo")

    with pytest.raises(RuntimeError, match="undo"):
        await other.write(append_and_fail)
    await append(other)

    assert await asyncio.wait_for(waiting, 60) == 1


async def test_numbers_of_a_log_that_was_put_back_are_not_heard_of_as_those_of_the_next(
    open_here: OpenDatabase,
) -> None:
    one, other = await open_here(), await open_here()
    await other.write(installation.claim, b"proof")
    await one.refresh()
    waiting = await listening(one)
    await append(other, 3)
    assert await asyncio.wait_for(waiting, 60) == 3

    def put_back(tx: Tx) -> None:
        tx.conn.execute(text("DELETE FROM events WHERE seq > 1"))
        tx.conn.execute(text("UPDATE cursors SET seq = 1 WHERE name = 'log'"))
        installation.renew(tx)

    await other.write(put_back)
    await one.refresh()
    assert one.last_seq == 1
    waiting = await listening(one)
    await append(other)
    assert await asyncio.wait_for(waiting, 60) == 2
    assert one.last_seq == 2


async def test_a_lost_connection_is_made_again_and_what_was_missed_is_caught_up_with(open_here: OpenDatabase) -> None:
    one, other = await open_here(), await open_here()
    waiting = await listening(one)
    assert one._listener is not None

    assert await other.write(kill_listeners) == 1
    await append(other)
    assert await asyncio.wait_for(waiting, 60) == 1

    waiting = await listening(one)
    await append(other)
    assert await asyncio.wait_for(waiting, 60) == 2


async def test_numbers_from_before_a_log_that_was_put_back_hide_nothing_that_comes_after(
    open_here: OpenDatabase,
) -> None:
    """Its own tools put it back beneath a process that runs, as by a fail-over to a copy that was behind."""
    one, other = await open_here(), await open_here()
    waiting = await listening(one)
    await append(other, 9)
    assert await asyncio.wait_for(waiting, 60) == 9

    def put_back(tx: Tx) -> None:
        tx.conn.execute(text("DELETE FROM events WHERE seq > 4"))
        tx.conn.execute(text("UPDATE cursors SET seq = 4 WHERE name = 'log'"))

    await other.write(put_back)
    await other.write(installation.renew)
    await one.refresh()
    tail = Tail(one)
    for number in (5, 6):
        waiting = asyncio.create_task(tail.grown(number - 1))
        await append(other)
        assert await asyncio.wait_for(waiting, 60) == number
        stretch = await tail.after(number - 1, limit=10)
        assert ([entry.seq for entry in stretch.entries], stretch.reached) == ([number], number)


async def test_a_commit_is_announced_once_however_many_events_it_holds_and_deliveries_never(
    open_here: OpenDatabase, postgres_url: str
) -> None:
    db = await open_here()
    for _ in range(20):
        await db.write(subscribe)
    told: list[str] = []
    url = make_url(postgres_url).set(drivername="postgresql").render_as_string(hide_password=False)
    listener = await asyncpg.connect(url)
    try:
        await listener.add_listener(CHANNEL, lambda _c, _p, _n, payload: told.append(payload))
        await append(db, 500)
        await fan_out(db)
        await append(db)
        # What was committed before this was told before its answer.
        await listener.fetchval("SELECT 1")
    finally:
        await listener.close()

    assert told == ["500", "501"]


async def test_a_connection_that_listened_is_not_handed_to_anyone_else(open_here: OpenDatabase) -> None:
    db = await open_here()
    await listening(db)
    assert db._listener is not None
    await db._listener.stop()

    def channels(tx: Tx) -> list[str]:
        return list(tx.conn.execute(text("SELECT pg_listening_channels()")).scalars())

    assert await asyncio.gather(*(db.read(channels) for _ in range(10))) == [[]] * 10


async def test_a_reader_of_one_process_is_woken_by_what_another_appends_and_erases(open_here: OpenDatabase) -> None:
    one, other = await open_here(), await open_here()
    tail = Tail(one)
    assert (await tail.after(0, limit=9)).entries == []  # whoever has read hears of more, also without waiting for it
    assert one._listener is not None
    await asyncio.wait_for(one._listener.listening.wait(), 60)
    await append(other, 2)
    assert await asyncio.wait_for(tail.grown(1), 60) == 2
    assert [entry.seq for entry in (await tail.after(0, limit=9)).entries] == [1, 2]

    [event, _] = await other.read(events.after, 0, 9)
    await other.write(events.erase, event.subject)
    waiting = asyncio.create_task(one.grown(2))
    await append(other)
    await asyncio.wait_for(waiting, 60)

    found = [entry.event for entry in (await tail.after(0, limit=9)).entries]
    assert [one.erased for one in found if one.subject == event.subject][:1] == [True]
