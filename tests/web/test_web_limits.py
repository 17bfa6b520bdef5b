"""What one owner, one address, and all together at a strange host may ask for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer
from structlog.testing import capture_logs
from support.clock import ManualClock
from support.delivering import endpoint
from webroom import Newsroom, open_newsroom

from publisher.model import Role
from publisher.storage.access import keys
from publisher.storage.engine.database import Database, Tx
from publisher.storage.subscriptions import hosts
from publisher.web.app import make_app
from publisher.web.budgets.allowances import Allowances, Rates

RATES = Rates(
    webhooks_per_owner=3,
    webhooks_per_unverified_host=2,
    registrations_per_minute=5,
    tests_per_minute=4,
    wrong_keys_per_minute=3,
)


class Metronome:
    """A monotonic clock that tests move."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


class Limited:
    """The newsroom with small limits, and a clock to wait by."""

    def __init__(self, room: Newsroom) -> None:
        self.room = room
        self.clock = Metronome()
        self.refused: list[str] = []
        limits = Allowances(RATES, counted=self.refused.append, clock=self.clock)
        services = replace(room.services, limits=limits, trusted_proxies=["127.0.0.0/8"])
        self.client = TestClient(TestServer(make_app(services)))

    async def register(self, role: str = "subscriber", host: str = "receiver.example") -> tuple[int, Any]:
        body = {"url": f"https://{host}/hook", "feeds": ["news"]}
        answer = await self.client.post("/api/v1/webhooks", json=body, headers=self.room.as_(role))
        return answer.status, await answer.json()

    async def ask(self, secret: str, address: str = "203.0.113.7") -> Any:
        headers = {"Authorization": f"Bearer {secret}", "X-Forwarded-For": address}
        return await self.client.get("/api/v1/articles", headers=headers)

    async def statuses(self, times: int, secret: str = "pk_wrong", address: str = "203.0.113.7") -> list[int]:
        return [(await self.ask(secret, address)).status for _ in range(times)]


@pytest.fixture
async def limited(sqlite_db: Database, tmp_path: Path, clock: ManualClock) -> AsyncIterator[Limited]:
    """A newsroom with small limits."""
    async with open_newsroom(sqlite_db, tmp_path / "data", clock) as room:
        made = Limited(room)
        async with made.client:
            yield made


async def test_an_owner_registers_no_more_webhooks_than_the_limit(limited: Limited) -> None:
    for number in range(3):
        assert (await limited.register(host=f"h{number}.example"))[0] == 201
    status, body = await limited.register(host="h3.example")
    assert (status, "webhooks_per_owner" in body["detail"]) == (429, True)
    assert limited.refused == ["webhooks_per_owner"]
    assert (await limited.register("subscriber:other", host="h3.example"))[0] == 201
    for number in range(4, 8):
        assert (await limited.register("operator", host=f"h{number}.example"))[0] == 201


async def test_few_webhooks_point_at_a_host_that_never_answered(limited: Limited) -> None:
    assert (await limited.register("subscriber"))[0] == 201
    moving = (await limited.register("subscriber:other", host="elsewhere.example"))[1]["id"]
    assert (await limited.register("subscriber:other"))[0] == 201
    status, body = await limited.register("subscriber")
    assert (status, "receiver.example" in body["detail"]) == (429, True)

    change = {"url": "https://receiver.example:8443/moved"}
    path, headers = f"/api/v1/webhooks/{moving}", limited.room.as_("subscriber:other")
    assert (await limited.client.patch(path, json=change, headers=headers)).status == 429
    assert (await limited.client.patch(path, json={"description": "x"}, headers=headers)).status == 200
    assert limited.refused == ["webhooks_per_unverified_host"] * 2

    await limited.room.db.write(hosts.verify, {"receiver.example"})
    assert (await limited.client.patch(path, json=change, headers=headers)).status == 200


async def test_registering_again_and_again_is_told_when_to_go_on(limited: Limited) -> None:
    for number in range(5):
        status, body = await limited.register(host=f"h{number}.example")
        if status == 201:
            await limited.client.delete(f"/api/v1/webhooks/{body['id']}", headers=limited.room.as_("subscriber"))
    answer = await limited.client.post(
        "/api/v1/webhooks",
        json={"url": "https://h9.example/", "feeds": ["news"]},
        headers=limited.room.as_("subscriber"),
    )
    assert (answer.status, answer.headers["Retry-After"]) == (429, "12")
    assert "registrations_per_minute" in (await answer.json())["detail"]
    limited.clock.now += 12
    assert (await limited.register(host="h9.example"))[0] == 201
    assert (await limited.register(host="h10.example"))[0] == 429


async def test_tests_are_limited_for_their_owner_and_more_at_a_strange_host(limited: Limited) -> None:
    roles = ["subscriber"] * 3 + ["operator"] * 2 + ["subscriber"] * 2
    async with endpoint(lambda _: 500) as receiver:
        path = await _webhook_at(limited, receiver.url())
        asked = [await _test(limited, path, role) for role in roles]
        assert [answer.status for answer in asked] == [200, 200, 200, 200, 429, 429, 429]
        assert len(receiver.got) == 4
        assert asked[4].headers["Retry-After"] == "15"
        assert "has not answered 2xx yet" in (await asked[4].json())["detail"]
        assert limited.refused == ["tests_at_unverified_host", "tests_at_unverified_host", "tests_per_minute"]


async def test_a_host_whose_test_succeeded_is_strange_no_more(limited: Limited) -> None:
    async with endpoint() as receiver:
        path = await _webhook_at(limited, receiver.url())
        for _ in range(8):
            assert (await _test(limited, path, "operator")).status == 200
    assert await limited.room.db.read(hosts.is_verified, "127.0.0.1")


