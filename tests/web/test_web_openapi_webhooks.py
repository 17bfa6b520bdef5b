"""What is asked of webhooks, and what is sent again, held and shown, is as the description of the API says."""

from __future__ import annotations

import pytest
from describing import Described
from support.delivering import eventually
from support.receiver import receiving
from support.rights import judge
from test_web_replays import delivering, followed
from webroom import Newsroom

from publisher.outbound.guard import Guard
from publisher.web.budgets.allowances import Rates

EVENTS = "/api/v1/events"


@pytest.fixture
async def described(newsroom: Newsroom) -> Described:
    return Described(newsroom, await newsroom.get("/api/openapi.json"))


async def test_options_and_credentials_are_what_it_says(described: Described, newsroom: Newsroom) -> None:
    path = "/api/v1/webhooks"
    asked = {"ordered": True, "throttle": "5s", "batch": {"max": 9}, "max_in_flight": 3, "rate_limit": 2.5}
    sent_with = {"headers": {"X-Room": "desk"}, "authorization": "Bearer x", "signature": "both"}
    one = {"url": "http://127.0.0.1:9/hook", "feeds": ["news"], "content": "thin", **asked, **sent_with}
    status, made = await described.ask("POST", path, "subscriber", json=one)
    assert (status, made["batch"], made["headers"]) == (201, {"max": 9, "wait": "1s"}, ["X-Room"])
    assert made["secret"] and made["public_key"]
    for wrong in ({"ordered": "true"}, {"max_in_flight": "3"}, {"throttle": 5}, {"headers": {"Host": "x"}}):
        assert (await described.ask("POST", path, "subscriber", json={**one, **wrong}))[0] == 422
    status, rotated = await described.ask("POST", path + "/{id}/rotate", "subscriber", id=made["id"])
    assert status == 200
    assert rotated["secret"] != made["secret"]
    for body, expected in (({"overlap": 60}, 200), ({"overlap": "1h"}, 200), ({"overlap": "8d"}, 422)):
        assert (await described.ask("POST", path + "/{id}/rotate", "subscriber", json=body, id=made["id"]))[
            0
        ] == expected
    _, alone = await described.ask("POST", path, "subscriber", json={**one, "signature": "v1a"})
    assert alone["secret"] is None
    changed = {"headers": None, "batch": None}
    assert (await described.ask("PATCH", path + "/{id}", "subscriber", json=changed, id=made["id"]))[0] == 200
    assert (await described.ask("POST", path + "/{id}/verify", "subscriber", id=made["id"]))[1]["challenge"] is None


async def test_registering_without_a_key_is_what_it_says(described: Described, newsroom: Newsroom) -> None:
    newsroom.services.limits.adjust(Rates(open=True, registrations_per_address_per_minute=9, tests_per_minute=9))
    newsroom.services.guard._public = Guard(["127.0.0.0/8:*"])
    path = "/api/v1/webhooks"
    assert {} in described.operation("POST", path)["security"]
    async with receiving() as receiver:
        status, made = await described.ask("POST", path, json={"url": receiver.url, "feeds": ["news"]})
    assert (status, made["state"], made["challenge"]["echoed"]) == (201, "pending", False)
    newsroom.secrets["token"] = made["token"]
    assert (await described.ask("GET", path + "/{id}", "token", id=made["id"]))[1]["state"] == "pending"
    assert (await described.ask("POST", path + "/{id}/verify", "token", id=made["id"]))[1]["challenge"][
        "status"
    ] is None
    moved = {"url": "http://127.0.0.1:9/hook"}
    status, refused = await described.ask("PATCH", path + "/{id}", "token", json=moved, id=made["id"])
    assert (status, refused["challenge"]["echoed"]) == (422, False)


