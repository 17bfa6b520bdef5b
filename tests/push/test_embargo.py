"""An article with a published time to come: in no feed, page or delivery before it, and published at it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from support.clock import ManualClock
from support.deliveries import fan_out, subscribe
from support.items import an_article
from web.webroom import FEEDS, Newsroom

from publisher.ingest import Definitions, Intake, Recorder
from publisher.maintenance import Job
from publisher.maintenance import embargoes as keeping
from publisher.model import Article, DeliveryState, EventType
from publisher.model.change import Outcome
from publisher.model.observed import Batch, ObservedArticle
from publisher.storage.configuration import feeds as feed_states
from publisher.storage.engine.database import Database
from publisher.storage.items import articles, embargoes
from publisher.storage.log import events
from publisher.storage.subscriptions import listing

AT = "2026-03-02T10:00:00Z"
"""An hour after the clock's start."""

DEFINITIONS = Definitions(
    feeds=lambda: {feed.name: feed for feed in FEEDS},
    sources=lambda: frozenset({"desk"}),
    indicators=dict,
    timezone=lambda: "Asia/Jakarta",
)


def intake(newsroom: Newsroom) -> Any:
    return newsroom.services.ingest


async def log(newsroom: Newsroom) -> list[tuple[str, str]]:
    found = await newsroom.db.read(events.after, 0, 100)
    return [(event.type.value, event.data["title"]) for event in found]


async def shown(newsroom: Newsroom, *more: str) -> str:
    """Everything that anyone may read of what is published, and at these addresses."""
    paths = ["/", "/feeds/news", "/feeds/news.rss", "/feeds/news.atom", "/feeds/news.json", "/api/v1/articles"]
    answers = [await newsroom.client.get(path) for path in [*paths, *more]]
    return "\n".join([await answer.text() for answer in answers])


async def push(newsroom: Newsroom, **fields: Any) -> Any:
    article = {"title": "Judul kopi", "body": "<p>Isi.</p>", "topics": ["kopi"], **fields}
    return await newsroom.client.put("/api/v1/articles/kopi-1", json=article, headers=newsroom.as_("editor"))


async def test_it_is_nowhere_before_its_time_and_everywhere_at_it(newsroom: Newsroom, clock: ManualClock) -> None:
    answer = await push(newsroom, published=AT)
    body = await answer.json()
    assert (answer.status, body["outcome"], body["embargoed_until"]) == (202, "embargoed", AT)
    clock.advance(3599)
    assert await intake(newsroom).release_due() == 0
    assert "Judul kopi" not in await shown(newsroom, "/api/v1/events")
    assert (await newsroom.client.get("/articles/kopi-1")).status == 404
    assert await log(newsroom) == []

    clock.advance(1)
    assert await intake(newsroom).release_due() == 1
    assert (await shown(newsroom, "/api/v1/events")).count("Judul kopi") >= 7
    assert await log(newsroom) == [("article.published", "Judul kopi")]
    assert (await newsroom.client.get("/articles/kopi-1")).status == 200
    assert await intake(newsroom).release_due() == 0


async def test_editors_see_it_and_until_when_it_waits(newsroom: Newsroom) -> None:
    await push(newsroom, published=AT)
    for role, status in ((None, 404), ("subscriber", 404), ("editor", 200), ("operator", 200)):
        answer = await newsroom.client.get("/api/v1/articles/kopi-1", headers=newsroom.as_(role) if role else {})
        assert answer.status == status
        assert answer.headers.get("Embargoed-Until") == (AT if status == 200 else None)
        assert ("Judul kopi" in await answer.text()) is (status == 200)


async def test_its_followers_are_told_at_its_time_and_not_before(newsroom: Newsroom, clock: ManualClock) -> None:
    follower = await newsroom.db.write(subscribe)
    await push(newsroom, published=AT)
    await fan_out(newsroom.db)
    assert await newsroom.db.read(listing.page, follower.id, limit=9) == []
    clock.advance(3600)
    await intake(newsroom).release_due()
    await fan_out(newsroom.db)
    (delivery,) = await newsroom.db.read(listing.page, follower.id, limit=9)
    assert (delivery.event_type, delivery.state) == (EventType.ARTICLE_PUBLISHED, DeliveryState.PENDING)


