"""Keys: when they were used last, their secrets while they overlap, and their right to private networks."""

from __future__ import annotations

from typing import Any

import pytest
from support.clock import ManualClock
from support.receiver import receiving
from webroom import Newsroom

from publisher.model import Key, Role
from publisher.storage.access import keys
from publisher.storage.engine.database import Database, Tx
from publisher.storage.subscriptions import subscriptions

PATH = "/api/v1/webhooks"


async def asked(newsroom: Newsroom, secret: str) -> int:
    answer = await newsroom.client.get(PATH, headers={"Authorization": f"Bearer {secret}"})
    await newsroom.services.limits.uses.written()
    return answer.status


async def stored(newsroom: Newsroom, secret: str) -> Key:
    found = await newsroom.db.read(keys.find, secret)
    assert found is not None
    return found


async def test_the_last_use_of_a_key_is_known_to_the_hour_and_written_once_in_it(
    newsroom: Newsroom, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    writes: list[str] = []
    original = keys.used

    def used(tx: Tx, id: str) -> None:
        writes.append(id)
        original(tx, id)

    monkeypatch.setattr(keys, "used", used)
    secret = newsroom.secrets["subscriber"]
    before = await stored(newsroom, secret)
    assert before.last_used_at is None
    first = clock()
    for _ in range(5):
        assert await asked(newsroom, secret) == 200
        clock.advance(60)
    assert (await stored(newsroom, secret)).last_used_at == first
    assert writes == [before.id]
    clock.advance(3600)
    assert await asked(newsroom, secret) == 200
    assert (await stored(newsroom, secret)).last_used_at == clock()
    assert writes == [before.id] * 2


async def test_a_key_that_is_not_used_or_wrong_has_no_use(newsroom: Newsroom) -> None:
    assert await asked(newsroom, "pk_wrong") == 401
    assert await asked(newsroom, newsroom.secrets["editor"]) == 200
    used = [one.role for one in await newsroom.db.read(keys.list_) if one.last_used_at is not None]
    assert used == [Role.EDITOR]


async def test_both_secrets_open_a_rotated_key_until_the_overlap_ends(db: Database, clock: ManualClock) -> None:
    key, old = await db.write(keys.create, Role.EDITOR, "desk")
    rotated, new = await db.write(keys.rotate, key.id, 3600.0)
    assert rotated.previous_until is not None
    for secret in (old, new):
        found = await db.read(keys.find, secret)
        assert found is not None and (found.id, found.role) == (key.id, Role.EDITOR)
        assert secret.startswith(found.prefix)
        assert (found.id, found.prefix) in await db.read(keys.in_force)
        assert secret[: keys.PREFIX_LENGTH] in await db.read(keys.prefixes)
    clock.advance(3600)
    assert await db.read(keys.find, old) is None
    assert await db.read(keys.find, new) is not None
    assert await db.read(keys.in_force) == {(key.id, rotated.prefix)}


async def test_of_many_rotations_the_last_but_one_secret_is_valid_at_most(db: Database) -> None:
    key, first = await db.write(keys.create, Role.EDITOR, "desk")
    _, second = await db.write(keys.rotate, key.id, 3600.0)
    _, third = await db.write(keys.rotate, key.id, 3600.0)
    valid = [await db.read(keys.find, one) is not None for one in (first, second, third)]
    assert valid == [False, True, True]
    _, fourth = await db.write(keys.rotate, key.id)
    valid = [await db.read(keys.find, one) is not None for one in (second, third, fourth)]
    assert valid == [False, False, True]


async def test_neither_secret_of_a_revoked_key_opens_anything(db: Database) -> None:
    key, old = await db.write(keys.create, Role.EDITOR, "desk")
    _, new = await db.write(keys.rotate, key.id, 3600.0)
    await db.write(keys.revoke, key.id)
    assert [await db.read(keys.find, one) for one in (old, new)] == [None, None]
    assert await db.read(keys.in_force) == frozenset()


async def test_private_networks_are_a_right_of_the_key_that_only_operators_have_by_default(newsroom: Newsroom) -> None:
    async with receiving() as receiver:
        for role, right, status in (
            (Role.SUBSCRIBER, None, 422), (Role.EDITOR, None, 422), (Role.OPERATOR, None, 201),
            (Role.SUBSCRIBER, True, 201), (Role.OPERATOR, False, 422),
        ):  # fmt: skip
            made, secret = await newsroom.db.write(keys.create, role, f"owner-{role}-{right}", private_networks=right)
            assert made.private_networks is (role is Role.OPERATOR if right is None else right)
            answer = await newsroom.client.post(
                PATH, json={"url": receiver.url, "feeds": ["news"]}, headers={"Authorization": f"Bearer {secret}"}
            )
            body = await answer.json()
            assert answer.status == status, body
            if status == 422:
                assert [one["path"] for one in body["errors"]] == ["url"]


async def test_a_key_without_the_right_points_no_webhook_there_and_a_name_that_leads_there_is_not_followed(
    newsroom: Newsroom,
) -> None:
    _, secret = await newsroom.db.write(keys.create, Role.SUBSCRIBER, "outside")
    headers = {"Authorization": f"Bearer {secret}"}

    async def call(method: str, path: str = "", **body: Any) -> tuple[int, Any]:
        answer = await newsroom.client.request(method, PATH + path, json=body, headers=headers)
        return answer.status, await answer.json()

    async with receiving() as receiver:
        _, made = await call("POST", url="https://receiver.example/hook", feeds=["news"])
        status, body = await call("PATCH", f"/{made['id']}", url=receiver.url)
        assert (status, body["errors"][0]["path"]) == (422, "url")

        # As if its name had come to lead there since:
        def moved(tx: Tx) -> None:
            subscriptions.update(tx, made["id"], url=receiver.url)

        await newsroom.db.write(moved)
        _, tested = await call("POST", f"/{made['id']}/test")
    assert (tested["delivered"], tested["error_class"]) == (False, "refused")
    assert receiver.attempts == []


async def test_an_owner_has_a_hundred_webhooks_by_default_and_may_use_one_url_twice(newsroom: Newsroom) -> None:
    from publisher.web.budgets.allowances import Rates

    rates = Rates(webhooks_per_unverified_host=1000, registrations_per_minute=1000)
    newsroom.services.limits.adjust(rates)
    body = {"url": "https://receiver.example/hook", "feeds": ["news"]}
    found = []
    for _ in range(101):
        answer = await newsroom.client.post(PATH, json=body, headers=newsroom.as_("subscriber"))
        found.append(answer.status)
    assert found == [201] * 100 + [429]
