import shutil
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from publisher.cli.main import cli
from publisher.errors import PublisherError
from publisher.storage.access.sealing import Sealer


@pytest.fixture
def home(tmp_path: Path, sqlite_template: Path) -> Path:
    """An installation with an empty database."""
    home = tmp_path / "home"
    (home / "config").mkdir(parents=True)
    (home / "config/publisher.toml").write_text("")
    (home / "data").mkdir(mode=0o700)
    shutil.copy(sqlite_template, home / "data/publisher.db")
    Sealer.open(home / "data")
    return home


def run(*arguments: object) -> Result:
    return CliRunner().invoke(cli, [str(argument) for argument in arguments])


def test_a_backup_says_that_it_holds_the_key(home: Path, tmp_path: Path) -> None:
    done = run("backup", tmp_path / "night.tar", "--home", home)
    assert done.exit_code == 0, done.output
    assert "night.tar: publisher.db, " in done.stdout
    assert "key that opens the webhooks' secrets" in done.stderr


def test_a_restore_says_what_it_kept(home: Path, tmp_path: Path) -> None:
    run("backup", tmp_path / "night.tar", "--home", home)
    done = run("restore", tmp_path / "night.tar", "--home", home)
    assert done.exit_code == 0, done.output
    assert "up to event 0" in done.stdout
    assert f"kept {home / 'data/publisher.db.before-restore'}" in done.stdout


def test_a_backup_restores_into_a_new_installation(home: Path, tmp_path: Path) -> None:
    run("backup", tmp_path / "night.tar", "--home", home)
    (tmp_path / "new/config").mkdir(parents=True)
    shutil.copy(home / "config/publisher.toml", tmp_path / "new/config")
    assert run("restore", tmp_path / "night.tar", "--home", tmp_path / "new").exit_code == 0
    for name in ("publisher.db", "secret-storage.key"):
        assert (tmp_path / "new/data" / name).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("command", ["backup", "restore"])
def test_on_postgresql_both_name_its_own_tools(command: str, home: Path, tmp_path: Path) -> None:
    (home / "config/publisher.toml").write_text('[storage]\nurl = "postgresql+asyncpg://db/news"\n')
    done = run(command, tmp_path / "night.tar", "--home", home)
    assert isinstance(done.exception, PublisherError)
    assert "pg_dump" in str(done.exception)
