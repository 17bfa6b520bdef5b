"""Bring a database's schema up to date, with alembic."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from sqlalchemy import Connection, inspect, text

from publisher.errors import StorageError
from publisher.imports import without

HEAD = "0019"
"""The newest revision in ``migrations/versions``. A test holds it to alembic's own idea of the head."""

_LOCK = 0x7075626C  # "publ": any number that no one else locks


def migrate(conn: Connection, judge: Callable[[Connection], None] = lambda conn: None) -> None:
    """Run the migrations that are missing. Costs one query, and no import of alembic, where none is.

    ``judge`` raises if this database must be left alone; it is called only if something would be changed.
    """
    if _current(conn) != HEAD:
        judge(conn)
        conn.rollback()  # what was read is locked, and another process that is migrating just now would wait for that
        _wait_for_others(conn)
    if _current(conn) != HEAD:
        # Alembic's template engine would load it to colour its own errors: 5 MB, kept until the process ends.
        with without("pygments"):
            from alembic import command
            from alembic.config import Config
            from alembic.util.exc import CommandError

        config = Config()
        config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
        config.attributes["connection"] = conn
        try:
            command.upgrade(config, "head")
        except CommandError as error:
            raise StorageError(
                f"the data is of schema {_current(conn)!r}, and this publisher knows none above {HEAD!r}; "
                "a newer publisher wrote it: install that, or restore a backup"
            ) from error
    conn.commit()


def _wait_for_others(conn: Connection) -> None:
    # Two nodes may start at once on an empty database. (On SQLite the transaction itself is the lock.)
    if conn.dialect.name == "postgresql":
        conn.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        if inspect(conn).has_table("alembic_version"):
            # Every writing transaction of a running publisher has read it: this waits for them, and those that begin
            # now wait for the migration, see another schema than they were written for, and write nothing.
            conn.execute(text("LOCK TABLE alembic_version IN ACCESS EXCLUSIVE MODE"))


def _current(conn: Connection) -> str | None:
    if not inspect(conn).has_table("alembic_version"):
        return None
    return conn.execute(text("SELECT version_num FROM alembic_version")).scalar()
