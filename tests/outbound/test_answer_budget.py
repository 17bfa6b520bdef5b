"""What an answer may cost, whoever gives it: every claim is tried against bytes on a real socket."""

from __future__ import annotations

import asyncio
import gzip
import itertools
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable

import pytest

from publisher.errors import FetchError
from publisher.outbound import Outbound
from publisher.outbound.transport import BUDGET, SLICE, Budget, BudgetedProtocol

LIMIT = 100_000

Answer = Callable[[], Iterable[bytes]]
Serve = Callable[[Answer], Awaitable[str]]


@pytest.fixture
async def outbound() -> AsyncIterator[Outbound]:
    client = Outbound(allow_private=["127.0.0.0/8:*"], timeout=60)
    yield client
    await client.close()


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Answers each request of a connection with all bytes of one answer, and then waits for the next."""
    servers: list[asyncio.Server] = []

    async def start(answer: Answer) -> str:
        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                while await reader.readuntil(b"\r\n\r\n"):
                    for part in answer():
                        writer.write(part)
                        await writer.drain()
            except (ConnectionError, asyncio.IncompleteReadError):
                pass
            finally:
                writer.close()

        servers.append(await asyncio.start_server(talk, "127.0.0.1", 0))
        return f"http://127.0.0.1:{servers[-1].sockets[0].getsockname()[1]}/"

    yield start
    for server in servers:
        server.close()


def once(*parts: bytes) -> Answer:
    return lambda: parts


def without_end(part: bytes, first: bytes = b"") -> Answer:
    return lambda: itertools.chain([first], itertools.repeat(part))


CUT_OFF = "the answer (is cut off|cannot be read): "
OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"

ENDLESS_HEADS = {
    "interim answers": without_end(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 4096),
    "interim answers, one at a time": without_end(b"HTTP/1.1 102 Processing\r\n\r\n"),
    "interim answers with heads": without_end(b"HTTP/1.1 103 Early Hints\r\nLink: <" + b"a" * 8000 + b">\r\n\r\n"),
    "empty lines": without_end(b"\r\n" * 32_768),
    "header lines": without_end(b"A: b\r\n" * 4096, OK),
    "long header lines": without_end(b"A: " + b"b" * 8000 + b"\r\n", OK),
    "one header line": without_end(b"b" * 4096, OK + b"A: "),
}


@pytest.mark.parametrize("name", ENDLESS_HEADS)
async def test_a_head_without_end_is_cut_off_by_its_bytes(name: str, outbound: Outbound, serve: Serve) -> None:
    url = await serve(ENDLESS_HEADS[name])
    result = await outbound.post(url, b"{}", {})
    assert result.status is None
    assert re.match(CUT_OFF, result.error or "")
    with pytest.raises(FetchError, match=CUT_OFF):
        await outbound.get(url, limit=LIMIT)


async def test_what_cut_an_answer_off_is_said_with_its_limit(outbound: Outbound, serve: Serve) -> None:
    interim = await outbound.post(await serve(ENDLESS_HEADS["interim answers"]), b"{}", {})
    lines = await outbound.post(await serve(ENDLESS_HEADS["long header lines"]), b"{}", {})
    assert interim.error == "the answer is cut off: more than 32 interim answers (1xx) came before it"
    assert lines.error == "the answer is cut off: its head goes on after 65536 bytes"


ENDLESS_BODIES = {
    "chunk extension": without_end(b"a" * 4096, CHUNKED + b"5;"),
    "chunks of one byte": without_end(b"1\r\na\r\n" * 1024, CHUNKED),
    "trailers": without_end(b"A: b\r\n" * 1024, CHUNKED + b"2\r\nok\r\n0\r\n"),
    "body": without_end(b"a" * 4096, OK + b"\r\n"),
}


@pytest.mark.parametrize("name", ENDLESS_BODIES)
async def test_a_body_without_end_is_cut_off_and_the_status_line_still_decides(
    name: str, outbound: Outbound, serve: Serve
) -> None:
    url = await serve(ENDLESS_BODIES[name])
    result = await outbound.post(url, b"{}", {})
    assert (result.status, result.error, result.delivered) == (200, None, True)
    with pytest.raises(FetchError):
        await outbound.get(url, limit=LIMIT)


async def test_framing_counts_towards_the_limit_of_a_document(outbound: Outbound, serve: Serve) -> None:
    url = await serve(once(CHUNKED, b"1;" + b"e" * 1000 + b"\r\na\r\n", b"1;" + b"e" * 200_000))
    with pytest.raises(FetchError, match="goes on after 165536 bytes, heads and framing included"):
        await outbound.get(url, limit=LIMIT)


async def test_a_document_that_unpacks_to_more_than_the_limit_is_refused(outbound: Outbound, serve: Serve) -> None:
    packed = gzip.compress(b"0" * 50_000_000)
    assert len(packed) < LIMIT
    head = b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed)
    with pytest.raises(FetchError, match="larger than 100000 bytes"):
        await outbound.get(await serve(once(OK + head + packed)), limit=LIMIT)


@pytest.mark.parametrize("status", [b"204 No Content", b"304 Not Modified"])
@pytest.mark.parametrize(
    "rest",
    [b"\r\nhello", b"Content-Length: 5\r\n\r\nhello", b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"],
)
async def test_an_answer_without_body_is_what_its_status_line_says_though_a_body_comes(
    status: bytes, rest: bytes, outbound: Outbound, serve: Serve
) -> None:
    url = await serve(once(b"HTTP/1.1 " + status + b"\r\n" + rest))
    posted = [await outbound.post(url, b"{}", {}) for _ in range(2)]
    fetched = [await outbound.get(url) for _ in range(2)]
    number = int(status[:3])
    assert [(one.status, one.error, one.response_excerpt) for one in posted] == [(number, None, None)] * 2
    assert [(one.status, one.body) for one in fetched] == [(number, b"")] * 2


@pytest.mark.parametrize(("status", "excerpt"), [(200, None), (503, "ok")])
@pytest.mark.parametrize("stray", [b"HTTP/1.1 500 Early\r\nContent-Length: 0\r\n\r\n", b"garbage", b"\r\n\r\n"])
async def test_what_follows_an_answer_is_no_answer_to_the_next_question(
    stray: bytes, status: int, excerpt: str | None, outbound: Outbound, serve: Serve
) -> None:
    url = await serve(once(b"HTTP/1.1 %d Some\r\nContent-Length: 2\r\n\r\nok" % status + stray))
    posted = [await outbound.post(url, b"{}", {}) for _ in range(3)]
    assert [(one.status, one.error, one.response_excerpt) for one in posted] == [(status, None, excerpt)] * 3


async def test_what_comes_late_on_an_idle_connection_is_no_answer_to_the_next_question(outbound: Outbound) -> None:
    asked, spoken = 0, asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        await reader.readuntil(b"\r\n\r\n{}")
        asked += 1
        writer.write(OK + b"Content-Length: 2\r\n\r\nok")
        await writer.drain()
        await answered.wait()
        writer.write(b"HTTP/1.1 500 Early\r\nContent-Length: 0\r\n\r\n")
        await reader.read()  # until it is closed
        spoken.set()
        writer.close()

    answered = asyncio.Event()
    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    first = await outbound.post(url, b"{}", {})
    answered.set()
    await asyncio.wait_for(spoken.wait(), 60)
    second = await outbound.post(url, b"{}", {})
    server.close()
    assert (first.status, second.status, asked) == (200, 200, 2)


async def test_an_answer_that_comes_byte_by_byte_after_an_interim_one_is_read(outbound: Outbound, serve: Serve) -> None:
    interim = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n"
    whole = interim + b"HTTP/1.1 500 Fault\r\nContent-Length: 2\r\n\r\nno"
    url = await serve(lambda: (bytes([one]) for one in whole))
    result = await outbound.post(url, b"{}", {})
    assert (result.status, result.response_excerpt) == (500, "no")


@pytest.mark.parametrize("size", [65_536 + 1, 1_000_000])
async def test_a_large_document_within_its_limit_arrives_whole(size: int, outbound: Outbound, serve: Serve) -> None:
    body = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    plain = OK + b"Content-Length: %d\r\n\r\n" % size + body
    chunked = CHUNKED + b"%x\r\n" % size + body + b"\r\n0\r\n\r\n"
    for answer in (plain, chunked):
        assert (await outbound.get(await serve(once(answer)), limit=size)).body == body


async def test_a_body_is_parsed_in_slices_between_which_others_have_their_turn() -> None:
    body = b"1\r\na\r\n" * 40_000  # 240 KB, as much as one read from a socket may bring
    protocol = BudgetedProtocol(asyncio.get_running_loop())
    BUDGET.set(Budget(1_000_000))
    protocol.connection_made(asyncio.Transport())
    protocol.set_response_params(read_bufsize=1_000_000)
    protocol.data_received(CHUNKED + body)
    _, payload = await protocol.read()
    parsed = [payload.total_bytes]
    while not payload.is_eof() and parsed[-1] < 40_000:
        await asyncio.sleep(0)
        parsed.append(payload.total_bytes)
    steps = [after - before for before, after in itertools.pairwise([0, *parsed])]
    assert parsed[-1] == 40_000
    assert 0 < max(steps) <= SLICE / 6 + 1
    assert protocol.should_close