async def test_two_tests_of_an_owner_are_under_way_at_most(limited: Limited) -> None:
    async with endpoint() as receiver:
        path = await _webhook_at(limited, receiver.url("/held"))
        under_way = [asyncio.create_task(_test(limited, path, "subscriber")) for _ in range(2)]
        await receiver.until(lambda: receiver.held == 2)
        third = await _test(limited, path, "subscriber")
        assert (third.status, "2 tests under way" in await third.text()) == (429, True)
        receiver.release.set()
        assert [one.status for one in await asyncio.gather(*under_way)] == [200, 200]
        assert (await _test(limited, path, "subscriber")).status == 200


async def test_wrong_keys_from_one_address_are_looked_up_a_few_times_only(
    limited: Limited, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[str] = []
    find = keys.find

    def counted(tx: Tx, secret: str) -> Any:
        looked.append(secret)
        return find(tx, secret)

    monkeypatch.setattr(keys, "find", counted)
    with capture_logs() as logged:
        answers = await asyncio.gather(*(limited.ask(f"pk_{n}") for n in range(20)))
    assert sorted(answer.status for answer in answers) == [401] * 3 + [429] * 17
    assert len(looked) == 3
    assert limited.refused.count("wrong_key") == 3
    assert limited.refused.count("wrong_keys_per_minute") == 17
    assert len([one for one in logged if one["event"] == "keys.refused"]) == 1
    assert "pk_" not in str(logged)


async def test_what_was_refused_meanwhile_is_in_the_next_minutes_line(limited: Limited) -> None:
    with capture_logs() as logged:
        await limited.statuses(5)
        limited.clock.now += 60
        await limited.statuses(1, address="198.51.100.1")
    told = [(one["requests"], one["last_from"]) for one in logged if one["event"] == "keys.refused"]
    assert told == [(1, "203.0.113.7"), (5, "198.51.100.1")]


async def test_wrong_keys_hold_up_their_own_address_and_not_for_long(limited: Limited) -> None:
    assert await limited.statuses(4) == [401, 401, 401, 429]
    assert (await limited.ask("pk_wrong", "203.0.113.8")).status == 401
    answer = await limited.ask("pk_wrong")
    assert (answer.status, answer.headers["Retry-After"]) == (429, "20")
    limited.clock.now += 20
    assert await limited.statuses(2) == [401, 429]


async def test_a_right_key_gets_through_beside_any_number_of_wrong_ones(limited: Limited) -> None:
    await limited.statuses(10)
    assert (await limited.ask(limited.room.secrets["editor"])).status == 200
    _, new = await limited.room.db.write(keys.create, Role.EDITOR, "desk")
    limited.clock.now += 10  # refilled with half a token
    await limited.statuses(1)
    assert (await limited.ask(new)).status == 200


async def test_who_knows_how_a_key_begins_guesses_no_faster(limited: Limited) -> None:
    right = limited.room.secrets["editor"]
    statuses = [(await limited.ask(right[:-4] + f"{n:04}")).status for n in range(20)]
    assert statuses == [401] * 6 + [429] * 14
    assert (await limited.ask(limited.room.secrets["operator"])).status == 200


async def test_a_key_that_opened_something_lately_works_whatever_others_try_beside_it(limited: Limited) -> None:
    right = limited.room.secrets["editor"]
    assert (await limited.ask(right)).status == 200
    await limited.statuses(10)
    assert await limited.statuses(5, right) == [200] * 5
    answers = await asyncio.gather(*(limited.ask(right) for _ in range(20)))
    assert {answer.status for answer in answers} == {200}


async def test_many_right_requests_at_once_from_a_new_address_are_all_answered(limited: Limited) -> None:
    answers = await asyncio.gather(*(limited.ask(limited.room.secrets["editor"]) for _ in range(20)))
    assert {answer.status for answer in answers} == {200}
    assert limited.refused == []


async def test_a_revoked_key_opens_nothing_though_it_did_before(limited: Limited) -> None:
    made, secret = await limited.room.db.write(keys.create, Role.EDITOR, "desk")
    assert (await limited.ask(secret)).status == 200
    await limited.room.db.write(keys.revoke, made.id)
    assert await limited.statuses(4, secret) == [401, 401, 401, 429]


async def test_an_ipv6_network_counts_as_one_address(limited: Limited) -> None:
    statuses = [(await limited.ask("pk_wrong", f"2001:db8::{n}")).status for n in range(1, 5)]
    assert statuses == [401, 401, 401, 429]
    assert (await limited.ask("pk_wrong", "2001:db8:0:1::1")).status == 401
    assert (await limited.ask("pk_wrong", "::ffff:203.0.113.1")).status == 401


async def test_who_asks_without_a_key_is_never_held_up(limited: Limited) -> None:
    await limited.statuses(6)
    answer = await limited.client.get("/api/v1/articles", headers={"X-Forwarded-For": "203.0.113.7"})
    assert answer.status == 200


async def _webhook_at(limited: Limited, url: str) -> str:
    body = {"url": url, "feeds": ["news"]}
    answer = await limited.client.post("/api/v1/webhooks", json=body, headers=limited.room.as_("subscriber"))
    assert answer.status == 201, await answer.text()
    return f"/api/v1/webhooks/{(await answer.json())['id']}/test"


async def _test(limited: Limited, path: str, role: str) -> Any:
    return await limited.client.post(path, headers=limited.room.as_(role))
