"""The connections to a database: how many, and what each is set to.

SQLite: one writing connection that begins IMMEDIATE, and a few reading ones. PostgreSQL: a pool for writing and one for
reading, with limits on how long anything may wait.
"""

from __future__ import annotations

import sqlite3
import time
from typing import Any

from sqlalchemy import Connection, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from publisher.errors import StorageError
from publisher.storage.engine.dialects import Dialect
from publisher.storage.engine.turns import Turns

SQLITE_READERS = 4
BUSY_MILLISECONDS = 30_000

POSTGRES_WRITERS, POSTGRES_READERS = 8, 8
"""Connections of each pool at most; one of the first listens."""

POSTGRES_PATIENT_WRITERS = 2
"""Of the first pool, how many at most write what nobody waits for: whoever appends waits in the server for those."""

POOL_SECONDS = 20.0
"""How long a transaction waits for a connection of its pool, where somebody waits for it."""

IDLE_MILLISECONDS = 10_000
"""How long a PostgreSQL transaction may stand open without a statement: a node that hangs in one holds the log."""

LOCK_MILLISECONDS = 15_000
"""How long a statement waits for a lock. Longer than the server takes to end a transaction that stands still."""

CONNECT_SECONDS, ANSWER_SECONDS = 10.0, 60.0
"""How long a server may take to accept a connection, and to answer a statement."""


def engines(url: str, dialect: Dialect) -> tuple[AsyncEngine, AsyncEngine, AsyncEngine]:
    """The engine that writes, the one that reads, and the one that writes what need not be on the disk at once: on
    PostgreSQL that is the first, too.
    """
    if not dialect.single_writer:
        # A snapshot for the whole of a reading transaction; the default would take one per statement.
        reads = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        writer = _postgres(url, POSTGRES_WRITERS)
        return writer, _postgres(url, POSTGRES_READERS).execution_options(**reads), writer
    writer = create_async_engine(url, hide_parameters=True, pool_size=1, max_overflow=0)
    reader = create_async_engine(url, hide_parameters=True, pool_size=SQLITE_READERS, max_overflow=0)
    loose = create_async_engine(url, hide_parameters=True, pool_size=1, max_overflow=0)
    _sqlite_events(writer, begin="BEGIN IMMEDIATE")
    _sqlite_events(reader, begin="BEGIN", query_only=True)
    # In the write-ahead log at once, and so safe from the end of this process; on the disk with the next that is FULL.
    _sqlite_events(loose, begin="BEGIN IMMEDIATE", synchronous="NORMAL")
    return writer, reader, loose


def turns(dialect: Dialect) -> Turns:
    """The queue in front of the writing connections. On SQLite, waiting there is fairer and cheaper than in its busy
    handler.
    """
    if dialect.single_writer:
        return Turns(1, patient=1)
    return Turns(POSTGRES_WRITERS - 1, patient=POSTGRES_PATIENT_WRITERS, within=POOL_SECONDS)


def _postgres(url: str, connections: int) -> AsyncEngine:
    limits = {
        "idle_in_transaction_session_timeout": str(IDLE_MILLISECONDS),
        "lock_timeout": str(LOCK_MILLISECONDS),
    }
    return create_async_engine(
        url,
        hide_parameters=True,
        pool_size=connections,
        max_overflow=0,
        pool_timeout=POOL_SECONDS,
        pool_pre_ping=True,
        connect_args={"timeout": CONNECT_SECONDS, "command_timeout": ANSWER_SECONDS, "server_settings": limits},
    )


def _sqlite_events(engine: AsyncEngine, *, begin: str, query_only: bool = False, synchronous: str = "FULL") -> None:
    @event.listens_for(engine.sync_engine, "connect")
    def connect(connection: Any, _record: Any) -> None:
        # The driver's own transactions begin too late and deferred; we begin them ourselves.
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout={BUSY_MILLISECONDS}")
        _write_ahead(cursor)
        cursor.execute(f"PRAGMA synchronous={synchronous}")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.execute("PRAGMA cache_size=-8000")
        # What is deleted or replaced is overwritten with zeros: an erased article is not left in a free page.
        cursor.execute("PRAGMA secure_delete=ON")
        if query_only:
            cursor.execute("PRAGMA query_only=ON")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def on_begin(connection: Connection) -> None:
        # One change of thread, where SQLAlchemy's cursor takes three.
        adapted: Any = connection.connection.dbapi_connection
        try:
            adapted.run_async(lambda driver: driver.execute_fetchall(begin))
        except sqlite3.Error as error:
            raise StorageError(driver_message(error)) from error


def driver_message(error: Exception) -> str:
    """What the driver driver_message, without the statement and the link that SQLAlchemy adds."""
    return str(error.orig if isinstance(error, DBAPIError) and error.orig else error)


def _write_ahead(cursor: Any) -> None:
    """Use a write-ahead log. Several processes may open a new file at once, and this change does not always wait for
    the lock by itself, whatever the timeout.
    """
    until = time.monotonic() + BUSY_MILLISECONDS / 1000
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() >= until:
                raise
        time.sleep(0.002)
