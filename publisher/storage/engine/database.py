"""Opening the database, and the transactions that every storage function runs in.

SQLite: a few reading connections and one writing connection that begins IMMEDIATE, so that a transaction waits for its
lock at the start and never has to upgrade it half-way. WAL lets readers read while it writes; ``synchronous=FULL``
makes a commit outlive a power cut, since a push is answered and an event promised on its strength.

PostgreSQL: a pool for writing and one for reading, so that whatever holds up the writers holds up no page; and once
something waits for the log to grow, one connection that listens. The server ends a transaction that a node left open,
and no one waits for a lock or for the server itself without end.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection, NullPool
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from publisher import clock
from publisher.clock import Clock
from publisher.errors import ConfigError, DefinitionsMoved, PublisherError, StorageError
from publisher.storage.engine.dialects import Dialect, dialect_for
from publisher.storage.engine.engines import BUSY_MILLISECONDS, driver_message, engines, turns
from publisher.storage.engine.growth import Generation, Growth, standing
from publisher.storage.engine.listening import LOOK, Listener
from publisher.storage.engine.migrate import HEAD, migrate
from publisher.storage.engine.outage import Outage
from publisher.unbroken import unbroken

P = ParamSpec("P")
T = TypeVar("T")

FILE = "publisher.db"

WIPE_MILLISECONDS = 250

ADOPTIONS = 5
"""How often in a row a transaction is repeated because the definitions changed."""

LONGEST_ANSWER = 1.0
"""The most seconds that reading the server's time may take for the result to be used."""


@dataclass(slots=True)
class Tx:
    """One transaction: the connection, the dialect's own statements, and the time it runs at (microseconds)."""

    conn: Connection
    dialect: Dialect
    now: int
    appended: int = 0
    """The last sequence number this transaction appended to the log, 0 if none."""
    touched: bool = False
    """Whether a feed has another state after this transaction."""
    voided: bool = False
    """Whether what was read of the log before may be void after this transaction: see :class:`Growth`."""
    changes: int = 0
    """The number that this transaction gave to a change of what is being sent, 0 if to none."""


