"""The newsroom that articles are pushed to: a whole web application over real parts, on a database of each kind."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from support.clock import ManualClock
from web.webroom import Furnished, Newsroom, furnished, open_newsroom, sqlite_file

from publisher.storage.engine.database import Database

__all__ = ["furnished", "newsroom", "one_newsroom", "sqlite_file"]


@pytest.fixture
async def newsroom(
    db: Database, database_url: str, furnished: Furnished, tmp_path: Path, clock: ManualClock
) -> AsyncIterator[Newsroom]:
    """Once on each kind of database."""
    given = furnished if database_url == "sqlite" else None
    async with open_newsroom(db, tmp_path / "data", clock, furnished=given) as running:
        yield running


@pytest.fixture
async def one_newsroom(
    sqlite_db: Database, furnished: Furnished, tmp_path: Path, clock: ManualClock
) -> AsyncIterator[Newsroom]:
    """On SQLite, for claims that do not depend on the kind."""
    async with open_newsroom(sqlite_db, tmp_path / "data", clock, furnished=furnished) as running:
        yield running
