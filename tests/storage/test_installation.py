"""A database or key that is not the installation's is an error, and not a new beginning."""

from __future__ import annotations

import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from sqlalchemy import Connection, text
from support.deliveries import append, subscribe
from support.service import write_installation

from publisher.app.marker import FILE
from publisher.app.opening import open_storage
from publisher.errors import SecretError, StorageError
from publisher.storage.access.keyfile import new_line
from publisher.storage.access.sealing import KEY_FILE
from publisher.storage.engine import migrate
from publisher.storage.engine.database import Database, Tx
from publisher.storage.log import events

Open = Callable[[], Awaitable[int]]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return write_installation(tmp_path / "newsroom")


@pytest.fixture
def data(home: Path) -> Path:
    return home / "data"


@pytest.fixture
def opened(home: Path, empty_database_url: str) -> Open:
    """Opens the storage as any command does, and closes it; returns the last number of its log."""

    async def open_once() -> int:
        db, _ = await open_storage(home, empty_database_url)
        try:
            return await db.read(events.last_seq)
        finally:
            await db.close()

    return open_once


@pytest.fixture
async def used(home: Path, empty_database_url: str, data: Path) -> None:
    """An installation with an event, a webhook and its secret."""
    db, sealer = await open_storage(home, empty_database_url)
    await append(db)
    await db.write(subscribe, sealed_secret=sealer.seal(b"whsec_x"))
    await db.close()


@pytest.fixture
async def drop_all(empty_database_url: str, home: Path, tmp_path: Path) -> Callable[[], Awaitable[None]]:
    """Leaves an empty database in the place of the present one."""

    async def drop() -> None:
        if empty_database_url == "sqlite":
            for path in (home / "data").glob("publisher.db*"):
                path.unlink()
            (home / "data/publisher.db").touch()
            return

        def clear(tx: Tx) -> None:
            tx.conn.execute(text("DROP SCHEMA public CASCADE"))
            tx.conn.execute(text("CREATE SCHEMA public"))

        db = await Database.open(empty_database_url, tmp_path)
        await db.write(clear)
        await db.close()

    return drop


async def test_the_first_start_makes_an_installation_and_later_ones_find_it(
    opened: Open, home: Path, data: Path
) -> None:
    assert await opened() == 0
    marks = [(home / FILE).read_text(), (data / FILE).read_text()]
    assert marks[0] == marks[1]
    assert await opened() == 0
    assert [(home / FILE).read_text(), (data / FILE).read_text()] == marks


@pytest.mark.usefixtures("used")
async def test_a_database_that_is_empty_now_is_no_new_beginning(
    opened: Open, home: Path, drop_all: Callable[[], Awaitable[None]]
) -> None:
    await drop_all()
    with pytest.raises(StorageError, match=rf"is empty, but installation \w+ has been running here.*{home / FILE}"):
        await opened()


@pytest.mark.usefixtures("used")
async def test_whoever_removes_the_marks_begins_anew(
    opened: Open, home: Path, data: Path, drop_all: Callable[[], Awaitable[None]]
) -> None:
    await drop_all()
    (home / FILE).unlink()
    (data / FILE).unlink()
    assert await opened() == 0


@pytest.mark.parametrize("empty_database_url", ["sqlite"], indirect=True)
@pytest.mark.usefixtures("used")
async def test_a_data_folder_that_is_gone_is_not_made_anew(opened: Open, data: Path, tmp_path: Path) -> None:
    shutil.move(data, tmp_path / "elsewhere")
    with pytest.raises(StorageError, match=r"publisher\.db is gone, but installation"):
        await opened()
    shutil.move(tmp_path / "elsewhere", data)  # which would lie in data/ if that had been made
    assert await opened() == 1


@pytest.mark.parametrize("empty_database_url", ["sqlite"], indirect=True)
@pytest.mark.usefixtures("used")
async def test_a_database_file_that_is_gone_is_told_where_only_the_data_folder_can_be_written(
    opened: Open, home: Path, data: Path
) -> None:
    (home / FILE).unlink()  # never written: the folder was read-only
    (data / "publisher.db").unlink()
    with pytest.raises(StorageError, match=r"publisher\.db is gone"):
        await opened()


@pytest.mark.parametrize("empty_database_url", ["sqlite"], indirect=True)
@pytest.mark.usefixtures("used")
async def test_another_installations_data_are_refused(opened: Open, home: Path, data: Path, tmp_path: Path) -> None:
    other = write_installation(tmp_path / "other")
    await (await open_storage(other, "sqlite"))[0].close()
    shutil.rmtree(data)
    shutil.copytree(other / "data", data)
    with pytest.raises(StorageError, match="name different installations"):
        await opened()
    (data / FILE).unlink()
    with pytest.raises(StorageError, match=r"is of installation \w+, and this folder is of \w+"):
        await opened()


