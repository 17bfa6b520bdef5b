"""``Idempotency-Key``: a repeated request has its effect once, and gets the answer it got."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support import killed_push
from support.clock import ManualClock
from support.statements import counting
from web.webroom import Newsroom

from publisher.maintenance import pruning
from publisher.storage.access import idempotency
from publisher.storage.engine.database import Database, Tx
from publisher.storage.engine.tables import idempotency as table
from publisher.storage.items import articles
from publisher.storage.log import events
from publisher.storage.subscriptions import subscriptions

ARTICLE = {"title": "Judul kopi", "body": "<p>Isi.</p>", "topics": ["kopi"]}
OTHER = {**ARTICLE, "title": "Judul lain"}
REQUESTS: list[tuple[str, str, str, Any]] = [
    ("PUT", "/api/v1/articles/kopi-1", "editor", ARTICLE),
    ("POST", "/api/v1/articles", "editor", [{"id": "a", **ARTICLE}, {"id": "b"}]),
    ("POST", "/api/v1/indicators", "editor", [{"symbol": "EMAS", "value": "900"}, {"symbol": "EMAS"}]),
    ("POST", "/api/v1/webhooks", "subscriber", {"url": "https://receiver.example/hook", "feeds": ["news"]}),
]


async def send(
    newsroom: Newsroom, body: Any = ARTICLE, key: str | None = "k1", *, role: str = "editor",
    path: str = "/api/v1/articles/kopi-1", method: str = "PUT",
) -> tuple[int, bytes, dict[str, str]]:  # fmt: skip
    headers = newsroom.as_(role, **({} if key is None else {"Idempotency-Key": key}))
    answer = await newsroom.client.request(method, path, json=body, headers=headers)
    shown = {name: value for name, value in answer.headers.items() if name not in ("Date", "Server")}
    return answer.status, await answer.read(), shown


def rows(tx: Tx) -> list[Any]:
    return list(tx.conn.execute(table.select()).all())


@pytest.mark.parametrize(("method", "path", "role", "body"), REQUESTS)
async def test_the_same_request_again_gets_the_same_answer_and_has_no_second_effect(
    newsroom: Newsroom, clock: ManualClock, method: str, path: str, role: str, body: Any
) -> None:
    first = await send(newsroom, body, method=method, path=path, role=role)
    assert first[0] in (200, 201)
    before = newsroom.db.last_seq, len(await newsroom.db.read(subscriptions.list_))
    clock.advance(3600)
    again = await send(newsroom, body, method=method, path=path, role=role)
    assert again[2].pop("Idempotent-Replayed") == "true"
    assert again == first
    assert (newsroom.db.last_seq, len(await newsroom.db.read(subscriptions.list_))) == before


async def test_a_repeat_does_not_undo_what_came_between(newsroom: Newsroom) -> None:
    first = await send(newsroom, ARTICLE, "k1")
    await send(newsroom, OTHER, "k2")
    again = await send(newsroom, ARTICLE, "k1")
    assert again[:2] == first[:2]
    stored = await newsroom.db.read(articles.get, "kopi-1")
    assert stored is not None
    assert (stored.data["title"], stored.revision) == ("Judul lain", 2)


async def test_another_body_under_the_same_key_is_refused(newsroom: Newsroom) -> None:
    await send(newsroom, ARTICLE)
    status, body, _ = await send(newsroom, OTHER)
    assert (status, json.loads(body)["status"]) == (422, 422)
    assert "takes a new key" in json.loads(body)["detail"]
    assert newsroom.db.last_seq == 1


async def test_a_key_is_its_owners_and_of_one_method_and_path(one_newsroom: Newsroom) -> None:
    await send(one_newsroom, ARTICLE)
    assert "Idempotent-Replayed" not in (await send(one_newsroom, ARTICLE, role="editor:other"))[2]
    assert "Idempotent-Replayed" not in (await send(one_newsroom, ARTICLE, path="/api/v1/articles/kopi-2"))[2]
    assert (
        "Idempotent-Replayed"
        not in (await send(one_newsroom, [{"id": "x", **ARTICLE}], path="/api/v1/articles", method="POST"))[2]
    )
    # Another key of the same owner is the same owner.
    assert (await send(one_newsroom, ARTICLE, role="operator"))[2]["Idempotent-Replayed"] == "true"


async def test_a_key_may_be_quoted_as_the_draft_has_it(one_newsroom: Newsroom) -> None:
    await send(one_newsroom, ARTICLE, '"8e03978e-40d5"')
    assert (await send(one_newsroom, ARTICLE, "8e03978e-40d5"))[2]["Idempotent-Replayed"] == "true"


@pytest.mark.parametrize("key", ["", '"', '"open', "two words", "k" * 256, "kunci-é"])
async def test_a_key_that_is_none_is_refused(one_newsroom: Newsroom, key: str) -> None:
    assert (await send(one_newsroom, ARTICLE, key))[0] == 400
    assert one_newsroom.db.last_seq == 0


async def test_what_was_refused_may_be_put_right_under_the_same_key(newsroom: Newsroom) -> None:
    assert (await send(newsroom, {"title": "x"}))[0] == 422
    assert (await send(newsroom, ARTICLE))[0] == 201


async def test_a_key_is_free_again_after_a_day_and_its_answer_forgotten(newsroom: Newsroom, clock: ManualClock) -> None:
    await send(newsroom, ARTICLE)
    clock.advance(24 * 3600)
    assert "Idempotent-Replayed" in (await send(newsroom, ARTICLE))[2]
    clock.advance(1)
    status, _, headers = await send(newsroom, OTHER)
    assert (status, "Idempotent-Replayed" in headers) == (200, False)
    clock.advance(24 * 3600 + 1)
    assert await pruning.prune(newsroom.db) == 1
    assert await newsroom.db.read(rows) == []
    with counting(newsroom.db) as sent:
        assert await pruning.prune(newsroom.db) == 0
    assert not any("DELETE" in statement for statement, _ in sent)


async def test_of_two_at_once_one_waits_for_the_other(newsroom: Newsroom) -> None:
    answers = await asyncio.gather(*(send(newsroom, ARTICLE) for _ in range(8)))
    assert {(status, body) for status, body, _ in answers} == {(201, answers[0][1])}
    assert sum("Idempotent-Replayed" in headers for _, _, headers in answers) == 7
    assert [event.subject for event in await newsroom.db.read(events.after, 0, 9)] == ["kopi-1"]


async def test_the_secret_of_a_registration_is_not_stored_in_the_clear(newsroom: Newsroom) -> None:
    method, path, role, body = REQUESTS[3]
    _, answer, _ = await send(newsroom, body, method=method, path=path, role=role)
    secret = json.loads(answer)["secret"]
    (row,) = await newsroom.db.read(rows)
    assert row.sealed
    assert secret.encode() not in bytes(row.body)
    again = await send(newsroom, body, method=method, path=path, role=role)
    assert json.loads(again[1])["secret"] == secret


async def test_an_effect_that_fails_leaves_no_answer_and_an_answer_that_fails_no_effect(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(idempotency, "finish", broken)
    assert (await send(newsroom, ARTICLE))[0] == 503
    assert (newsroom.db.last_seq, await newsroom.db.read(rows)) == (0, [])
    monkeypatch.undo()
    assert (await send(newsroom, ARTICLE))[0] == 201


def test_killed_at_any_step_a_repeat_has_the_effect_once(tmp_path: Path) -> None:
    script = Path(killed_push.__file__)
    done = subprocess.run([sys.executable, script, str(tmp_path)], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    told = [json.loads(line) for line in (tmp_path / "told").read_text().splitlines()]
    assert len(told) > 8
    assert {(one["status"], one["revision"], one["events"]) for one in told} == {(201, 1, 1)}
    # The first was killed before it began, the last two after it had committed, before it answered and after.
    assert [told[place]["replayed"] for place in (0, -2, -1)] == [False, True, True]


async def test_the_database_of_another_process_knows_the_answer(newsroom: Newsroom, open_database: Any) -> None:
    await send(newsroom, ARTICLE)
    other: Database = await open_database()
    assert len(await other.read(rows)) == 1
