"""``/api/v1/webhooks``: signatures, rotation, and what is sent to an endpoint alone."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import pytest
from sqlalchemy import select
from structlog.testing import capture_logs
from support.clock import ManualClock
from support.receiver import Received, receiving
from webroom import Newsroom

from publisher.delivery import signing
from publisher.delivery.credentials import Credentials
from publisher.storage.engine.database import Tx
from publisher.storage.engine.tables import idempotency
from publisher.storage.subscriptions import subscriptions

URL = "https://receiver.example/hook"
OWN = signing.PREFIX + b64encode(bytes(range(32))).decode()


async def post(newsroom: Newsroom, path: str = "", role: str = "subscriber", **body: Any) -> tuple[int, Any]:
    answer = await newsroom.client.post(f"/api/v1/webhooks{path}", json=body, headers=newsroom.as_(role))
    return answer.status, await answer.json()


async def register(newsroom: Newsroom, **fields: Any) -> Any:
    status, body = await post(newsroom, **{"url": URL, "feeds": ["news"], **fields})
    assert status == 201, body
    return body


async def patch(newsroom: Newsroom, id_: str, **body: Any) -> tuple[int, Any]:
    path = f"/api/v1/webhooks/{id_}"
    answer = await newsroom.client.patch(path, json=body, headers=newsroom.as_("subscriber"))
    return answer.status, await answer.json()


async def sealed(newsroom: Newsroom, id_: str) -> Credentials:
    secret = await newsroom.db.read(subscriptions.secret, id_)
    return Credentials.read(newsroom.services.sealer.unseal(secret))


def faulty(body: Any) -> list[str]:
    return [one["path"] for one in body["errors"]]


@pytest.mark.parametrize(("signature", "shared", "paired"), [("v1", 1, 0), ("v1a", 0, 1), ("both", 1, 1)])
async def test_a_webhook_asks_for_its_signatures_and_the_public_key_is_shown_any_time(
    newsroom: Newsroom, signature: str, shared: int, paired: int
) -> None:
    body = await register(newsroom, signature=signature)
    assert (bool(body["secret"]), bool(body["public_key"])) == (bool(shared), bool(paired))
    seen = await newsroom.get(f"/api/v1/webhooks/{body['id']}", "subscriber")
    assert (seen["signature"], seen["public_key"]) == (signature, body["public_key"])
    assert "secret" not in seen and "whsk_" not in str(body)
    refused = await post(newsroom, url=URL, feeds=["news"], signature="v2")
    assert refused[0] == 422 and faulty(refused[1]) == ["signature"]


async def test_rotating_shows_a_new_secret_once_and_says_until_when_the_old_one_signs(
    newsroom: Newsroom, clock: ManualClock
) -> None:
    made = await register(newsroom, signature="both")
    status, body = await post(newsroom, f"/{made['id']}/rotate", overlap="2h")
    assert status == 200
    assert body["secret"].startswith("whsec_") and body["secret"] != made["secret"]
    assert body["public_key"].startswith("whpk_") and body["public_key"] != made["public_key"]
    until = (await newsroom.get(f"/api/v1/webhooks/{made['id']}", "subscriber"))["previous_secret_until"]
    assert until == body["previous_secret_until"] is not None
    own = await sealed(newsroom, made["id"])
    assert (own.secret, len(own.secrets)) == (body["secret"], 4)
    ends = {one.until for one in own.secrets if one.until is not None}
    assert ends == {round(clock().timestamp() * 1e6) + 7200 * 10**6}


async def test_a_test_is_signed_by_both_secrets_while_they_overlap_and_by_one_after(
    newsroom: Newsroom, clock: ManualClock
) -> None:
    def by(secret: str, got: Received) -> bool:
        signed = signing.sign(secret, got.id, int(got.headers["webhook-timestamp"]), got.body)
        return signed in got.headers["webhook-signature"].split(" ")

    async with receiving() as receiver:
        made = await register(newsroom, url=receiver.url)
        _, new = await post(newsroom, f"/{made['id']}/rotate")  # without a body: for a day
        for seconds in (0, 86_399, 1):
            clock.advance(seconds)
            assert (await post(newsroom, f"/{made['id']}/test"))[1]["delivered"]
    assert [by(made["secret"], got) for got in receiver.attempts] == [True, True, False]
    assert all(by(new["secret"], got) for got in receiver.attempts)


async def test_a_repeated_rotation_takes_effect_once_and_its_answer_is_stored_sealed(newsroom: Newsroom) -> None:
    made = await register(newsroom)
    path, headers = f"/api/v1/webhooks/{made['id']}/rotate", newsroom.as_("subscriber", **{"Idempotency-Key": "r1"})
    answers = [await newsroom.client.post(path, json={}, headers=headers) for _ in range(2)]
    [first, second] = [await one.json() for one in answers]
    assert first == second and answers[1].headers["Idempotent-Replayed"] == "true"
    assert (await sealed(newsroom, made["id"])).secret == first["secret"]

    def stored(tx: Tx) -> list[Any]:
        return list(tx.conn.execute(select(idempotency.c.body).where(idempotency.c.path == path)).scalars())

    assert all(first["secret"].encode() not in bytes(one) for one in await newsroom.db.read(stored))


async def test_an_own_secret_may_be_given_for_a_rotation(newsroom: Newsroom) -> None:
    made = await register(newsroom)
    status, body = await post(newsroom, f"/{made['id']}/rotate", secret=OWN, overlap=0)
    assert (status, body["secret"], body["previous_secret_until"]) == (200, OWN, None)
    paired = await register(newsroom, signature="v1a")
    refused = await post(newsroom, f"/{paired['id']}/rotate", secret=OWN)
    assert (refused[0], faulty(refused[1])) == (422, ["secret"])


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"overlap": "8d"}, "overlap"),
        ({"overlap": -1}, "overlap"),
        ({"overlap": True}, "overlap"),
        ({"overlap": "soon"}, "overlap"),
        ({"secret": "whsec_short"}, "secret"),
        ({"secret": OWN.removeprefix("whsec_")}, "secret"),
        ({"overlapp": 1}, "overlapp"),
    ],
)
async def test_what_is_no_rotation_is_refused_and_changes_nothing(
    newsroom: Newsroom, fields: dict[str, Any], path: str
) -> None:
    made = await register(newsroom)
    status, body = await post(newsroom, f"/{made['id']}/rotate", **fields)
    assert (status, faulty(body)) == (422, [path])
    assert (await sealed(newsroom, made["id"])).secret == made["secret"]


async def test_only_its_owner_and_operators_rotate_a_webhook(newsroom: Newsroom) -> None:
    made = await register(newsroom)
    for role, expected in (("subscriber:other", 404), ("editor:other", 404), ("operator", 200), ("subscriber", 200)):
        assert (await post(newsroom, f"/{made['id']}/rotate", role))[0] == expected
    assert (await newsroom.client.post(f"/api/v1/webhooks/{made['id']}/rotate")).status == 401


async def test_what_goes_to_an_endpoint_alone_is_sent_and_never_shown(newsroom: Newsroom) -> None:
    with capture_logs() as logged:
        async with receiving(lambda number: 204 if number < 2 else 500) as receiver:
            made = await register(
                newsroom, url=receiver.url, headers={"X-Tenant": "tenant-7"}, authorization="Bearer hunter2"
            )
            await post(newsroom, f"/{made['id']}/test")
            _, changed = await patch(newsroom, made["id"], headers={"X-Tenant": "tenant-8"})
            for _ in range(2):
                _, tested = await post(newsroom, f"/{made['id']}/test")
    first, *later = receiver.attempts
    assert (first.headers["x-tenant"], first.headers["authorization"]) == ("tenant-7", "Bearer hunter2")
    assert {(one.headers["x-tenant"], one.headers["authorization"]) for one in later} == {
        ("tenant-8", "Bearer hunter2")
    }
    seen = await newsroom.get(f"/api/v1/webhooks/{made['id']}", "operator")
    listed = await newsroom.get("/api/v1/webhooks", "operator")
    assert (seen["headers"], seen["authorization"]) == (["X-Tenant"], True)
    stored = await newsroom.db.read(subscriptions.secret, made["id"])
    for text in (made, changed, tested, seen, listed, logged, stored):
        assert "hunter2" not in str(text) and "tenant-" not in str(text)
    assert (await patch(newsroom, made["id"], authorization=None, headers=None))[1]["authorization"] is False
    assert (await sealed(newsroom, made["id"])).written().decode() == made["secret"]


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "a"}, {"Content-Type": "text/plain"}, {"content-length": "3"}, {"Webhook-Id": "evt_1"},
        {"webhook-signature": "v1,x"}, {"User-Agent": "curl"}, {"Connection": "close"}, {"Keep-Alive": "1"},
        {"Transfer-Encoding": "chunked"}, {"TE": "trailers"}, {"Trailer": "x"}, {"Upgrade": "h2c"},
        {"Proxy-Authorization": "Basic x"}, {"Expect": "100-continue"}, {"Authorization": "Bearer x"},
        {"X-Forwarded-For": "10.0.0.1"}, {"Forwarded": "for=x"}, {"Via": "1.1 x"}, {"Accept-Encoding": "gzip"},
        {"X A": "a"}, {"": "a"}, {"X:": "a"}, {"X\r\nY": "a"}, {"Ünicode": "a"}, {"X" * 65: "a"},
        {"X": "a\r\nY: b"}, {"X": "a\nb"}, {"X": "a\x00b"}, {"X": ""}, {"X": " a"}, {"X": "a "}, {"X": "é"},
        {"X": "a" * 1025}, {"X": "a", "x": "b"}, {f"X-{n}": "a" for n in range(21)},
        {f"X-{n}": "a" * 1000 for n in range(9)}, {"X": 5}, ["X"], "X: a",
    ],
)  # fmt: skip
async def test_a_header_that_frames_the_request_or_is_none_is_refused(newsroom: Newsroom, headers: Any) -> None:
    status, body = await post(newsroom, url=URL, feeds=["news"], headers=headers)
    assert status == 422
    assert all(path.startswith("headers") for path in faulty(body))


@pytest.mark.parametrize("value", ["", "Bearer x\r\nX: y", "Bearer x\n", "Bearer\x00", "ü", "x" * 4097, 5])
async def test_an_authorization_that_is_no_value_of_a_header_is_refused(newsroom: Newsroom, value: Any) -> None:
    status, body = await post(newsroom, url=URL, feeds=["news"], authorization=value)
    assert (status, faulty(body)) == (422, ["authorization"])
    assert str(value)[:20] not in str(body) or len(str(value)) < 3


@pytest.mark.parametrize("url", ["http://receiver.example/hook", "https://other.example/hook", f"{URL[:24]}:8443/hook"])
async def test_another_endpoint_needs_its_credentials_given_again_or_given_up(newsroom: Newsroom, url: str) -> None:
    made = await register(newsroom, headers={"X-Tenant": "a"}, authorization="Bearer a")
    status, body = await patch(newsroom, made["id"], url=url)
    assert (status, faulty(body)) == (422, ["headers", "authorization"])
    status, body = await patch(newsroom, made["id"], url=url, headers={"X-Tenant": "b"})
    assert (status, faulty(body)) == (422, ["authorization"])
    assert (await newsroom.get(f"/api/v1/webhooks/{made['id']}", "subscriber"))["url"] == URL
    status, body = await patch(newsroom, made["id"], url=url, headers={"X-Tenant": "b"}, authorization=None)
    assert (status, body["url"], body["headers"], body["authorization"]) == (200, url, ["X-Tenant"], False)
    assert (await sealed(newsroom, made["id"])).headers == {"X-Tenant": "b"}


@pytest.mark.parametrize("url", ["https://receiver.example/other?x=1", "https://RECEIVER.example:443/hook"])
async def test_another_path_at_the_same_endpoint_keeps_them(newsroom: Newsroom, url: str) -> None:
    made = await register(newsroom, authorization="Bearer a")
    status, body = await patch(newsroom, made["id"], url=url)
    assert (status, body["authorization"]) == (200, True)
    assert (await sealed(newsroom, made["id"])).authorization == "Bearer a"
