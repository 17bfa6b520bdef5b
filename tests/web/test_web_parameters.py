"""Query parameters: the API refuses those it does not know, pages and feeds pass over what tracks."""

from __future__ import annotations

import difflib
from typing import Any

import pytest
from webroom import Newsroom


async def refused(newsroom: Newsroom, path: str, method: str = "GET") -> list[dict[str, str]]:
    answer = await newsroom.client.request(method, path, headers=newsroom.as_("operator"))
    assert answer.status == 422, await answer.text()
    found: list[dict[str, str]] = (await answer.json())["errors"]
    return found


@pytest.mark.parametrize(
    ("path", "name", "says"),
    [
        ("/api/v1/articles?limt=1", "limt", "did you mean 'limit'?"),
        ("/api/v1/articles?topics=emas", "topics", "did you mean 'topic'"),
        ("/api/v1/events?before=3", "before", "known: after, feed, limit"),
        ("/api/v1/indicators?symbol=EMAS", "symbol", "known: after, limit"),
        ("/api/v1/articles/a1?utm_source=x", "utm_source", "this address takes none"),
        ("/api/v1/sources?state=failing", "state", "this address takes none"),
        ("/api/v1/webhooks?owner=me", "owner", "known: after, limit"),
    ],
)
async def test_a_parameter_the_api_does_not_know_is_refused_with_the_nearest(
    newsroom: Newsroom, path: str, name: str, says: str
) -> None:
    (error,) = await refused(newsroom, path)
    assert error["path"] == name
    assert says in error["message"]


@pytest.mark.parametrize("method", ["PUT", "DELETE", "POST", "PATCH"])
async def test_what_changes_something_refuses_them_before_it_does(newsroom: Newsroom, method: str) -> None:
    await newsroom.push("a1")
    path = {"POST": "/api/v1/articles?dry_run=1", "PATCH": "/api/v1/webhooks/wh_1?dry_run=1"}
    await refused(newsroom, path.get(method, "/api/v1/articles/a1?dry_run=1"), method)
    assert await newsroom.get("/api/v1/articles/a1")


@pytest.mark.parametrize(
    ("query", "name"), [("limit=1&limit=2", "limit"), ("topic=", "topic"), ("topic=a&topic=%20", "topic")]
)
async def test_a_single_parameter_given_twice_and_an_empty_value_are_refused(
    newsroom: Newsroom, query: str, name: str
) -> None:
    assert [error["path"] for error in await refused(newsroom, f"/api/v1/articles?{query}")] == [name]


async def test_thousands_of_unknown_parameters_are_compared_with_the_known_ones_ten_times(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared = []
    close = difflib.get_close_matches

    def counted(word: str, *args: Any, **options: Any) -> list[str]:
        compared.append(len(word))
        return close(word, *args, **options)

    monkeypatch.setattr(difflib, "get_close_matches", counted)
    long = "x" * 500
    query = "&".join(f"{long if n == 0 else ''}a{n}=" for n in range(1_000))
    assert len(await refused(newsroom, f"/api/v1/articles?{query}")) == 10
    assert (len(compared), max(compared)) == (10, 40)


@pytest.mark.parametrize("path", ["/", "/feeds/news", "/articles/a1", "/feeds/news.rss", "/feeds/news.json"])
async def test_pages_and_feeds_pass_over_what_tracks_and_refuse_the_rest(newsroom: Newsroom, path: str) -> None:
    await newsroom.push("a1")
    plain = await newsroom.client.get(path)
    tracked = await newsroom.client.get(f"{path}?utm_source=x&fbclid=2&at_medium=rss")
    assert (tracked.status, await tracked.read()) == (200, await plain.read())
    refused = await newsroom.client.get(f"{path}?fbclid=2&topic=emas")
    assert (refused.status, "'topic'" in await refused.text()) == (400, True)


async def test_a_browser_is_told_so_on_a_page(newsroom: Newsroom) -> None:
    answer = await newsroom.client.get("/?page=2", headers={"Accept": "text/html"})
    assert (answer.status, answer.content_type) == (400, "text/html")


async def test_an_address_that_is_none_stays_404_whatever_its_query(newsroom: Newsroom) -> None:
    for path in ("/nowhere?x=1", "/api/v1/nowhere?x=1"):
        assert (await newsroom.client.get(path)).status == 404


async def test_health_is_asked_with_whatever_a_checker_adds(newsroom: Newsroom) -> None:
    assert (await newsroom.client.get("/healthz?cache=no")).status == 200
