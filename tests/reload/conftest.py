"""The installation that is reloaded."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from support.reloading import Running, run_installation


@pytest.fixture
async def running(sqlite_url: str, tmp_path: Path) -> AsyncIterator[Running]:
    """An installation with the sources ``desk`` and ``market`` and the feed ``news``, on a fresh database."""
    assert sqlite_url == "sqlite"
    async with run_installation(tmp_path) as one:
        yield one
