"""What one run of a source leads to."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from structlog.testing import capture_logs
from support.clock import ManualClock
from support.statements import counting

from publisher.catalog import SourceDefinition
from publisher.errors import FetchError
from publisher.ingest import Definitions, Intake, Puller, pull
from publisher.model import Article, Event, EventType, FeedDefinition, Indicator
from publisher.model.change import Outcome
from publisher.model.observed import Batch, ObservedArticle, Problem
from publisher.sources.base import NoOptions, Source
from publisher.storage.configuration import feeds, sources
from publisher.storage.engine.database import Database
from publisher.storage.items import articles
from publisher.storage.log import events


class Scripted(Source):
    """Gives what it was told to give, one batch or error after the other."""

    kind = "scripted"

    def __init__(self, name: str, options: Any = None, context: Any = None) -> None:
        super().__init__(name, options, context)
        self.batches: list[Batch | Exception] = []
        self.bookmarks: list[Mapping[str, Any]] = []

    async def read(self, bookmark: Mapping[str, Any]) -> Batch:
        self.bookmarks.append(dict(bookmark))
        given = self.batches.pop(0)
        if isinstance(given, Exception):
            raise given
        return given


FEED = FeedDefinition(name="news", title="News")
KNOWN = frozenset({"desk", "wire"})


def article(name: str, title: str = "Title", **more: Any) -> ObservedArticle:
    return ObservedArticle(Article(id=name, title=title, body="<p>Body.</p>", **more), name, f"{name}.html")


def definition(name: str = "desk", **more: Any) -> SourceDefinition:
    return SourceDefinition(name=name, kind=Scripted, options=NoOptions(), **more)


@pytest.fixture
def definitions() -> Definitions:
    return Definitions(
        feeds=lambda: {FEED.name: FEED}, sources=lambda: KNOWN, indicators=lambda: {}, timezone=lambda: "Asia/Jakarta"
    )


@pytest.fixture
async def puller(db: Database, definitions: Definitions) -> Puller:
    await db.write(feeds.sync, {FEED.name: FEED.digest})
    return Puller(db, definitions)


@pytest.fixture
def intake(db: Database, definitions: Definitions) -> Intake:
    return Intake(db, definitions)


async def log_of(db: Database) -> list[Event]:
    return await db.read(events.after, 0, 1000)


async def test_a_first_load_is_logged_and_not_pushed_and_what_comes_later_is_pushed(
    db: Database, puller: Puller
) -> None:
    desk = Scripted("desk")
    desk.batches = [Batch((article("a"),), bookmark={"n": 1}), Batch((article("b"),), bookmark={"n": 2})]
    await puller.run(definition(), desk)
    await puller.run(definition(), desk)
    assert [(event.subject, event.quiet) for event in await log_of(db)] == [("a", True), ("b", False)]
    assert desk.bookmarks == [{}, {"n": 1}]


async def test_a_source_that_asks_for_it_has_its_first_load_pushed(db: Database, puller: Puller) -> None:
    desk = Scripted("desk")
    desk.batches = [Batch((article("a"),))]
    await puller.run(definition(backfill="push"), desk)
    assert [event.quiet for event in await log_of(db)] == [False]


async def test_the_same_batch_twice_is_no_event_and_no_new_version_of_a_feed(db: Database, puller: Puller) -> None:
    desk = Scripted("desk")
    desk.batches = [Batch((article("a"), article("b")))] * 2
    await puller.run(definition(), desk)
    before = await db.read(feeds.state, "news")
    report = await puller.run(definition(), desk)
    assert report.outcomes == {Outcome.UNCHANGED: 2}
    assert len(await log_of(db)) == 2
    assert await db.read(feeds.state, "news") == before


async def test_a_change_names_what_changed(db: Database, puller: Puller) -> None:
    desk = Scripted("desk")
    desk.batches = [Batch((article("a"),)), Batch((article("a", title="Other"),))]
    await puller.run(definition(), desk)
    await puller.run(definition(), desk)
    event = (await log_of(db))[-1]
    assert (event.type, event.changed) == (EventType.ARTICLE_UPDATED, ("title",))
    assert event.before is not None
    assert event.before["title"] == "Title"


async def test_a_batch_larger_than_a_transaction_is_recorded_whole(db: Database, puller: Puller) -> None:
    desk = Scripted("desk")
    desk.batches = [Batch(tuple(article(f"a{n}") for n in range(1201)), bookmark={"done": True})]
    report = await puller.run(definition(), desk)
    assert report.outcomes == {Outcome.NEW: 1201}
    assert await db.read(articles.count) == 1201
    state = await db.read(sources.state, "desk")
    assert (state.items, state.events, state.bookmark) == (1201, 1201, {"done": True})


async def test_between_sources_the_first_keeps_an_article_and_the_other_is_told(db: Database, puller: Puller) -> None:
    desk, wire = Scripted("desk"), Scripted("wire")
    desk.batches = [Batch((article("a"),))]
    wire.batches = [Batch((article("a", title="From the wire"), article("b")))]
    await puller.run(definition("desk"), desk)
    report = await puller.run(definition("wire"), wire)
    assert [problem.severity for problem in report.problems] == ["warning"]
    assert "already published from source 'desk'" in str(report.problems[0])
    assert report.outcomes == {Outcome.NEW: 1}
    stored = await db.read(articles.get, "a")
    assert stored is not None
    assert stored.data["title"] == "Title"


async def test_what_is_withdrawn_over_the_api_is_not_brought_back_by_its_source(
    db: Database, puller: Puller, intake: Intake
) -> None:
    desk = Scripted("desk")
    desk.batches = [Batch((article("a"),)), Batch((article("a", title="Again"),))]
    await puller.run(definition(), desk)
    assert await intake.withdraw("a") is Outcome.WITHDRAWN
    await puller.run(definition(), desk)
    assert [event.type for event in await log_of(db)] == [EventType.ARTICLE_PUBLISHED, EventType.ARTICLE_WITHDRAWN]


async def test_withdrawing_twice_is_one_event(db: Database, puller: Puller, intake: Intake) -> None:
    desk = Scripted("desk")
    desk.batches = [Batch((article("a"),))]
    await puller.run(definition(), desk)
    await intake.withdraw("a")
    assert await intake.withdraw("a") is Outcome.UNCHANGED
    assert len(await log_of(db)) == 2


async def test_the_third_failure_in_a_row_is_told_once_and_so_is_recovery(db: Database, puller: Puller) -> None:
    desk = Scripted("desk")
    desk.batches = [FetchError("answered 503", status=503)] * 4 + [Batch((article("a"),))]
    for _ in range(5):
        await puller.run(definition(), desk, forced=True)
    told = [(event.type, event.data) for event in await log_of(db) if event.type.items == "operations"]
    assert told == [
        (EventType.SOURCE_FAILING, {"source": "desk", "failures": 3, "error": "answered 503"}),
        (EventType.SOURCE_RECOVERED, {"source": "desk", "failures": 4}),
    ]


async def test_a_source_that_failed_is_left_alone_until_its_back_off_has_passed(
    puller: Puller, clock: ManualClock
) -> None:
    desk = Scripted("desk")
    desk.batches = [FetchError("answered 429", status=429, retry_after=600), Batch((article("a"),))]
    assert (await puller.run(definition(), desk)).error == "answered 429"
    clock.advance(599)
    assert (await puller.run(definition(), desk)).skipped is not None
    clock.advance(2)
    assert (await puller.run(definition(), desk)).outcomes == {Outcome.NEW: 1}


async def test_a_kind_that_crashes_is_a_failed_source_and_nothing_more(db: Database, puller: Puller) -> None:
    desk = Scripted("desk")
    desk.batches = [ZeroDivisionError("its own fault")]
    report = await puller.run(definition(), desk)
    assert report.error == "ZeroDivisionError: its own fault"
    assert (await db.read(sources.state, "desk")).failures == 1


async def test_a_source_read_by_another_process_is_left_alone(db: Database, puller: Puller) -> None:
    await db.write(sources.claim, "desk", "another", 60)
    report = await puller.run(definition(), Scripted("desk"))
    assert report.skipped == "another process is reading it"


async def test_another_way_of_reading_is_a_new_baseline_and_no_event(
    db: Database, puller: Puller, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Scripted("desk")
    desk.batches = [Batch((article("a"),), bookmark={"n": 1}), Batch((article("a", title="Read otherwise"),))]
    await puller.run(definition(), desk)
    before = await db.read(feeds.state, "news")
    monkeypatch.setattr(SourceDefinition, "profile_digest", property(lambda _: "another"))
    report = await puller.run(definition(), desk)
    assert desk.bookmarks[-1] == {}, "everything is read anew"
    assert report.outcomes == {Outcome.REBASELINED: 1}
    assert len(await log_of(db)) == 1
    after = await db.read(feeds.state, "news")
    assert before is not None and after is not None
    assert after.version == before.version + 1, "the feed shows it as it now reads"


async def test_several_observations_in_one_push_are_compared_with_one_another(
    db: Database, intake: Intake, clock: ManualClock
) -> None:
    values = ["16199", "16200", "16200"]
    pushed = [Indicator(symbol="USD/IDR", name="USD/IDR", value=value, observed_at=clock()) for value in values]  # type: ignore[arg-type]
    assert await intake.push_indicators(pushed) == [Outcome.NEW, Outcome.CHANGED, Outcome.UNCHANGED]
    assert [event.data["value"] for event in await log_of(db)] == ["16199", "16200"]


class Slow(Scripted):
    """Reads until it is let go."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.begun, self.go_on = asyncio.Event(), asyncio.Event()

    async def read(self, bookmark: Mapping[str, Any]) -> Batch:
        self.begun.set()
        await self.go_on.wait()
        return Batch((article("slow"),))


