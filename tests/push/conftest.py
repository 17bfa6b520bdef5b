"""The newsroom that articles are pushed to: a whole web application over real parts, on a database of each kind."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from support.clock import ManualClock
from web.webroom import Newsroom, open_newsroom

from publisher.storage.engine.database import Database


@pytest.fixture
async def newsroom(db: Database, tmp_path: Path, clock: ManualClock) -> AsyncIterator[Newsroom]:
    """Once on each kind of database."""
    async with open_newsroom(db, tmp_path / "data", clock) as running:
        yield running


@pytest.fixture
async def one_newsroom(sqlite_db: Database, tmp_path: Path, clock: ManualClock) -> AsyncIterator[Newsroom]:
    """On SQLite, for claims that do not depend on the kind."""
    async with open_newsroom(sqlite_db, tmp_path / "data", clock) as running:
        yield running
