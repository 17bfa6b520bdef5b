"""What takes time is done before a transaction keeps everybody else waiting."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

from support.items import an_article

from publisher.ingest import Definitions, Intake
from publisher.model.observed import ObservedArticle
from publisher.storage.engine.database import Database, Tx

DEFINITIONS = Definitions(feeds=dict, sources=frozenset, indicators=dict, timezone=lambda: "Asia/Jakarta")


def calls_of(name: str, work: Callable[[], object]) -> int:
    """How often a function of that name is called by ``work``."""
    count = 0

    def look(frame: FrameType, event: str, _: Any) -> None:
        nonlocal count
        count += event == "call" and frame.f_code.co_name == name

    sys.setprofile(look)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count


async def test_the_fingerprint_of_a_new_article_is_taken_before_its_transaction(sqlite_db: Database) -> None:
    intake = Intake(sqlite_db, DEFINITIONS)
    observed = ObservedArticle(an_article("a1", body=f"<p>{'1 jam, ' * 10_000}</p>"), "a1", "PUT")
    ready = await intake.prepared([observed])

    def write(tx: Tx) -> int:
        return calls_of("article_fingerprint", lambda: intake.take(tx, ready))

    assert await sqlite_db.write(write) == 0


async def test_one_that_was_not_prepared_is_taken_all_the_same(sqlite_db: Database) -> None:
    intake = Intake(sqlite_db, DEFINITIONS)
    observed = ObservedArticle(an_article("a1"), "a1", "PUT")
    (taken,) = await sqlite_db.write(intake.take, [observed])
    assert taken.outcome.value == "new"
    (again,) = await sqlite_db.write(intake.take, await intake.prepared([observed]))
    assert again.outcome.value == "unchanged"
