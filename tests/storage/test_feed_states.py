import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
from support.clock import ManualClock
from support.items import an_event

from publisher.model.change import FeedTouch
from publisher.model.event import Change
from publisher.storage.configuration import feeds
from publisher.storage.engine.database import Database, Tx
from publisher.storage.log import events


async def test_a_new_definition_and_a_changed_one_raise_the_version(db: Database, clock: ManualClock) -> None:
    start = clock()
    await db.write(feeds.sync, {"news": "d1", "rusia": "d1"})
    assert await db.read(feeds.states) == {
        "news": feeds.FeedState("d1", 1, start),
        "rusia": feeds.FeedState("d1", 1, start),
    }

    later = clock.advance(10)
    await db.write(feeds.sync, {"news": "d2", "rusia": "d1"})

    assert await db.read(feeds.states) == {
        "news": feeds.FeedState("d2", 2, later),
        "rusia": feeds.FeedState("d1", 1, start),
    }
    assert await db.read(feeds.state, "news") == feeds.FeedState("d2", 2, later)
    assert await db.read(feeds.state, "none") is None


async def test_a_feed_that_is_no_longer_defined_keeps_its_state(db: Database) -> None:
    await db.write(feeds.sync, {"news": "d1"})
    await db.write(feeds.sync, {})
    await db.write(feeds.sync, {"other": "d1"})

    assert set(await db.read(feeds.states)) == {"news", "other"}


async def test_a_touched_feed_rises_by_one_however_many_items_moved(db: Database, clock: ManualClock) -> None:
    start = clock()
    await db.write(feeds.sync, {"news": "d1", "rusia": "d1"})
    later = clock.advance(10)
    touches = [FeedTouch("news", Change.ENTERED, f"a{n}") for n in range(5)] + [FeedTouch("news", Change.STAYED)]
    await db.write(feeds.touch, touches)

    assert await db.read(feeds.states) == {
        "news": feeds.FeedState("d1", 2, later),
        "rusia": feeds.FeedState("d1", 1, start),
    }


async def test_touching_nothing_changes_nothing(db: Database) -> None:
    await db.write(feeds.sync, {"news": "d1"})
    before = await db.read(feeds.states)
    await db.write(feeds.touch, [])

    assert await db.read(feeds.states) == before


async def test_an_article_that_left_is_remembered_by_that_feed_alone_latest_first(
    db: Database, clock: ManualClock
) -> None:
    await db.write(feeds.sync, {"news": "d1", "rusia": "d1"})
    first = clock()
    await db.write(feeds.touch, [FeedTouch("rusia", Change.LEFT, "a1"), FeedTouch("news", Change.STAYED, "a1")])
    second = clock.advance(10)
    await db.write(feeds.touch, [FeedTouch("rusia", Change.LEFT, "a2")])

    assert await db.read(feeds.tombstones, "rusia", 10) == [("a2", second), ("a1", first)]
    assert await db.read(feeds.tombstones, "rusia", 1) == [("a2", second)]
    assert await db.read(feeds.tombstones, "news", 10) == []


async def test_an_article_that_comes_back_leaves_no_tombstone(db: Database) -> None:
    await db.write(feeds.sync, {"rusia": "d1"})
    await db.write(feeds.touch, [FeedTouch("rusia", Change.LEFT, "a1"), FeedTouch("rusia", Change.LEFT, "a2")])
    await db.write(feeds.touch, [FeedTouch("rusia", Change.ENTERED, "a1")])

    assert [id for id, _ in await db.read(feeds.tombstones, "rusia", 10)] == ["a2"]


async def test_within_one_transaction_the_last_move_counts(db: Database, clock: ManualClock) -> None:
    await db.write(feeds.sync, {"rusia": "d1"})
    await db.write(feeds.touch, [FeedTouch("rusia", Change.LEFT, "back"), FeedTouch("rusia", Change.LEFT, "again")])
    later = clock.advance(5)
    await db.write(
        feeds.touch,
        [
            FeedTouch("rusia", Change.LEFT, "back"),
            FeedTouch("rusia", Change.ENTERED, "back"),
            FeedTouch("rusia", Change.STAYED, "back"),
            FeedTouch("rusia", Change.ENTERED, "gone"),
            FeedTouch("rusia", Change.LEFT, "gone"),
            FeedTouch("rusia", Change.LEFT, "again"),
        ],
    )

    assert await db.read(feeds.tombstones, "rusia", 10) == [("gone", later), ("again", later)]


