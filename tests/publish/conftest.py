"""What the tests of published documents share."""

from __future__ import annotations

from pathlib import Path

import pytest
from newsroom import Newsroom, Open

from publisher.model import FeedDefinition
from publisher.storage.engine.database import Database


@pytest.fixture
def newsroom(sqlite_db: Database, tmp_path: Path) -> Open:
    """Opens a newsroom with the feeds it is given."""

    async def open_one(*definitions: FeedDefinition) -> Newsroom:
        return await Newsroom(sqlite_db, tmp_path / "data", *definitions).open()

    return open_one
