"""What differs between SQLite and PostgreSQL, in one place: the clock, and the text of the hot statements.

The hot statements (fan-out, claim, settle) go to the driver as they stand here: building them with SQLAlchemy Core
cost a quarter of the delivery rate when measured.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

from sqlalchemy import Connection
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


class SQLite(Dialect):
    """One file, one writer; every process on it is on one machine, whose clock they share."""

    name = "sqlite"
    single_writer = True

    def now(self, conn: Connection) -> int:
        return clock.to_micros(clock.now())


class PostgreSQL(Dialect):
    """Many machines; times are the server's."""

    name = "postgresql"
    single_writer = False

    def now(self, conn: Connection) -> int:
        statement = "SELECT (extract(epoch from clock_timestamp()) * 1000000)::bigint"
        return int(conn.exec_driver_sql(statement).scalar_one())


def dialect_for(url: str) -> Dialect | None:
    """The dialect of a SQLAlchemy URL, None if it is of a kind that is not served."""
    try:
        driver = make_url(url).drivername
    except ArgumentError as error:
        raise ConfigError("publisher.toml", f"{url!r} is no database URL", key="storage.url") from error
    return {"sqlite+aiosqlite": SQLite(), "postgresql+asyncpg": PostgreSQL()}.get(driver)
