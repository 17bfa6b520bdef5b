"""Sending again, holding back, and seeing what was sent, over the API."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from support.again import driver, settled
from support.delivering import eventually
from support.receiver import receiving
from support.rights import judge
from test_web_webhooks import register
from webroom import Newsroom

from publisher.storage.engine.database import Database
from publisher.storage.subscriptions import holds, replays
from publisher.storage.subscriptions.exchanges import Success, keep

WEBHOOKS, HOLDS = "/api/v1/webhooks", "/api/v1/holds"


async def post(newsroom: Newsroom, path: str, body: Any = None, role: str = "subscriber") -> tuple[int, Any]:
    answer = await newsroom.client.post(path, json=body, headers=newsroom.as_(role))
    return answer.status, await answer.json()


async def followed(newsroom: Newsroom, state: str = "dead", **fields: Any) -> str:
    """A webhook with three deliveries, all in this state; returns its id."""
    _, made, _ = await register(newsroom, **fields)
    for number in (1, 2, 3):
        await newsroom.push(f"a{number}")
    await judge(newsroom.db)
    await settled(newsroom.db, state)
    return str(made["id"])


async def through(db: Database) -> None:
    """Go on with replays until none is open; what is made is taken."""
    driven = driver(db)
    for _ in range(20):
        await driven.step(1.0)
        await settled(db, "delivered")
        if not await db.read(lambda tx: replays.open_in(tx, range(8))):
            return
    raise AssertionError("it has no end")


async def test_a_delivery_is_sent_again_as_a_run_of_its_own(newsroom: Newsroom) -> None:
    id_ = await followed(newsroom)
    status, made = await post(newsroom, f"{WEBHOOKS}/{id_}/deliveries/2.0/retry")
    assert (status, made["id"], made["run"], made["state"]) == (202, "2.1", 1, "pending")
    before = await newsroom.get(f"{WEBHOOKS}/{id_}/deliveries", "subscriber")
    assert [one["id"] for one in before["deliveries"]] == ["3.0", "2.1", "2.0", "1.0"]
    assert len({one["event"] for one in before["deliveries"] if one["seq"] == 2}) == 1
    event = await newsroom.get("/api/v1/events/2/deliveries", "operator")
    assert (event["matched"], event["states"]["dead"], event["again"]) == (1, 1, {"pending": 1})


async def test_what_cannot_be_sent_again_is_said(newsroom: Newsroom) -> None:
    id_ = await followed(newsroom)
    for path, role, expected in (
        (f"{WEBHOOKS}/{id_}/deliveries/9.0/retry", "subscriber", 404),
        (f"{WEBHOOKS}/{id_}/deliveries/x/retry", "subscriber", 404),
        (f"{WEBHOOKS}/{id_}/deliveries/2.0/retry", "subscriber:other", 404),
        (f"{WEBHOOKS}/nothing/deliveries/2.0/retry", "subscriber", 404),
    ):
        assert (await post(newsroom, path, role=role))[0] == expected
    headers = newsroom.as_("subscriber")
    await newsroom.client.patch(f"{WEBHOOKS}/{id_}", json={"state": "disabled"}, headers=headers)
    status, refused = await post(newsroom, f"{WEBHOOKS}/{id_}/deliveries/2.0/retry")
    assert (status, refused["detail"]) == (409, "the webhook is disabled; enable it first")
    status, refused = await post(newsroom, f"{WEBHOOKS}/{id_}/replays", {"since": 1})
    assert status == 409


async def test_a_replay_shows_how_far_it_is(newsroom: Newsroom) -> None:
    id_ = await followed(newsroom)
    answer = await newsroom.client.post(
        f"{WEBHOOKS}/{id_}/replays", json={"since": 2}, headers=newsroom.as_("subscriber")
    )
    made = await answer.json()
    assert (answer.status, made["state"], made["only"], made["since"], made["until"]) == (
        202,
        "running",
        "failed",
        2,
        3,
    )
    address = f"{WEBHOOKS}/{id_}/replays/{made['id']}"
    assert answer.headers["Location"] == f"https://news.example{address}"
    await through(newsroom.db)
    shown = await newsroom.get(address, "subscriber")
    numbers = {name: shown[name] for name in ("counted", "matched", "sent", "delivered", "dead", "remaining", "state")}
    assert numbers == {
        "counted": True, "matched": 2, "sent": 2, "delivered": 2, "dead": 0, "remaining": 0, "state": "done"
    }  # fmt: skip
    listed = await newsroom.get(f"{WEBHOOKS}/{id_}/replays", "subscriber")
    assert listed == {"replays": [shown], "next": None}


async def test_a_replay_begins_and_ends_at_times(newsroom: Newsroom) -> None:
    id_ = await followed(newsroom)
    log = (await newsroom.get("/api/v1/events"))["events"]
    whole = {"since": log[0]["timestamp"], "until": log[-1]["timestamp"]}
    _, made = await post(newsroom, f"{WEBHOOKS}/{id_}/replays", whole)
    assert (made["since"], made["until"]) == (1, 3)
    _, made = await post(newsroom, f"{WEBHOOKS}/{id_}/replays", {"since": "2100-01-01T00:00:00Z"})
    assert (made["since"], made["until"]) == (4, 3)
    await through(newsroom.db)
    shown = await newsroom.get(f"{WEBHOOKS}/{id_}/replays/{made['id']}", "subscriber")
    assert (shown["state"], shown["matched"]) == ("done", 0)


async def test_replays_are_paged_paused_resumed_and_cancelled(newsroom: Newsroom) -> None:
    id_ = await followed(newsroom)
    ids = [(await post(newsroom, f"{WEBHOOKS}/{id_}/replays", {"since": 1}))[1]["id"] for _ in range(3)]
    first = await newsroom.get(f"{WEBHOOKS}/{id_}/replays?limit=2", "subscriber")
    rest = await newsroom.get(f"{WEBHOOKS}/{id_}/replays?limit=2&after={first['next']}", "subscriber")
    assert [one["id"] for one in first["replays"] + rest["replays"]] == ids[::-1]
    for verb, state in (("pause", "paused"), ("resume", "running"), ("cancel", "cancelled")):
        status, shown = await post(newsroom, f"{WEBHOOKS}/{id_}/replays/{ids[0]}/{verb}")
        assert (status, shown["state"]) == (200, state)
    assert (await post(newsroom, f"{WEBHOOKS}/{id_}/replays/{ids[0]}/resume"))[0] == 409
    assert (await post(newsroom, f"{WEBHOOKS}/{id_}/replays/nothing/pause"))[0] == 404


@pytest.mark.parametrize(
    ("body", "path", "says"),
    [
        ({}, "since", "is missing"),
        ({"since": "yesterday"}, "since", "the number of an event, or a time"),
        ({"since": "2026-01-01T00:00:00"}, "since", "the number of an event, or a time"),
        ({"since": -1}, "since", "the number of an event, or a time"),
        ({"since": 3, "until": 2}, "until", "must not be before `since`"),
        ({"since": 1, "only": "dead"}, "only", "'all' or 'failed'"),
        ({"since": 1, "feeds": ["coffee"]}, "feeds[0]", "not known"),
        ({"since": 1, "events": ["article.publish"]}, "events[0]", "article.published"),
        ({"since": 1, "rate": 0}, "rate", "1"),
        ({"since": 1, "speed": 3}, "speed", "not known"),
    ],
)
async def test_a_replay_that_cannot_be_is_refused_with_the_field(
    newsroom: Newsroom, body: dict[str, Any], path: str, says: str
) -> None:
    id_ = await followed(newsroom)
    status, refused = await post(newsroom, f"{WEBHOOKS}/{id_}/replays", body)
    assert status == 422
    [error] = [one for one in refused["errors"] if one["path"] == path]
    assert says in error["message"]


async def test_enabling_tells_what_was_missed_and_where_to_have_it_sent(newsroom: Newsroom) -> None:
    id_ = await followed(newsroom, "delivered")
    headers = newsroom.as_("subscriber")
    off = await newsroom.client.patch(f"{WEBHOOKS}/{id_}", json={"state": "disabled"}, headers=headers)
    assert "missed" not in await off.json()
    await newsroom.push("b1")
    await newsroom.push("b2", topic="lain")
    await newsroom.push("b3")
    await judge(newsroom.db)
    answer = await newsroom.client.patch(f"{WEBHOOKS}/{id_}", json={"state": "active"}, headers=headers)
    missed = (await answer.json())["missed"]
    log = (await newsroom.get("/api/v1/events"))["events"]
    assert missed == {
        "events": 2, "more": False, "since": 4, "until": 6, "at": log[3]["timestamp"], "cancelled": 0,
        "cancelled_since": None, "replay": f"{WEBHOOKS}/{id_}/replays",
    }  # fmt: skip
    wanted = {"since": missed["since"], "until": missed["until"], "only": "all"}
    status, made = await post(newsroom, missed["replay"], wanted)
    assert status == 202
    await through(newsroom.db)
    assert (await newsroom.get(f"{missed['replay']}/{made['id']}", "subscriber"))["delivered"] == 2


async def test_what_was_cut_off_as_it_was_disabled_is_told_and_sent_again(newsroom: Newsroom) -> None:
    _, made, _ = await register(newsroom)
    for number in (1, 2, 3):
        await newsroom.push(f"a{number}")
    await judge(newsroom.db)
    await settled(newsroom.db, "delivered", {1})
    headers, path = newsroom.as_("subscriber"), f"{WEBHOOKS}/{made['id']}"
    await newsroom.client.patch(path, json={"state": "disabled"}, headers=headers)
    answer = await newsroom.client.patch(path, json={"state": "active"}, headers=headers)
    missed = (await answer.json())["missed"]
    assert (missed["events"], missed["cancelled"], missed["cancelled_since"]) == (0, 2, 2)
    await post(newsroom, missed["replay"], {"since": missed["cancelled_since"]})
    await through(newsroom.db)
    page = await newsroom.get(f"{path}/deliveries", "subscriber")
    assert [(one["id"], one["state"]) for one in page["deliveries"]] == [
        ("3.1", "delivered"), ("3.0", "cancelled"), ("2.1", "delivered"), ("2.0", "cancelled"), ("1.0", "delivered")
    ]  # fmt: skip


async def test_a_replay_that_is_asked_for_twice_by_one_key_is_one(newsroom: Newsroom) -> None:
    id_ = await followed(newsroom)
    headers = newsroom.as_("subscriber", **{"Idempotency-Key": "once"})
    for _ in range(2):
        answer = await newsroom.client.post(f"{WEBHOOKS}/{id_}/replays", json={"since": 1}, headers=headers)
        assert answer.status == 202
    assert len((await newsroom.get(f"{WEBHOOKS}/{id_}/replays", "subscriber"))["replays"]) == 1


async def test_holds_are_made_listed_released_and_kept_on_record(newsroom: Newsroom) -> None:
    await followed(newsroom)
    body = {"feed": "news", "from": 2, "to": 9, "reason": "wrong prices"}
    status, made = await post(newsroom, HOLDS, body, "operator")
    assert status == 201
    assert {name: made[name] for name in ("feed", "source", "from", "to", "by", "reason", "state")} == {
        "feed": "news", "source": None, "from": 2, "to": 9, "by": "desk", "reason": "wrong prices", "state": "held"
    }  # fmt: skip
    assert await newsroom.get(HOLDS, "operator") == {"holds": [made]}
    answer = await newsroom.client.delete(
        f"{HOLDS}/{made['id']}", json={"reason": "mended"}, headers=newsroom.as_("operator")
    )
    ended = await answer.json()
    assert (answer.status, ended["state"], ended["ended_by"], ended["ended_reason"]) == (
        200, "released", "desk", "mended"
    )  # fmt: skip
    assert ended["ended_at"] is not None
    assert await newsroom.get(HOLDS, "operator") == {"holds": []}
    assert (await newsroom.get(f"{HOLDS}?all=true", "operator"))["holds"] == [ended]
    again = await newsroom.client.delete(f"{HOLDS}/{made['id']}", headers=newsroom.as_("operator"))
    assert again.status == 409
    assert (await post(newsroom, f"{HOLDS}/nothing/cancel", {"reason": "no"}, "operator"))[0] == 404


async def test_what_is_held_says_so_and_is_cancelled_with_words(newsroom: Newsroom) -> None:
    _, made, _ = await register(newsroom)
    await newsroom.push("a1")
    await judge(newsroom.db)
    _, hold = await post(newsroom, HOLDS, {}, "operator")
    path = f"{WEBHOOKS}/{made['id']}/deliveries"
    [one] = (await newsroom.get(path, "subscriber"))["deliveries"]
    assert (one["state"], one["held"]) == ("pending", hold["id"])
    status, ended = await post(newsroom, f"{HOLDS}/{hold['id']}/cancel", {"reason": "never meant"}, "operator")
    assert (status, ended["state"]) == (202, "cancelling")
    driven = driver(newsroom.db)
    while await newsroom.db.read(holds.unsettled):
        await driven.step(1.0)
    [one] = (await newsroom.get(path, "subscriber"))["deliveries"]
    assert (one["state"], one["held"], one["reason"]) == ("cancelled", None, "hold: never meant")


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"feed": "newz"}, "feed"),
        ({"from": 5, "to": 4}, "to"),
        ({"from": 0}, "from"),
        ({"first": 1}, "first"),
        ({"reason": ""}, "reason"),
    ],
)
async def test_a_hold_that_cannot_be_is_refused(newsroom: Newsroom, body: dict[str, Any], path: str) -> None:
    status, refused = await post(newsroom, HOLDS, body, "operator")
    assert (status, refused["errors"][0]["path"]) == (422, path)


async def test_only_operators_hold(newsroom: Newsroom) -> None:
    for role in ("subscriber", "editor"):
        assert (await post(newsroom, HOLDS, {}, role))[0] == 403
        assert (await newsroom.client.get(HOLDS, headers=newsroom.as_(role))).status == 403


@asynccontextmanager
async def delivering(newsroom: Newsroom) -> AsyncIterator[None]:
    task = asyncio.create_task(newsroom.services.deliverer.run())
    try:
        yield
    finally:
        await newsroom.services.deliverer.stop(30)
        await task


async def test_what_was_sent_and_answered_is_shown(newsroom: Newsroom) -> None:
    """Of an attempt that failed and of the last that did not; what a private network answered to operators alone."""
    async with receiving(lambda n: 500 if n == 0 else 200) as receiver:
        _, made, _ = await register(newsroom, url=receiver.url + "?token=geheim")
        await newsroom.push("a1", title="Judul rahasia")
        await judge(newsroom.db)
        async with delivering(newsroom):
            await receiver.until(lambda: len(receiver.attempts) == 1)

            async def tried() -> int:
                [one] = (await newsroom.get(f"{WEBHOOKS}/{made['id']}/deliveries", "operator"))["deliveries"]
                return len(one["attempts"])

            await eventually(tried, 1)
            await post(newsroom, f"{WEBHOOKS}/{made['id']}/deliveries/1.0/retry")
            await receiver.until(lambda: len(receiver.attempts) == 2)
        failed, taken = receiver.attempts
        path = f"{WEBHOOKS}/{made['id']}/deliveries/1.0/attempts"
        shown = await newsroom.get(f"{path}/1", "operator")
        request, response = shown["request"], shown["response"]
        assert request["body"].encode() == failed.body
        headers = {name.lower(): value for name, value in request["headers"]}
        for name in ("webhook-id", "webhook-signature", "webhook-timestamp", "content-type", "user-agent"):
            assert headers[name] == failed.headers[name]
        assert (request["method"], request["target"]) == ("POST", "/hook?token=***")
        assert (response["status"], response["address"]) == (500, "127.0.0.1")
        assert "Content-Length" in dict(response["headers"])
        success = await newsroom.get(f"{path}/2", "operator")
        last = await newsroom.get(f"{WEBHOOKS}/{made['id']}/last-success", "operator")
        assert last == {"delivery": "1.0", **success}
        assert (success["response"]["status"], success["request"]["body"].encode()) == (200, taken.body)
        own = await newsroom.get(f"{path}/1", "subscriber")
        assert own["request"] == request
        assert (own["response"]["headers"], own["response"]["address"], own["response"]["status"]) == (None, None, 500)
        assert "operators" in own["response"]["withheld"]
        assert "geheim" not in json.dumps([shown, success, own])
        assert (await newsroom.client.get(f"{path}/3", headers=newsroom.as_("subscriber"))).status == 404
        assert (await newsroom.client.get(f"{path}/1", headers=newsroom.as_("subscriber:other"))).status == 404


async def test_of_other_successes_that_they_were_is_shown(newsroom: Newsroom) -> None:
    id_ = await followed(newsroom, "delivered")
    shown = await newsroom.get(f"{WEBHOOKS}/{id_}/deliveries/1.0/attempts/1", "subscriber")
    assert (shown["request"], shown["response"]["status"]) == (None, 200)
    none = await newsroom.client.get(f"{WEBHOOKS}/{id_}/last-success", headers=newsroom.as_("subscriber"))
    assert none.status == 404


async def test_the_later_of_two_successes_is_kept(newsroom: Newsroom) -> None:
    id_ = await followed(newsroom, "delivered")

    def success(seq: int, at: int) -> Success:
        return Success(1, seq, 0, 1, at, 5, 200, None, None, None, None, None)

    await newsroom.db.write(keep, [success(2, 20)])
    await newsroom.db.write(keep, [success(1, 10)])
    assert (await newsroom.get(f"{WEBHOOKS}/{id_}/last-success", "subscriber"))["delivery"] == "2.0"