async def test_the_next_time_is_known_to_the_second_also_after_a_restart(
    newsroom: Newsroom, open_database: Any, clock: ManualClock
) -> None:
    assert await intake(newsroom).next_due() is None
    await push(newsroom, published=AT)
    assert await intake(newsroom).next_due() == 3600.0
    restarted = Intake(await open_database(), DEFINITIONS)
    clock.advance(3599.5)
    assert await restarted.next_due() == 0.5
    clock.advance(900)
    assert await restarted.next_due() == 0.0
    assert await restarted.release_due() == 1
    assert await log(newsroom) == [("article.published", "Judul kopi")]


async def test_the_keeper_of_time_publishes_without_being_asked(sqlite_url: str, tmp_path: Path) -> None:
    db = await Database.open(sqlite_url, tmp_path / "data")
    await db.write(feed_states.sync, {feed.name: feed.digest for feed in FEEDS})
    job = Job("embargoes", keeping.EVERY, lambda: keeping.release(Intake(db, DEFINITIONS)))
    keeper = asyncio.create_task(job.run())
    now = await db.read(lambda tx: tx.now)
    soon = an_article(topics=("kopi",)).model_copy(update={"published": _in(now, 0.3)})
    assert await Intake(db, DEFINITIONS).push_article(ObservedArticle(soon, "a1", "test")) == (
        Outcome.EMBARGOED,
        soon.model_dump(mode="json"),
    )
    async with asyncio.timeout(60):
        await db.grown(0)
    (event,) = await db.read(events.after, 0, 9)
    assert event.timestamp >= soon.published  # type: ignore[operator]
    keeper.cancel()
    await asyncio.wait([keeper])
    await db.close()


def _in(now: int, seconds: float) -> Any:
    from publisher.clock import from_micros

    return from_micros(now + round(seconds * 1e6))


async def test_the_latest_push_wins_over_what_waits(newsroom: Newsroom, clock: ManualClock) -> None:
    await push(newsroom, published=AT)
    await push(newsroom, published="2026-03-02T11:00:00Z", title="Kopi lain")
    clock.advance(3600)
    assert await intake(newsroom).release_due() == 0
    clock.advance(3600)
    assert await intake(newsroom).release_due() == 1
    assert await log(newsroom) == [("article.published", "Kopi lain")]


@pytest.mark.parametrize("published", [None, "2026-03-02T08:00:00Z"])
async def test_a_push_without_a_time_to_come_publishes_at_once(
    newsroom: Newsroom, clock: ManualClock, published: str | None
) -> None:
    await push(newsroom, published=AT)
    answer = await push(newsroom, published=published, title="Kopi kini")
    assert (answer.status, (await answer.json())["outcome"]) == (201, "new")
    clock.advance(7200)
    assert await intake(newsroom).release_due() == 0
    assert await log(newsroom) == [("article.published", "Kopi kini")]


async def test_moving_a_published_article_into_the_future_takes_it_back_until_then(
    newsroom: Newsroom, clock: ManualClock
) -> None:
    follower = await newsroom.db.write(subscribe)
    await push(newsroom)
    answer = await push(newsroom, published=AT, title="Judul rahasia")
    assert answer.status == 202
    assert "Judul" not in await shown(newsroom)
    assert "rahasia" not in await shown(newsroom, "/api/v1/events")
    assert (await newsroom.client.get("/api/v1/articles/kopi-1")).status == 410
    assert await log(newsroom) == [("article.published", "Judul kopi"), ("article.withdrawn", "Judul kopi")]
    clock.advance(3600)
    await intake(newsroom).release_due()
    assert (await log(newsroom))[2:] == [("article.published", "Judul rahasia")]
    assert (await newsroom.client.get("/api/v1/articles/kopi-1")).status == 200
    await fan_out(newsroom.db)
    told = await newsroom.db.read(listing.page, follower.id, limit=9)
    assert len(told) == 3