async def test_a_reading_that_takes_longer_than_its_lease_keeps_the_source(
    db: Database, puller: Puller, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pull, "RENEW_SECONDS", 0.001)
    renewed = asyncio.Event()
    renew = sources.renew

    def noted(*arguments: Any) -> bool:
        renewed.set()
        return renew(*arguments)

    monkeypatch.setattr(sources, "renew", noted)
    slow = Slow("desk")
    running = asyncio.create_task(puller.run(definition(), slow))
    await slow.begun.wait()
    for _ in range(3):
        clock.advance(pull.LEASE_SECONDS * 0.8)
        for _ in range(2):  # the second began after the clock was moved
            renewed.clear()
            await renewed.wait()
        assert not await db.write(sources.claim, "desk", "another", 60)
    slow.go_on.set()
    report = await running
    assert (report.skipped, report.items) == (None, 1)
    assert await db.write(sources.claim, "desk", "another", 60)


async def test_a_source_whose_reader_was_killed_is_read_again_within_a_minute(
    db: Database, puller: Puller, clock: ManualClock
) -> None:
    assert await db.write(sources.claim, "desk", "killed", pull.LEASE_SECONDS)
    desk = Scripted("desk")
    desk.batches = [Batch((article("a"),))]
    assert (await puller.run(definition(), desk)).skipped
    clock.advance(60)
    assert (await puller.run(definition(), desk)).items == 1


