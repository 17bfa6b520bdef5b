"""What cannot be opened is told in words: the setting, or the place, and never a password or a traceback."""

from __future__ import annotations

from pathlib import Path

import pytest

from publisher.errors import ConfigError, PublisherError, SecretError, StorageError
from publisher.storage.access.sealing import KEY_FILE, Sealer
from publisher.storage.engine.database import Database


@pytest.mark.parametrize(
    "url",
    [
        "nonsense",
        "mysql://u:geheim@h/d",
        "postgresql+asyncpg://u:geheim@h:port/d",
        "postgresql+asyncpg://u:geheim@127.0.0.1/d?no_such_parameter=1",
        f"postgresql+asyncpg://u:geheim@{'a' * 70}.b/d",
    ],
)
async def test_a_url_that_names_no_database_names_the_setting(url: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as told:
        await Database.open(url, tmp_path)
    assert str(told.value).startswith("config/publisher.toml: storage.url: ")
    assert "geheim" not in str(told.value)


@pytest.mark.parametrize(
    "url",
    ["sqlite+aiosqlite:////dev/null/x.db", "sqlite+aiosqlite:////tmp", "postgresql+asyncpg://u:geheim@127.0.0.1:1/d"],
)
async def test_a_database_that_is_not_there_is_named_without_its_password(url: str, tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot open") as told:
        await Database.open(url, tmp_path)
    assert "geheim" not in str(told.value)


def _binary(path: Path) -> None:
    path.write_bytes(b"\xff\xfe\x00")


@pytest.mark.parametrize(
    "make", [_binary, Path.mkdir, lambda path: path.write_text("x" * 100_000)], ids=["binary", "a folder", "long"]
)
def test_a_key_file_that_is_no_text_is_told_by_its_path(make: object, tmp_path: Path) -> None:
    make(tmp_path / KEY_FILE)  # type: ignore[operator]
    with pytest.raises(SecretError, match=KEY_FILE) as told:
        Sealer.open(tmp_path)
    assert isinstance(told.value, PublisherError)
