import pytest
from support.clock import ManualClock
from support.items import an_article, an_event, an_indicator, article_change, indicator_change
from support.statements import counting

from publisher.errors import Conflict, StorageError
from publisher.model import Change, EventType, SourceState
from publisher.model.change import FeedTouch, Outcome
from publisher.storage.configuration import feeds, sources
from publisher.storage.engine.database import Database, Tx
from publisher.storage.items import articles, indicators
from publisher.storage.items.record import Reading, record
from publisher.storage.log import events


async def test_everything_that_came_of_a_reading_is_recorded_together(db: Database, clock: ManualClock) -> None:
    await db.write(feeds.sync, {"news": "d1"})
    await db.write(sources.claim, "desk", "mine", 60)
    clock.advance(1)

    numbered = await db.write(
        record,
        articles=[article_change("a1"), article_change("a2")],
        indicators=[indicator_change(an_indicator("EMAS"), "2026-03-02")],
        events=[an_event(subject="a1"), an_event(subject="a2")],
        touches=[FeedTouch("news", Change.ENTERED, "a1"), FeedTouch("news", Change.ENTERED, "a2")],
        reading=Reading("desk", "mine", {"etag": "x"}, "p1", items=3),
    )

    assert [event.seq for event in numbered] == [1, 2]
    assert await db.read(events.after, 0, 10) == numbered
    assert await db.read(articles.count) == 2
    assert [one.symbol for one in await db.read(indicators.latest)] == ["EMAS"]
    assert (await db.read(feeds.states))["news"] == feeds.FeedState("d1", 2, clock())
    state = await db.read(sources.state, "desk")
    assert (state.bookmark, state.profile_digest, state.items, state.events) == ({"etag": "x"}, "p1", 3, 2)


async def test_an_error_half_way_leaves_nothing(db: Database) -> None:
    await db.write(feeds.sync, {"news": "d1"})
    await db.write(sources.claim, "desk", "mine", 60)
    states = await db.read(feeds.states)
    twice = an_event()

    with pytest.raises(StorageError):
        await db.write(
            record,
            articles=[article_change("a1")],
            indicators=[indicator_change(an_indicator(), "2026-03-02")],
            events=[twice, twice],  # an id can be in the log once
            touches=[FeedTouch("news", Change.LEFT, "a0")],
            reading=Reading("desk", "mine", {"etag": "x"}, "p1", items=2),
        )

    assert await db.read(articles.known, ["a1"]) == {}
    assert await db.read(articles.page, limit=5, facets={"sources": ["desk"]}) == []
    assert await db.read(indicators.latest) == []
    assert await db.read(events.last_seq) == 0
    assert await db.read(feeds.states) == states
    assert await db.read(feeds.tombstones, "news", 5) == []
    assert await db.read(sources.state, "desk") == SourceState(name="desk")
    assert await db.write(record, events=[twice]) == [twice.model_copy(update={"seq": 1})]


async def test_an_error_after_recording_undoes_it(db: Database) -> None:
    def record_and_fail(tx: Tx) -> None:
        record(tx, articles=[article_change("a1")], events=[an_event()])
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await db.write(record_and_fail)

    assert await db.read(articles.count) == 0
    assert (await db.read(events.last_seq), db.last_seq) == (0, 0)


async def test_a_reading_whose_lease_was_taken_over_is_dropped_whole(db: Database, clock: ManualClock) -> None:
    await db.write(sources.claim, "desk", "mine", 60)
    clock.advance(60)
    await db.write(sources.claim, "desk", "theirs", 60)

    with pytest.raises(Conflict, match="taken over"):
        await db.write(record, articles=[article_change("a1")], reading=Reading("desk", "mine", {}, None, items=1))

    assert await db.read(articles.count) == 0


async def test_recording_nothing_is_nothing(db: Database) -> None:
    assert await db.write(record) == []
    assert db.last_seq == 0


async def test_statements_do_not_grow_with_the_number_of_items(db: Database) -> None:
    await db.write(feeds.sync, {"news": "d1", "rusia": "d1"})

    async def statements(ids: list[str], revision: int) -> int:
        outcome, type_ = (Outcome.NEW, EventType.ARTICLE_PUBLISHED)
        if revision > 1:
            outcome, type_ = (Outcome.CHANGED, EventType.ARTICLE_UPDATED)
        with counting(db) as sent:
            await db.write(
                record,
                articles=[
                    article_change(an_article(id, topics=("x", "y")), outcome, revision=revision, event=type_)
                    for id in ids
                ],
                indicators=[indicator_change(an_indicator(id), "2026-03-02") for id in ids],
                events=[an_event(type_, id) for id in ids],
                touches=[FeedTouch(feed, Change.LEFT, id) for id in ids for feed in ("news", "rusia")],
                seen=ids,
                seen_indicators=ids,
            )
        return len(sent)

    few, many = [f"few{n}" for n in range(2)], [f"many{n}" for n in range(3000)]
    assert await statements(many, 1) == await statements(few, 1)
    assert await statements(many, 2) == await statements(few, 2)
