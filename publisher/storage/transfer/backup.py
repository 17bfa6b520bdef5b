"""Backup and restore of an installation's data on SQLite, while it runs.

A backup is one tar: ``backup.json`` (what it holds), ``publisher.db`` (a consistent copy of the database) and
``secret-storage.key``, without which the webhooks' secrets in that copy cannot be opened. So whoever has the file has
the secrets: it is written with mode 0600.

These functions block; they are a command's, and no room calls them in an event loop.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import tarfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import StaticPool, create_engine, event, update
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from publisher import clock
from publisher.errors import Conflict, NotFound, PublisherError, StorageError
from publisher.storage.access.sealing import KEY_FILE, Sealer
from publisher.storage.configuration.installation import renewed
from publisher.storage.engine import migrate
from publisher.storage.engine.tables import feed_states
from publisher.storage.transfer import archive, leftovers
from publisher.storage.transfer.archive import DATABASE, Backup

KEPT = ".before-restore"

RESTORING = ".restore-"
"""What the name of the folder begins with that a restore works in, in the data folder."""

_JOURNALS = ("-wal", "-shm", "-journal")
_MIGRATIONS = Path(migrate.__file__).parent / "migrations" / "versions"


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore did; ``kept`` are the files that were there before, under their new names."""

    backup: Backup
    kept: tuple[Path, ...]


def database_file(url: str, data: Path) -> Path:
    """The SQLite file that ``[storage] url`` names; raises PublisherError for PostgreSQL, which has its own tools."""
    if url == "sqlite":
        return data / DATABASE
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite" and parsed.database:
        return Path(parsed.database)
    raise PublisherError(
        f"this installation stores in PostgreSQL ({parsed.render_as_string()}): back it up with pg_dump and restore it "
        f"with pg_restore, and keep {data / KEY_FILE} with the dump, or its webhook secrets cannot be opened"
    )


def backup(database: Path, data: Path, target: Path, *, now: datetime, publisher: str) -> Backup:
    """Write a backup to ``target``, whole or not at all; readers and writers go on meanwhile.

    Raises NotFound if there is no database, StorageError if it cannot be read or its copy is not sound, SecretError if
    the key at hand is not that of the secrets in it.
    """
    if not database.is_file():
        raise NotFound(f"there is no database at {database}; publisher run makes it")
    with _storage_errors(database), leftovers.folder(target.parent, f".{target.name}.") as staging:
        copy = _copy(database, staging / DATABASE)
        # After the database: a key that was added meanwhile is then in it, and none is ever missing.
        revision, last_seq = _judge(copy)
        proof, sealed = _sealed(copy)
        if proof or sealed or (data / KEY_FILE).is_file():
            # With another key, or none, it would restore to secrets that nothing opens.
            Sealer.open(data, proof=proof, sealed=sealed)
            shutil.copyfile(data / KEY_FILE, staging / KEY_FILE)
        files = tuple(archive.summary(staging / name) for name in (DATABASE, KEY_FILE) if (staging / name).exists())
        made = Backup(clock.rfc3339(now), publisher, revision, last_seq, files)
        archive.pack(made, staging, staging / "tar", now)
        (staging / "tar").replace(target)
        _sync(target.parent)
    return made


def restore(source: Path, database: Path, data: Path, *, now: datetime, force: bool = False) -> Restored:
    """Put the database and key of a backup in the place of the present ones, which are kept beside.

    The log is another generation, and every feed counts as changed, so that no reader takes what it has for what it
    would get. Raises StorageError if the backup is not whole and sound, Conflict if a running process holds the
    database and ``force`` is not given. Nothing is touched in either case.
    """
    database.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _storage_errors(source), leftovers.folder(database.parent, RESTORING) as staging:
        made = archive.unpack(source, staging)
        _judge(staging / DATABASE)
        _renew(staging / DATABASE, now)
        _fold_or_refuse(database, force=force)
        kept: list[Path] = []
        suffix = _free_suffix(database, data / KEY_FILE)
        if made.has_key and not _same(staging / KEY_FILE, data / KEY_FILE):
            kept += _swap(staging / KEY_FILE, data / KEY_FILE, suffix)
        kept += _swap(staging / DATABASE, database, suffix, journals=_JOURNALS)
    return Restored(made, tuple(kept))


def _copy(database: Path, target: Path) -> Path:
    """The database as it is at one moment. In one step: the writers' WAL only grows meanwhile, nobody waits."""
    archive.private(target)
    with closing(_open(database)) as source, closing(sqlite3.connect(target, isolation_level=None)) as copy:
        source.backup(copy, pages=-1)
        copy.execute("PRAGMA journal_mode=DELETE")  # one file, without a WAL beside it
    return target


