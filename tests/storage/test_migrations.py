import asyncio
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Column, Connection, Integer, inspect, text
from sqlalchemy.ext.asyncio import create_async_engine
from support.schemas import migrations

from publisher.storage.configuration import installation
from publisher.storage.engine import migrate
from publisher.storage.engine.database import Database, Tx
from publisher.storage.engine.tables import metadata


def differences(tx: Tx) -> list[object]:
    context = MigrationContext.configure(tx.conn, opts={"compare_type": True, "compare_server_default": False})
    return list(compare_metadata(context, metadata))


def columns(tx: Tx) -> dict[str, list[tuple[str, bool]]]:
    found = inspect(tx.conn)
    return {
        table: [(column["name"], column["nullable"]) for column in found.get_columns(table)]
        for table in sorted(found.get_table_names())
        if table != "alembic_version"
    }


async def test_the_migrations_make_the_schema_that_the_code_is_written_for(db: Database) -> None:
    assert await db.read(differences) == []


async def test_a_column_that_no_migration_makes_would_be_noticed(db: Database) -> None:
    table = metadata.tables["articles"]
    extra = Column("extra", Integer)
    table.append_column(extra)
    try:
        assert len(await db.read(differences)) == 1
    finally:
        table._columns.remove(extra)  # type: ignore[attr-defined]


async def test_columns_stand_in_the_order_that_the_code_is_written_for(db: Database) -> None:
    # SQLite reads a row from its start: the long columns stand last for a reason.
    expected = {
        table.name: [(column.name, bool(column.nullable)) for column in table.columns]
        for table in metadata.sorted_tables
    }
    assert await db.read(columns) == expected


def test_the_head_that_is_asked_for_is_the_newest_migration() -> None:
    scripts = ScriptDirectory(str(Path(migrate.__file__).parent / "migrations"))
    assert scripts.get_heads() == [migrate.HEAD]


BEFORE = """
    INSERT INTO feed_states (name, digest, version, changed_at) VALUES ('news', 'd', 1, 0)"""


@pytest.mark.parametrize("held", [False, True], ids=["empty", "in use"])
async def test_a_database_that_is_in_use_is_given_an_id_and_an_empty_one_is_not(
    tmp_path: Path, empty_database_url: str, held: bool
) -> None:
    def old(conn: Connection) -> None:
        config = migrations(conn)
        before = ScriptDirectory.from_config(config).get_revision("0005")
        command.upgrade(config, str(before.down_revision))
        if held:
            conn.execute(text(BEFORE))
        conn.commit()

    url = empty_database_url if empty_database_url != "sqlite" else f"sqlite+aiosqlite:///{tmp_path}/publisher.db"
    engine = create_async_engine(url)
    async with engine.connect() as connection:
        await connection.run_sync(old)
    await engine.dispose()
    database = await Database.open(url, tmp_path)
    try:
        found = await database.read(installation.standing)
        assert (found.id is not None, found.empty) == (held, not held)
    finally:
        await database.close()


async def test_two_processes_may_open_an_empty_database_at_once(tmp_path: Path, empty_database_url: str) -> None:
    opened = await asyncio.gather(*(Database.open(empty_database_url, tmp_path / "empty") for _ in range(4)))
    try:
        assert [await one.read(differences) for one in opened] == [[]] * 4
    finally:
        for one in opened:
            await one.close()


async def test_opening_a_database_that_is_up_to_date_changes_nothing(tmp_path: Path, empty_database_url: str) -> None:
    for _ in range(2):
        database = await Database.open(empty_database_url, tmp_path / "empty")
        try:
            assert database.last_seq == 0
        finally:
            await database.close()
