"""``publisher maintenance``: at once, beside the service or without one, and told in numbers."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import orjson
import pytest
from maintenance.kept import dated, settled
from support.clock import ManualClock
from support.commands import Publisher
from support.deliveries import append, subscribe
from support.postgres import blocking

from publisher import clock
from publisher.storage.engine.database import Database


@pytest.fixture
def old(installed: Path, publisher: Publisher) -> Path:
    """An installation with three events of 300 days ago; the last of them is not fanned out."""

    async def fill() -> None:
        then = ManualClock(clock.now() - timedelta(days=300, minutes=1))
        db = await Database.open("sqlite", installed / "data", now=then)
        for _ in range(3):
            await db.write(subscribe)
        await settled(db, then, "delivered", "cancelled", "dead", events=2)
        await append(db)
        await db.write(dated, then)
        await db.close()

    assert publisher("nodes", "--home", installed).code == 0  # which makes the database
    blocking(fill())
    return installed


def test_it_tells_in_numbers_what_went(old: Path, publisher: Publisher) -> None:
    assert publisher("maintenance", "--home", old).out == ""
    done = publisher("maintenance", "run", "--home", old)
    assert done.code == 0
    assert done.out.splitlines() == [
        "deliveries: 4 deliveries with 2 attempts folded into counts",
        "events: 0 events gone; the log begins with event 1",
    ]
    ((first, *_), (second, begun, ended, node, did)) = publisher("maintenance", "--home", old).rows
    assert (first, second, did) == ("deliveries", "events", done.out.splitlines()[1].removeprefix("events: "))
    assert begun <= ended
    assert node
    shown = orjson.loads(publisher("maintenance", "--json", "--home", old).out)
    assert [one["did"]["deliveries"] for one in shown] == [4, 0]


def test_a_second_time_there_is_nothing_to_do_but_it_is_done(old: Path, publisher: Publisher) -> None:
    publisher("maintenance", "run", "--home", old)
    done = orjson.loads(publisher("maintenance", "run", "--json", "--home", old).out)
    assert done["deliveries"] == {"deliveries": 0, "attempts": 0}
    assert (done["events"]["events"], done["events"]["begins_after"]) == (0, 0)


def test_how_long_is_what_the_configuration_says(
    old: Path, publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PUBLISHER_STORAGE__KEEP_EVENTS", "300d")
    monkeypatch.setenv("PUBLISHER_DELIVERY__KEEP_DELIVERIES", "301d")
    done = publisher("maintenance", "run", "--home", old)
    assert done.out.splitlines() == [
        "deliveries: 0 deliveries with 0 attempts folded into counts",
        "events: 2 events gone, with 6 deliveries, 4 attempts, 2 matches, 0 tombstones; the log begins with event 3, "
        "which is old enough, but it is not fanned out yet",
    ]
    monkeypatch.setenv("PUBLISHER_STORAGE__KEEP_EVENTS", "59m")
    refused = publisher("maintenance", "run", "--home", old)
    assert (refused.code, "KEEP_EVENTS" in refused.err) == (2, True)
