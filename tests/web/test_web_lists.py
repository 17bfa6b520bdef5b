"""Lists of the API: bounded in bytes and statements, read as they are sent, and silent about what may not be seen."""

from __future__ import annotations

import base64
import random
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from structlog.testing import capture_logs
from support.items import MORNING, an_article, an_event, an_indicator, article_change, indicator_change
from support.statements import counting
from webroom import SPECS, Newsroom

from publisher.model import EventType, FeedDefinition, Filter, Selection
from publisher.selection import RAREST_FIRST
from publisher.storage.engine.database import Database
from publisher.storage.items import articles
from publisher.storage.items.record import record
from publisher.storage.subscriptions import subscriptions
from publisher.web.access.visibility import MOST_CONDITIONS, Sight
from publisher.web.api.events import PAGE_BYTES as EVENTS_BYTES
from publisher.web.api.lists import BATCH_BYTES, PAGE_BYTES, Batches, list_response
from publisher.web.http.response import PIECE


async def _stored(db: Database, count: int, *, size: int = 100, first: int = 0, **fields: Any) -> list[str]:
    ids = [f"a{number:05}" for number in range(first, first + count)]
    for start in range(0, count, 200):
        changes = [
            article_change(
                an_article(
                    id,
                    published=MORNING + timedelta(minutes=int(id[1:])),
                    body=f"<p>{'isi ' * (size // 4)}</p>",
                    **{"topics": ("kopi",), **fields},
                )
            )
            for id in ids[start : start + 200]
        ]
        events = [an_event(subject=one.article.id, data={"id": one.article.id, **fields}) for one in changes]
        await db.write(record, articles=changes, events=events)
    return ids


async def _pages(newsroom: Newsroom, name: str, query: str, role: str | None = None) -> list[tuple[int, list[Any]]]:
    """Each page's bytes and items."""
    path, pages = f"/api/v1/{name}?{query}", []
    while path:
        answer = await newsroom.client.get(path, headers=newsroom.as_(role) if role else {})
        assert answer.status == 200, await answer.text()
        body = await answer.read()
        page = await answer.json()
        pages.append((len(body), page[name.rpartition("/")[2]]))
        path = page["next"] and f"/api/v1/{name}?{query}&after={page['next']}"
    return pages


async def test_a_page_of_large_articles_ends_at_its_bytes_and_the_next_goes_on(newsroom: Newsroom) -> None:
    ids = await _stored(newsroom.db, 24, size=600_000)
    pages = await _pages(newsroom, "articles", "limit=500")
    assert [one["id"] for _, page in pages for one in page] == ids[::-1]
    assert all(len(page) == 6 for _, page in pages)
    assert max(size for size, _ in pages) <= PAGE_BYTES


async def test_one_article_larger_than_a_page_has_a_page(newsroom: Newsroom) -> None:
    await _stored(newsroom.db, 3, size=PAGE_BYTES + 1000)
    assert [len(page) for _, page in await _pages(newsroom, "articles", "limit=500")] == [1, 1, 1]


async def test_a_page_of_large_events_ends_at_its_bytes_and_none_is_missed(newsroom: Newsroom) -> None:
    await _stored(newsroom.db, 20, topics=("kopi",), summary="isi " * 150_000)
    seqs, after, sizes = [], None, []
    while True:
        path = "/api/v1/events?limit=1000" + (f"&after={after}" if after else "")
        answer = await newsroom.client.get(path, headers=newsroom.as_("editor"))
        sizes.append(len(await answer.read()))
        page = await answer.json()
        seqs += [one["seq"] for one in page["events"]]
        if page["next"] == after:
            break
        after = page["next"]
    assert seqs == list(range(1, 21))
    assert max(sizes) <= EVENTS_BYTES + 1_300_000
    assert len(sizes) == 21


async def test_every_list_costs_the_same_statements_however_long_it_is(newsroom: Newsroom) -> None:
    await newsroom.push("first")
    lists = ["articles?limit=500", "events?limit=1000", "indicators", "webhooks"]

    async def cost() -> list[int]:
        counts = []
        for path in lists:
            with counting(newsroom.db) as sent:
                await newsroom.get(f"/api/v1/{path}", "operator")
            counts.append(len(sent))
        return counts

    await newsroom.get("/api/v1/events?after=latest", "operator")  # the first reads what later ones share
    await newsroom.services.limits.uses.written()  # and is noted as the key's use in this hour
    few = await cost()
    await _stored(newsroom.db, 300)
    observed = [indicator_change(an_indicator(f"S{number}"), "2026-03-02") for number in range(90)]
    await newsroom.db.write(record, indicators=observed)
    for number in range(90):
        await newsroom.db.write(_subscribed, number)
    assert await cost() == few
    assert max(few) <= 4


