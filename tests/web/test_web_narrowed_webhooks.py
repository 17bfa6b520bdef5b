"""``where`` and ``expression`` of webhooks, as they are registered, changed and shown."""

from __future__ import annotations

from typing import Any

import pytest
from support.rights import judge
from webroom import Newsroom

from publisher.selection import expression
from publisher.storage.subscriptions import filters

URL = "https://receiver.example/hook"


async def register(newsroom: Newsroom, role: str = "subscriber", **fields: Any) -> tuple[int, Any]:
    body = {"url": URL, "feeds": ["news"], **fields}
    answer = await newsroom.client.post("/api/v1/webhooks", json=body, headers=newsroom.as_(role))
    return answer.status, await answer.json()


async def change(newsroom: Newsroom, id: str, role: str = "subscriber", **fields: Any) -> tuple[int, Any]:
    answer = await newsroom.client.patch(f"/api/v1/webhooks/{id}", json=fields, headers=newsroom.as_(role))
    return answer.status, await answer.json()


async def test_a_webhook_shows_its_filter_in_its_canonical_form(newsroom: Newsroom) -> None:
    where = {"topic": ["Kopi", "-Teh"], "q": ["Panen  Raya"]}
    status, body = await register(newsroom, where=where, expression=' data.title != "" ')
    assert status == 201
    assert body["where"] == {"q": ["panen raya"], "topic": ["-teh", "kopi"]}
    assert body["expression"] == 'data.title != ""'
    assert (body["filter_errors"], body["last_filter_error"]) == (0, None)
    plain = (await register(newsroom, where=None, expression=None))[1]
    assert (plain["where"], plain["expression"]) == (None, None)
    assert (await register(newsroom, where={}))[1]["where"] is None


@pytest.mark.parametrize(
    ("fields", "path", "says"),
    [
        ({"where": {"topik": ["a"]}}, "where.topik", "did you mean 'topic'?"),
        ({"where": {"topic": ["a", ""]}}, "where.topic[1]", "must not be empty"),
        ({"where": {"topic": "a"}}, "where.topic", "should be a list"),
        ({"where": {"topic": [1]}}, "where.topic[0]", "should be a valid string"),
        ({"where": ["topic"]}, "where", "should be"),
        ({"where": {"symbol": ["EMAS"]}}, "where.symbol", "the feed 'news': its items are articles"),
        ({"where": {"topic": ["x"]}, "feeds": ["news", "market"]}, "where.topic", "'market': its items are indicators"),
        ({"where": {"source": ["desk"]}}, "where.source", "'operator'"),
        ({"expression": "data.title =="}, "expression", "column 14"),
        ({"expression": "titel == 1"}, "expression", "undeclared reference to 'titel'"),
        ({"expression": "true" + " " * 500}, "expression", "at most 500 characters"),
        ({"expression": "data.topics.exists(x, x == 'a')"}, "expression", "'exists' is left out"),
        ({"expression": 5}, "expression", "should be a valid string"),
    ],
)
async def test_what_is_no_filter_is_refused_with_its_place(
    newsroom: Newsroom, fields: dict[str, Any], path: str, says: str
) -> None:
    status, body = await register(newsroom, **fields)
    assert status == 422
    (error,) = body["errors"]
    assert error["path"] == path
    assert says in error["message"]


async def test_an_operator_narrows_by_source(newsroom: Newsroom) -> None:
    status, body = await register(newsroom, "operator", where={"source": ["Desk"]}, feeds=["news", "operations"])
    assert (status, body["where"]) == (201, {"source": ["desk"]})


