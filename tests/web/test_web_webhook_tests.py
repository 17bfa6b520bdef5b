"""``POST /api/v1/webhooks/ID/test``: an example of any type, signed, and what was sent and answered."""

from __future__ import annotations

from typing import Any

import pytest
import standardwebhooks
from support.receiver import receiving
from webroom import Newsroom

from publisher.model import EventType
from publisher.storage.log import events

PATH = "/api/v1/webhooks"


async def registered(newsroom: Newsroom, url: str, **fields: Any) -> Any:
    body = {"url": url, "feeds": ["news"], **fields}
    answer = await newsroom.client.post(PATH, json=body, headers=newsroom.as_("subscriber"))
    assert answer.status == 201, await answer.text()
    return await answer.json()


async def try_it(newsroom: Newsroom, id_: str, role: str = "subscriber", **body: Any) -> tuple[int, Any]:
    answer = await newsroom.client.post(f"{PATH}/{id_}/test", json=body, headers=newsroom.as_(role))
    return answer.status, await answer.json()


@pytest.mark.parametrize("type_", list(EventType))
async def test_an_example_of_any_type_is_sent_signed_and_marked(newsroom: Newsroom, type_: EventType) -> None:
    newsroom.services.deliverer._tests._now = newsroom.services.deliverer._poster.now = _now  # what libraries accept
    async with receiving() as receiver:
        made = await registered(newsroom, receiver.url)
        status, told = await try_it(newsroom, made["id"], type=type_.value)
    [got] = receiver.attempts
    assert (status, told["delivered"], told["status"]) == (200, True, 204)
    event = standardwebhooks.Webhook(made["secret"]).verify(got.body, got.headers)
    assert (event["type"], event["id"], event["seq"]) == (type_.value, got.id, 0)
    assert got.id.startswith("evt_test_") and got.headers["webhook-test"] == "webhook.test"
    assert "test" in str(event["data"]).lower()
    assert await newsroom.db.read(events.last_seq) == 0
    assert (await newsroom.get(f"{PATH}/{made['id']}/deliveries", "subscriber"))["deliveries"] == []


def _now() -> Any:
    from publisher import clock

    return clock.now()


async def test_a_follower_of_summaries_is_shown_no_full_text(newsroom: Newsroom) -> None:
    async with receiving() as receiver:
        made = await registered(newsroom, receiver.url, feeds=["coffee"])
        await try_it(newsroom, made["id"], type="article.published")
        both = await registered(newsroom, receiver.url, feeds=["coffee", "news"])
        await try_it(newsroom, both["id"], type="article.published")
    assert [got.event["data"]["body"] is None for got in receiver.attempts] == [True, False]


async def test_what_is_no_type_is_refused_with_the_nearest(newsroom: Newsroom) -> None:
    made = await registered(newsroom, "https://receiver.example/hook")
    status, body = await try_it(newsroom, made["id"], type="article.publish")
    assert status == 422 and "article.published" in body["errors"][0]["message"]
    assert (await try_it(newsroom, made["id"], types="x"))[0] == 422


async def test_request_and_answer_are_shown_without_credentials(newsroom: Newsroom) -> None:
    async with receiving() as receiver:
        made = await registered(newsroom, receiver.url, headers={"X-Tenant": "t-7"}, authorization="Bearer hunter2")
        _, told = await try_it(newsroom, made["id"], "operator", type="article.updated")
    [got] = receiver.attempts
    sent = {name.lower(): value for name, value in told["request"]["headers"].items()}
    assert told["request"]["body"].encode() == got.body
    assert sent["webhook-signature"] == got.headers["webhook-signature"]
    assert (sent["x-tenant"], sent["authorization"]) == ("***", "***")
    assert "hunter2" not in str(told) and "t-7" not in str(told)
    assert told["answer"]["status"] == 204 and "Server" in told["answer"]["headers"]
    assert told["address"] == "127.0.0.1"


async def test_what_a_private_network_answered_is_for_operators_alone(newsroom: Newsroom) -> None:
    async with receiving(lambda _number: 500) as receiver:
        made = await registered(newsroom, receiver.url)
        _, own = await try_it(newsroom, made["id"])
        _, operators = await try_it(newsroom, made["id"], "operator")
    assert (own["status"], own["response"], own["answer"]["headers"], own["address"]) == (500, None, None, None)
    assert own["error_class"] == "5xx"
    assert operators["response"] is not None and operators["answer"]["headers"]["Server"]
