"""The newsroom that the tests of the web room talk to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

import pytest
import uvloop
from support.clock import ManualClock
from webroom import Furnished, Newsroom, furnished, open_newsroom, sqlite_file

from publisher.storage.engine.database import Database

__all__ = ["furnished", "newsroom", "sqlite_file"]


@pytest.fixture
async def newsroom(
    sqlite_db: Database, furnished: Furnished, tmp_path: Path, clock: ManualClock
) -> AsyncIterator[Newsroom]:
    """A whole web application over real parts, on a fresh database."""
    async with open_newsroom(sqlite_db, tmp_path / "data", clock, furnished=furnished) as running:
        yield running


def pytest_asyncio_loop_factories(item: pytest.Item) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """What is claimed of connections must hold on both loops, which buffer and write in ways of their own."""
    plain = {"asyncio": asyncio.new_event_loop}
    return plain | {"uvloop": uvloop.new_event_loop} if item.path.name == "test_web_connections.py" else plain
