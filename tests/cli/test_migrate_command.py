"""``publisher migrate`` on a whole installation."""

import asyncio
import contextlib
import os
import pty
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url
from support.clock import ManualClock
from support.everything import fill, rows
from support.postgres import Postgres
from support.service import ROOT, publisher, write_installation
from typer.testing import CliRunner, Result

from publisher.cli.main import cli
from publisher.errors import ConfigErrors, PublisherError
from publisher.storage.access.sealing import Sealer
from publisher.storage.engine.database import Database


@pytest.fixture
def target(postgres: Postgres) -> Iterator[str]:
    url = postgres.create(empty=True)
    yield url
    postgres.drop(url)


@pytest.fixture
def home(sqlite_url: str, tmp_path: Path) -> Path:
    Sealer.open(tmp_path / "data")
    return write_installation(tmp_path)


def refused(*arguments: object) -> Result:
    done = CliRunner().invoke(cli, ["migrate", *map(str, arguments)])
    assert done.exit_code != 0
    return done


async def test_moved_the_installation_goes_on_with_the_line_that_was_printed(
    home: Path, target: str, clock: ManualClock
) -> None:
    db = await Database.open("sqlite", home / "data", now=clock)
    await fill(db)
    held = await rows(db)
    await db.close()

    said = await publisher(
        "migrate", "--to", make_url(target).set(drivername="postgresql").render_as_string(), "--home", str(home)
    )

    assert f"checking articles: {len(held['articles'])} rows" in said.splitlines()
    copied = sum(len(found) for name, found in held.items() if name not in ("cursors", "installation"))
    assert f"{copied} rows in" in said
    told = re.search(r'^\[storage\]\nurl = ".*"$', said, re.MULTILINE)
    assert told is not None
    config = home / "config" / "publisher.toml"
    config.write_text(f"{config.read_text()}\n{told[0]}\n")
    events = (await publisher("events", "--limit", "1000", "--home", str(home))).splitlines()
    assert len(events) == len(held["events"])
    with pytest.raises(PublisherError, match="names PostgreSQL already"):
        raise refused("--to", target, "--home", home).exception or AssertionError


async def test_on_a_terminal_a_bar_shows_how_far_it_is(home: Path, target: str, clock: ManualClock) -> None:
    db = await Database.open("sqlite", home / "data", now=clock)
    await fill(db)
    await db.close()
    ours, theirs = pty.openpty()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "publisher", "migrate", "--to", target, "--home", str(home),
        cwd=ROOT, stdout=theirs, stderr=theirs, env={**os.environ, "TERM": "xterm-256color", "COLUMNS": "120"},
    )  # fmt: skip
    os.close(theirs)
    shown = await asyncio.to_thread(_all_of, ours)
    assert await process.wait() == 0

    for stage in ("copying", "checking"):
        assert re.search(rf"{stage} \w+ .*━━━━", shown)


def _all_of(terminal: int) -> str:
    read = b""
    with contextlib.suppress(OSError), os.fdopen(terminal, "rb", buffering=0) as file:  # it ends with an error
        while part := file.read(65536):
            read += part
    return read.decode(errors="replace")


def test_a_password_is_not_printed(home: Path, target: str) -> None:
    with_password = make_url(target).set(password="hunter2")  # the server here trusts whoever comes
    done = CliRunner().invoke(
        cli, ["migrate", "--to", with_password.render_as_string(hide_password=False), "--home", str(home)]
    )

    assert done.exit_code == 0, done.output
    assert "hunter2" not in done.output
    assert ":***@" in done.output
    assert "Write the password" in done.output
    assert str(home / "data" / "secret-storage.key") in done.output


def test_a_target_of_another_kind_is_refused(home: Path) -> None:
    done = refused("--to", "sqlite", "--home", home)

    assert "--to must name a PostgreSQL database" in str(done.exception)


def test_a_folder_that_is_no_installation_is_refused(tmp_path: Path) -> None:
    done = refused("--to", "postgresql://localhost/x", "--home", tmp_path)

    assert isinstance(done.exception, ConfigErrors)