async def test_the_failure_of_a_reading_whose_source_was_taken_over_counts_for_nothing(
    db: Database, puller: Puller, clock: ManualClock
) -> None:
    class TakenOver(Scripted):
        async def read(self, bookmark: Mapping[str, Any]) -> Batch:
            clock.advance(pull.LEASE_SECONDS)
            assert await db.write(sources.claim, "desk", "another", 60)
            await db.write(sources.succeeded, "desk", bookmark={"etag": "2"}, next_run_at=clock())
            raise FetchError("https://a.example/: no answer")

    report = await puller.run(definition(), TakenOver("desk"))
    assert "taken over" in str(report.skipped)
    state = await db.read(sources.state, "desk")
    assert (state.failures, state.next_run_at, state.last_error) == (0, clock(), None)


async def test_the_leases_of_a_killed_service_are_forgotten_where_there_is_only_one(
    db: Database, puller: Puller
) -> None:
    await db.write(sources.claim, "desk", "killed", pull.LEASE_SECONDS)
    await db.write(sources.forget_leases)
    assert await db.write(sources.claim, "desk", "mine", 60) is db._dialect.single_writer


async def test_what_was_refused_is_kept_with_the_source_and_told_by_the_run_that_did_not_read_it_again(
    db: Database, puller: Puller
) -> None:
    desk = Scripted("desk")
    bad = Problem("bad.json", "is no JSON")
    desk.batches = [Batch((article("a"),), problems=(bad,)), Batch(unread=frozenset({"bad.json"})), Batch()]
    first, second, third = [await puller.run(definition(), desk) for _ in range(3)]
    assert [list(one.refusals.reasons) for one in (first, second, third)] == [[str(bad)], [str(bad)], []]
    assert [one.ok for one in (first, second, third)] == [False, False, True]
    assert (second.problems, third.problems) == ([], [])


