"""``POST /api/v1/articles``: the good ones are taken though others are refused, and each is accounted for."""

from __future__ import annotations

import asyncio
import gzip
import io
import json
import zlib
from pathlib import Path
from typing import Any

import pytest
from web.webroom import Newsroom

from publisher.app.installation import DOCUMENT_JOBS
from publisher.isolation import Isolated
from publisher.storage.items import articles
from publisher.storage.log import events
from publisher.web.api.batches import BATCH_LIMIT
from publisher.web.http.request import BODY_LIMIT

PATH = "/api/v1/articles"


def article(id: Any, **fields: Any) -> dict[str, Any]:
    return {"id": id, "title": f"Judul {id}", "body": "<p>Isi.</p>", "topics": ["kopi"], **fields}


async def post(newsroom: Newsroom, body: Any, role: str = "editor", **headers: str) -> tuple[int, Any]:
    answer = await newsroom.client.post(PATH, json=body, headers=newsroom.as_(role, **headers))
    return answer.status, await answer.json()


async def test_what_became_of_each_is_told_in_their_order(newsroom: Newsroom) -> None:
    await newsroom.push("lama")
    await newsroom.push("sama")
    batch = [
        article("baru"),
        article("lama", title="Judul lain"),
        {**article("sama"), "body": "<p>Isi sama.</p>"},
        article("nanti", published="2026-03-02T10:00:00Z"),
        article("rusak", title=" "),
        article("-bad"),
        {"title": "tanpa id", "body": "<p>x</p>"},
        article("baru", title="Lagi"),
        "bukan objek",
    ]
    status, body = await post(newsroom, batch)
    assert (status, body["taken"], body["refused"]) == (200, 4, 5)
    assert [(one["id"], one["outcome"], one.get("etag")) for one in body["articles"]] == [
        ("baru", "new", '"r1"'),
        ("lama", "changed", '"r2"'),
        ("sama", "unchanged", '"r1"'),
        ("nanti", "embargoed", '"r0.1"'),
        ("rusak", "error", None),
        ("-bad", "error", None),
        (None, "error", None),
        ("baru", "error", None),
        (None, "error", None),
    ]
    assert body["articles"][3]["embargoed_until"] == "2026-03-02T10:00:00Z"
    paths = [fault["path"] for one in body["articles"][4:] for fault in one["errors"]]
    assert paths == ["[4].title", "[5].id", "[6].id", "[7].id", "[8]"]
    listed = (await newsroom.get(PATH))["articles"]
    assert {one["id"]: one["title"] for one in listed} == {
        "baru": "Judul baru", "lama": "Judul lain", "sama": "Judul sama",
    }  # fmt: skip


async def test_a_thousand_are_taken_in_one_transaction(newsroom: Newsroom) -> None:
    status, body = await post(newsroom, [article(f"a-{number}") for number in range(1000)])
    assert (status, body["taken"], {one["outcome"] for one in body["articles"]}) == (200, 1000, {"new"})
    assert await newsroom.db.read(articles.count) == 1000
    assert newsroom.db.last_seq == 1000
    moments = {event.timestamp for event in await newsroom.db.read(events.after, 0, 2000)}
    assert len(moments) == 1


@pytest.mark.parametrize("body", [[], {}, article("a"), "x", 5])
async def test_what_is_no_batch_is_refused(one_newsroom: Newsroom, body: Any) -> None:
    status, problem = await post(one_newsroom, body)
    assert (status, "list of 1 to 1000" in problem["detail"]) == (422, True)


async def test_more_than_a_thousand_are_refused_and_none_taken(one_newsroom: Newsroom) -> None:
    status, problem = await post(one_newsroom, [article(f"a-{number}") for number in range(1001)])
    assert (status, "1001" in problem["detail"]) == (422, True)
    assert await one_newsroom.db.read(articles.count) == 0


async def test_a_batch_without_a_good_one_is_refused_with_every_reason(one_newsroom: Newsroom) -> None:
    status, problem = await post(one_newsroom, [article("a", title=""), article("b", body=7), {}])
    assert status == 422
    assert {error["path"] for error in problem["errors"]} >= {"[0].title", "[1].body", "[2].id"}


async def test_an_article_over_the_limit_is_refused_and_the_others_are_taken(one_newsroom: Newsroom) -> None:
    status, body = await post(one_newsroom, [article("besar", body="x" * BODY_LIMIT), article("kecil")])
    assert (status, [one["outcome"] for one in body["articles"]]) == (200, ["error", "new"])
    assert f"may have {BODY_LIMIT}" in body["articles"][0]["errors"][0]["message"]


