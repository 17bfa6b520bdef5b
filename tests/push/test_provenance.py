"""Where an article's values came from, and what is doubtful about them, beside the article in the API."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.clock import ManualClock
from support.reading import Answer, Server, open_source
from web.webroom import Newsroom

from publisher.catalog import SourceDefinition
from publisher.ingest import Definitions, Puller
from publisher.model import Article
from publisher.model.observed import Batch, ObservedArticle, Problem
from publisher.model.provenance import MAX_DOUBTS, MAX_MESSAGE, MAX_TEXT, Doubt, Provenance, bounded
from publisher.sources.base import NoOptions, Source
from publisher.storage.items import articles
from publisher.storage.log import events

PATH = "/api/v1/articles"
WARNING = Problem("a.html", "no time of day", field="published", text="8 Februari", severity="warning")


class Given(Source):
    """Gives what it was made of."""

    kind = "given"

    def __init__(self, *batches: Batch) -> None:
        super().__init__("desk", None, None)
        self.batches = list(batches)

    async def read(self, bookmark: Any) -> Batch:
        return self.batches.pop(0)


def found(*problems: Problem, title: str = "Judul", origin: str = "a.html", **more: Any) -> Batch:
    article = Article(id="a", title=title, body="<p>Isi.</p>", topics=("kopi",), **more)
    origins = {"title": "jsonld", "body": "extracted"}
    return Batch((ObservedArticle(article, "https://contoh.id/a", origin, origins=origins),), problems=problems)


async def pull(newsroom: Newsroom, *batches: Batch) -> None:
    definitions = Definitions(
        feeds=lambda: newsroom.catalog.feeds,
        sources=lambda: frozenset({"desk"}),
        indicators=dict,
        timezone=lambda: "UTC",
    )
    source = Given(*batches)
    for _ in batches:
        await Puller(newsroom.db, definitions).run(
            SourceDefinition(name="desk", kind=Given, options=NoOptions(), backfill="push"), source
        )


async def test_each_value_says_where_it_came_from_and_a_warning_stands_beside_its_article(newsroom: Newsroom) -> None:
    other = Problem("b.html", "no date", field="published", severity="warning")
    row = Problem("a.html", "the row is left out", field="ticker EMAS")
    await pull(newsroom, found(WARNING, other, row, Problem("a.html", "cannot be read"), section="Bisnis"))
    read = await newsroom.get(f"{PATH}/a", "editor")
    assert read["provenance"] == {
        "title": "jsonld",
        "body": "extracted",
        "section": "profile",
        "topics": "profile",
    }
    assert read["warnings"] == [{"field": "published", "message": "no time of day", "text": "8 Februari"}]
    [listed] = (await newsroom.get(PATH, "editor"))["articles"]
    assert listed == read


async def test_who_has_no_editors_key_is_shown_no_warning_that_quotes_a_source(newsroom: Newsroom) -> None:
    await pull(newsroom, found(WARNING))
    for role in (None, "subscriber"):
        read = await newsroom.get(f"{PATH}/a", role)
        [listed] = (await newsroom.get(PATH, role))["articles"]
        assert read["provenance"]["title"] == "jsonld"
        assert "warnings" not in read
        assert listed == read


async def test_what_was_pushed_came_from_the_api_and_a_language_that_nobody_named_was_guessed(
    newsroom: Newsroom,
) -> None:
    await newsroom.push("a", authors=["A", "N/A"], published="2026-03-01T00:00:00Z")
    read = await newsroom.get(f"{PATH}/a", "editor")
    assert read["provenance"] == {
        "title": "api", "body": "api", "authors": "api", "topics": "api", "language": "guessed", "published": "api",
    }  # fmt: skip
    assert [(one["field"], one["text"]) for one in read["warnings"]] == [("authors[1]", "N/A")]


async def test_of_a_batch_each_article_has_its_own_warnings(newsroom: Newsroom) -> None:
    one = {"id": "a", "title": "A", "body": "<p>x</p>", "published": "2026-03-01T00:00:00Z"}
    other = one | {"id": "b", "language": "bahasa"}
    answer = await newsroom.client.post(PATH, json=[one, other], headers=newsroom.as_("editor"))
    assert answer.status == 200
    assert (await newsroom.get(f"{PATH}/a", "editor"))["warnings"] == []
    warnings = (await newsroom.get(f"{PATH}/b", "editor"))["warnings"]
    assert [(one["field"], one["text"]) for one in warnings] == [("language", "bahasa")]


async def test_what_was_read_can_be_pushed_back(newsroom: Newsroom) -> None:
    await newsroom.push("a")
    read = await newsroom.get(f"{PATH}/a", "editor")
    answer = await newsroom.client.put(f"{PATH}/a", json=read, headers=newsroom.as_("editor"))
    assert (answer.status, (await answer.json())["outcome"]) == (200, "unchanged")


async def test_another_provenance_alone_is_no_event_and_no_revision_but_another_representation(
    newsroom: Newsroom,
) -> None:
    await pull(newsroom, found(WARNING), found(WARNING), found())
    assert len(await newsroom.db.read(events.after, 0, 10)) == 1
    answer = await newsroom.client.get(f"{PATH}/a", headers=newsroom.as_("editor"))
    assert (answer.headers["ETag"], (await answer.json())["warnings"]) == ('"r1-1"', [])
    assert (await newsroom.client.get(f"{PATH}/a")).headers["ETag"] == '"r1-1-public"'
    again = await newsroom.client.get(f"{PATH}/a", headers=newsroom.as_("editor", **{"If-None-Match": '"r1-1"'}))
    assert again.status == 304
    headers = newsroom.as_("editor", **{"If-Match": '"r1-1"'})
    pushed = await newsroom.client.put(f"{PATH}/a", json={"title": "B", "body": "<p>x</p>"}, headers=headers)
    assert (pushed.status, pushed.headers["ETag"]) == (200, '"r2"')


async def test_no_event_and_no_feed_holds_provenance(newsroom: Newsroom) -> None:
    await pull(newsroom, found(WARNING))
    [event] = (await newsroom.get("/api/v1/events"))["events"]
    assert event["data"].keys().isdisjoint({"provenance", "warnings"})
    assert "jsonld" not in await (await newsroom.client.get("/feeds/news.json")).text()


async def test_it_outlasts_an_embargo(newsroom: Newsroom, clock: ManualClock) -> None:
    await newsroom.push("a", published="2026-03-02T10:00:00Z", language="bahasa")
    waiting = await newsroom.get(f"{PATH}/a", "editor")
    assert (waiting["provenance"]["title"], len(waiting["warnings"])) == ("api", 1)
    clock.advance(3 * 86_400)
    assert await newsroom.services.ingest.release_due() == 1
    published = await newsroom.get(f"{PATH}/a", "editor")
    assert (published["provenance"], published["warnings"]) == (waiting["provenance"], waiting["warnings"])


async def test_it_waits_with_an_article_that_goes_back_and_forth(newsroom: Newsroom, clock: ManualClock) -> None:
    states = [found(title=title) for title in "ABABABAB"]
    await pull(newsroom, *states, found(WARNING, title="A"))
    assert (await newsroom.get(f"{PATH}/a", "editor"))["title"] == "B"
    assert (await newsroom.get(f"{PATH}/a", "editor"))["warnings"] == []
    clock.advance(16 * 60)
    assert await newsroom.services.ingest.settle() == 1
    settled = await newsroom.get(f"{PATH}/a", "editor")
    assert (settled["title"], len(settled["warnings"])) == ("A", 1)


async def test_an_erased_article_leaves_none(newsroom: Newsroom) -> None:
    await pull(newsroom, found(WARNING))
    answer = await newsroom.client.delete(f"{PATH}/a?erase=true", headers=newsroom.as_("editor"))
    assert answer.status == 200
    assert await newsroom.db.read(articles.provenance, ["a"]) == {"a": Provenance()}


@pytest.mark.parametrize(
    ("kind", "options", "origin"),
    [
        ("feed", {"url": "https://contoh.id/"}, "feed"),
        ("json", {"url": "https://contoh.id/", "articles": {"items": "items[*]", "title": "title", "body": "text",
                                                            "url": "url"}}, "json"),
        ("folder", {"path": "inbox"}, "json"),
    ],
)  # fmt: skip
async def test_a_kind_of_source_says_where_its_values_come_from(
    kind: str, options: dict[str, Any], origin: str, newsroom: Newsroom, tmp_path: Path, clock: ManualClock
) -> None:
    item = b'{"id": "1", "url": "https://contoh.id/1", "title": "Judul", "text": "Isi", "content_text": "Isi"}'
    body = b'{"version": "https://jsonfeed.org/version/1.1", "items": [%b]}' % item
    (tmp_path / "inbox").mkdir()
    (tmp_path / "inbox" / "a.json").write_text('{"url": "https://contoh.id/1", "title": "Judul", "body": "<p>Isi</p>"}')
    clock.advance(60)
    source = open_source(kind, tmp_path, clock, http=Server(Answer(body)), **options)
    definitions = Definitions(
        feeds=lambda: newsroom.catalog.feeds,
        sources=lambda: frozenset({"desk"}),
        indicators=dict,
        timezone=lambda: "UTC",
    )
    await Puller(newsroom.db, definitions).run(
        SourceDefinition(name="desk", kind=type(source), options=source.options), source
    )
    [read] = (await newsroom.get(PATH, "editor"))["articles"]
    assert (read["provenance"]["title"], read["provenance"]["url"]) == (origin, origin)


def test_what_is_kept_of_doubts_is_bounded() -> None:
    doubts = [Doubt("f" * 999, f"{number} " + "m" * 9_999, "t" * 9_999) for number in range(999)]
    kept = bounded(doubts)
    assert len(kept) == MAX_DOUBTS
    assert all(len(one.message) <= MAX_MESSAGE and len(one.text or "") <= MAX_TEXT for one in kept)


def test_a_doubt_that_is_told_twice_is_kept_once() -> None:
    assert bounded([Doubt("a", "b"), Doubt("a", "b"), Doubt("a", "c")]) == (Doubt("a", "b"), Doubt("a", "c"))