class Database:
    """An open database. Make it with :meth:`open`; close it with :meth:`close`."""

    def __init__(
        self, writer: AsyncEngine, reader: AsyncEngine, loose: AsyncEngine, dialect: Dialect, now: Clock | None
    ) -> None:
        self._writer = writer
        self._loose = loose
        self._reader = reader
        self._dialect = dialect
        self._now = now
        self._turns = turns(dialect)
        self._growth = Growth()
        self._looked_at = float("-inf")
        self._judge: Callable[[Tx, Callable[[], int]], None] = lambda tx, now: None
        self._adopt: Callable[[], Awaitable[None]] | None = None
        self._ahead: float | None = None
        self.reading, self.writing = Outage("reading"), Outage("writing")
        self._listener = Listener(writer, heard=self._growth.advance, missed=self.refresh) if dialect.notifies else None

    @classmethod
    async def open(
        cls, url: str, data: Path, *, judge: Callable[[Connection], None] = lambda conn: None, now: Clock | None = None
    ) -> Database:
        """Open the database that ``[storage] url`` names and bring its schema up to date.

        ``sqlite`` is ``data/publisher.db``; otherwise a SQLAlchemy URL. ``judge`` raises if the database belongs to
        another installation and must be left alone; it is called before the schema is changed. ``now`` replaces the
        database's clock in tests. Raises ConfigError for a URL of another kind, StorageError if it cannot be opened.
        """
        if url == "sqlite":
            url = f"sqlite+aiosqlite:///{_made(data / FILE)}"
        dialect = dialect_for(url)
        if dialect is None:
            raise _wrong_url(f"{make_url(url).drivername!r} is not served")
        try:
            if dialect.single_writer:
                await asyncio.to_thread(_openable, make_url(url).database)
            writer, reader, loose = engines(url, dialect)
            db = cls(writer, reader, loose, dialect, now)
            await _brought_up_to_date(url, writer, dialect, judge)
            await db.refresh()
        except PublisherError:
            await db.close()
            raise
        except (SQLAlchemyError, sqlite3.Error, OSError) as error:
            raise StorageError(f"cannot open {make_url(url).render_as_string()}: {driver_message(error)}") from error
        except (TypeError, ValueError) as error:  # raised by the driver, as for a parameter that it does not know
            raise _wrong_url(f"cannot be used: {error}") from error
        return db

    @property
    def name(self) -> str:
        """The database as it may be shown: without a password."""
        return self._writer.url.render_as_string()

    def now(self) -> datetime:
        """The present time by the clock that all nodes on this database share.

        On PostgreSQL that is the server's, last read at the latest transaction and advanced since by this machine's
        monotonic clock; on SQLite the machine's own.
        """
        if self._now is not None:
            return self._now()
        if self._ahead is None:
            return clock.now()
        return clock.from_micros(round(self._ahead + clock.elapsed() * 1e6))

    def judge_time(self, judge: Callable[[Tx, Callable[[], int]], None]) -> None:
        """Have ``judge`` check the time of every writing transaction before it writes anything.

        ``judge`` is called with the transaction and a function that reads the clock again (microseconds).
        """
        self._judge = judge

    def adopt_by(self, adopt: Callable[[], Awaitable[None]]) -> None:
        """When a transaction raises DefinitionsMoved, roll it back, call ``adopt``, and run it again."""
        self._adopt = adopt

    @property
    def single_node(self) -> bool:
        """Whether every process on this database is on one machine."""
        return self._dialect.single_writer

    async def close(self) -> None:
        """Close every connection."""
        if self._listener is not None:
            await self._listener.stop()
        await self._writer.dispose()
        await self._loose.dispose()
        await self._reader.dispose()

    async def read(self, fn: Callable[Concatenate[Tx, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run ``fn(tx, …)`` in a reading transaction: one consistent view of the database."""
        return await self._by_present_definitions(lambda: self._read(lambda tx: fn(tx, *args, **kwargs)))

    async def write(self, fn: Callable[Concatenate[Tx, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run ``fn(tx, …)`` in a writing transaction; it is committed when this returns, undone if it raises.

        It waits for its turn by its urgency (``storage/engine/turns.py``). Raises StorageError, with nothing written,
        once a newer publisher has raised the schema beneath this one.
        """
        return await self._by_present_definitions(lambda: self._write(lambda tx: fn(tx, *args, **kwargs)))

    async def write_loosely(self, fn: Callable[Concatenate[Tx, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """As :meth:`write`, for what is done again where the machine loses its power before it is on the disk.

        On SQLite it is on the disk with the next :meth:`write`; an end of this process costs nothing of it.
        """
        return await self._by_present_definitions(
            lambda: self._write(lambda tx: fn(tx, *args, **kwargs), engine=self._loose)
        )

    async def _by_present_definitions(self, attempt: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Run the transaction, and again each time that the definitions it depends on turn out to have changed."""
        for _ in range(ADOPTIONS):
            try:
                return await attempt()
            except DefinitionsMoved:
                if self._adopt is None:
                    raise
                await self._adopt()
        raise StorageError("the definitions change faster than they can be adopted; try again")

    async def _read(self, fn: Callable[[Tx], T]) -> T:
        with self.reading:
            return await self._to_its_end(self._reads(fn))

    async def _reads(self, fn: Callable[[Tx], T]) -> T:
        async with _connected(self._reader) as connection:
            return await connection.run_sync(lambda conn: fn(Tx(conn, self._dialect, self._moment(conn))))

    async def _write(self, fn: Callable[[Tx], T], *, engine: AsyncEngine | None = None) -> T:
        with self.writing:
            async with self._turns.turn():
                return await self._to_its_end(self._written(fn, engine or self._writer))

    async def _written(self, fn: Callable[[Tx], T], engine: AsyncEngine) -> T:
        async with _connected(engine) as connection:
            tx, result = await connection.run_sync(lambda conn: _announced(tx := self._writes(conn), fn(tx)))
            # Half a commit takes effect all the same, but nobody would be notified that the log has grown.
            await unbroken(self._commit(connection, tx))
        return result

    async def _to_its_end(self, work: Coroutine[Any, Any, T]) -> T:
        """Await a transaction. On SQLite not even a cancellation breaks it: the driver's thread goes on with what it
        was told, and a connection that is given up meanwhile keeps its transaction, and with it all others, waiting.
        """
        return await (unbroken(work) if self._dialect.single_writer else work)

    async def _commit(self, connection: AsyncConnection, tx: Tx) -> None:
        try:
            await connection.commit()
        except SQLAlchemyError:
            # SQLite may leave the transaction open, and with the connection it would go to the next writer.
            await connection.invalidate()
            raise
        finally:
            # Also after an error: a commit whose response was lost on the way may have succeeded.
            self._growth.edition += tx.touched
            self._growth.changes = max(self._growth.changes, tx.changes)
            if tx.voided:
                self._growth.forget()
        self._growth.advance(tx.appended)
        if tx.voided:
            with contextlib.suppress(StorageError):  # it is committed, and the next look will find it
                await self.refresh()

    async def wipe(self) -> bool:
        """Remove erased content from SQLite's write-ahead log; False if a reader still needs that.

        On PostgreSQL dead rows are the server's to remove (VACUUM), and this does nothing.
        """
        if not self._dialect.single_writer:
            return True
        async with self._turns.turn(), _connected(self._writer) as connection:
            return await connection.run_sync(_truncate_journal)

    @property
    def last_seq(self) -> int:
        """The last sequence number known to be in the log; exact for what this process has appended."""
        return self._growth.last_seq

    @property
    def edition(self) -> int:
        """Another number once any feed may have another state than it had.

        What this process commits counts before :meth:`write` returns; what another does counts from the next
        :meth:`refresh`, and on PostgreSQL sooner where it appended to the log.
        """
        return self._growth.edition

    @property
    def generation(self) -> Generation:
        """Which log it is that sequence numbers belong to, as far as is known here."""
        return self._growth.generation

    @property
    def epoch(self) -> int:
        """Another number once what was read of the log may be void: its content erased, or the log another one."""
        return self._growth.epoch

    @property
    def changes(self) -> int:
        """Another number once something that is being sent may be stopped, or goes elsewhere.

        What this process commits counts at once, what another does from the next :meth:`refresh`.
        """
        return self._growth.changes

    async def refresh(self, older: float = 0.0) -> int:
        """Read what other processes did to the log and feeds, unless that was done within ``older`` seconds; returns
        :attr:`last_seq`.
        """
        if not older or time.monotonic() - self._looked_at >= older:
            begun, self._looked_at = self._growth.epoch, time.monotonic()
            self._growth.seen(await self.read(lambda tx: standing(tx.conn)), begun)
        return self._growth.last_seq

    async def grown(self, after: int) -> int:
        """Wait until the log holds more than ``after``, or is another one; returns its last sequence number.

        What this process appends is seen at once; what another one does, at the next :meth:`refresh` by any caller, and
        on PostgreSQL sooner.
        """
        self.listen()
        return await self._growth.beyond(after)

    def listen(self) -> None:
        """Listen from now on for what other processes do to the log, where the database can notify."""
        if self._listener is not None:
            self._listener.start()

    def _moment(self, conn: Connection) -> int:
        if self._now is not None:
            return clock.to_micros(self._now())
        sent = clock.elapsed()
        now = self._dialect.now(conn)
        self._note_clock(now, sent)
        return now

    def _note_clock(self, now: int, sent: float) -> None:
        """Note how far the server's clock is ahead of the monotonic one; a response that took long says little about
        it.
        """
        answered = clock.elapsed()
        if not self._dialect.single_writer and (self._ahead is None or answered - sent <= LONGEST_ANSWER):
            self._ahead = now - answered * 1e6

    def _writes(self, conn: Connection) -> Tx:
        """A transaction that may write."""
        sent = clock.elapsed()
        revision, now = self._dialect.begin_write(conn)
        self._note_clock(now, sent)
        _fence(revision)
        tx = Tx(conn, self._dialect, clock.to_micros(self._now()) if self._now else now)
        self._judge(tx, lambda: self._moment(tx.conn))
        return tx


@contextlib.asynccontextmanager
async def _connected(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """A connection; errors of the driver are raised as ours."""
    try:
        async with engine.connect() as connection:
            yield connection
    except (SQLAlchemyError, OSError) as error:
        raise StorageError(driver_message(error)) from error


def _fence(found: str) -> None:
    if found != HEAD:
        raise StorageError(
            f"the data is of schema {found!r} by now, and this process was written for {HEAD!r}: another publisher has "
            "migrated it. Nothing is written; restart this one in the version of that"
        )


def _announced(tx: Tx, result: T) -> tuple[Tx, T]:
    if tx.appended:
        tx.dialect.announce(tx.conn, tx.appended)
    if tx.voided:
        tx.dialect.announce(tx.conn, LOOK)
    return tx, result


def _openable(file: str | None) -> None:
    """Raise sqlite3.Error if it cannot be opened: found by the driver, that would leave its thread behind."""
    sqlite3.connect(file or "").close()


def _wrong_url(message: str) -> ConfigError:
    advice = 'use "sqlite" or a URL that begins postgresql+asyncpg://'
    return ConfigError("config/publisher.toml", f"{message}; {advice}", key="storage.url")


def sqlite_file(url: str, data: Path) -> Path | None:
    """The file that ``[storage] url`` names; None where it names none."""
    if url == "sqlite":
        return data / FILE
    named = make_url(url)
    return Path(named.database) if named.get_backend_name() == "sqlite" and named.database else None


def _made(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.touch(mode=0o600)
    return path


def _truncate_journal(connection: Connection) -> bool:
    # Outside any transaction, hence on the driver's own connection. Writers wait meanwhile, so not for long.
    cursor = connection.connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={WIPE_MILLISECONDS}")
    try:
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (busy, *_) = cursor.fetchone() or (1,)
    finally:
        cursor.execute(f"PRAGMA busy_timeout={BUSY_MILLISECONDS}")
        cursor.close()
    return not busy


async def _brought_up_to_date(
    url: str, writer: AsyncEngine, dialect: Dialect, judge: Callable[[Connection], None]
) -> None:
    """Migrate, on PostgreSQL by a connection without the limits above: an index of millions of rows takes longer, and
    so does the wait for a node that is making it.
    """
    engine = writer if dialect.single_writer else create_async_engine(url, hide_parameters=True, poolclass=NullPool)
    async with engine.connect() as connection:
        await connection.run_sync(migrate, judge)
