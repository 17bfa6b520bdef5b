"""The clock that all nodes on a database share."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from publisher import clock
from publisher.clock import from_micros
from publisher.storage import steps
from publisher.storage.engine.database import Database

HOUR = timedelta(hours=1)


async def test_on_postgresql_the_time_is_the_servers_whatever_the_machine_says(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = clock.now
    monkeypatch.setattr(clock, "now", lambda: right() + HOUR)
    db = await Database.open(postgres_url, tmp_path / "data")
    try:
        before, between, after = await db.read(steps.present), db.now(), await db.read(steps.present)
        # How far the server's clock is ahead is known to within the time that it took to answer.
        assert from_micros(before) - HOUR / 2 < between < from_micros(after) + HOUR / 2
    finally:
        await db.close()


async def test_on_sqlite_it_is_the_machines(sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    right = clock.now
    monkeypatch.setattr(clock, "now", lambda: right() + HOUR)
    db = await Database.open(sqlite_url, tmp_path / "data")
    try:
        before, between, after = await db.read(steps.present), db.now(), await db.read(steps.present)
        assert from_micros(before) <= between <= from_micros(after)
    finally:
        await db.close()


async def test_a_late_answer_does_not_put_the_clock(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    db = await Database.open(postgres_url, tmp_path / "data")
    try:
        known = db._ahead
        passed = iter([0.0, 7200.0])  # it was asked, and it answered two hours later
        monkeypatch.setattr(clock, "elapsed", lambda: next(passed))
        await db.read(steps.present)
        assert db._ahead == known
    finally:
        await db.close()
