import asyncio
import io
import os
import shutil
import sqlite3
import subprocess
import sys
import tarfile
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from support.deliveries import subscribe
from support.items import an_event, article_change
from support.postgres import blocking

from publisher.errors import Conflict, NotFound, PublisherError, SecretError, StorageError
from publisher.storage.access.keyfile import new_line
from publisher.storage.access.sealing import KEY_FILE, Sealer
from publisher.storage.configuration import feeds, installation
from publisher.storage.engine.database import Database, Tx
from publisher.storage.items import articles, record
from publisher.storage.log import events
from publisher.storage.transfer import backup

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "night.tar"


@pytest.fixture
def written(sqlite_url: str, data: Path) -> Path:
    """A database with three articles and a key, that no one has open."""

    async def write() -> None:
        db = await Database.open(sqlite_url, data)
        await db.write(feeds.sync, {"news": "digest"})
        for n in range(3):
            await db.write(publish, f"a{n}")
        await db.close()

    blocking(write())
    Sealer.open(data)
    return data / "publisher.db"


def publish(tx: Tx, id: str) -> None:
    record.record(tx, articles=[article_change(id)], events=[an_event(subject=id)])


def take(data: Path, file: Path) -> backup.Backup:
    return backup.backup(data / "publisher.db", data, file, now=NOON, publisher="1.0")


def put_back(file: Path, data: Path, *, force: bool = False) -> backup.Restored:
    return backup.restore(file, data / "publisher.db", data, now=NOON, force=force)


async def test_a_backup_taken_while_others_write_restores_to_one_moment(
    sqlite_db: Database, data: Path, tmp_path: Path
) -> None:
    done = asyncio.Event()

    async def write_on() -> None:
        n = 0
        while not done.is_set():
            n += 1
            await sqlite_db.write(publish, f"a{n}")

    writer = asyncio.create_task(write_on())
    for n in range(5):
        before = await sqlite_db.grown(sqlite_db.last_seq + 10)
        made = await asyncio.to_thread(take, data, tmp_path / f"{n}.tar")
        after = await sqlite_db.grown(made.last_seq)  # the writer was not held up for good
        assert before <= made.last_seq < after
    done.set()
    await writer

    for n in range(5):
        target = tmp_path / f"restored-{n}"
        last = put_back(tmp_path / f"{n}.tar", target).backup.last_seq
        db = await Database.open("sqlite", target)
        logged = await db.read(events.after, 0, 100_000)
        assert [event.seq for event in logged] == list(range(1, last + 1))
        assert await db.read(articles.count) == last
        await db.close()


async def test_what_is_only_in_the_wal_is_in_the_backup(sqlite_db: Database, data: Path, file: Path) -> None:
    await sqlite_db.write(publish, "a1")
    assert _size(data / "publisher.db-wal") > 0
    assert take(data, file).last_seq == 1


def test_a_backup_is_private_and_holds_the_key(written: Path, data: Path, file: Path) -> None:
    made = take(data, file)
    assert file.stat().st_mode & 0o777 == 0o600
    assert made.has_key
    with tarfile.open(file) as tar:
        assert [(entry.name, entry.mode) for entry in tar] == [
            ("backup.json", 0o600),
            ("publisher.db", 0o600),
            (KEY_FILE, 0o600),
        ]


def test_a_backup_that_fails_leaves_the_one_before(written: Path, data: Path, file: Path) -> None:
    file.write_bytes(b"last night's")
    _damage(written)
    with pytest.raises(StorageError):
        take(data, file)
    assert file.read_bytes() == b"last night's"
    assert sorted(path.name for path in file.parent.iterdir()) == ["data", "night.tar"]


def test_without_a_database_there_is_nothing_to_back_up(data: Path, file: Path) -> None:
    with pytest.raises(NotFound, match="no database"):
        take(data, file)
    assert not data.exists()


