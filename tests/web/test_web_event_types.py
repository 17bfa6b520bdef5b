"""``/api/v1/event-types``: what is described is what is told."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from support.compatibility import resolved
from support.described import faults
from support.items import an_article, an_indicator
from webroom import Newsroom

from publisher.content import summarised
from publisher.delivery.transports import FORMATS
from publisher.delivery.transports.base import Ping, SingleEvent
from publisher.model import Change, Event, EventType, Indicator, Options, article_json, indicator_json
from publisher.model.envelope import EVENT_KINDS, TEST

PATH = "/api/v1/event-types"
NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)


async def schemas(newsroom: Newsroom) -> dict[str, Any]:
    described = (await newsroom.get(PATH))["event_types"]
    return {one["type"]: resolved(one["schema"], one["schema"]) for one in described}


async def test_every_type_is_described_with_a_schema_and_an_example_that_fits(newsroom: Newsroom) -> None:
    described = (await newsroom.get(PATH))["event_types"]
    assert {one["type"] for one in described} == {*EventType, TEST}
    for one in described:
        Draft202012Validator.check_schema(one["schema"])
        assert faults(one["example"], resolved(one["schema"], one["schema"])) == []
        assert one["version"] == 1 and one["description"]
        assert await newsroom.get(f"{PATH}/{one['type']}") == one


async def test_a_type_that_is_none_is_404_with_the_nearest(newsroom: Newsroom) -> None:
    answer = await newsroom.client.get(f"{PATH}/article.publish")
    assert answer.status == 404
    assert "did you mean 'article.published'" in (await answer.json())["detail"]


async def test_the_events_of_the_log_fit_their_schemas(newsroom: Newsroom) -> None:
    image = {"url": "https://news.example/a.jpg", "caption": "Kopi", "credit": "A", "type": "image/jpeg"}
    sound = {"url": "https://news.example/a.mp3", "length": 9, "duration": 1.5, "type": "audio/mpeg"}
    related = [{"title": "Lain", "url": "https://news.example/b"}]
    await newsroom.push("a1", images=[image], attachments=[sound], related=related, authors=["A. Penulis"])
    await newsroom.push("a1", title="Lain", updated="2020-02-02T08:00:00Z", published="2020-02-01T07:00:00Z")
    await newsroom.push("a2")
    for id_, query in (("a1", ""), ("a2", "?erase=true")):
        await newsroom.client.delete(f"/api/v1/articles/{id_}{query}", headers=newsroom.as_("editor"))
    for value in ("15635.00", "15640.50"):
        rate = {"symbol": "USD/IDR", "value": value, "change": "-20.00", "percent": "-0.13"}
        await newsroom.client.post("/api/v1/indicators", json=rate, headers=newsroom.as_("editor"))
    known = await schemas(newsroom)
    for path in ("/api/v1/events", "/api/v1/events?feed=coffee"):
        told = (await newsroom.get(path))["events"]
        assert {one["type"] for one in told} >= {"article.published", "article.updated", "article.withdrawn"}
        for one in told:
            assert faults(one, known[one["type"]]) == []
    assert {one["data"].get("erased") for one in told} == {None, True}


_LONG = {"article": "title", "indicator": "name", "source": "error", "webhook": "feeds"}
"""A field of each kind of item that can be as long as its owner likes."""


def events() -> list[tuple[Event, bool]]:
    """An event of each type with data as those who make it write it, and whether it is shown as a summary."""
    article = article_json(an_article())
    rate = indicator_json(Indicator.model_validate({**an_indicator().model_dump(), "percent": "-0.13"}))
    webhook = {"id": "wh_1", "host": "receiver.example:8080", "feeds": ["news"]}
    data: dict[EventType, dict[str, Any]] = {
        EventType.ARTICLE_PUBLISHED: article,
        EventType.ARTICLE_UPDATED: article,
        EventType.ARTICLE_WITHDRAWN: {"id": "a1", "erased": True},
        EventType.SOURCE_FAILING: {"source": "desk", "failures": 3, "error": "gone"},
        EventType.SOURCE_RECOVERED: {"source": "desk", "failures": 3},
        EventType.WEBHOOK_DISABLED: {**webhook, "reason": "five days"},
        EventType.WEBHOOK_ACCESS: {**webhook, "state": "active", "reason": None, "withheld": []},
        EventType.WEBHOOK_FAILING: {**webhook, "failures": 3, "error": None},
    }
    made = [
        Event(seq=1, id="evt_1", type=type, timestamp=NOW, source="desk", subject="x", data=data.get(type, rate))
        for type in EventType
    ]
    return [(one, False) for one in made] + [(one, True) for one in made if one.type.items == "articles"]


@pytest.mark.parametrize(("event", "summary"), events())
async def test_what_webhooks_are_sent_fits_its_schema(newsroom: Newsroom, event: Event, summary: bool) -> None:
    known = await schemas(newsroom)
    for change in Change:
        sent = FORMATS["standard"].request(SingleEvent.of(event, event.type, change, summary=summary))
        assert faults(json.loads(sent.body), known[event.type]) == []


@pytest.mark.parametrize(("event", "summary"), [one for one in events() if "erased" not in one[0].data])
async def test_what_is_cut_fits_its_schema_and_says_so(newsroom: Newsroom, event: Event, summary: bool) -> None:
    known = await schemas(newsroom)
    field = _LONG[event.type.partition(".")[0]]
    long: Any = ["news"] * 9_000 if field == "feeds" else "teks " * 9_000
    large = event.model_copy(update={"data": {**event.data, field: long}})
    sent = FORMATS["standard"].request(SingleEvent.of(large, event.type, Change.ENTERED, summary=summary))
    told = json.loads(sent.body)
    assert told["data"]["truncated"]["fields"] == [field]
    assert faults(told, known[event.type]) == []
    del told["data"]["truncated"]["api_url"]
    assert faults(told, known[event.type])


@pytest.mark.parametrize(("event", "summary"), events())
async def test_what_is_thin_fits_its_own_schema(newsroom: Newsroom, event: Event, summary: bool) -> None:
    described = {one["type"]: one for one in (await newsroom.get(PATH))["event_types"]}
    schema = described[event.type]["thin_schema"]
    thin = Options(content="thin")
    sent = FORMATS["standard"].request(SingleEvent.of(event, event.type, Change.ENTERED, summary=summary, asked=thin))
    assert faults(json.loads(sent.body), resolved(schema, schema)) == []
    whole = described[event.type]["example"]
    assert faults(whole, resolved(schema, schema))


async def test_a_thin_test_fits_its_own_schema(newsroom: Newsroom) -> None:
    schema = (await newsroom.get(f"{PATH}/{TEST}"))["thin_schema"]
    sent = FORMATS["standard"].request(Ping("msg_1", NOW, "wh_1", asked=Options(content="thin")))
    assert faults(json.loads(sent.body), resolved(schema, schema)) == []


async def test_a_test_fits_its_schema(newsroom: Newsroom) -> None:
    sent = FORMATS["standard"].request(Ping("msg_1", NOW, "wh_1"))
    assert faults(json.loads(sent.body), (await schemas(newsroom))[TEST]) == []


def test_a_schema_tells_one_type_from_another() -> None:
    schema = EVENT_KINDS["article.published"].json_schema()
    schema = resolved(schema, schema)
    example = EVENT_KINDS["article.published"].example
    assert faults(example, schema) == []
    for wrong in (
        {"type": "article.updated"},
        {"seq": "42"},
        {"change": "moved"},
        {"data": {**example["data"], "topics": "coffee"}},
        {"data": {**example["data"], "colour": "red"}},
    ):
        assert faults({**example, **wrong}, schema)
    assert summarised(example["data"])["body"] is None
    assert faults({**example, "data": summarised(example["data"])}, schema) == []
