"""Moving an installation's data from SQLite to PostgreSQL.

Four steps, each of which may be cut off at any point and begun again:

1. Hold both sides: the SQLite file in one transaction that keeps all writers out, the target by its cursors' rows.
2. Compare what the target holds already. It must be a part of this installation's data, left by a transfer that was
   cut off; anything else is refused before a row is written.
3. Copy the rest, a transaction for each batch, every table in the order of its key.
4. Compare every row of both sides, count both, and only then set the cursors and the sequences, in one transaction:
   until that commit the target's log is empty, and no publisher can take it for complete. The copy's log is another
   generation, since both sides may be written to from then on.
"""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

from sqlalchemy import BigInteger, Connection, StaticPool, Table, create_engine, event, func, literal, select, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from publisher.errors import Conflict, NotFound, PublisherError, StorageError
from publisher.storage.configuration.installation import renewed
from publisher.storage.engine.migrate import migrate
from publisher.storage.engine.tables import cursors, installation, lanes, metadata, senders
from publisher.storage.transfer import batches
from publisher.storage.transfer.batches import Key, Rows

BATCH = 2_000

DRIVER = "postgresql+asyncpg"


@dataclass(frozen=True, slots=True)
class Progress:
    """``done`` of ``total`` rows of one table in one stage."""

    stage: Literal["comparing", "copying", "checking"]
    table: str
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Transferred:
    """What was done: rows by table, and how many of all of them an earlier transfer had copied already."""

    rows: dict[str, int]
    found: int


def target_url(given: str) -> str:
    """A PostgreSQL URL as ``[storage] url`` wants it; raises PublisherError for anything else."""
    try:
        url = make_url(given)
    except ArgumentError:
        url = None
    if url is None or url.drivername not in ("postgres", "postgresql", DRIVER) or not url.database:
        raise PublisherError("--to must name a PostgreSQL database: postgresql+asyncpg://USER:PASSWORD@HOST/DATABASE")
    return url.set(drivername=DRIVER).render_as_string(hide_password=False)


def masked(url: str) -> str:
    """A URL as it may be shown: ``***`` for the password."""
    return make_url(url).render_as_string()


async def transfer(
    source: Path, target: str, *, report: Callable[[Progress], None] = lambda _progress: None, batch: int = BATCH
) -> Transferred:
    """Copy everything in the SQLite file ``source`` to the PostgreSQL database ``target``, and check it.

    ``report`` is called after each batch. Blocks between batches: it is a command's, and nothing else runs meanwhile.
    Raises NotFound without a source; Conflict if either side is in use or the target holds other data, with nothing
    written; StorageError if a row cannot be stored or is not as it should be, naming it.
    """
    with _source(source) as here:
        async with _target(target) as (holder, there):
            work = _Transfer(here, there, report, batch)
            own = await holder.run_sync(_hold)
            finished = sorted(tuple(row) for row in here.execute(select(cursors)))
            ours = [tuple(row) for row in here.execute(select(installation))]
            found = 0
            if own == finished and any(seq for _, seq, _ in own):
                found = sum(work.totals.values())
            elif any(seq for _, seq, _ in own):
                raise Conflict("the target is a publisher's database with a log of its own; name an empty database")
            else:
                places = {table: await work.compare(table) for table in work.tables}
                found = sum(count for count, _ in places.values())
                for table, (count, after) in places.items():
                    await work.copy(table, count, after)
            for table in work.tables:
                await work.check(table)
            await holder.run_sync(_finish, finished, ours, work.tables, batches.given_out(here))
            await holder.commit()
    return Transferred({table.name: count for table, count in work.totals.items()}, found)


class _Transfer:
    """The stages, for one table at a time."""

    def __init__(
        self, here: Connection, there: AsyncConnection, report: Callable[[Progress], None], batch: int
    ) -> None:
        self._here = here
        self._there = there
        self._report = report
        self._batch = batch
        # In the order in which rows may point at each other; the cursors follow last, and with them whose it is.
        kept_apart = (cursors, installation, lanes, senders)
        self.tables = [table for table in metadata.sorted_tables if table not in kept_apart]
        self.totals = {table: batches.count(here, table) for table in self.tables}

    async def compare(self, table: Table) -> tuple[int, Key | None]:
        """How many rows the target has, and the key up to which it has all; raises Conflict if it has others."""
        present = await self._read(batches.count, table)
        seen, after = 0, None
        key = batches.key_of(table)
        for rows in batches.read(self._here, table, self._batch) if present else ():
            found = await self._read(batches.look_up, table, rows)
            for row in rows:
                if found.get(key(row), row) != row:
                    raise Conflict(_others(table, batches.describe(table, key(row))))
            seen += len(found)
            self._report(Progress("comparing", table.name, seen, present))
            if len(found) < len(rows):
                break
            after = batches.as_key(key(rows[-1]))
        if seen != present:
            raise Conflict(_others(table, f"{present - seen} rows of {table.name}"))
        return present, after

    async def copy(self, table: Table, count: int, after: Key | None) -> None:
        """Copy the rows above a key; those of them that are there stay as they are."""
        for rows in batches.read(self._here, table, self._batch, after):
            try:
                await self._there.run_sync(_insert, table, rows)
                await self._there.commit()
            except DBAPIError as error:
                raise StorageError(_refused(table, rows, error)) from error
            count = min(count + len(rows), self.totals[table])
            self._report(Progress("copying", table.name, count, self.totals[table]))

    async def check(self, table: Table) -> None:
        """Raise StorageError naming the first row that is not the same on both sides."""
        key = batches.key_of(table)
        done = 0
        for rows in batches.read(self._here, table, self._batch):
            found = await self._read(batches.look_up, table, rows)
            for row in rows:
                copied = found.get(key(row))
                if copied != row:
                    wrong = "is missing" if copied is None else f"differs in {batches.differing(table, row, copied)}"
                    raise StorageError(f"the copy is not whole: {batches.describe(table, key(row))} {wrong}")
            done += len(rows)
            self._report(Progress("checking", table.name, done, self.totals[table]))
        present = await self._read(batches.count, table)
        if present != done:
            raise StorageError(f"the copy is not whole: {table.name} has {done} rows here and {present} there")

    async def _read(self, fn: Callable[..., Any], *arguments: Any) -> Any:
        result = await self._there.run_sync(fn, *arguments)
        await self._there.rollback()
        return result