def _subscribed(tx: Any, number: int) -> None:
    subscriptions.create(
        tx,
        url=f"https://consumer.example/{number}",
        filter=Filter(feeds=("news",)),
        format="standard",
        description=None,
        owner="desk",
        sealed_secret=b"x",
        granted=None,
    )


async def test_webhooks_and_indicators_come_in_pages(newsroom: Newsroom) -> None:
    for number in range(7):
        await newsroom.db.write(_subscribed, number)
    pages = await _pages(newsroom, "webhooks", "limit=3", "operator")
    assert [len(page) for _, page in pages] == [3, 3, 1]
    assert [one["url"][-1] for _, page in pages for one in page] == list("0123456")
    await newsroom.db.write(record, indicators=[indicator_change(an_indicator(spec.symbol), "d") for spec in SPECS])
    pages = await _pages(newsroom, "indicators", "limit=1")
    assert [[one["symbol"] for one in page] for _, page in pages] == [["EMAS"], ["USD/IDR"]]


async def test_of_articles_that_may_not_be_seen_no_content_is_read(newsroom: Newsroom) -> None:
    (public,) = await _stored(newsroom.db, 1)
    await _stored(newsroom.db, 1200, first=1, topics=("rahasia",))
    with counting(newsroom.db) as sent:
        page = await newsroom.get("/api/v1/articles?limit=1")
    assert [one["id"] for one in page["articles"]] == [public]
    read = [parameters for statement, parameters in sent if "articles.data" in statement]
    assert read
    assert "a00001" not in str(read)
    assert len(sent) <= 4


FACETS = ("topics", "sections", "authors", "languages")
VALUES = ("satu", "dua", "tiga")


def _feed(chance: random.Random, number: int) -> FeedDefinition:
    keys = chance.sample(FACETS, chance.choice((1, 1, 2, 3)))
    values = ("id", "en") if "languages" in keys else VALUES
    select = {key: tuple(chance.sample(VALUES if key != "languages" else values, 1)) for key in keys}
    return FeedDefinition(name=f"f{number}", title="F", select=Selection(**select))


@pytest.mark.parametrize("seed", range(8))
async def test_what_the_database_is_asked_for_is_what_the_feeds_in_sight_select(db: Database, seed: int) -> None:
    chance = random.Random(seed)
    changes = [
        article_change(
            an_article(
                f"a{number}",
                topics=tuple(chance.sample(VALUES, chance.randint(0, 2))),
                authors=tuple(chance.sample(VALUES, 1)),
                section=chance.choice((None, *VALUES)),
                language=chance.choice((None, "id", "en")),
            )
        )
        for number in range(60)
    ]
    await db.write(record, articles=changes)
    stored = await db.read(articles.page, limit=100)
    for count in (0, 1, 3, 10, 3 * MOST_CONDITIONS):
        sight = Sight({f"f{number}": _feed(chance, number) for number in range(count)})
        asked = sight.narrowings()
        places, _ = await db.read(articles.listing, limit=100, seen=asked)
        found = {one.position[1] for one in places}
        right = {one.id for one in stored if sight.shows("articles", one.data, one.source)}
        assert found == right if count <= MOST_CONDITIONS else found >= right


def test_where_a_feed_takes_everything_the_database_is_asked_for_nothing() -> None:
    all_, some = FeedDefinition(name="all", title="A"), FeedDefinition(name="some", title="S", items="indicators")
    assert Sight({"all": all_, "some": some}).narrowings() is None
    assert Sight({"some": some}).narrowings() == []
    assert Sight({}, everything=True).narrowings() is None


def test_many_feeds_with_several_conditions_are_asked_for_in_a_word_each() -> None:
    feeds = {
        f"f{number}": FeedDefinition(
            name=f"f{number}", title="F", select=Selection(topics=(f"t{number}",), languages=("id",))
        )
        for number in range(MOST_CONDITIONS + 1)
    }
    assert Sight(feeds).narrowings() == [{"topics": {f"t{number}" for number in range(MOST_CONDITIONS + 1)}}]


def test_every_facet_of_an_article_can_be_asked_for() -> None:
    assert set(RAREST_FIRST) == set(Selection.model_fields)