async def test_what_waits_can_be_withdrawn_and_is_then_never_published(newsroom: Newsroom, clock: ManualClock) -> None:
    await push(newsroom, published=AT)
    answer = await newsroom.client.delete("/api/v1/articles/kopi-1", headers=newsroom.as_("editor"))
    assert (answer.status, (await answer.json())["outcome"]) == (200, "withdrawn")
    clock.advance(7200)
    assert await intake(newsroom).release_due() == 0
    assert await log(newsroom) == []
    # Whoever may not have known of it does not learn that it was there.
    assert (await newsroom.client.get("/api/v1/articles/kopi-1")).status == 404


def observed(article: Article) -> Batch:
    return Batch(articles=(ObservedArticle(article, f"https://news.example/{article.id}", "a page"),))


async def test_a_source_under_embargo_is_held_and_its_quiet_first_load_is_no_reason_to_be_silent(
    db: Database, clock: ManualClock
) -> None:
    later = an_article(topics=("kopi",), published=AT)
    recorder = Recorder(DEFINITIONS, "desk", quiet=True)
    (change,) = await db.write(recorder.apply, observed(later))
    assert (change.outcome, recorder.tally.events) == (Outcome.EMBARGOED, 0)
    assert await db.read(articles.count) == 0
    clock.advance(3600)
    assert await Intake(db, DEFINITIONS).release_due() == 1
    (event,) = await db.read(events.after, 0, 9)
    assert (event.source, event.quiet) == ("desk", False)
    stored = await db.read(articles.get, "a1")
    assert stored is not None
    assert (stored.source, stored.ordered_at.isoformat()) == ("desk", "2026-03-02T10:00:00+00:00")
    (again,) = await db.write(Recorder(DEFINITIONS, "desk").apply, observed(later))
    assert again.outcome is Outcome.UNCHANGED


async def test_a_source_does_not_bring_back_what_was_withdrawn_while_it_waited(
    db: Database, clock: ManualClock
) -> None:
    later = an_article(topics=("kopi",), published=AT)
    await db.write(Recorder(DEFINITIONS, "desk").apply, observed(later))
    await Intake(db, DEFINITIONS).withdraw("a1")
    assert await db.write(Recorder(DEFINITIONS, "desk").apply, observed(later)) == []
    clock.advance(7200)
    assert await db.write(Recorder(DEFINITIONS, "desk").apply, observed(later)) == []
    assert await db.read(events.after, 0, 9) == []


async def test_what_is_pushed_under_embargo_is_not_replaced_by_a_source(db: Database, clock: ManualClock) -> None:
    pushed = an_article(topics=("kopi",), published=AT)
    await Intake(db, DEFINITIONS).push_article(ObservedArticle(pushed, "a1", "PUT"))
    found = an_article(title="Found elsewhere", published=AT)
    recorder = Recorder(DEFINITIONS, "desk")
    assert await db.write(recorder.apply, observed(found)) == []
    assert [problem.severity for problem in recorder.tally.problems] == ["warning"]
    waiting = await db.read(embargoes.get, "a1")
    assert waiting is not None
    assert waiting.data["title"] == pushed.title


async def test_many_that_are_due_are_published_in_the_order_of_their_times(db: Database, clock: ManualClock) -> None:
    times = [f"2026-03-02T09:{minute:02}:00Z" for minute in (30, 10, 20)]
    for number, time in enumerate(times):
        for source in ("desk", "other"):
            article = an_article(f"{source}-{number}", published=time)
            await db.write(Recorder(DEFINITIONS, source).apply, observed(article))
    clock.advance(1500)
    assert await Intake(db, DEFINITIONS).release_due() == 4
    assert [event.subject for event in await db.read(events.after, 0, 9)] == ["desk-1", "other-1", "desk-2", "other-2"]
    assert await Intake(db, DEFINITIONS).next_due() == 300.0


async def test_no_version_tells_readers_that_another_edition_of_what_was_published_waits(newsroom: Newsroom) -> None:
    await push(newsroom)
    assert (await push(newsroom, published=AT)).headers["ETag"] == '"r2.1"'
    answer = await newsroom.client.get("/api/v1/articles/kopi-1")
    assert (answer.status, "ETag" in answer.headers) == (410, False)