async def test_what_is_sent_again_is_what_it_says(described: Described, newsroom: Newsroom) -> None:
    path = "/api/v1/webhooks/{id}"
    id_ = await followed(newsroom)
    retry, replays, replay = path + "/deliveries/{delivery}/retry", path + "/replays", path + "/replays/{replay}"
    for delivery, expected in (("2.0", 202), ("9.0", 404), ("%00", 404), (f"{10**22}.0", 404), (f"1.{10**22}", 404)):
        assert (await described.ask("POST", retry, "subscriber", id=id_, delivery=delivery))[0] == expected
    event = await described.ask("GET", EVENTS + "/{id}/deliveries", "operator", id="2")
    assert event[1]["again"] == {"pending": 1}
    for body, expected in (({"since": 1, "feeds": ["news"]}, 202), ({"since": "x"}, 422)):
        status, made = await described.ask("POST", replays, "subscriber", json=body, id=id_)
        assert status == expected
    _, page = await described.ask("GET", replays, "subscriber", id=id_)
    (made,) = page["replays"]
    for verb in ("", "/pause", "/resume", "/cancel", "/pause"):
        method, expected = ("POST" if verb else "GET"), (409 if made["ended_at"] else 200)
        status, said = await described.ask(method, replay + verb, "subscriber", id=id_, replay=made["id"])
        assert status == expected
        made = said if status == 200 else made
        assert (await described.ask(method, replay + verb, "subscriber", id=id_, replay="%00"))[0] == 404
    state = {"state": "disabled"}
    assert "missed" not in (await described.ask("PATCH", path, "subscriber", json=state, id=id_))[1]
    assert (await described.ask("POST", retry, "subscriber", id=id_, delivery="2.0"))[0] == 409
    assert (await described.ask("POST", replays, "subscriber", json={"since": 1}, id=id_))[0] == 409
    _, enabled = await described.ask("PATCH", path, "subscriber", json={"state": "active"}, id=id_)
    assert enabled["missed"]["replay"] == f"/api/v1/webhooks/{id_}/replays"


async def test_what_is_held_is_what_it_says(described: Described, newsroom: Newsroom) -> None:
    path = "/api/v1/holds"
    id_ = await followed(newsroom, "retrying")
    for body, expected in (({"feed": "news", "from": 1, "to": 2}, 201), ({"feed": "x"}, 422), ({"from": "1"}, 422)):
        assert (await described.ask("POST", path, "operator", json=body))[0] == expected
    assert (await described.ask("POST", path, "editor", json={}))[0] == 403
    _, one = await described.ask("POST", path, "operator", json={"source": "desk"})
    (other,) = {each["id"] for each in (await described.ask("GET", path, "operator"))[1]["holds"]} - {one["id"]}
    _, page = await described.ask("GET", "/api/v1/webhooks/{id}/deliveries", "subscriber", id=id_)
    assert [each["held"] for each in page["deliveries"]] == [None, other, other]
    named = path + "/{id}"
    assert (await described.ask("DELETE", named, "operator", id=one["id"], json={"reason": ""}))[0] == 422
    for expected in (200, 409):
        assert (await described.ask("DELETE", named, "operator", id=one["id"]))[0] == expected
    for body, expected in (({}, 422), ({"reason": "wrong"}, 202), ({"reason": "wrong"}, 409)):
        assert (await described.ask("POST", named + "/cancel", "operator", id=other, json=body))[0] == expected
    assert (await described.ask("GET", named, "operator", id=other))[0] == 200
    assert (await described.ask("GET", named, "operator", id="none"))[0] == 404
    assert len((await described.ask("GET", path, "operator", query="all=true"))[1]["holds"]) == 2


async def test_what_was_sent_and_answered_is_what_it_says(described: Described, newsroom: Newsroom) -> None:
    path = "/api/v1/webhooks/{id}"
    last, attempt = path + "/last-success", path + "/deliveries/{delivery}/attempts/{number}"
    async with receiving(lambda n: 500 if n == 0 else 200) as receiver:
        one = {"url": receiver.url, "feeds": ["news"]}
        id_ = (await described.ask("POST", "/api/v1/webhooks", "subscriber", json=one))[1]["id"]
        for type_, expected in (("article.published", 200), ("article.publish", 422)):
            asked = await described.ask("POST", path + "/test", "subscriber", json={"type": type_}, id=id_)
            assert asked[0] == expected
        assert (await described.ask("GET", last, "subscriber", id=id_))[0] == 404
        receiver.attempts.clear()
        await newsroom.push("a1")
        await judge(newsroom.db)
        async with delivering(newsroom):
            await receiver.until(lambda: len(receiver.attempts) == 1)

            async def tried() -> int:
                page = (await described.ask("GET", path + "/deliveries", "operator", id=id_))[1]
                return len(page["deliveries"][0]["attempts"])

            await eventually(tried, 1)
            retry = path + "/deliveries/{delivery}/retry"
            assert (await described.ask("POST", retry, "subscriber", id=id_, delivery="1.0"))[0] == 202
            await receiver.until(lambda: len(receiver.attempts) == 2)
    for role in ("operator", "subscriber"):
        for number, expected in (("1", 200), ("2", 200), ("3", 404), ("x", 404), ("9" * 30, 404)):
            asked = await described.ask("GET", attempt, role, id=id_, delivery="1.0", number=number)
            assert asked[0] == expected
        status, shown = await described.ask("GET", last, role, id=id_)
        assert (status, shown["delivery"], shown["response"]["withheld"] is None) == (200, "1.0", role == "operator")