async def test_a_cursor_is_the_same_text_each_time_and_tells_nothing(newsroom: Newsroom) -> None:
    await _stored(newsroom.db, 5)
    first, again = [await newsroom.get("/api/v1/articles?limit=2") for _ in range(2)]
    assert first == again
    text = first["next"]
    told = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    last = first["articles"][-1]["id"]
    assert last.encode() not in told
    assert last not in text


WRONG = ["1-a00001", "x", "%00", "%C3%A9", "A" * 2000, "", "AAAA", "altered", "of another list"]


@pytest.mark.parametrize("wrong", WRONG)
async def test_what_is_no_cursor_of_this_list_is_refused_in_words(newsroom: Newsroom, wrong: str) -> None:
    await _stored(newsroom.db, 5)
    for number in range(3):
        await newsroom.db.write(_subscribed, number)
    right = (await newsroom.get("/api/v1/articles?limit=2"))["next"]
    other = (await newsroom.get("/api/v1/webhooks?limit=1", "operator"))["next"]
    altered = right[:-4] + ("AAAA" if not right.endswith("AAAA") else "BBBB")
    text = {"altered": altered, "of another list": other}.get(wrong, wrong)
    answer = await newsroom.client.get(f"/api/v1/articles?after={text}")
    assert answer.status == 422
    (fault,) = (await answer.json())["errors"]
    assert fault["path"] == "after"
    assert "`next` of a page of this list" in fault["message"]


async def test_an_event_that_may_not_be_seen_costs_a_page_little(newsroom: Newsroom) -> None:
    await _stored(newsroom.db, 1500, topics=("rahasia",))
    await _stored(newsroom.db, 1, first=1500, topics=("kopi",))
    await newsroom.db.write(record, events=[an_event(EventType.SOURCE_FAILING) for _ in range(100)])
    with counting(newsroom.db) as sent:
        page = await newsroom.get("/api/v1/events?limit=1")
    assert [one["seq"] for one in page["events"]] == [1501]
    assert len(sent) <= 10
    with counting(newsroom.db) as sent:
        assert (await newsroom.get("/api/v1/events?after=1501"))["events"] == []
    assert len(sent) <= 2


async def _served(batches: Sequence[Sequence[Any] | Exception]) -> TestServer:
    """A server with one list of these batches; an exception among them is raised in its turn."""

    async def read() -> Batches:
        for one in batches:
            if isinstance(one, Exception):
                raise one
            yield one

    async def handler(request: web.Request) -> web.StreamResponse:
        return await list_response(request, "things", read(), lambda: {"next": "x"})

    app = web.Application()
    app.router.add_get("/", handler)
    server = TestServer(app)
    await server.start_server()
    return server


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as found:
        yield found


BATCHES = [[], [[]], [[1, 2]], [[1], [2]], [[], [1], [], [2, 3]], [[], []], [["x" * PIECE], [2]]]


@pytest.mark.parametrize("batches", BATCHES)
async def test_a_list_is_whole_json_however_it_falls_into_batches(
    session: aiohttp.ClientSession, batches: list[list[Any]]
) -> None:
    server = await _served(batches)
    async with session.get(server.make_url("/")) as answer:
        assert await answer.json() == {"things": [one for batch in batches for one in batch], "next": "x"}
    async with session.head(server.make_url("/")) as answer:
        assert (answer.status, await answer.read()) == (200, b"")
    async with session.get(server.make_url("/")) as answer:
        assert answer.status == 200
    await server.close()


async def test_a_list_that_cannot_be_read_to_its_end_breaks_off(session: aiohttp.ClientSession) -> None:
    server = await _served([["x" * BATCH_BYTES], [2], RuntimeError("the database has gone")])
    with capture_logs() as logged:
        async with session.get(server.make_url("/")) as answer:
            assert answer.status == 200
            with pytest.raises((aiohttp.ClientPayloadError, aiohttp.ClientOSError)):
                await answer.read()
    assert [one["event"] for one in logged] == ["list.broken"]
    await server.close()


async def test_a_page_of_long_articles_is_made_from_a_batch_of_them_at_a_time(newsroom: Newsroom) -> None:
    await _stored(newsroom.db, 20, size=900_000)
    for path in ("/", "/feeds/news"):
        with counting(newsroom.db) as sent:
            answer = await newsroom.client.get(path)
            assert answer.status == 200
        read = [parameters for statement, parameters in sent if ", articles.data" in statement]
        assert read
        assert all(str(parameters).count('"a000') == 1 for parameters in read)
