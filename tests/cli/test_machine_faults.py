"""What a command says where the machine, or the data it finds, does not let it: one line, and exit code 1."""

from __future__ import annotations

import asyncio
import os
import socket
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from support import preloaded
from support.service import ROOT, write_installation

from publisher.storage.engine.migrate import HEAD


def publisher(*arguments: object) -> tuple[int, list[str]]:
    """Exit code and the lines on standard error of one command in a process of its own."""
    return asyncio.run(_ended(list(map(str, arguments))))


async def _ended(arguments: list[str]) -> tuple[int, list[str]]:
    process = await preloaded.start(arguments, cwd=ROOT, env=os.environ, output=True)
    _, told = await process.communicate()
    return await process.wait(), told.decode().splitlines()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return write_installation(tmp_path / "newsroom")


def test_a_port_that_is_taken_is_told_with_the_setting_that_changes_it(home: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        port = other.getsockname()[1]
        config = home / "config/publisher.toml"
        config.write_text(config.read_text().replace("port = 0", f"port = {port}"))
        code, said = publisher("run", "--home", home)
    assert (code, said) == (
        1,
        [
            f"publisher: cannot listen at 127.0.0.1:{port}: Address already in use; "
            "choose another port in [server] of config/publisher.toml, and the same in url of its [site]"
        ],
    )


def test_a_host_that_is_no_address_of_this_machine_is_told(home: Path) -> None:
    config = home / "config/publisher.toml"
    config.write_text(config.read_text().replace("port = 0", 'port = 0\nhost = "192.0.2.1"'))
    code, (said,) = publisher("run", "--home", home)
    assert code == 1
    assert said.startswith("publisher: cannot listen at 192.0.2.1:0: Cannot assign requested address; ")


@pytest.mark.parametrize("command", [["run"], ["load"], ["keys", "list"], ["feeds", "show", "news"]])
def test_a_data_folder_that_cannot_be_made_is_told_by_its_path(home: Path, command: list[str]) -> None:
    (home / "data").write_text("a file stands where the folder would")
    code, said = publisher(*command, "--home", home)
    assert (code, said) == (1, [f"publisher: {home / 'data'}: File exists"])


def test_an_installation_that_cannot_be_made_is_told_by_its_path(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    code, said = publisher("init", tmp_path / "file/newsroom")
    assert (code, said) == (1, [f"publisher: {tmp_path / 'file/newsroom/config'}: Not a directory"])


def test_data_of_a_newer_publisher_is_left_alone_and_told(home: Path) -> None:
    assert publisher("keys", "list", "--home", home) == (0, [])
    with closing(sqlite3.connect(home / "data/publisher.db")) as database, database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    code, (said,) = publisher("keys", "list", "--home", home)
    assert code == 1
    assert said == (
        f"publisher: the data is of schema '9999', and this publisher knows none above '{HEAD}'; "
        "a newer publisher wrote it: install that, or restore a backup"
    )


EVERY = [["keys", "list"], ["events"], ["run"]]


@pytest.mark.parametrize("command", EVERY)
def test_a_file_that_is_no_database_is_told_by_its_path(home: Path, command: list[str]) -> None:
    (home / "data").mkdir(mode=0o700)
    (home / "data/publisher.db").write_text("no database\n" * 100)
    code, (said,) = publisher(*command, "--home", home)
    assert code == 1
    assert said.startswith("publisher: cannot open ") and said.endswith("data/publisher.db: file is not a database")


@pytest.mark.parametrize("command", EVERY)
def test_a_database_that_is_away_is_told_without_its_password(
    home: Path, command: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PUBLISHER_STORAGE__URL", "postgresql+asyncpg://desk:hunter2@127.0.0.1:1/news")
    code, (said,) = publisher(*command, "--home", home)
    assert code == 1
    assert said.startswith("publisher: cannot open postgresql+asyncpg://***@127.0.0.1:1/news: ")
