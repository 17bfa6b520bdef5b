"""What differs between SQLite and PostgreSQL, in one place: the clock, and the text of the hot statements.

The hot statements (fan-out, claim, settle) go to the driver as they stand here: building them with SQLAlchemy Core
cost a quarter of the delivery rate when measured.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Connection, Table, any_, bindparam, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from publisher import clock
from publisher.errors import ConfigError


class Dialect(ABC):
    """One database engine."""

    name: str
    single_writer: bool

    @abstractmethod
    def now(self, conn: Connection) -> int:
        """Microseconds since the epoch by the clock that all nodes on this database share."""

    @abstractmethod
    def among(self, column: ColumnElement[Any], values: Collection[Any]) -> ColumnElement[bool]:
        """``column`` is one of ``values``: one parameter however many they are, so that one plan serves all."""

    @abstractmethod
    def insert(self, table: Table) -> sqlite.Insert | postgresql.Insert:
        """An INSERT that knows ON CONFLICT."""


class SQLite(Dialect):
    """One file, one writer; every process on it is on one machine, whose clock they share."""

    name = "sqlite"
    single_writer = True

    def now(self, conn: Connection) -> int:
        return clock.to_micros(clock.now())

    def among(self, column: ColumnElement[Any], values: Collection[Any]) -> ColumnElement[bool]:
        array: ColumnElement[str] = bindparam(None, orjson.dumps(list(values)).decode(), unique=True)
        return column.in_(select(func.json_each(array).table_valued("value").c.value))

    def insert(self, table: Table) -> sqlite.Insert:
        return sqlite.insert(table)


class PostgreSQL(Dialect):
    """Many machines; times are the server's."""

    name = "postgresql"
    single_writer = False

    def now(self, conn: Connection) -> int:
        statement = "SELECT (extract(epoch from clock_timestamp()) * 1000000)::bigint"
        return int(conn.exec_driver_sql(statement).scalar_one())

    def among(self, column: ColumnElement[Any], values: Collection[Any]) -> ColumnElement[bool]:
        return column == any_(bindparam(None, list(values), postgresql.ARRAY(column.type), unique=True))

    def insert(self, table: Table) -> postgresql.Insert:
        return postgresql.insert(table)


def dialect_for(url: str) -> Dialect | None:
    """The dialect of a SQLAlchemy URL, None if it is of a kind that is not served."""
    try:
        driver = make_url(url).drivername
    except ArgumentError as error:
        raise ConfigError("publisher.toml", f"{url!r} is no database URL", key="storage.url") from error
    return {"sqlite+aiosqlite": SQLite(), "postgresql+asyncpg": PostgreSQL()}.get(driver)
