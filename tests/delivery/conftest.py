"""A deliverer over a real database and real sockets."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from support.clock import ManualClock
from support.delivering import Bench

from publisher.outbound import Outbound
from publisher.storage.access.sealing import Sealer
from publisher.storage.engine.database import Database


@pytest.fixture
async def bench(sqlite_db: Database, clock: ManualClock, tmp_path: Path) -> AsyncIterator[Bench]:
    """Over SQLite."""
    outbound = Outbound(allow_private=["127.0.0.0/8:*"])
    yield Bench(sqlite_db, outbound, Sealer.open(tmp_path / "data"), clock)
    await outbound.close()


@pytest.fixture
async def any_bench(db: Database, clock: ManualClock, tmp_path: Path) -> AsyncIterator[Bench]:
    """Over each kind of database in turn."""
    outbound = Outbound(allow_private=["127.0.0.0/8:*"])
    yield Bench(db, outbound, Sealer.open(tmp_path / "keys"), clock)
    await outbound.close()
