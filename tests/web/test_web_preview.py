"""``POST /api/v1/webhooks/preview``."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from support.receiver import receiving
from support.rights import a_feed, define, publish
from webroom import Newsroom

from publisher.model import Filter
from publisher.storage.engine.database import Database
from publisher.storage.log import events
from publisher.web.api import preview as previews

URL = "https://receiver.example/hook"


async def preview(newsroom: Newsroom, role: str = "subscriber", **fields: Any) -> tuple[int, Any]:
    body = {"feeds": ["news"], **fields}
    answer = await newsroom.client.post("/api/v1/webhooks/preview", json=body, headers=newsroom.as_(role))
    return answer.status, await answer.json()


async def test_it_shows_which_events_the_filter_takes_and_the_newest_as_it_would_be_sent(newsroom: Newsroom) -> None:
    await newsroom.push("a-1", "kopi")
    await newsroom.push("a-2", "emas")
    await newsroom.push("a-3", "kopi")
    await newsroom.push("a-4", "emas")
    await newsroom.push("a-5", "olahraga")  # in none of its feeds
    status, body = await preview(newsroom, where={"topic": ["kopi"]})
    assert status == 200
    assert [(one["seq"], one["taken"], one["type"], one["change"]) for one in body["events"]] == [
        (4, False, None, None),
        (3, True, "article.published", "entered"),
        (2, False, None, None),
        (1, True, "article.published", "entered"),
    ]
    assert (body["taken"], body["filter_errors"], body["last_filter_error"]) == (2, 0, None)
    sent = json.loads(body["request"]["body"])
    assert body["request"]["event"] == sent["id"] == body["events"][1]["id"]
    assert body["request"]["headers"] == {"webhook-id": sent["id"], "Content-Type": "application/json"}
    assert (sent["seq"], sent["data"]["id"]) == (3, "a-3")


async def test_what_is_shown_is_what_is_sent(newsroom: Newsroom) -> None:
    asked = {"feeds": ["coffee"], "where": {"topic": ["kopi"]}, "expression": "data.body == null"}
    await newsroom.push("a-1", "kopi")
    async with receiving() as receiver:
        registered = {"url": receiver.url, **asked}
        answer = await newsroom.client.post("/api/v1/webhooks", json=registered, headers=newsroom.as_("subscriber"))
        assert answer.status == 201
        sending = asyncio.create_task(newsroom.services.deliverer.run())
        await newsroom.push("a-1", "kopi", title="Lain")
        await receiver.until(lambda: len(receiver.attempts) == 1)
        await newsroom.services.deliverer.stop(30)
        await sending
    (got,) = receiver.attempts
    _, shown = await preview(newsroom, **asked)
    assert shown["request"]["body"].encode() == got.body
    assert shown["request"]["headers"] == {"webhook-id": got.id, "Content-Type": got.headers["content-type"]}


async def test_an_event_can_be_chosen_if_the_filter_takes_it(newsroom: Newsroom) -> None:
    await newsroom.push("a-1", "kopi")
    await newsroom.push("a-2", "emas")
    coffee, gold = await newsroom.db.read(events.after, 0, 2)
    where = {"topic": ["kopi"]}
    _, body = await preview(newsroom, where=where, event=coffee.id)
    assert body["request"]["event"] == coffee.id
    for other in (gold.id, "evt_none", "\x00"):
        status, body = await preview(newsroom, where=where, event=other)
        assert (status, body["errors"][0]["path"]) == (422, "event")


async def test_a_caller_sees_nothing_that_it_may_not_follow(newsroom: Newsroom) -> None:
    await newsroom.push("a-1", "rahasia")
    (hidden,) = await newsroom.db.read(events.after, 0, 1)
    assert (await preview(newsroom, feeds=["desk"]))[0] == 422
    assert (await preview(newsroom, "editor", feeds=["desk"]))[0] == 403
    _, body = await preview(newsroom)
    assert (body["events"], body["request"]) == ([], None)
    assert (await preview(newsroom, event=hidden.id))[0] == 422
    _, body = await preview(newsroom, "operator", feeds=["desk"], where={"source": ["api"]})
    assert [one["id"] for one in body["events"]] == [hidden.id]


async def test_what_cannot_be_evaluated_is_shown_with_its_event(newsroom: Newsroom) -> None:
    await newsroom.push("a-1", "kopi")
    _, body = await preview(newsroom, expression="data.nothing == 1")
    (one,) = body["events"]
    assert (one["taken"], one["error"]) == (False, 'Key not found in map : "nothing"')
    assert (body["filter_errors"], body["last_filter_error"]) == (1, 'Key not found in map : "nothing"')
    assert body["request"] is None


async def test_the_last_hundred_events_of_its_feeds_are_tried(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(previews, "TOLD", 3)
    monkeypatch.setattr(previews, "BATCH", 2)
    for n in range(1, 6):
        await newsroom.push(f"a-{n}", "kopi")
    _, body = await preview(newsroom)
    assert [one["seq"] for one in body["events"]] == [5, 4, 3]
    _, body = await preview(newsroom, event=(await newsroom.db.read(events.after, 0, 1))[0].id)
    assert json.loads(body["request"]["body"])["seq"] == 1


async def test_an_erased_event_is_not_among_them(newsroom: Newsroom) -> None:
    await newsroom.push("a-1", "kopi")
    await newsroom.client.delete("/api/v1/articles/a-1?erase=true", headers=newsroom.as_("editor"))
    _, body = await preview(newsroom)
    assert (body["events"], body["request"]) == ([], None)


async def test_it_takes_a_key_and_what_a_registration_takes(newsroom: Newsroom) -> None:
    answer = await newsroom.client.post("/api/v1/webhooks/preview", json={"feeds": ["news"]})
    assert answer.status == 401
    for fields, path in (
        ({"format": "x"}, "format"),
        ({"feeds": ["newz"]}, "feeds[0]"),
        ({"url": "http://10.0.0.8/"}, "url"),
        ({"where": {"topik": ["x"]}}, "where.topik"),
        ({"evnt": "x"}, "evnt"),
    ):
        status, body = await preview(newsroom, **fields)
        assert (status, body["errors"][0]["path"]) == (422, path)
    assert (await newsroom.get("/api/v1/webhooks", "subscriber"))["webhooks"] == []


async def test_previews_are_limited_by_the_minute(newsroom: Newsroom) -> None:
    codes = [(await preview(newsroom))[0] for _ in range(61)]
    assert (codes[:60], codes[60]) == ([200] * 60, 429)
    assert (await preview(newsroom, "operator"))[0] == 200


async def test_it_is_the_same_on_every_database(db: Database) -> None:
    await define(db, a_feed("news"), a_feed("gold", "emas"))
    for topic in ("kopi", "emas", "kopi"):
        await publish(db, topic)
    newest = previews.Trial(Filter(feeds=("news",), where=(("topic", ("kopi",)),)), public=True)
    await db.read(newest.run, None)
    assert [(one["seq"], one["taken"]) for one in newest.told] == [(3, True), (2, False), (1, True)]
    assert newest.chosen is not None
    assert newest.chosen[0].seq == 3
    gold = previews.Trial(Filter(feeds=("gold",)), public=True)
    await db.read(gold.run, newest.told[1]["id"])
    assert [one["seq"] for one in gold.told] == [2]
    assert gold.chosen is not None
