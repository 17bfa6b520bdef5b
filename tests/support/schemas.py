"""Databases of the present schema, to be copied, and of earlier ones."""

from __future__ import annotations

import atexit
import functools
import shutil
import tempfile
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection

from publisher.storage.engine import migrate
from publisher.storage.engine.database import Database
from support.postgres import blocking


@functools.cache
def migrated_file() -> Path:
    """An empty SQLite file of the present schema, made once in each test process and removed at its end."""
    folder = Path(tempfile.mkdtemp(prefix="publisher-schema-"))
    atexit.register(shutil.rmtree, folder)

    async def make() -> None:
        await (await Database.open("sqlite", folder)).close()

    blocking(make())
    return folder / "publisher.db"


def migrations(conn: Connection) -> Config:
    """The project's migrations, to be run on this connection."""
    config = Config()
    config.set_main_option("script_location", str(Path(migrate.__file__).parent / "migrations"))
    config.attributes["connection"] = conn
    return config


def upgrade(conn: Connection, revision: str) -> None:
    """Bring the database to the schema of this revision."""
    command.upgrade(migrations(conn), revision)
