"""A new installation, and commands run on it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from support.commands import ARTICLE, Publisher, runner
from support.service import migrated


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


@pytest.fixture
def installed(home: Path, publisher: Publisher) -> Path:
    """An installation with one article in its inbox, in whose database there is nothing yet."""
    assert publisher("init", home, "--port", 8080).code == 0
    migrated(home)
    (home / "inbox/salt.json").write_text(json.dumps(ARTICLE))
    return home
