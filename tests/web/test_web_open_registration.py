"""``[registration] mode = "open"``: webhooks without a key, whose endpoint has to echo a challenge first."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web
from support.clock import ManualClock
from webroom import Newsroom

from publisher.delivery import signing
from publisher.delivery.followers import pausing
from publisher.errors import Conflict
from publisher.model import SubscriptionState
from publisher.outbound.guard import Guard
from publisher.storage.access import keys
from publisher.storage.subscriptions import filters, subscriptions, verification
from publisher.web.budgets.allowances import Rates

PATH = "/api/v1/webhooks"


@dataclass
class Echoing:
    """A receiver that answers a challenge as it is told, and takes everything else."""

    how: Callable[[str], web.Response]
    got: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    url: str = ""

    async def handle(self, request: web.Request) -> web.Response:
        body = await request.read()
        event = json.loads(body)
        async with self.changed:
            self.got.append((event["type"], {k.lower(): v for k, v in request.headers.items()}, body))
            self.changed.notify_all()
        return (
            self.how(event["data"]["challenge"]) if event["type"] == "webhook.challenge" else web.Response(status=204)
        )

    @property
    def types(self) -> list[str]:
        return [type_ for type_, _, _ in self.got]


def as_text(token: str) -> web.Response:
    return web.Response(text=token)


def not_at_all(_token: str) -> web.Response:
    return web.Response(text="hello")


@asynccontextmanager
async def echoing(how: Callable[[str], web.Response] = as_text) -> AsyncIterator[Echoing]:
    receiver = Echoing(how)
    application = web.Application()
    application.router.add_post("/{path:.*}", receiver.handle)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    try:
        yield receiver
    finally:
        await runner.cleanup()


@pytest.fixture
def opened(newsroom: Newsroom) -> Newsroom:
    """Without a key, and with loopback in the place of the public internet: receivers of tests are there."""
    newsroom.services.limits.adjust(Rates(open=True, registrations_per_address_per_minute=1000, tests_per_minute=1000))
    newsroom.services.guard._public = Guard(["127.0.0.0/8:*"])
    return newsroom


async def register(newsroom: Newsroom, url: str, **fields: Any) -> tuple[int, Any]:
    answer = await newsroom.client.post(PATH, json={"url": url, "feeds": ["news"], **fields})
    return answer.status, await answer.json()


async def call(newsroom: Newsroom, method: str, path: str, token: str, **body: Any) -> tuple[int, Any]:
    headers = {"Authorization": f"Bearer {token}"}
    options: dict[str, Any] = {"json": body} if method in ("POST", "PATCH") else {}
    answer = await newsroom.client.request(method, path, headers=headers, **options)
    return answer.status, await answer.json() if answer.status != 204 else None


async def test_without_open_registration_a_key_is_needed(newsroom: Newsroom) -> None:
    assert (await register(newsroom, "https://receiver.example/hook"))[0] == 401


@pytest.mark.parametrize(
    "how",
    [
        as_text,
        lambda token: web.Response(text=f"  {token}\n"),
        lambda token: web.json_response({"challenge": token}),
        lambda token: web.json_response(token),
        lambda token: web.Response(status=204, headers={"Webhook-Challenge": token}),
    ],
)
async def test_an_endpoint_that_echoes_is_active_at_once_and_told_of_what_follows(
    opened: Newsroom, how: Callable[[str], web.Response]
) -> None:
    async with echoing(how) as receiver:
        status, made = await register(opened, receiver.url)
        assert (status, made["state"], made["challenge"]["echoed"]) == (201, "active", True)
        deliverer: Any = opened.services.deliverer
        running = asyncio.create_task(deliverer.run())
        await opened.push("kopi-1")
        async with receiver.changed:
            await asyncio.wait_for(receiver.changed.wait_for(lambda: len(receiver.got) == 2), 60)
        await deliverer.stop(5)
        await running
    (_, headers, body), (type_, _, _) = receiver.got
    assert type_ == "article.published"
    signed = signing.sign(made["secret"], headers["webhook-id"], int(headers["webhook-timestamp"]), body)
    assert headers["webhook-signature"] == signed


@pytest.mark.parametrize(
    "how",
    [
        not_at_all,
        lambda token: web.Response(text=f"{token}x"),
        lambda token: web.Response(text=token, status=404),
        lambda token: web.Response(status=302, headers={"Location": f"/{token}", "Webhook-Challenge": token}),
        lambda token: web.json_response({"echo": token}),
        lambda token: web.Response(text="x" * 20_000 + token),
    ],
)
async def test_an_endpoint_that_does_not_echo_is_pending_and_never_sent_anything(
    opened: Newsroom, how: Callable[[str], web.Response]
) -> None:
    async with echoing(how) as receiver:
        status, made = await register(opened, receiver.url)
        assert (status, made["state"], made["challenge"]["echoed"]) == (201, "pending", False)
        path = f"{PATH}/{made['id']}"
        refused = await call(opened, "PATCH", path, made["token"], state="active")
        assert refused[0] == 422 and "echo a challenge" in str(refused[1])
        await call(opened, "PATCH", path, made["token"], feeds=["news", "coffee"])
        for rest, body in (("/test", {}), ("/replays", {"since": 1}), ("/deliveries/1.0/retry", {})):
            assert (await call(opened, "POST", path + rest, made["token"], **body))[0] in (404, 409), rest
        assert (await call(opened, "POST", f"{path}/test", made["token"]))[0] == 409
        deliverer: Any = opened.services.deliverer
        running = asyncio.create_task(deliverer.run())
        await opened.push("kopi-1")
        await pausing.keep(opened.db)
        await deliverer.stop(5)
        await running
        assert receiver.types == ["webhook.challenge"]
        assert (await call(opened, "GET", f"{path}/deliveries", made["token"]))[1]["deliveries"] == []
        with pytest.raises(Conflict):
            await opened.db.write(subscriptions.enable, made["id"])
        receiver.how = as_text
        status, shown = await call(opened, "POST", f"{path}/verify", made["token"])
        assert (status, shown["state"], shown["challenge"]["echoed"]) == (200, "active", True)
        assert (await call(opened, "POST", f"{path}/verify", made["token"]))[1]["challenge"] is None
    assert receiver.types == ["webhook.challenge"] * 2
    assert "hello" not in str(made)  # nothing of an answer is shown: it may be someone else's endpoint


async def test_the_token_opens_its_own_webhook_and_nothing_else(opened: Newsroom) -> None:
    async with echoing() as receiver:
        _, made = await register(opened, receiver.url)
        _, other = await register(opened, receiver.url)
        token, path = made["token"], f"{PATH}/{made['id']}"
        assert token not in str(await opened.get(path, "operator")) + str(await opened.get(PATH, "operator"))
        for method, rest in (("GET", ""), ("GET", "/deliveries"), ("POST", "/test"), ("POST", "/rotate")):
            assert (await call(opened, method, path + rest, token))[0] == 200
            assert (await call(opened, method, f"{PATH}/{other['id']}{rest}", token))[0] == 404
        assert (await call(opened, "PATCH", path, token, description="x"))[0] == 200
        assert (await call(opened, "PATCH", f"{PATH}/{other['id']}", token, description="x"))[0] == 404
        assert (await call(opened, "DELETE", f"{PATH}/{other['id']}", token))[0] == 404
        assert (await call(opened, "GET", PATH, token))[0] == 403
        assert (await call(opened, "POST", PATH, token, url=receiver.url, feeds=["news"]))[0] == 403
        assert (await call(opened, "GET", "/api/v1/events/evt_1/deliveries", token))[0] == 403
        assert (await opened.client.put(
            "/api/v1/articles/a1", json={"title": "T", "body": "B"}, headers={"Authorization": f"Bearer {token}"}
        )).status == 403  # fmt: skip
        assert (await call(opened, "DELETE", path, token))[0] == 204
        assert (await call(opened, "GET", path, token))[0] == 401  # it is gone with its webhook


@pytest.mark.parametrize(
    ("fields", "path"),
    [({"feeds": ["desk"]}, "feeds[0]"), ({"feeds": ["operations"]}, "feeds[0]"), ({"format": "x"}, "format")],
)
async def test_only_what_is_public_may_be_followed_without_a_key(
    opened: Newsroom, fields: dict[str, Any], path: str
) -> None:
    status, body = await register(opened, "https://receiver.example/hook", **fields)
    assert (status, [one["path"] for one in body["errors"]]) == (422, [path])


async def test_private_networks_are_closed_to_it_whatever_an_operator_allows(newsroom: Newsroom) -> None:
    newsroom.services.limits.adjust(Rates(open=True))  # loopback is allowed, to those who hold a key
    async with echoing() as receiver:
        status, body = await register(newsroom, receiver.url)
        assert (status, body["errors"][0]["path"]) == (422, "url")
        assert "allow_private_networks" not in str(body)
        _, held = await register(newsroom, "https://receiver.example/hook")
        status, body = await call(newsroom, "PATCH", f"{PATH}/{held['id']}", held["token"], url=receiver.url)
        assert (status, body["errors"][0]["path"]) == (422, "url")
        moved = await newsroom.client.patch(
            f"{PATH}/{held['id']}", json={"url": receiver.url}, headers=newsroom.as_("operator")
        )
        assert moved.status == 422 and (await moved.json())["challenge"]["error_class"] == "refused"
    assert receiver.got == []


async def test_a_new_url_has_to_echo_before_anything_goes_there(opened: Newsroom) -> None:
    async with echoing() as receiver, echoing(not_at_all) as stranger:
        _, made = await register(opened, receiver.url, authorization="Bearer hunter2")
        path = f"{PATH}/{made['id']}"
        status, body = await call(opened, "PATCH", path, made["token"], url=stranger.url)
        assert status == 422 and stranger.got == []  # what was given for another endpoint is not given away
        status, body = await call(opened, "PATCH", path, made["token"], url=stranger.url, authorization=None)
        assert (status, body["challenge"]["echoed"]) == (422, False)
        assert (await call(opened, "GET", path, made["token"]))[1]["url"] == receiver.url
        stranger.how = as_text
        status, body = await call(opened, "PATCH", path, made["token"], url=stranger.url, authorization=None)
        assert (status, body["url"], body["state"]) == (200, stranger.url, "active")
    assert all("authorization" not in headers for _, headers, _ in stranger.got)


async def test_so_many_come_from_one_address_and_the_proxys_word_counts_only_where_it_is_trusted(
    newsroom: Newsroom,
) -> None:
    newsroom.services.limits.adjust(Rates(open=True, registrations_per_address_per_minute=2, tests_per_minute=1000))

    async def several(start: int) -> list[int]:
        return [
            (
                await newsroom.client.post(
                    PATH,
                    json={"url": f"https://r{start + n}.example/hook", "feeds": ["news"]},
                    headers={"X-Forwarded-For": f"203.0.113.{start + n}"},
                )
            ).status
            for n in range(3)
        ]

    assert await several(0) == [201, 201, 429]
    object.__setattr__(newsroom.services, "trusted_proxies", ("127.0.0.0/8",))
    assert await several(10) == [201, 201, 201]


async def test_so_many_point_at_one_host_that_never_answered(opened: Newsroom) -> None:
    rates = Rates(open=True, registrations_per_address_per_minute=1000, tests_per_minute=1000)
    opened.services.limits.adjust(rates)
    found = [(await register(opened, "https://nowhere.invalid/hook"))[0] for _ in range(11)]
    assert found == [201] * 10 + [429]


async def test_as_many_point_at_a_host_as_an_owner_may_have(opened: Newsroom) -> None:
    rates = Rates(2, open=True, registrations_per_address_per_minute=1000, tests_per_minute=1000)
    opened.services.limits.adjust(rates)
    async with echoing() as receiver:
        assert [(await register(opened, receiver.url))[0] for _ in range(3)] == [201, 201, 429]


async def test_what_is_not_verified_within_a_day_is_deleted_with_its_token(
    opened: Newsroom, clock: ManualClock
) -> None:
    async with echoing(not_at_all) as receiver:
        _, pending = await register(opened, receiver.url)
        receiver.how = as_text
        _, active = await register(opened, receiver.url)
    clock.advance(verification.KEPT_SECONDS - 1)
    await pausing.keep(opened.db)
    assert (await call(opened, "GET", f"{PATH}/{pending['id']}", pending["token"]))[0] == 200
    clock.advance(2)
    await pausing.keep(opened.db)
    assert (await call(opened, "GET", f"{PATH}/{pending['id']}", pending["token"]))[0] == 401
    kept = await opened.db.read(subscriptions.get, active["id"])
    assert kept is not None and kept.state is SubscriptionState.ACTIVE
    assert await opened.db.read(keys.find, active["token"]) is not None


async def test_what_it_asked_for_is_kept(opened: Newsroom) -> None:
    async with echoing() as receiver:
        wished = {"ordered": True, "batch": {"max": 5, "wait": "1s"}, "throttle": "60s", "rate_limit": 2.0}
        status, made = await register(opened, receiver.url, **wished)
        assert status == 201
        assert {name: made[name] for name in wished} == wished
        stored = await opened.db.read(subscriptions.existing, made["id"])
        assert stored.options.ordered and stored.options.batch is not None


async def test_its_expression_counts_towards_all(opened: Newsroom, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filters, "EXPRESSIONS", 1)
    async with echoing() as receiver:
        assert (await register(opened, receiver.url, expression="seq > 1"))[0] == 201
        status, said = await register(opened, receiver.url, expression="seq > 2")
        assert (status, "1 different filters" in said["detail"]) == (429, True)