async def test_refusals_outlive_a_reading_that_failed(db: Database, puller: Puller) -> None:
    desk = Scripted("desk")
    desk.batches = [Batch(problems=(Problem("bad.json", "is no JSON"),)), FetchError("the folder is away")]
    await puller.run(definition(), desk)
    await puller.run(definition(), desk)
    state = await db.read(sources.state, "desk")
    assert (state.refusals.count, state.failures) == (1, 1)


async def test_a_reading_that_changes_no_refusal_writes_none(db: Database, puller: Puller) -> None:
    desk = Scripted("desk")
    desk.batches = [Batch(problems=(Problem("bad.json", "is no JSON"),)), Batch(unchanged=True)]
    await puller.run(definition(), desk)
    with counting(db) as sent:
        await puller.run(definition(), desk)
    assert not [statement for statement, _ in sent if statement.startswith("INSERT INTO refusals")]


async def test_a_reading_that_finds_nothing_is_no_news(puller: Puller) -> None:
    desk = Scripted("desk")
    desk.batches = [Batch((article("a"),)), Batch()]
    with capture_logs() as logged:
        await puller.run(definition(), desk)
        await puller.run(definition(), desk)
    assert [(one["items"], one["log_level"]) for one in logged if one["event"] == "source.read"] == [
        (1, "info"), (0, "debug")
    ]  # fmt: skip


async def test_what_an_operator_can_set_is_kept_apart_from_the_error_until_the_next_try(
    db: Database, puller: Puller
) -> None:
    desk = Scripted("desk")
    bad = Problem("b", "refused: 10.0.0.5 is not a public address", advice="allow b")
    desk.batches = [
        Batch(problems=(bad,)),
        FetchError("refused: port 81 is not allowed", advice="allow a"),
        FetchError("answered 503"),
    ]
    states = []
    for _ in range(3):
        await puller.run(definition(), desk, forced=True)
        states.append(await db.read(sources.state, "desk"))
    assert [one.last_error for one in states] == [None, "refused: port 81 is not allowed", "answered 503"]
    assert [one.error_for_operators for one in states] == [
        None,
        "refused: port 81 is not allowed; allow a",
        "answered 503",
    ]
    assert {one.refusals.reasons for one in states} == {(str(bad),)}
    assert {one.refusals.for_operators for one in states} == {(f"{bad}; allow b",)}