def _judge(database: Path) -> tuple[str, int]:
    """The schema's revision and the log's last number; raises StorageError if the file is no sound database of ours."""
    with closing(_open(database)) as connection:
        found = [row[0] for row in connection.execute("PRAGMA integrity_check(5)")]
        if found != ["ok"]:
            raise StorageError(f"the copy of the database is damaged: {'; '.join(found)}")
        if connection.execute("PRAGMA foreign_key_check").fetchone():
            raise StorageError("the copy of the database has rows that point at nothing")
        try:
            revision = str(connection.execute("SELECT version_num FROM alembic_version").fetchone()[0])
            last_seq = int(connection.execute("SELECT seq FROM cursors WHERE name = 'log'").fetchone()[0])
        except (sqlite3.OperationalError, TypeError) as error:
            raise StorageError("this is no publisher's database") from error
    if not list(_MIGRATIONS.glob(f"{revision}_*.py")):
        raise StorageError(f"the database is of a newer publisher (schema {revision}); update this one first")
    return revision, last_seq


def _sealed(database: Path) -> tuple[bytes | None, list[bytes]]:
    """The proof of the key in a database, None in one of an older schema; and something that is sealed in it."""
    with closing(_open(database)) as connection:
        found = connection.execute("SELECT secret FROM subscriptions WHERE state <> 'deleted' LIMIT 1").fetchall()
        proof: list[tuple[bytes]] = []
        with suppress(sqlite3.OperationalError):
            proof = connection.execute("SELECT proof FROM installation WHERE proof IS NOT NULL").fetchall()
    return proof[0][0] if proof else None, [row[0] for row in found]


def _renew(database: Path, now: datetime) -> None:
    """Bring the schema up to date, begin another generation of the log, and count every feed as changed."""
    with closing(_open(database)) as raw:
        engine = create_engine("sqlite://", creator=lambda: raw, poolclass=StaticPool)
        event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
        with engine.connect() as connection:
            migrate.migrate(connection)
            renewed(connection)
            changed = {"version": feed_states.c.version + 1, "changed_at": clock.to_micros(now)}
            connection.execute(update(feed_states).values(changed))
            connection.commit()


def _fold_or_refuse(database: Path, *, force: bool) -> None:
    """Fold the WAL into the database that is to be kept, which is possible only if no other process has it open."""
    if not database.exists():
        return
    with closing(_open(database, timeout=0)) as connection:
        try:
            connection.execute("PRAGMA journal_mode=DELETE")
        except sqlite3.DatabaseError as error:
            # Any other fault may be the very reason for restoring: what is there is kept as it is.
            if error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED) and not force:
                raise Conflict(
                    f"{database} is in use: stop the publisher first (or use --force, and restart it at once; "
                    "what it takes in between goes to the old database)"
                ) from error


def _swap(new: Path, place: Path, suffix: str, *, journals: tuple[str, ...] = ()) -> list[Path]:
    """Put a file in the place of another, which stays under its name with the suffix; returns what was kept.

    ``journals`` belong to what was there: beside the new one, SQLite would take them for its own.
    """
    _as_owned(new, place.parent)
    with new.open("rb") as file:
        os.fsync(file.fileno())
    kept = []
    old = place.with_name(place.name + suffix)
    if place.exists():
        try:
            os.link(place, old)  # so that at every moment there is one in the place
        except OSError:
            shutil.copy2(place, old)
        kept.append(old)
    for journal in journals:
        beside = place.with_name(place.name + journal)
        if beside.exists():
            kept.append(beside.rename(old.with_name(old.name + journal)))
    new.replace(place)
    _sync(place.parent)
    return kept


def _free_suffix(*places: Path) -> str:
    number = 1
    while any(place.with_name(place.name + _numbered(number)).exists() for place in places):
        number += 1
    return _numbered(number)


def _numbered(number: int) -> str:
    return KEPT if number == 1 else f"{KEPT}-{number}"


def _same(one: Path, other: Path) -> bool:
    return other.is_file() and one.read_bytes() == other.read_bytes()


def _as_owned(path: Path, folder: Path) -> None:
    """Owned as the folder is: root may restore what a service's own user then reads."""
    path.chmod(0o600)
    if os.geteuid() == 0:
        owner = folder.stat()
        os.chown(path, owner.st_uid, owner.st_gid)


def _open(database: Path, timeout: float = 30.0) -> sqlite3.Connection:
    url = f"file:{quote(str(database.absolute()))}?mode=rw"
    return sqlite3.connect(url, uri=True, timeout=timeout, isolation_level=None)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _storage_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, SQLAlchemyError, tarfile.TarError) as error:
        raise StorageError(f"{path}: {error}") from error
    except OSError as error:
        raise StorageError(f"{error.filename or path}: {error.strerror or error}") from error
