"""A text that was cut inside a character is its own item's fault, and nobody else's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from support.clock import ManualClock
from support.reading import Answer, Server, open_source
from web.webroom import Newsroom

from publisher.jsonbytes import HALF, load, whole

PATH = "/api/v1/articles"
HALVES = [rb"\ud83d", rb"\uDE00", rb"\ude00\ud83d", b"\xed\xa0\xbd", b"\\\\\\ud83d"]


async def send(newsroom: Newsroom, method: str, path: str, body: bytes) -> tuple[int, Any]:
    headers = newsroom.as_("editor", **{"Content-Type": "application/json"})
    answer = await newsroom.client.request(method, path, data=body, headers=headers)
    return answer.status, await answer.json()


def story(title: bytes, id: bytes = b"a") -> bytes:
    return b'{"id": "%b", "title": "%b", "body": "<p>Isi.</p>"}' % (id, title)


@pytest.mark.parametrize("half", HALVES)
async def test_of_a_batch_only_the_article_with_the_cut_text_is_refused(one_newsroom: Newsroom, half: bytes) -> None:
    batch = b"[%b,%b]" % (story(b"Panen " + half, b"putus"), story(rb"Utuh \ud83d\ude00", b"utuh"))
    status, body = await send(one_newsroom, "POST", PATH, batch)
    assert (status, body["taken"], body["refused"]) == (200, 1, 1)
    assert body["articles"][0] == {
        "id": "putus",
        "outcome": "error",
        "errors": [
            {
                "path": "[0].title",
                "message": "is cut inside a character: it holds half of one (a lone surrogate); send it whole",
            }
        ],
    }
    assert (await one_newsroom.get(f"{PATH}/utuh", "editor"))["title"] == "Utuh 😀"


async def test_a_cut_id_is_the_fault_of_its_article_alone(one_newsroom: Newsroom) -> None:
    status, body = await send(one_newsroom, "POST", PATH, b"[%b,%b]" % (story(b"A", rb"\ud83d"), story(b"B", b"b")))
    assert (status, [one["outcome"] for one in body["articles"]]) == (200, ["error", "new"])
    assert body["articles"][0]["errors"][0]["path"] == "[0].id"


@pytest.mark.parametrize(
    ("payload", "path"),
    [
        (rb'{"title": "x\ud83d", "body": "<p>a</p>"}', "title"),
        (rb'{"title": "x", "body": "<p>a\ud83d</p>"}', "body"),
        (rb'{"title": "x", "body": "<p>a</p>", "authors": ["A", "B\ud83d"]}', "authors[1]"),
        (rb'{"title": "x", "body": "<p>a</p>", "images": [{"url": "https://a.example/1", "credit": "\ude00"}]}',
         "images[0].credit"),
    ],
)  # fmt: skip
async def test_one_article_with_a_cut_text_is_told_where_it_is(
    one_newsroom: Newsroom, payload: bytes, path: str
) -> None:
    status, body = await send(one_newsroom, "PUT", f"{PATH}/a", payload)
    assert (status, [fault["path"] for fault in body["errors"]]) == (422, [path])


async def test_of_many_observations_only_the_one_with_the_cut_text_is_refused(one_newsroom: Newsroom) -> None:
    rows = rb'[{"symbol": "EMAS", "value": "1", "unit": "\ud83d"}, {"symbol": "USD/IDR", "value": "2"}]'
    status, body = await send(one_newsroom, "POST", "/api/v1/indicators", rows)
    assert status == 201
    assert [fault["path"] for fault in body["errors"]] == ["[0].unit"]


@pytest.mark.parametrize(
    ("body", "place"),
    [
        (b'[{"title": "\\ud83d"},\n {"title" 5}]', "line 2, column 11"),
        (b'[{"title": "a\n"}]', "line 1, column 14"),
        (b'[\n "\\ud83d", "\xff"]', "line 2, column 13"),
        (b"[", "line 1, column 2"),
    ],
)
async def test_what_is_no_json_is_still_refused_with_its_place(one_newsroom: Newsroom, body: bytes, place: str) -> None:
    status, answer = await send(one_newsroom, "POST", PATH, body)
    assert (status, [fault["path"] for fault in answer["errors"]]) == (400, [place])


async def test_a_file_with_a_cut_text_is_read_without_the_half_and_that_is_told(
    tmp_path: Path, clock: ManualClock
) -> None:
    (tmp_path / "inbox").mkdir()
    (tmp_path / "inbox" / "a.json").write_bytes(b"[%b, %b]" % (story(rb"Putus \ud83d", b"a"), story(b"Utuh", b"b")))
    clock.advance(60)
    batch = await open_source("folder", tmp_path, clock, path="inbox").read({})
    assert [one.article.title for one in batch.articles] == ["Putus", "Utuh"]
    assert ("[0].title", "warning") in {(one.field, one.severity) for one in batch.problems}


async def test_a_mapped_document_with_a_cut_text_is_read_without_the_half_and_that_is_told(
    tmp_path: Path, clock: ManualClock
) -> None:
    body = (
        rb'[{"url": "https://a.example/\ud83d", "t": "Putus \ud83d", "b": "<p>x"}, {"url": "/2", "t": "U", "b": "y"}]'
    )
    source = open_source(
        "json", tmp_path, clock, http=Server(Answer(body)), url="https://a.example/",
        articles={"items": "[*]", "url": "url", "title": "t", "body": "b"},
    )  # fmt: skip
    batch = await source.read({})
    assert [one.article.title for one in batch.articles] == ["Putus", "U"]
    assert ("title", "warning") in {(one.field, one.severity) for one in batch.problems}


async def test_a_json_feed_with_a_cut_text_is_read_without_the_half_and_that_is_told(
    tmp_path: Path, clock: ManualClock
) -> None:
    body = (
        rb'{"version": "https://jsonfeed.org/version/1.1", "items": [{"id": "1", "title": "Putus \ud83d", '
        rb'"content_text": "x"}, {"id": "2", "title": "Utuh", "content_html": "<p>y\ude00"}]}'
    )
    batch = await open_source("feed", tmp_path, clock, http=Server(Answer(body)), url="https://a.example/").read({})
    assert [(one.article.title, one.article.body) for one in batch.articles] == [
        ("Putus", "<p>x</p>"),
        ("Utuh", "<p>y</p>"),
    ]
    assert {("title", "warning"), ("body", "warning")} <= {(one.field, one.severity) for one in batch.problems}


_TEXT = st.text(st.characters(exclude_categories=()), max_size=8)


@given(st.lists(_TEXT))
@example(["\\", "\\ud83d", '"', "\ud83d", "\ude00\ud83d", "\\\ud83d"])
def test_json_with_halves_is_read_as_it_is_written_but_for_them(texts: list[str]) -> None:
    written = json.dumps(texts).encode()
    halves = {chr(code): HALF for code in range(0xD800, 0xE000)}
    # What json writes as two halves side by side is one character to every reader.
    meant = [one.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass") for one in map(joined, texts)]
    assert load(written) == [one.translate(str.maketrans(halves)) for one in meant]
    assert whole(whole(written)) == whole(written)


def joined(text: str) -> str:
    return json.loads(json.dumps(text))


@given(st.binary(max_size=40))
@example(b'"\xed\xa0\xbd\xed\xb8\x80"')
def test_whatever_the_bytes_they_are_read_or_refused_as_no_json(body: bytes) -> None:
    try:
        found = load(b'["' + body + b'"]')
    except orjson.JSONDecodeError:
        return
    assert orjson.dumps(found)
