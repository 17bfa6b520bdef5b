"""A deliverer over a real database and real sockets."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest
from support.answering import Answered, Answering
from support.clock import Machine, ManualClock
from support.delivering import Bench

from publisher.delivery import boarding, checking, following, probing, sender, suspects, taking, turns
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


@pytest.fixture
def answering(clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> Answering:
    """Makes senders that are driven step by step and answered by hand, all by one clock."""
    machine = Machine(clock)
    for module in (boarding, checking, following, probing, sender, suspects, taking, turns):
        monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=machine.elapsed))
    return partial(Answered, clock=clock, machine=machine)
