"""The newsroom that the tests of the web room talk to."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from support.clock import ManualClock
from webroom import Newsroom, open_newsroom

from publisher.storage.database import Database


@pytest.fixture
async def newsroom(sqlite_db: Database, tmp_path: Path, clock: ManualClock) -> AsyncIterator[Newsroom]:
    """A whole web application over real parts, on a fresh database."""
    async with open_newsroom(sqlite_db, tmp_path / "data", clock) as running:
        yield running
