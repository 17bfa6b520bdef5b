"""What tests of PostgreSQL alone open."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from publisher.storage.engine.database import Database

OpenDatabase = Callable[[], Awaitable[Database]]


@pytest.fixture
async def open_here(postgres_url: str, tmp_path: Path) -> AsyncIterator[OpenDatabase]:
    """Opens the same PostgreSQL database again, as another node would; closed at the end."""
    opened: list[Database] = []

    async def open_one() -> Database:
        opened.append(await Database.open(postgres_url, tmp_path / "data"))
        return opened[-1]

    yield open_one
    for database in opened:
        await database.close()