CHANGES: dict[str, Callable[[Tx], object]] = {
    "a new definition": lambda tx: feeds.sync(tx, {"news": "d2"}),
    "a feed removed": lambda tx: feeds.define(tx, {}),
    "an item that entered": lambda tx: feeds.touch(tx, [FeedTouch("news", Change.ENTERED, "a1")]),
    "an item that reads differently": lambda tx: feeds.touch(tx, [FeedTouch("news", Change.STAYED, "a1")]),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
async def test_what_changes_a_feed_makes_another_edition_before_the_write_returns(
    db: Database, change: Callable[[Tx], object]
) -> None:
    await db.write(feeds.sync, {"news": "d1"})
    before = db.edition
    writing = asyncio.create_task(db.write(change))
    writing.add_done_callback(lambda _: seen.append(db.edition))
    seen: list[int] = []
    await writing
    assert seen and seen[0] != before


async def test_what_changes_no_feed_leaves_the_edition(db: Database) -> None:
    await db.write(feeds.sync, {"news": "d1"})
    before = db.edition
    await db.write(feeds.touch, [])
    await db.write(lambda tx: tx.now)
    await db.read(feeds.states)
    assert db.edition == before


async def test_a_write_that_is_undone_leaves_the_edition(db: Database) -> None:
    def undone(tx: Tx) -> None:
        feeds.sync(tx, {"news": "d1"})
        raise RuntimeError

    before = db.edition
    with pytest.raises(RuntimeError):
        await db.write(undone)
    assert db.edition == before


async def test_a_write_that_is_cancelled_makes_another_edition_if_it_was_committed(db: Database) -> None:
    await db.write(feeds.sync, {"news": "d1"})
    committed = 0
    for turns in range(12):
        edition, version = db.edition, (await db.read(feeds.states))["news"].version
        written = asyncio.Event()

        def write(tx: Tx, written: asyncio.Event = written) -> None:
            feeds.touch(tx, [FeedTouch("news", Change.STAYED)])
            written.set()

        writing = asyncio.create_task(db.write(write))
        await written.wait()
        for _ in range(turns):
            await asyncio.sleep(0)
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)
        if (await db.read(feeds.states))["news"].version != version:
            committed += 1
            assert db.edition != edition
    assert committed


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
async def test_what_another_process_changed_in_a_feed_makes_another_edition_once_it_is_looked_for(
    open_database: Callable[[], Awaitable[Database]], change: Callable[[Tx], object]
) -> None:
    here, there = await open_database(), await open_database()
    await there.write(feeds.sync, {"news": "d1"})
    await here.refresh()
    before = here.edition
    await there.write(change)
    await here.refresh()
    # A removed feed keeps its version: no document of it is shown any more.
    assert (here.edition != before) == (change is not CHANGES["a feed removed"])


async def test_looking_again_at_what_stands_still_leaves_the_edition(db: Database) -> None:
    await db.write(feeds.sync, {"news": "d1"})
    await db.write(events.append, [an_event()])
    await db.refresh()
    before = db.edition
    await db.refresh()
    assert db.edition == before


async def test_a_feed_that_was_removed_before_definitions_were_kept_counts_as_private(db: Database) -> None:
    await db.write(feeds.define, {"news": "d1", "old": "d2"})
    await db.write(feeds.define, {"news": "d1"})
    found = await db.read(feeds.states)
    assert {name: one.private for name, one in found.items()} == {"news": False, "old": True}


async def test_a_change_by_a_clock_that_was_put_back_is_a_second_later_than_the_one_before(
    db: Database, clock: ManualClock
) -> None:
    start = clock()
    await db.write(feeds.sync, {"news": "d1", "rusia": "d1"})
    clock.advance(-3600)
    await db.write(feeds.sync, {"news": "d2", "rusia": "d1"})
    await db.write(feeds.touch, [FeedTouch("rusia", Change.STAYED)])
    found = await db.read(feeds.states)
    assert {one.changed_at for one in found.values()} == {start + timedelta(seconds=1)}
    later = clock.advance(7200)
    await db.write(feeds.touch, [FeedTouch("rusia", Change.STAYED)])
    assert (await db.read(feeds.states))["rusia"].changed_at == later
