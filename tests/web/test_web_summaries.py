"""``content = "summary"``: what only such feeds show is shown without its full text, wherever it is asked for."""

from __future__ import annotations

import pytest
from webroom import Newsroom

from publisher.model import FeedDefinition, Selection

OPENING = "Panen dimulai lebih awal tahun ini karena hujan turun tepat waktu di dataran tinggi."
REST = "Sisanya hanya untuk pelanggan."
BODY = f"<p>{OPENING}</p>\n<p>{REST}</p>\n<p>{REST * 9}</p>"


@pytest.fixture
def newsroom_of_summaries(newsroom: Newsroom) -> Newsroom:
    """The newsroom, where no public feed shows articles on coffee in full."""
    newsroom.catalog.feeds["news"] = FeedDefinition(name="news", title="Berita", select=Selection(topics=("emas",)))
    return newsroom


async def test_what_only_summary_feeds_show_is_read_in_full_nowhere(newsroom_of_summaries: Newsroom) -> None:
    newsroom = newsroom_of_summaries
    await newsroom.push("a1", body=BODY)
    await newsroom.push("a1", body=BODY, title="Diperbaiki")
    for path in (
        "/api/v1/articles",
        "/api/v1/articles/a1",
        "/api/v1/events?after=0",
        "/",
        "/feeds/coffee",
        "/articles/a1",
        "/feeds/coffee.rss",
        "/feeds/coffee.atom",
        "/feeds/coffee.json",
    ):
        for role in (None, "subscriber"):
            answer = await newsroom.client.get(path, headers=newsroom.as_(role) if role else {})
            told = await answer.text()
            assert answer.status == 200, path
            assert OPENING in told, path
            assert REST not in told, path


async def test_the_withdrawal_of_what_only_summary_feeds_showed_tells_the_summary(
    newsroom_of_summaries: Newsroom,
) -> None:
    newsroom = newsroom_of_summaries
    await newsroom.push("a1", body=BODY)
    await newsroom.push("a1", topic="rahasia", body=BODY)
    await newsroom.push("a2", body=BODY)
    await newsroom.client.delete("/api/v1/articles/a2", headers=newsroom.as_("editor"))

    told = (await newsroom.get("/api/v1/events"))["events"]
    assert [one["change"] for one in told] == ["entered", "left", "entered", "left"]
    assert [(one["data"]["body"], one["data"]["summary"]) for one in told] == [(None, OPENING)] * 4


async def test_an_article_without_its_text_is_another_representation_than_the_whole(
    newsroom_of_summaries: Newsroom,
) -> None:
    newsroom = newsroom_of_summaries
    await newsroom.push("a1", body=BODY, summary="Ringkas.")
    seen = {}
    for role in (None, "editor"):
        answer = await newsroom.client.get("/api/v1/articles/a1", headers=newsroom.as_(role) if role else {})
        article = await answer.json()
        seen[role] = (answer.headers["ETag"], article["summary"], article["body"])
    assert seen[None] == ('"r1-summary"', "Ringkas.", None)
    assert seen["editor"] == ('"r1"', "Ringkas.", BODY)

    again = {"If-None-Match": '"r1-summary"'}
    assert (await newsroom.client.get("/api/v1/articles/a1", headers=again)).status == 304
    assert (await newsroom.client.get("/api/v1/articles/a1", headers=newsroom.as_("editor", **again))).status == 200


async def test_one_public_feed_that_shows_an_article_in_full_is_enough(newsroom: Newsroom) -> None:
    await newsroom.push("a1", body=BODY)
    assert (await newsroom.get("/api/v1/articles/a1"))["body"] == BODY
    assert REST in await (await newsroom.client.get("/articles/a1")).text()


async def test_a_private_feed_that_shows_an_article_in_full_opens_it_to_nobody_else(
    newsroom_of_summaries: Newsroom,
) -> None:
    await newsroom_of_summaries.push("a1", body=BODY)  # "desk" is private, takes everything, and shows it in full
    assert (await newsroom_of_summaries.get("/api/v1/articles/a1", "subscriber"))["body"] is None


async def test_events_name_their_source_to_editors_alone(newsroom: Newsroom) -> None:
    await newsroom.push("a1")
    sources = [(await newsroom.get("/api/v1/events", role))["events"][0]["source"] for role in (None, "editor")]
    assert sources == [None, "api"]
