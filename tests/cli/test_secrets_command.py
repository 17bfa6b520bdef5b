"""Where the storage key is lost for good."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from click.testing import Result
from support.deliveries import subscribe
from support.postgres import blocking
from support.service import write_installation
from typer.testing import CliRunner

from publisher.app.opening import open_storage
from publisher.cli.main import cli
from publisher.errors import SecretError, StorageError
from publisher.storage.access.sealing import KEY_FILE
from publisher.storage.subscriptions import subscriptions


def run(*arguments: object) -> Result:
    return CliRunner().invoke(cli, [str(argument) for argument in arguments])


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return write_installation(tmp_path / "newsroom")


async def webhook(home: Path) -> str:
    db, sealer = await open_storage(home, "sqlite")
    made = await db.write(subscribe, sealed_secret=sealer.seal(b"whsec_old"))
    await db.close()
    return made.id


async def secret(home: Path, id_: str) -> str:
    db, sealer = await open_storage(home, "sqlite")
    try:
        return sealer.unseal(await db.read(subscriptions.secret, id_)).decode()
    finally:
        await db.close()


def test_a_lost_key_is_got_over_with_a_new_secret_for_each_webhook(home: Path) -> None:
    id_ = blocking(webhook(home))
    (home / "data" / KEY_FILE).unlink()
    refused = run("webhooks", "list", "--home", home)
    assert isinstance(refused.exception, SecretError)
    assert "publisher secrets renew" in str(refused.exception)

    done = run("secrets", "renew", "--home", home)

    assert done.exit_code == 0, done.output
    assert done.stdout.split() == [id_, blocking(secret(home, id_))]
    assert run("webhooks", "list", "--home", home).exit_code == 0


def test_secrets_that_open_stay(home: Path) -> None:
    id_ = blocking(webhook(home))
    assert run("secrets", "renew", "--home", home).stdout == ""
    assert blocking(secret(home, id_)) == "whsec_old"


def test_where_the_data_folder_is_away_nothing_is_made_in_its_place(home: Path) -> None:
    id_ = blocking(webhook(home))
    (home / "data").rename(home / "elsewhere")
    refused = run("secrets", "renew", "--home", home)
    assert isinstance(refused.exception, StorageError)
    assert "was its disk not mounted" in str(refused.exception)
    assert not (home / "data").exists()
    (home / "elsewhere").rename(home / "data")
    assert blocking(secret(home, id_)) == "whsec_old"


def test_no_secret_of_another_installation_is_renewed(home: Path, tmp_path: Path) -> None:
    blocking(webhook(home))
    other = write_installation(tmp_path / "other")
    blocking(webhook(other))
    shutil.copy(other / "data/publisher.db", home / "data/publisher.db")
    (home / "data" / KEY_FILE).unlink()
    refused = run("secrets", "renew", "--home", home)
    assert isinstance(refused.exception, StorageError) and "is of installation" in str(refused.exception)
    assert not (home / "data" / KEY_FILE).exists()


def test_after_a_restore_the_installation_takes_what_was_restored_for_its_own(home: Path, tmp_path: Path) -> None:
    blocking(webhook(home))
    assert run("backup", tmp_path / "night.tar", "--home", home).exit_code == 0
    other = write_installation(tmp_path / "other")
    blocking(webhook(other))
    assert run("restore", tmp_path / "night.tar", "--home", other).exit_code == 0
    done = run("webhooks", "list", "--home", other)
    assert done.exit_code == 0, done.output