@contextmanager
def _source(file: Path) -> Iterator[Connection]:
    """The SQLite file, its schema up to date, in one transaction in which no one else can write."""
    if not file.is_file():
        raise NotFound(f"there is no database at {file}; there is nothing to move")
    address = f"file:{quote(str(file.absolute()))}?mode=rw"
    try:
        with closing(sqlite3.connect(address, uri=True, timeout=0, isolation_level=None)) as raw:
            raw.execute("PRAGMA foreign_keys=ON")
            raw.execute("PRAGMA journal_mode=DELETE")  # refused while any other process has the file open
            engine = create_engine("sqlite://", creator=lambda: raw, poolclass=StaticPool)
            event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
            with engine.connect() as connection:
                migrate(connection)
                if connection.exec_driver_sql("PRAGMA journal_mode").scalar() != "delete":
                    raise Conflict(_in_use(file))
                yield connection
    except (sqlite3.Error, SQLAlchemyError) as error:
        cause = getattr(error, "orig", error)
        if getattr(cause, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise Conflict(_in_use(file)) from error
        raise StorageError(f"{file}: {error}") from error


@asynccontextmanager
async def _target(url: str) -> AsyncIterator[tuple[AsyncConnection, AsyncConnection]]:
    """Two connections to the target, its schema made: one that holds it, one that works."""
    engine = create_async_engine(url)
    try:
        async with engine.connect() as holder, engine.connect() as there:
            await there.run_sync(migrate)
            yield holder, there
    except (SQLAlchemyError, OSError) as error:
        raise StorageError(f"{masked(url)}: {error}") from error
    finally:
        await engine.dispose()


def _hold(conn: Connection) -> list[tuple[Any, ...]]:
    """Lock the target's cursors until the end, which no recorder and no second transfer gets past; returns them."""
    try:
        rows = conn.execute(select(cursors).with_for_update(nowait=True)).all()
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", "") == "55P03":  # lock_not_available
            raise Conflict("another process is using the target; stop it first") from error
        raise
    return sorted(tuple(row) for row in rows)


def _insert(conn: Connection, table: Table, rows: Rows) -> None:
    names = [column.name for column in table.columns]
    statement = postgresql.insert(table).on_conflict_do_nothing(index_elements=table.primary_key.columns)
    conn.execute(statement, [dict(zip(names, row, strict=True)) for row in rows])


def _finish(
    conn: Connection,
    finished: list[tuple[Any, ...]],
    ours: list[tuple[Any, ...]],
    tables: list[Table],
    given_out: Mapping[str, int],
) -> None:
    """Set the cursors and whose database it is, and let every sequence go on above what was copied, and above what was
    ever ``given_out`` where others remember it.
    """
    whose = conn.execute(select(installation.c.id)).scalars().all()
    _replace(conn, cursors, finished)
    if not ours or list(whose) != [row[1] for row in ours]:
        # Else an earlier transfer came to its end, and the generation that it began may be known to readers.
        _replace(conn, installation, ours)
        renewed(conn)
    for table in tables:
        numbered = table.autoincrement_column
        if numbered is not None:
            sequence = func.pg_get_serial_sequence(table.name, numbered.name)
            before = literal(given_out.get(table.name, 0), BigInteger)
            last = func.greatest(select(func.max(numbered)).scalar_subquery(), before)
            # False: the number itself is the next one given out.
            conn.execute(select(func.setval(sequence, last + 1, False)))
    conn.execute(text(f"ANALYZE {', '.join(table.name for table in tables)}"))


def _replace(conn: Connection, table: Table, rows: list[tuple[Any, ...]]) -> None:
    conn.execute(table.delete())
    if rows:
        conn.execute(table.insert(), [dict(zip(table.columns.keys(), row, strict=True)) for row in rows])


def _others(table: Table, what: str) -> str:
    return (
        f"the target holds data that is not this installation's as it is now: {what}. Nothing was written to it. "
        "Name an empty database; or, if a transfer into it was cut off and the publisher has run here since, "
        "drop the target, make it anew and begin again"
    )


def _refused(table: Table, rows: Rows, error: DBAPIError) -> str:
    key = batches.key_of(table)
    for row in rows:
        if any(isinstance(value, str) and "\0" in value for value in row):
            return f"{batches.describe(table, key(row))} holds a NUL character, which PostgreSQL cannot store in text"
    first, last = (batches.describe(table, key(row)) for row in (rows[0], rows[-1]))
    return f"PostgreSQL refused a row between {first} and {last}: {error.orig}"


def _in_use(file: Path) -> str:
    return f"{file} is in use: stop the publisher first, so that nothing changes while its data is copied"