@pytest.mark.parametrize(("path", "method", "limit"), [(PATH, "POST", BATCH_LIMIT), (PATH + "/a", "PUT", BODY_LIMIT)])
@pytest.mark.parametrize("coding", [None, "gzip", "deflate", "chunked"])
async def test_a_body_over_the_limit_is_refused_however_it_comes(
    one_newsroom: Newsroom, path: str, method: str, limit: int, coding: str | None
) -> None:
    body = json.dumps([article("a", body="x" * limit)]).encode()
    headers = one_newsroom.as_("editor", **{"Content-Type": "application/json"})
    data: Any = io.BytesIO(body)
    if coding in ("gzip", "deflate"):
        data = gzip.compress(body) if coding == "gzip" else zlib.compress(body)
        headers["Content-Encoding"] = coding
    elif coding == "chunked":
        data = _pieces(body)
    answer = await one_newsroom.client.request(method, path, data=data, headers=headers)
    assert (answer.status, str(limit) in (await answer.json())["detail"]) == (413, True)
    assert await one_newsroom.db.read(articles.count) == 0


async def _pieces(body: bytes) -> Any:
    for start in range(0, len(body), 65536):
        yield body[start : start + 65536]
        await asyncio.sleep(0)


async def test_pushing_takes_an_editors_key(one_newsroom: Newsroom) -> None:
    assert (await post(one_newsroom, [article("a")], "subscriber"))[0] == 403
    answer = await one_newsroom.client.post(PATH, json=[article("a")])
    assert answer.status == 401


async def test_of_indicators_too_the_good_ones_are_taken_and_the_others_itemised(newsroom: Newsroom) -> None:
    observations = [{"symbol": "EMAS", "value": "900"}, {"symbol": "EMAS"}, {"symbol": "USD/IDR", "value": 1.5}]
    answer = await newsroom.client.post("/api/v1/indicators", json=observations, headers=newsroom.as_("editor"))
    body = await answer.json()
    assert answer.status == 201
    assert body["indicators"] == [{"symbol": "EMAS", "outcome": "new"}]
    assert {error["path"].partition(".")[0] for error in body["errors"]} == {"[1]", "[2]"}


async def test_a_body_of_very_many_keys_is_refused_in_one_sentence(one_newsroom: Newsroom) -> None:
    body = {"title": "Judul", "body": "<p>Isi", **{f"key{n}": n for n in range(16_000)}}
    answer = await one_newsroom.client.put(f"{PATH}/n-1", json=body, headers=one_newsroom.as_("editor"))
    assert answer.status == 422
    assert "16,002 keys; nothing here takes more than 100" in (await answer.json())["detail"]


async def test_of_very_many_faults_the_first_hundred_are_told(one_newsroom: Newsroom) -> None:
    body = {"title": "Judul", "body": "<p>Isi", "images": [1] * 900}
    answer = await one_newsroom.client.put(f"{PATH}/n-1", json=body, headers=one_newsroom.as_("editor"))
    assert answer.status == 422
    errors = (await answer.json())["errors"]
    assert (len(errors), errors[99]["path"]) == (101, "images[99]")
    assert errors[100]["message"].startswith("800 more faults")


async def post_large(newsroom: Newsroom, body: Any) -> tuple[int, Any]:
    data = io.BytesIO(body if isinstance(body, bytes) else json.dumps(body).encode())
    headers = newsroom.as_("editor") | {"Content-Type": "application/json"}
    answer = await newsroom.client.post(PATH, data=data, headers=headers)
    return answer.status, await answer.json()