async def test_what_is_given_is_changed_and_the_rest_of_the_filter_stays(newsroom: Newsroom) -> None:
    id_ = (await register(newsroom, where={"topic": ["kopi"]}, expression="true"))[1]["id"]
    _, body = await change(newsroom, id_, events=["article.published"])
    assert (body["where"], body["expression"]) == ({"topic": ["kopi"]}, "true")
    _, body = await change(newsroom, id_, where={"section": ["pasar"]})
    assert (body["where"], body["expression"], body["events"]) == (
        {"section": ["pasar"]},
        "true",
        ["article.published"],
    )
    _, body = await change(newsroom, id_, expression=None)
    assert (body["where"], body["expression"]) == ({"section": ["pasar"]}, None)
    status, body = await change(newsroom, id_, feeds=["market"])
    assert (status, body["errors"][0]["path"]) == (422, "where.section")
    status, body = await change(newsroom, id_, feeds=["market"], where={"symbol": ["EMAS"]}, events=None)
    assert (status, body["where"], body["feeds"]) == (200, {"symbol": ["emas"]}, ["market"])
    _, body = await change(newsroom, id_, where=None)
    assert body["where"] is None


async def test_only_what_the_filter_takes_is_delivered_and_its_errors_are_shown(newsroom: Newsroom) -> None:
    coffee = (await register(newsroom, where={"topic": ["kopi"]}))[1]["id"]
    wrong = (await register(newsroom, expression="data.nothing == 1"))[1]["id"]
    await newsroom.push("a-1", "kopi")
    await newsroom.push("a-2", "emas")
    await judge(newsroom.db)
    listed = {
        id_: (await newsroom.get(f"/api/v1/webhooks/{id_}/deliveries", "subscriber"))["deliveries"]
        for id_ in (coffee, wrong)
    }
    assert [one["seq"] for one in listed[coffee]] == [1]
    assert listed[wrong] == []
    shown = await newsroom.get(f"/api/v1/webhooks/{wrong}", "subscriber")
    assert (shown["filter_errors"], shown["last_filter_error"]) == (2, 'Key not found in map : "nothing"')


async def test_a_further_expression_than_an_owner_may_have_is_429_with_words(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filters, "EXPRESSIONS_PER_OWNER", 1)
    assert (await register(newsroom, expression="seq > 0"))[0] == 201
    assert (await register(newsroom, expression="seq > 0"))[0] == 201
    status, body = await register(newsroom, expression="seq > 1")
    assert status == 429
    assert "different filters with an expression" in body["detail"]
    plain = (await register(newsroom))[1]["id"]
    assert (await change(newsroom, plain, expression="seq > 1"))[0] == 429
    assert (await change(newsroom, plain, expression="seq > 1", state="active"))[0] == 429
    assert (await change(newsroom, plain, "operator", expression="seq > 1"))[0] == 200


async def test_without_what_evaluates_expressions_one_is_refused_with_how_to_install_it(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing() -> None:
        raise expression.NoExpressions

    expression.compiled.cache_clear()
    monkeypatch.setattr(expression, "_environment", missing)
    status, body = await register(newsroom, expression="seq > 0")
    assert (status, body["errors"][0]["path"]) == (422, "expression")
    assert "publisher[cel]" in body["errors"][0]["message"]
    assert (await register(newsroom))[0] == 201


@pytest.mark.parametrize("asked", [{"where": {"topic": ["kopi"]}}, {"expression": '"kopi" in data.topics'}])
@pytest.mark.parametrize("told_first", [True, False], ids=["told before", "not told yet"])
async def test_an_erased_article_leaves_those_whose_filter_took_it_and_no_other(
    newsroom: Newsroom, asked: dict[str, Any], told_first: bool
) -> None:
    taking = (await register(newsroom, **asked))[1]["id"]
    other = (await register(newsroom, where={"topic": ["emas"]}))[1]["id"]
    await newsroom.push("a-1", "kopi")
    if told_first:
        await judge(newsroom.db)
    await newsroom.client.delete("/api/v1/articles/a-1?erase=true", headers=newsroom.as_("editor"))
    await judge(newsroom.db)
    told = {}
    for id_ in (taking, other):
        listed = (await newsroom.get(f"/api/v1/webhooks/{id_}/deliveries", "subscriber"))["deliveries"]
        told[id_] = [one["type"] for one in listed]
        assert (await newsroom.get(f"/api/v1/webhooks/{id_}", "subscriber"))["filter_errors"] == 0
    assert told[other] == []
    assert told[taking][0] == "article.withdrawn"
