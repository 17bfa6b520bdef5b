from support.clock import ManualClock

from publisher.model.change import FeedTouch
from publisher.model.event import Change
from publisher.storage import feeds
from publisher.storage.database import Database


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
