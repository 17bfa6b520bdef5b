"""``ETag``, ``If-Match`` and ``If-None-Match`` on articles: no one overwrites what they have not seen."""

from __future__ import annotations

from typing import Any

import pytest
from web.webroom import Newsroom

PATH = "/api/v1/articles/kopi-1"
ARTICLE = {"title": "Judul kopi", "body": "<p>Isi.</p>", "topics": ["kopi"]}


async def put(newsroom: Newsroom, title: str = "Judul kopi", fields: Any = None, **headers: str) -> Any:
    body = {**ARTICLE, "title": title, **(fields or {})}
    sent = newsroom.as_("editor", **{name.replace("_", "-"): value for name, value in headers.items()})
    return await newsroom.client.put(PATH, json=body, headers=sent)


async def delete(newsroom: Newsroom, **headers: str) -> Any:
    sent = newsroom.as_("editor", **{name.replace("_", "-"): value for name, value in headers.items()})
    return await newsroom.client.delete(PATH, headers=sent)


async def test_the_etag_is_the_revision_and_moves_with_it(newsroom: Newsroom) -> None:
    answers = [await put(newsroom, title) for title in ("satu", "satu", "dua")]
    assert [answer.headers["ETag"] for answer in answers] == ['"r1"', '"r1"', '"r2"']
    for caller, tag in ((newsroom.as_("editor"), '"r2"'), ({}, '"r2-public"')):
        read = await newsroom.client.get(PATH, headers=caller)
        assert read.headers["ETag"] == tag
        unchanged = await newsroom.client.get(PATH, headers=caller | {"If-None-Match": tag})
        assert (unchanged.status, await unchanged.read(), unchanged.headers["ETag"]) == (304, b"", tag)
        assert (await newsroom.client.get(PATH, headers=caller | {"If-None-Match": '"r1"'})).status == 200


async def test_a_change_to_a_version_that_is_no_more_is_refused(newsroom: Newsroom) -> None:
    await put(newsroom, "satu")
    assert (await put(newsroom, "dua", If_Match='"r1"')).status == 200
    late = await put(newsroom, "tiga", If_Match='"r1"')
    assert (late.status, late.headers["ETag"]) == (412, '"r2"')
    assert '"r2" now' in (await late.json())["detail"]
    assert (await newsroom.get(PATH))["title"] == "dua"
    assert (await put(newsroom, "tiga", If_Match='"r9", "r2"')).status == 200


@pytest.mark.parametrize("tag", ['W/"r1"', '"r2"', "r1", "", '"r1.1"'])
async def test_only_the_very_version_matches(one_newsroom: Newsroom, tag: str) -> None:
    await put(one_newsroom, "satu")
    assert (await put(one_newsroom, "dua", If_Match=tag)).status == 412
    assert (await delete(one_newsroom, If_Match=tag)).status == 412
    assert one_newsroom.db.last_seq == 1


async def test_a_withdrawal_of_a_version_that_is_no_more_is_refused(newsroom: Newsroom) -> None:
    await put(newsroom, "satu")
    await put(newsroom, "dua")
    assert (await delete(newsroom, If_Match='"r1"')).status == 412
    assert (await newsroom.client.get(PATH)).status == 200
    assert (await delete(newsroom, If_Match='"r2"')).status == 200
    assert (await newsroom.client.get(PATH)).status == 410


async def test_create_only_creates_only(newsroom: Newsroom) -> None:
    assert (await put(newsroom, "satu", If_None_Match="*")).status == 201
    again = await put(newsroom, "dua", If_None_Match="*")
    assert (again.status, again.headers["ETag"]) == (412, '"r1"')
    assert (await newsroom.get(PATH))["title"] == "satu"
    await delete(newsroom)
    assert (await put(newsroom, "tiga", If_None_Match="*")).status == 201


async def test_change_only_changes_only(newsroom: Newsroom) -> None:
    missing = await put(newsroom, "satu", If_Match="*")
    assert (missing.status, "ETag" in missing.headers) == (412, False)
    await put(newsroom, "satu")
    assert (await put(newsroom, "dua", If_Match="*")).status == 200
    await delete(newsroom)
    assert (await put(newsroom, "tiga", If_Match="*")).status == 412


async def test_what_waits_has_versions_too(newsroom: Newsroom) -> None:
    later = {"published": "2026-03-02T10:00:00Z"}
    first = await put(newsroom, "satu", later)
    same = await put(newsroom, "satu", later)
    second = await put(newsroom, "dua", later, If_Match=first.headers["ETag"])
    assert [answer.headers["ETag"] for answer in (first, same, second)] == ['"r0.1"', '"r0.1"', '"r0.2"']
    assert (await put(newsroom, "tiga", later, If_Match='"r0.1"')).status == 412
    assert (await put(newsroom, "tiga", later, If_None_Match="*")).status == 412
    assert (await newsroom.client.get(PATH, headers=newsroom.as_("editor"))).headers["ETag"] == '"r0.2"'
    assert (await put(newsroom, "tiga", If_Match='"r0.2"')).headers["ETag"] == '"r1"'
    assert (await put(newsroom, "empat", later)).headers["ETag"] == '"r2.1"'


async def test_a_repeat_under_a_key_is_answered_though_the_version_has_moved(newsroom: Newsroom) -> None:
    await put(newsroom, "satu")
    headers = {"If_Match": '"r1"', "Idempotency_Key": "k"}
    assert [(await put(newsroom, "dua", **headers)).status for _ in range(2)] == [200, 200]
    assert (await newsroom.client.get(PATH, headers=newsroom.as_("editor"))).headers["ETag"] == '"r2"'
