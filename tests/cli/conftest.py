"""A new installation, and commands run on it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from support.commands import ARTICLE, Publisher, runner
from support.postgres import blocking
from support.service import migrated
from support.service import publisher as command


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Where an installation may be made."""
    return tmp_path / "newsroom"


@pytest.fixture
def publisher(capfd: pytest.CaptureFixture[str]) -> Iterator[Publisher]:
    """Runs one command in this process, as ``publisher`` would."""
    before = structlog.get_config()
    yield runner(capfd)
    structlog.configure(**before)


@pytest.fixture(scope="session")
def loaded_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What :func:`loaded` is a copy of."""
    home = tmp_path_factory.mktemp("loaded") / "newsroom"

    async def load() -> None:
        await command("init", str(home), "--port", "8080")
        (home / "inbox/salt.json").write_text(json.dumps(ARTICLE))
        await command("load", "--home", str(home))
        await command("keys", "create", "--role", "editor", "--owner", "cms", "--home", str(home))

    blocking(load())
    return home


@pytest.fixture
def loaded(loaded_once: Path, home: Path) -> Path:
    """An installation that has run, and whose every list has something in it."""
    shutil.copytree(loaded_once, home)
    return home


@pytest.fixture
def installed(home: Path, publisher: Publisher) -> Path:
    """An installation with one article in its inbox, in whose database there is nothing yet."""
    assert publisher("init", home, "--port", 8080).code == 0
    migrated(home)
    (home / "inbox/salt.json").write_text(json.dumps(ARTICLE))
    return home
