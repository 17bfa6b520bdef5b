"""Fixtures for every room: a real database of each kind, and a clock that tests move.

The environment is read here alone: ``PUBLISHER_TEST_POSTGRES`` names a PostgreSQL server to make databases on
(``postgresql://postgres@127.0.0.1:5432/postgres``); without it each test process starts a private one. With
``CI=true``, what a fresh machine may lack must be there.
"""

from __future__ import annotations

import gc
import os
import shutil
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest
import structlog
from hypothesis import HealthCheck, settings
from support.clock import ManualClock
from support.postgres import Postgres, embedded_server
from support.schemas import migrated_file

from publisher.storage.engine.database import Database

# How long an example takes says how busy the machine is, and nothing of the claim.
settings.register_profile("any-machine", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any-machine")

# Else whatever the tests start would compile the whole program again, each time.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

OpenDatabase = Callable[[], Awaitable[Database]]


def pytest_collection_finish() -> None:
    """What is loaded and collected stays to the end: the garbage collector need not look at it during every test."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def clock() -> ManualClock:
    """A clock that stands still until ``clock.advance(seconds)``."""
    return ManualClock()


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    """What a command sets up in this process holds for that command alone."""
    before = structlog.get_config()
    yield
    structlog.configure(**before)


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """A PostgreSQL server with a migrated template."""
    named = os.environ.get("PUBLISHER_TEST_POSTGRES")
    if named:
        yield from _with_template(Postgres(named), tmp_path_factory)
    else:
        with embedded_server() as url:
            yield from _with_template(Postgres(url), tmp_path_factory)


@pytest.fixture(scope="session")
def sqlite_template() -> Path:
    """A migrated SQLite file, to be copied."""
    return migrated_file()


@pytest.fixture
def sqlite_file(sqlite_template: Path) -> Path:
    """What a test's SQLite database begins as; a room may have another."""
    return sqlite_template


@pytest.fixture
def sqlite_url(sqlite_file: Path, tmp_path: Path) -> str:
    """The ``[storage] url`` of a fresh SQLite database, which lies in ``tmp_path / "data"``."""
    data = tmp_path / "data"
    data.mkdir(mode=0o700, exist_ok=True)
    shutil.copy(sqlite_file, data / "publisher.db")
    return "sqlite"


@pytest.fixture
def postgres_url(postgres: Postgres) -> Iterator[str]:
    """The ``[storage] url`` of a fresh PostgreSQL database."""
    url = postgres.create()
    yield url
    postgres.drop(url)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """The ``[storage] url`` of a fresh database, once of each kind."""
    url: str = request.getfixturevalue({"sqlite": "sqlite_url", "postgresql": "postgres_url"}[request.param])
    return url


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """The ``[storage] url`` of a database without a schema, once of each kind."""
    if request.param == "sqlite":
        yield "sqlite"
        return
    server: Postgres = request.getfixturevalue("postgres")
    url = server.create(empty=True)
    yield url
    server.drop(url)


@pytest.fixture
async def open_database(database_url: str, tmp_path: Path, clock: ManualClock) -> AsyncIterator[OpenDatabase]:
    """Opens the same database again, as another process would; closed at the end."""
    opened: list[Database] = []

    async def open_one() -> Database:
        opened.append(await Database.open(database_url, tmp_path / "data", now=clock))
        return opened[-1]

    yield open_one
    for database in opened:
        await database.close()


@pytest.fixture
async def db(open_database: OpenDatabase) -> Database:
    """A fresh database, once of each kind."""
    return await open_database()


@pytest.fixture
async def sqlite_db(sqlite_url: str, tmp_path: Path, clock: ManualClock) -> AsyncIterator[Database]:
    """A fresh SQLite database, for a room whose claims do not depend on the kind."""
    database = await Database.open(sqlite_url, tmp_path / "data", now=clock)
    yield database
    await database.close()


@pytest.fixture
def lacking() -> Callable[[str], None]:
    """Called with what this machine lacks: the test is skipped by that name, and in CI it fails."""

    def tell(what: str) -> None:
        if os.environ.get("CI") == "true":
            pytest.fail(f"CI must have {what}")
        pytest.skip(f"this machine lacks {what}")

    return tell


@pytest.fixture
def program(lacking: Callable[[str], None]) -> Callable[[str], str]:
    """Finds a program that a fresh machine may lack."""

    def find(name: str) -> str:
        found = shutil.which(name)
        if found is None:
            lacking(name)
        return str(found)

    return find


def _with_template(server: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    server.make_template(tmp_path_factory.mktemp("postgres"))
    yield server
    server.drop_all()