async def test_a_large_body_is_read_in_a_process_of_its_own_as_a_small_one_is_here(
    one_newsroom: Newsroom,
) -> None:
    large = "x" * 150_000
    batch = [*(article(f"a-{n}", body=f"<p>{large}</p>", tilte=1) for n in range(8)), article("b", body=large * 7), 5]
    here = await post_large(one_newsroom, batch)
    runner = Isolated(DOCUMENT_JOBS)
    # The services of a room are fixed; a running installation gives them its own.
    object.__setattr__(one_newsroom.services, "runner", runner)
    there = await post_large(one_newsroom, batch)
    assert runner.pid is not None
    assert there == here
    assert here[0] == 422

    good = [article(f"a-{n}", body=f"<p>{large}</p>") for n in range(8)]
    status, body = await post_large(one_newsroom, good)
    assert (status, body["taken"]) == (200, 8)
    heavy = {"title": "Judul", "body": "<p>Isi <b>tebal</b>.</p>" * 4_000}
    answer = await one_newsroom.client.put(f"{PATH}/berat", json=heavy, headers=one_newsroom.as_("editor"))
    assert (answer.status, (await answer.json())["article"]["body"].count("<b>")) == (201, 4_000)
    deep = await one_newsroom.client.put(
        f"{PATH}/dalam", json={"title": "Judul", "body": "<div>" * 30_000}, headers=one_newsroom.as_("editor")
    )
    assert deep.status == 422
    assert "nested deeper than 400" in (await deep.json())["errors"][0]["message"]
    for broken, status in ((b"[" * 1_100_000, 400), (b'{"a":"' + b"x" * 1_100_000 + b'"}', 422)):
        assert (await post_large(one_newsroom, broken))[0] == status
    await runner.close()


@pytest.mark.parametrize(
    ("limits", "status", "detail", "again"),
    [
        ({"seconds": 0}, 422, "the body took over 0 s of the processor", None),
        ({"deadline": 0.5}, 503, "the body could not be read now; send it again in 30 s", "30"),
        ({"module": "support.no_such"}, 503, "the body could not be read now; send it again in 30 s", "30"),
        ({"module": "support.faulty"}, 500, "the body could not be read for a fault of the server", None),
    ],
    ids=["too much", "late", "no process", "faulty"],
)
async def test_only_a_body_that_is_too_much_is_refused_and_others_may_be_sent_again(
    limits: dict[str, Any], status: int, detail: str, again: str | None, one_newsroom: Newsroom
) -> None:
    slow = Isolated(limits.pop("module", "support.slow"), root=Path(__file__).parents[1], **limits)
    object.__setattr__(one_newsroom.services, "runner", slow)
    data = io.BytesIO(json.dumps([article(f"a-{n}", body="x" * 150_000) for n in range(8)]).encode())
    headers = one_newsroom.as_("editor") | {"Content-Type": "application/json"}
    answer = await one_newsroom.client.post(PATH, data=data, headers=headers)
    assert answer.status == status
    assert (await answer.json())["detail"].startswith(detail)
    assert answer.headers.get("Retry-After") == again
    await slow.close()


async def test_what_is_wrong_with_a_body_is_said_in_the_words_of_its_own_request(one_newsroom: Newsroom) -> None:
    slow = Isolated("support.faulty", root=Path(__file__).parents[1])
    object.__setattr__(one_newsroom.services, "runner", slow)
    heavy = {"title": "Judul", "body": "<p>Isi <b>tebal</b>.</p>" * 4_000}
    one = await one_newsroom.client.put(f"{PATH}/n-1", json=heavy, headers=one_newsroom.as_("editor"))
    assert (one.status, (await one.json())["detail"]) == (422, "the body takes more memory than there is")
    await slow.close()

    runner = Isolated(DOCUMENT_JOBS)
    object.__setattr__(one_newsroom.services, "runner", runner)
    for body, said in (
        ([], "is a list of 0"), ([1] * 1_001, "is a list of 1001"), ({"a": 1}, "is no list; send one article with PUT"),
        ({"a": "x" * 1_100_000}, "is no list; send one article with PUT"),
        ([*[1] * 1_001, "x" * 1_100_000], "is a list of 1002"),
    ):  # fmt: skip
        status, problem = await post_large(one_newsroom, body)
        wanted = f"the body must be a list of 1 to 1000 articles, each with its id; it {said}"
        assert (status, problem["detail"]) == (422, wanted)
    await runner.close()


@pytest.mark.parametrize("less_than", [b"<", b"\\u003c", b"\\u003C"])
async def test_a_batch_is_weighed_by_its_tags_as_one_article_is(less_than: bytes, one_newsroom: Newsroom) -> None:
    runner = Isolated(DOCUMENT_JOBS)
    object.__setattr__(one_newsroom.services, "runner", runner)
    light = json.dumps([article("a-1", body="<p>Isi.</p>")]).encode()
    assert (await post_large(one_newsroom, light))[0] == 200
    assert runner.pid is None
    heavy = json.dumps([article("a-2", body="<p>Isi.</p>" * 6_000)]).encode().replace(b"<", less_than)
    assert len(heavy) < 200_000
    assert (await post_large(one_newsroom, heavy))[0] == 200
    assert runner.pid is not None
    await runner.close()
