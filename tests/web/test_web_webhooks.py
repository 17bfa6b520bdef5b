"""``/api/v1/webhooks``: registration, ownership, and what became of deliveries."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from support.clock import ManualClock
from support.deliveries import claim, fan_out, settle
from support.receiver import receiving
from support.rights import define
from webroom import FEEDS, Newsroom

from publisher.clock import rfc3339
from publisher.delivery import signing
from publisher.delivery.transports import for_webhooks
from publisher.model import Role
from publisher.storage.access import keys
from publisher.storage.engine.database import Tx
from publisher.storage.subscriptions import subscriptions
from publisher.storage.subscriptions.deliveries import Outcome

URL = "https://receiver.example/hook"


async def register(newsroom: Newsroom, role: str = "subscriber", **fields: Any) -> tuple[int, Any, str | None]:
    body = {"url": URL, "feeds": ["news"], **fields}
    body = {name: value for name, value in body.items() if value is not ...}
    answer = await newsroom.client.post("/api/v1/webhooks", json=body, headers=newsroom.as_(role))
    return answer.status, await answer.json(), answer.headers.get("Location")


async def test_registering_shows_the_secret_once(newsroom: Newsroom) -> None:
    status, body, location = await register(newsroom, description="kantor")
    assert status == 201
    assert location == f"https://news.example/api/v1/webhooks/{body['id']}"
    secret = body.pop("secret")
    assert secret.startswith("whsec_")
    assert body == await newsroom.get(f"/api/v1/webhooks/{body['id']}", "subscriber")
    assert (body["state"], body["feeds"], body["events"], body["format"]) == ("active", ["news"], None, "standard")
    sealed = await newsroom.db.read(subscriptions.secret, body["id"])
    assert secret.encode() not in sealed


@pytest.mark.parametrize(
    ("fields", "path", "says"),
    [
        ({"url": "http://127.0.0.1.nip.example:22/"}, None, None),
        ({"url": "http://10.0.0.8/"}, "url", "not a public address"),
        ({"url": "http://169.254.169.254/"}, "url", "never"),
        ({"url": "ftp://receiver.example/"}, "url", "http:// or https://"),
        ({"url": "https://user:pw@receiver.example/"}, "url", "user name"),
        ({"url": 5}, "url", "should be a valid string"),
        ({"url": ...}, "url", "is missing"),
        ({"feeds": "news"}, "feeds", "should be a list"),
        ({"feeds": []}, "feeds", "should not be empty"),
        ({"feeds": ["newz"]}, "feeds[0]", "'news'"),
        ({"feeds": ["news", "berita"]}, "feeds[1]", "not known"),
        ({"events": ["article.publish"]}, "events[0]", "did you mean 'article.published' or "),
        ({"events": []}, "events", "should not be empty"),
        ({"description": "x" * 501}, "description", "should have at most 500 characters"),
        ({"format": "x"}, "format", f"known: {', '.join(for_webhooks())}"),
        ({"format": "Standart"}, "format", 'did you mean "standard"?'),
        ({"format": None}, "format", "should be a valid string"),
        ({"event": ["article.published"]}, "event", "not known"),
    ],
)
async def test_what_cannot_be_registered_is_refused_with_the_reason(
    newsroom: Newsroom, fields: dict[str, Any], path: str | None, says: str | None
) -> None:
    status, body, _ = await register(newsroom, **fields)
    if path is None:  # a name may be anything until it is connected to
        assert status == 201
        return
    assert status == 422
    (error,) = [one for one in body["errors"] if one["path"] == path]
    assert says is not None
    assert says in error["message"]


@pytest.mark.parametrize("feed", ["desk", "operations"])
async def test_a_feed_that_is_not_public_is_followed_with_an_operators_key_only(newsroom: Newsroom, feed: str) -> None:
    for role, expected in (("subscriber", 422), ("editor", 403 if feed == "desk" else 422), ("operator", 201)):
        status, body, _ = await register(newsroom, role, feeds=["news", feed])
        assert status == expected
        assert expected != 403 or "'operator'" in body["detail"]


@pytest.mark.parametrize("feed", ["desk", "operations"])
async def test_a_private_feed_is_as_unknown_to_a_subscriber_as_none(newsroom: Newsroom, feed: str) -> None:
    mine = (await register(newsroom))[1]["id"]
    _, body, _ = await register(newsroom, feeds=[feed])
    _, none, _ = await register(newsroom, feeds=["gudang"])
    assert body.keys() == none.keys()

    path, headers = f"/api/v1/webhooks/{mine}", newsroom.as_("subscriber")
    for name in (feed, "gudang"):
        patched = await newsroom.client.patch(path, json={"feeds": [name]}, headers=headers)
        for answer in (await patched.json(), body if name == feed else none):
            (error,) = answer["errors"]
            said, hint = error["message"].split(";")
            assert (answer["status"], error["path"], said) == (422, "feeds[0]", f"{name!r} is not known")
            assert name not in hint


async def test_a_subscriber_does_not_learn_the_names_of_private_feeds(newsroom: Newsroom) -> None:
    _, body, _ = await register(newsroom, feeds=["desc"])
    assert "desk" not in str(body)
    _, body, _ = await register(newsroom, "operator", feeds=["desc"])
    assert "'desk'" in str(body)


async def test_an_owner_sees_its_own_webhooks_and_an_operator_all(newsroom: Newsroom) -> None:
    mine = (await register(newsroom))[1]["id"]
    theirs = (await register(newsroom, "subscriber:other"))[1]["id"]

    async def listed(role: str) -> list[str]:
        return [one["id"] for one in (await newsroom.get("/api/v1/webhooks", role))["webhooks"]]

    assert await listed("subscriber") == [mine]
    assert await listed("subscriber:other") == [theirs]
    assert await listed("operator:other") == [mine, theirs]


@pytest.mark.parametrize(
    ("method", "suffix"), [("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/test"), ("GET", "/deliveries")]
)
async def test_another_owners_webhook_is_as_unknown_as_none(newsroom: Newsroom, method: str, suffix: str) -> None:
    theirs = (await register(newsroom, "subscriber:other"))[1]["id"]
    for id_ in (theirs, "wh_none"):
        answer = await newsroom.client.request(
            method, f"/api/v1/webhooks/{id_}{suffix}", json={}, headers=newsroom.as_("subscriber")
        )
        assert answer.status == 404
        assert (await answer.json())["detail"] == f"there is no webhook {id_!r}"


async def test_a_patch_changes_what_it_gives_and_nothing_else(newsroom: Newsroom) -> None:
    created = (await register(newsroom, description="kantor", events=["article.published"]))[1]
    path = f"/api/v1/webhooks/{created['id']}"

    async def patch(**fields: Any) -> Any:
        answer = await newsroom.client.patch(path, json=fields, headers=newsroom.as_("subscriber"))
        assert answer.status == 200, await answer.text()
        return await answer.json()

    kept = ("url", "feeds", "events", "description", "state")
    assert [(await patch(state="disabled"))[name] for name in kept] == [
        URL, ["news"], ["article.published"], "kantor", "disabled",
    ]  # fmt: skip
    assert [(await patch(feeds=["coffee"], state="active"))[name] for name in kept] == [
        URL, ["coffee"], ["article.published"], "kantor", "active",
    ]  # fmt: skip
    assert [(await patch(events=None, description=None, url=URL + "2"))[name] for name in kept] == [
        URL + "2", ["coffee"], None, None, "active",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "fields", [{"state": "deleted"}, {"url": "http://10.0.0.1/"}, {"feeds": []}, {"feeds": None}, {"secret": "x"}]
)
async def test_a_patch_is_checked_like_a_registration(newsroom: Newsroom, fields: dict[str, Any]) -> None:
    created = (await register(newsroom))[1]
    path = f"/api/v1/webhooks/{created['id']}"
    answer = await newsroom.client.patch(path, json=fields, headers=newsroom.as_("subscriber"))
    assert answer.status == 422
    created.pop("secret")
    assert await newsroom.get(path, "subscriber") == created


async def test_a_name_that_is_given_twice_counts_once(newsroom: Newsroom) -> None:
    _, body, _ = await register(newsroom, feeds=["news", "coffee", "news"], events=["article.updated"] * 2)
    assert (body["feeds"], body["events"]) == (["coffee", "news"], ["article.updated"])


async def test_a_deleted_webhook_is_unknown(newsroom: Newsroom) -> None:
    path = f"/api/v1/webhooks/{(await register(newsroom))[1]['id']}"
    assert (await newsroom.client.delete(path, headers=newsroom.as_("subscriber"))).status == 204
    assert (await newsroom.client.get(path, headers=newsroom.as_("subscriber"))).status == 404
    assert (await newsroom.client.delete(path, headers=newsroom.as_("subscriber"))).status == 404


async def test_a_test_sends_one_signed_event_and_says_how_it_went(newsroom: Newsroom) -> None:
    async with receiving(lambda number: 204 if number == 0 else 500) as receiver:
        created = (await register(newsroom, url=receiver.url))[1]
        path = f"/api/v1/webhooks/{created['id']}/test"
        answers = [
            await (await newsroom.client.post(path, headers=newsroom.as_("subscriber"))).json() for _ in range(2)
        ]
    assert [(one["delivered"], one["status"], one["error"]) for one in answers] == [
        (True, 204, None),
        (False, 500, None),
    ]
    sent = receiver.attempts[0]
    assert sent.event["type"] == "webhook.test"
    signed = signing.sign(created["secret"], sent.id, int(sent.headers["webhook-timestamp"]), sent.body)
    assert sent.headers["webhook-signature"] == signed


async def test_every_delivery_is_listed_with_its_attempts(newsroom: Newsroom) -> None:
    async with receiving(lambda number: 204) as receiver:
        created = (await register(newsroom, url=receiver.url))[1]
        deliverer: Any = newsroom.services.deliverer
        running = asyncio.create_task(deliverer.run())
        for number in range(3):
            await newsroom.push(f"kopi-{number}")
        await receiver.until(lambda: len(receiver.attempts) == 3)
        await deliverer.stop(5)
        await running
    path = f"/api/v1/webhooks/{created['id']}/deliveries"
    first = await newsroom.get(f"{path}?limit=2", "subscriber")
    second = await newsroom.get(f"{path}?limit=2&after={first['next']}", "subscriber")
    listed = first["deliveries"] + second["deliveries"]
    assert [one["seq"] for one in listed] == [3, 2, 1]
    assert second["next"] is None
    assert {(one["state"], one["type"], len(one["attempts"])) for one in listed} == {
        ("delivered", "article.published", 1)
    }
    assert listed[0]["attempts"][0]["status"] == 204
    assert (await newsroom.get(f"{path}?state=dead&state=retrying", "subscriber"))["deliveries"] == []
    wrong = await newsroom.client.get(f"{path}?state=lost", headers=newsroom.as_("subscriber"))
    assert wrong.status == 422


async def test_a_failing_webhook_says_how_often_in_a_row_and_why(newsroom: Newsroom, clock: ManualClock) -> None:
    webhook = (await register(newsroom))[1]
    await newsroom.push("kopi-1")
    await fan_out(newsroom.db)
    (one,) = (await claim(newsroom.db)).deliveries
    failed = Outcome(one.id, one.lease, "retrying", 5.0, one.number, clock(), 7, 500)
    failed = failed._replace(subscription=one.subscription, failing=one.failures > 0)
    await newsroom.db.write(settle, [failed])
    shown = await newsroom.get(f"/api/v1/webhooks/{webhook['id']}", "subscriber")
    (listed,) = (await newsroom.get("/api/v1/webhooks", "subscriber"))["webhooks"]
    assert shown == listed
    said = (shown["failures"], shown["last_error"], shown["last_error_at"])
    assert said == (1, "answered 500", rfc3339(clock()))
    assert (webhook["failures"], webhook["last_error"], webhook["last_error_at"]) == (0, None, None)


async def test_a_deleted_webhook_and_its_deliveries_are_shown_to_operators_alone(newsroom: Newsroom) -> None:
    _, made, _ = await register(newsroom)
    await newsroom.push("a1")
    path = f"/api/v1/webhooks/{made['id']}"
    assert (await newsroom.client.delete(path, headers=newsroom.as_("subscriber"))).status == 204

    assert (await newsroom.get(path, "operator"))["state"] == "deleted"
    assert (await newsroom.get(f"{path}/deliveries", "operator"))["deliveries"] == []
    for way in (path, f"{path}/deliveries"):
        assert (await newsroom.client.get(way, headers=newsroom.as_("subscriber"))).status == 404
    assert (await newsroom.client.delete(path, headers=newsroom.as_("operator"))).status == 404
    assert made["id"] not in str(await newsroom.get("/api/v1/webhooks", "operator"))


async def test_what_an_operator_lets_a_webhook_follow_goes_by_its_owners_role_all_the_same(newsroom: Newsroom) -> None:
    _, made, _ = await register(newsroom, "subscriber:other")
    await newsroom.db.write(_only_subscribers, "desk:other")
    path = f"/api/v1/webhooks/{made['id']}"
    answer = await newsroom.client.patch(path, json={"feeds": ["desk"]}, headers=newsroom.as_("operator"))
    changed = await answer.json()
    assert (changed["state"], changed["reason"]) == ("paused", 'only operators may follow "desk" now')
    refused = await newsroom.client.patch(path, json={"state": "active"}, headers=newsroom.as_("subscriber:other"))
    assert (refused.status, "cannot be 'active'" in await refused.text()) == (422, True)
    answer = await newsroom.client.patch(path, json={"feeds": ["news"]}, headers=newsroom.as_("subscriber:other"))
    assert (await answer.json())["state"] == "active"


@pytest.mark.parametrize("change", [{"state": "active"}, {"state": "active", "feeds": ["desk"]}])
@pytest.mark.parametrize(("role", "status"), [("editor:other", 403), ("subscriber:other", 422)])
async def test_a_webhook_of_a_feed_one_may_not_follow_is_refused_by_who_may_know_of_it(
    newsroom: Newsroom, change: dict[str, Any], role: str, status: int
) -> None:
    _, made, _ = await register(newsroom, role)
    path = f"/api/v1/webhooks/{made['id']}"
    await newsroom.client.patch(path, json={"feeds": ["desk"]}, headers=newsroom.as_("operator"))
    refused = await newsroom.client.patch(path, json=change, headers=newsroom.as_(role))
    assert (refused.status, "role 'operator' is needed" in await refused.text()) == (status, status == 403)


async def test_who_is_refused_is_told_of_no_feed_that_they_may_not_know_of(newsroom: Newsroom) -> None:
    _, made, _ = await register(newsroom, "editor:other")
    path = f"/api/v1/webhooks/{made['id']}"
    await newsroom.client.patch(path, json={"feeds": ["desk", "operations"]}, headers=newsroom.as_("operator"))
    refused = await newsroom.client.patch(path, json={"state": "active"}, headers=newsroom.as_("editor:other"))
    assert (refused.status, "operations" in await refused.text()) == (403, False)


def _only_subscribers(tx: Tx, owner: str) -> None:
    for key in keys.list_(tx):
        if key.owner == owner and key.role is not Role.SUBSCRIBER:
            keys.revoke(tx, key.id)


async def test_other_types_asked_of_a_webhook_that_stands_still_leave_what_waits_for_it(newsroom: Newsroom) -> None:
    _, made, _ = await register(newsroom, feeds=["coffee"])
    path = f"/api/v1/webhooks/{made['id']}"
    await newsroom.push("a1")
    await fan_out(newsroom.db, feeds=("coffee",))
    await define(newsroom.db, *(feed for feed in FEEDS if feed.name != "coffee"))
    changed = await newsroom.client.patch(
        path, json={"events": ["article.published"]}, headers=newsroom.as_("subscriber")
    )

    assert (await changed.json())["state"] == "paused"
    shown = (await newsroom.get(f"{path}/deliveries", "subscriber"))["deliveries"]
    assert [one["state"] for one in shown] == ["pending"]


@pytest.mark.parametrize("removed", [False, True])
async def test_what_follows_a_private_feed_is_sent_elsewhere_by_an_operator_alone(
    newsroom: Newsroom, removed: bool
) -> None:
    _, made, _ = await register(newsroom, "operator", feeds=["news", "desk"])
    path = f"/api/v1/webhooks/{made['id']}"
    if removed:
        await define(newsroom.db, *(feed for feed in FEEDS if feed.name != "desk"))
    for fields in ({"url": URL + "2"}, {"url": URL + "2", "feeds": ["news"]}):
        refused = await newsroom.client.patch(path, json=fields, headers=newsroom.as_("subscriber"))
        assert (refused.status, "'desk'" in (await refused.json())["detail"]) == (403, True)
    same = await newsroom.client.patch(path, json={"url": URL}, headers=newsroom.as_("subscriber"))
    assert same.status == 200
    allowed = await newsroom.client.patch(path, json={"url": URL + "2"}, headers=newsroom.as_("operator"))
    assert (await allowed.json())["url"] == URL + "2"
