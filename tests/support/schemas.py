"""Databases of earlier schemas."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection

from publisher.storage.engine import migrate


def migrations(conn: Connection) -> Config:
    """The project's migrations, to be run on this connection."""
    config = Config()
    config.set_main_option("script_location", str(Path(migrate.__file__).parent / "migrations"))
    config.attributes["connection"] = conn
    return config


def upgrade(conn: Connection, revision: str) -> None:
    """Bring the database to the schema of this revision."""
    command.upgrade(migrations(conn), revision)