async def test_the_half_of_a_copy_is_refused(opened: Open, home: Path, empty_database_url: str, data: Path) -> None:
    db = await Database.open(empty_database_url, data)
    await append(db)
    await db.close()
    with pytest.raises(StorageError, match="a part of an installation"):
        await opened()


@pytest.mark.usefixtures("used")
async def test_a_storage_key_that_is_gone_is_not_made_anew(opened: Open, data: Path) -> None:
    key = (data / KEY_FILE).read_text()
    (data / KEY_FILE).unlink()
    with pytest.raises(SecretError, match=r"secret-storage\.key is not there.*put back the right file"):
        await opened()
    assert not (data / KEY_FILE).exists()
    (data / KEY_FILE).write_text(key)
    assert await opened() == 1


@pytest.mark.usefixtures("used")
async def test_another_storage_key_is_refused(opened: Open, data: Path) -> None:
    (data / KEY_FILE).write_text(new_line())
    with pytest.raises(SecretError, match=r"lacks the key '\w+' of what is stored; put back the right file"):
        await opened()


@pytest.mark.usefixtures("used")
async def test_a_storage_key_of_the_same_id_and_other_bytes_is_refused(opened: Open, data: Path) -> None:
    id_ = (data / KEY_FILE).read_text().split()[0]
    (data / KEY_FILE).write_text(f"{id_} {new_line().split()[1]}\n")
    with pytest.raises(SecretError, match=r"is not that of what is stored"):
        await opened()


@pytest.mark.usefixtures("used")
async def test_without_a_proof_what_was_sealed_shows_that_a_key_is_another(
    opened: Open, data: Path, home: Path, empty_database_url: str
) -> None:
    db, _ = await open_storage(home, empty_database_url)
    await db.write(lambda tx: tx.conn.execute(text("UPDATE installation SET proof = NULL")))  # as once was
    await db.close()
    id_ = (data / KEY_FILE).read_text().split()[0]
    (data / KEY_FILE).write_text(f"{id_} {new_line().split()[1]}\n")
    with pytest.raises(SecretError, match=r"is not the key of what is stored"):
        await opened()


async def test_a_second_node_without_the_key_makes_none_even_where_nothing_was_sealed_yet(
    opened: Open, data: Path
) -> None:
    await opened()
    (data / KEY_FILE).unlink()
    with pytest.raises(SecretError, match="is not there"):
        await opened()


async def test_a_key_that_was_put_on_top_takes_over_the_proof(opened: Open, data: Path) -> None:
    await opened()
    path = data / KEY_FILE
    new = new_line()
    path.write_text(new + path.read_text())
    await opened()
    path.write_text(new)
    assert await opened() == 0


async def test_once_the_schema_is_raised_beneath_it_a_process_writes_nothing(
    db: Database, open_database: Callable[[], Awaitable[Database]]
) -> None:
    newer = await open_database()
    await append(db)
    await newer.write(lambda tx: tx.conn.execute(text("UPDATE alembic_version SET version_num = '9999'")))
    with pytest.raises(StorageError, match=rf"of schema '9999' by now.*written for '{migrate.HEAD}'"):
        await append(db)
    assert await db.read(events.last_seq) == 1


def another_mark(home: Path) -> str:
    for path in (home / FILE, home / "data" / FILE):
        path.write_text('installation = "0123456789abcdef"\n')
    return "is of installation"


def another_key(home: Path) -> str:
    (home / "data" / KEY_FILE).write_text(new_line())
    return "lacks the key"


async def revision(url: str, data: Path) -> str | None:
    """The schema of a database, which is left as it is; None where there is none."""
    found: list[str | None] = []

    def look(conn: Connection) -> None:
        found.append(migrate._current(conn))
        raise StorageError("seen")

    with pytest.raises(StorageError, match="seen"):
        await Database.open(url, data, judge=look)
    return found[0]


@pytest.mark.usefixtures("used")
@pytest.mark.parametrize("mistake", [another_mark, another_key])
async def test_a_database_that_is_another_installations_keeps_its_schema(
    opened: Open, home: Path, data: Path, empty_database_url: str, mistake: Callable[[Path], str]
) -> None:
    db, _ = await open_storage(home, empty_database_url)
    await db.write(lambda tx: tx.conn.execute(text("UPDATE alembic_version SET version_num = '0006'")))
    await db.close()
    with pytest.raises((StorageError, SecretError), match=mistake(home)):
        await opened()
    assert await revision(empty_database_url, data) == "0006"


@pytest.mark.usefixtures("used")
async def test_an_empty_database_in_the_place_of_a_full_one_is_left_empty(
    opened: Open, data: Path, empty_database_url: str, drop_all: Callable[[], Awaitable[None]]
) -> None:
    await drop_all()
    with pytest.raises(StorageError, match="is empty"):
        await opened()
    assert await revision(empty_database_url, data) is None