def test_a_secret_sealed_before_the_backup_opens_after_the_restore(written: Path, data: Path, file: Path) -> None:
    sealed = Sealer.open(data).seal(b"whsec")
    take(data, file)
    (data / KEY_FILE).unlink()
    Sealer.open(data)  # another key by the same name
    done = put_back(file, data)
    assert Sealer.open(data).unseal(sealed) == b"whsec"
    assert data / f"{KEY_FILE}.before-restore" in done.kept


async def test_what_was_there_is_kept_whole_beside_it(written: Path, data: Path, file: Path) -> None:
    take(data, file)
    db = await Database.open("sqlite", data)
    await db.write(publish, "later")
    await db.close()
    done = put_back(file, data)
    assert done.kept == (data / "publisher.db.before-restore",)
    assert _count(data / "publisher.db") == 3
    assert _count(data / "publisher.db.before-restore") == 4


def test_restoring_twice_keeps_both(written: Path, data: Path, file: Path) -> None:
    take(data, file)
    put_back(file, data)
    assert put_back(file, data).kept == (data / "publisher.db.before-restore-2",)
    assert (data / "publisher.db.before-restore").exists()


async def test_a_database_in_use_is_not_replaced(sqlite_db: Database, data: Path, file: Path) -> None:
    await sqlite_db.write(publish, "a1")
    take(data, file)
    await sqlite_db.write(publish, "a2")
    with pytest.raises(Conflict, match="in use"):
        put_back(file, data)
    assert await sqlite_db.read(articles.count) == 2
    assert not _kept(data)
    await sqlite_db.write(publish, "a3")


async def test_forced_the_old_database_stays_whole_for_who_has_it_open(
    sqlite_db: Database, data: Path, file: Path
) -> None:
    await sqlite_db.write(publish, "a1")
    take(data, file)
    await sqlite_db.write(publish, "a2")
    put_back(file, data, force=True)
    assert _count(data / "publisher.db") == 1
    await sqlite_db.close()
    assert _count(data / "publisher.db.before-restore") == 2


def test_a_damaged_database_can_be_replaced(written: Path, data: Path, file: Path) -> None:
    take(data, file)
    _damage(written)
    put_back(file, data)
    assert _count(data / "publisher.db") == 3


async def test_a_wal_left_by_another_database_is_not_taken_for_ones_own(
    sqlite_db: Database, data: Path, file: Path, tmp_path: Path
) -> None:
    await sqlite_db.write(publish, "a1")
    take(data, file)
    await sqlite_db.write(publish, "a2")
    crashed = _folder(tmp_path / "crashed")
    shutil.copy(data / "publisher.db-wal", crashed)
    put_back(file, crashed)
    assert _kept(crashed) == [crashed / "publisher.db.before-restore-wal"]
    assert _count(crashed / "publisher.db") == 1


async def test_every_feed_counts_as_changed_after_a_restore(written: Path, data: Path, file: Path) -> None:
    take(data, file)
    put_back(file, data)
    db = await Database.open("sqlite", data)
    state = (await db.read(feeds.states))["news"]
    await db.close()
    assert (state.version, state.changed_at) == (2, NOON)


