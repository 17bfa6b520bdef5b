import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
from support.clock import ManualClock

from publisher.errors import Conflict
from publisher.model import SourceState
from publisher.storage.configuration import sources
from publisher.storage.engine.database import Database


async def test_a_source_that_was_never_read_has_an_empty_state(db: Database) -> None:
    assert await db.read(sources.state, "desk") == SourceState(name="desk")
    assert await db.read(sources.states) == {}


async def test_a_success_is_remembered_with_its_bookmark(db: Database, clock: ManualClock) -> None:
    next_run = clock() + timedelta(minutes=5)
    await db.write(
        sources.succeeded,
        "desk",
        bookmark={"etag": '"x"', "seen": ["é"]},
        profile_digest="p1",
        items=3,
        events=2,
        next_run_at=next_run,
    )

    expected = SourceState(
        name="desk",
        bookmark={"etag": '"x"', "seen": ["é"]},
        profile_digest="p1",
        loaded=True,
        last_success_at=clock(),
        next_run_at=next_run,
        items=3,
        events=2,
    )
    assert await db.read(sources.state, "desk") == expected
    assert await db.read(sources.states) == {"desk": expected}


async def test_failures_are_counted_in_a_row_and_keep_the_bookmark(db: Database, clock: ManualClock) -> None:
    await db.write(sources.succeeded, "desk", bookmark={"etag": "1"}, profile_digest="p1")
    read_at = clock()
    failed_at = clock.advance(10)
    again = clock() + timedelta(minutes=1)

    assert await db.write(sources.failed, "desk", "no answer", again) == 1
    assert await db.write(sources.failed, "desk", "still none", again) == 2

    state = await db.read(sources.state, "desk")
    assert (state.bookmark, state.profile_digest, state.loaded, state.last_success_at) == (
        {"etag": "1"}, "p1", True, read_at
    )  # fmt: skip
    assert (state.failures, state.last_error, state.last_error_at, state.next_run_at) == (
        2, "still none", failed_at, again
    )  # fmt: skip


async def test_a_success_ends_a_row_of_failures(db: Database) -> None:
    await db.write(sources.failed, "desk", "no answer", None)
    await db.write(sources.succeeded, "desk", bookmark={})
    assert (await db.read(sources.state, "desk")).failures == 0
    assert await db.write(sources.failed, "desk", "no answer", None) == 1


async def test_a_claimed_source_is_refused_to_others_until_it_is_released(db: Database) -> None:
    assert await db.write(sources.claim, "desk", "mine", 60)
    assert not await db.write(sources.claim, "desk", "theirs", 60)
    assert await db.write(sources.claim, "other", "theirs", 60)

    await db.write(sources.release, "desk", "mine")

    assert await db.write(sources.claim, "desk", "theirs", 60)


async def test_an_expired_lease_is_taken_over(db: Database, clock: ManualClock) -> None:
    await db.write(sources.claim, "desk", "mine", 60)
    clock.advance(59)
    assert not await db.write(sources.claim, "desk", "theirs", 60)
    clock.advance(1)
    assert await db.write(sources.claim, "desk", "theirs", 60)

    await db.write(sources.hold, "desk", "theirs")
    with pytest.raises(Conflict, match="taken over"):
        await db.write(sources.hold, "desk", "mine")


async def test_a_lease_is_renewed_by_its_holder(db: Database, clock: ManualClock) -> None:
    await db.write(sources.claim, "desk", "mine", 60)
    clock.advance(50)
    assert await db.write(sources.claim, "desk", "mine", 60)
    clock.advance(50)
    assert not await db.write(sources.claim, "desk", "theirs", 60)


async def test_releasing_what_was_taken_over_does_nothing(db: Database, clock: ManualClock) -> None:
    await db.write(sources.claim, "desk", "mine", 60)
    clock.advance(60)
    await db.write(sources.claim, "desk", "theirs", 60)
    await db.write(sources.release, "desk", "mine")

    assert not await db.write(sources.claim, "desk", "mine", 60)


async def test_of_many_that_claim_at_once_one_gets_the_source(
    db: Database, open_database: Callable[[], Awaitable[Database]]
) -> None:
    other = await open_database()

    won = await asyncio.gather(
        *(database.write(sources.claim, "desk", f"lease-{n}", 60) for n, database in enumerate([db, other] * 4))
    )

    assert sum(won) == 1


async def test_claiming_touches_nothing_else(db: Database) -> None:
    await db.write(sources.succeeded, "desk", bookmark={"etag": "1"}, items=4)
    before = await db.read(sources.state, "desk")
    await db.write(sources.claim, "desk", "mine", 60)
    await db.write(sources.release, "desk", "mine")

    assert await db.read(sources.state, "desk") == before