def test_a_backup_that_was_altered_is_refused(written: Path, data: Path, file: Path) -> None:
    take(data, file)
    whole = bytearray(file.read_bytes())
    whole[len(whole) // 2] ^= 1
    file.write_bytes(whole)
    with pytest.raises(StorageError, match="not as it was"):
        put_back(file, data)
    assert not _kept(data)


def test_half_a_backup_is_refused(written: Path, data: Path, file: Path) -> None:
    take(data, file)
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    with pytest.raises(StorageError):
        put_back(file, data)
    assert _count(written) == 3


def test_a_backup_of_a_newer_publisher_is_refused(written: Path, data: Path, file: Path) -> None:
    take(data, file)
    _set(written, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StorageError, match="newer publisher"):
        take(data, file)


def test_another_database_is_no_backup_of_ours(tmp_path: Path, data: Path, file: Path) -> None:
    data.mkdir()
    _set(data / "publisher.db", "CREATE TABLE t (x)")
    with pytest.raises(StorageError, match="no publisher's database"):
        take(data, file)


@pytest.mark.parametrize("content", [b"", b"no tar at all", "empty tar"])
def test_another_file_is_no_backup(content: bytes | str, data: Path, file: Path) -> None:
    if isinstance(content, str):
        tarfile.open(file, "w").close()
    else:
        file.write_bytes(content)
    with pytest.raises(StorageError, match=r"night\.tar"):
        put_back(file, data)


@pytest.mark.parametrize("name", ["../evil", "/tmp/evil", "publisher.db/../../evil", "config/publisher.toml"])
def test_a_backup_writes_only_its_two_files(written: Path, data: Path, file: Path, name: str) -> None:
    take(data, file)
    with tarfile.open(file) as tar:
        manifest = tar.extractfile("backup.json").read().decode()
    forged = manifest.replace(KEY_FILE, name).encode()
    with tarfile.open(file, "w") as tar:
        entry = tarfile.TarInfo("backup.json")
        entry.size = len(forged)
        tar.addfile(entry, io.BytesIO(forged))
    with pytest.raises(StorageError, match="names other files"):
        put_back(file, data)


def test_postgresql_is_backed_up_with_its_own_tools(data: Path) -> None:
    with pytest.raises(PublisherError, match="pg_dump") as refused:
        backup.database_file("postgresql+asyncpg://desk:hidden@db/news", data)
    assert "hidden" not in str(refused.value)
    assert backup.database_file("sqlite", data) == data / "publisher.db"
    assert backup.database_file("sqlite+aiosqlite:////srv/x.db", data) == Path("/srv/x.db")


def _set(database: Path, statement: str) -> None:
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute(statement)


def _folder(path: Path) -> Path:
    path.mkdir()
    return path


def _size(path: Path) -> int:
    return path.stat().st_size


def _kept(data: Path) -> list[Path]:
    return list(data.glob("*before-restore*"))


def _count(database: Path) -> int:
    with closing(sqlite3.connect(database)) as connection:
        return int(connection.execute("SELECT count(*) FROM articles").fetchone()[0])


def _damage(database: Path) -> None:
    with database.open("r+b") as raw:
        raw.seek(0)
        raw.write(b"no database " * 100)


def test_what_a_killed_backup_or_restore_left_behind_is_swept(written: Path, data: Path, file: Path) -> None:
    gone = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], stdout=subprocess.PIPE, check=True)
    dead = int(gone.stdout)
    left = [file.parent / f".{file.name}.{dead}-x1", data / f".restore-{dead}-x1"]
    kept = [file.parent / f".{file.name}.{os.getppid()}-x1", data / f".restore-{os.getppid()}-x1", data / ".restore-d"]
    for folder in (*left, *kept):
        folder.mkdir()
        (folder / "publisher.db").write_bytes(b"half")
    take(data, file)
    put_back(file, data)
    assert [path for path in left if path.exists()] == []
    assert [path for path in kept if not path.exists()] == []


def test_a_backup_with_a_key_that_opens_nothing_is_refused_and_the_last_one_stays(
    sqlite_url: str, data: Path, file: Path
) -> None:
    sealer = Sealer.open(data)

    async def write() -> None:
        db = await Database.open(sqlite_url, data)
        await db.write(subscribe, sealed_secret=sealer.seal(b"whsec"))
        await db.write(installation.claim, sealer.proof())
        await db.close()

    blocking(write())
    take(data, file)
    before = file.read_bytes()
    (data / KEY_FILE).write_text(new_line())
    with pytest.raises(SecretError, match="put back the right file"):
        take(data, file)
    (data / KEY_FILE).unlink()
    with pytest.raises(SecretError, match="is not there"):
        take(data, file)
    assert file.read_bytes() == before
    put_back(file, data)
    take(data, file)
