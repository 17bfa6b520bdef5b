"""What a client may take of the server: time, bytes that lie unsent, and places."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import socket
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs
from support.clock import ManualClock
from webroom import Newsroom, open_newsroom

from publisher.storage.engine.database import Database
from publisher.web.http.connection import Connection
from publisher.web.http.limits import Ended, Limits, client_of
from publisher.web.http.response import PIECE

HELD = 2 * PIECE
"""What may lie unsent for one reader: a piece, and what aiohttp writes before it looks."""


class Raw:
    """A client that does as it likes with its socket."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    async def to(cls, newsroom: Newsroom, sent: bytes = b"", *, room: int = 8 * 1024) -> Raw:
        """A connection whose client has little room for what it does not read."""
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, room)
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", newsroom.client.port))
        raw = cls(*await asyncio.open_connection(sock=sock, limit=1024))
        raw.writer.write(sent)
        return raw

    async def all(self) -> bytes:
        """Everything until the server closes; what a reset took away is missing."""
        found = b""
        try:
            while piece := await self.reader.read(64 * 1024):
                found += piece
        except ConnectionResetError:
            pass
        return found

    async def close(self) -> None:
        self.writer.close()
        with contextlib.suppress(ConnectionError):
            await self.writer.wait_closed()


def narrow_sockets(newsroom: Newsroom) -> None:
    """Have the system keep little for those who do not read: it may take megabytes, which are not the server's."""
    runner = newsroom.client.server.runner
    assert runner is not None
    for site in runner.sites:
        for listening in site._server.sockets:  # type: ignore[union-attr]
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8 * 1024)


def connections(newsroom: Newsroom) -> list[Connection]:
    return list(newsroom.server._open)


def unsent(newsroom: Newsroom) -> list[int]:
    return [one._wire.get_write_buffer_size() for one in connections(newsroom) if one._wire is not None]


async def until(true: Callable[[], Any]) -> None:
    async with asyncio.timeout(30):
        while not true():  # noqa: ASYNC110  # what is waited for happens at the other end of a socket
            await asyncio.sleep(0)


async def check_in(newsroom: Newsroom, seconds: float) -> None:
    """What the server's look at its connections does when it comes so much later."""
    newsroom.server.check(asyncio.get_running_loop().time() + seconds)


async def test_a_head_that_is_not_whole_in_time_is_answered_408_however_often_a_byte_comes(newsroom: Newsroom) -> None:
    raw = await Raw.to(newsroom, b"GET / HTTP/1.1\r\n")
    await until(lambda: [one for one in connections(newsroom) if one._head_at])
    (begun,) = [one._head_at for one in connections(newsroom)]
    for count in range(1, 4):
        raw.writer.write(b"X-Slow: 1\r\n")
        await until(lambda count=count: connections(newsroom)[0]._head_bytes == 16 + 11 * count)
    assert connections(newsroom)[0]._head_at == begun
    await check_in(newsroom, 5)
    assert newsroom.ended == []
    await check_in(newsroom, 10.5)
    answer = await raw.all()
    assert answer.startswith(b"HTTP/1.1 408 Request Timeout\r\n")
    assert b"within 10 seconds" in answer
    assert newsroom.ended == [Ended.HEAD]
    await raw.close()


async def test_a_connection_without_requests_is_closed_and_one_that_has_them_is_kept(newsroom: Newsroom) -> None:
    silent, asking = await Raw.to(newsroom), await Raw.to(newsroom)
    await until(lambda: newsroom.server.open == 2)
    await check_in(newsroom, 74)
    assert newsroom.server.open == 2
    for one in connections(newsroom)[:1]:
        one.since -= 60
    asking.writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
    assert await asking.reader.readuntil(b"}\n")
    await check_in(newsroom, 30)
    assert await silent.all() == b""
    assert newsroom.ended == [Ended.IDLE]
    assert newsroom.server.open == 1
    for raw in (silent, asking):
        await raw.close()


PUT = "PUT /api/v1/articles/a HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n"


async def test_a_body_that_comes_too_slowly_is_answered_408(newsroom: Newsroom) -> None:
    head = f"{PUT}Authorization: Bearer {newsroom.secrets['editor']}\r\n\r\n"
    raw = await Raw.to(newsroom, head.encode() + b" " * 10)
    await until(lambda: connections(newsroom) and connections(newsroom)[0]._current_request)
    connection = connections(newsroom)[0]
    await until(lambda: connection._current_request is not None and connection._current_request.content._waiter)
    raw.writer.write(b" " * 40_960)
    await until(lambda: connection._body_bytes >= 40_960)
    await check_in(newsroom, 29)
    assert newsroom.ended == []
    await check_in(newsroom, 31)
    answer = await raw.all()
    assert answer.startswith(b"HTTP/1.1 408 Request Timeout\r\n")
    assert b"application/problem+json" in answer
    assert b"20 seconds, and one more for each 4,096 bytes" in answer
    assert newsroom.ended == [Ended.BODY]
    await raw.close()


async def test_the_time_in_which_the_server_reads_no_body_is_not_the_clients(newsroom: Newsroom) -> None:
    head = f"{PUT}Authorization: Bearer {newsroom.secrets['editor']}\r\n\r\n"
    raw = await Raw.to(newsroom, head.encode())
    await until(lambda: connections(newsroom) and not connections(newsroom)[0]._payload.is_eof())
    connection = connections(newsroom)[0]
    connection.pause_reading()
    await check_in(newsroom, 1000)
    assert newsroom.ended == []
    connection.resume_reading()
    await check_in(newsroom, 21)
    assert newsroom.ended == [Ended.BODY]
    await raw.close()


LONG = "isi " * 25_000


async def _filled(newsroom: Newsroom, articles: int) -> None:
    for number in range(articles):
        await newsroom.push(f"a{number}", body=f"<p>{LONG * (1 if number else 5)}</p>")


LINES = ["", "Connection: close\r\n"]
PATHS = ["/feeds/news.rss", "/feeds/news.json", "/api/v1/articles", "/api/v1/articles/a0", "/articles/a0"]


@pytest.mark.parametrize("articles", [4, 20], ids=["from memory", "from disk"])
async def test_readers_who_do_not_read_hold_a_piece_each_and_are_let_go(newsroom: Newsroom, articles: int) -> None:
    await _filled(newsroom, articles)
    for path in PATHS:
        assert len(await (await newsroom.client.get(path)).read()) > PIECE
    await newsroom.client.session.close()
    await until(lambda: newsroom.server.open == 0)
    narrow_sockets(newsroom)
    asks = [f"GET {path} HTTP/1.1\r\nHost: x\r\n{line}\r\n".encode() for path in PATHS for line in LINES]
    stalled = [await Raw.to(newsroom, ask) for ask in asks * 2]
    await until(lambda: len(unsent(newsroom)) == len(stalled) and all(unsent(newsroom)))
    assert max(unsent(newsroom)) <= HELD
    await check_in(newsroom, 19)
    assert newsroom.ended == []
    await check_in(newsroom, 20 + HELD / 4096 + 1)
    assert newsroom.ended == [Ended.WRITE] * len(stalled)
    await until(lambda: newsroom.server.open == 0)
    for raw in stalled:
        await raw.close()


async def test_answers_to_many_pipelined_requests_wait_until_they_are_read(newsroom: Newsroom) -> None:
    await newsroom.push("a1")
    tag = (await newsroom.client.get("/feeds/news.rss")).headers["ETag"]
    await newsroom.client.session.close()
    await until(lambda: newsroom.server.open == 0)
    ask = f"GET /feeds/news.rss HTTP/1.1\r\nHost: x\r\nIf-None-Match: {tag}\r\n\r\n".encode()
    many = 2_000
    narrow_sockets(newsroom)
    raw = await Raw.to(newsroom)
    writing = asyncio.create_task(_write(raw, ask, many))
    await until(lambda: any(unsent(newsroom)))
    (connection,) = connections(newsroom)
    await until(lambda: len(connection._messages) == 4)
    assert max(unsent(newsroom)) < PIECE
    assert not connection.transport.is_reading()
    answers = b""
    while answers.count(b"HTTP/1.1 304") < many:
        answers += await raw.reader.read(1 << 20)
        assert max(unsent(newsroom), default=0) < PIECE
        assert len(connection._messages) <= 4
    await writing
    await raw.close()


async def _write(raw: Raw, ask: bytes, times: int) -> None:
    for _ in range(times // 100):
        raw.writer.write(ask * 100)
        await raw.writer.drain()


@pytest.fixture
async def narrow(sqlite_db: Database, tmp_path: Path, clock: ManualClock) -> AsyncIterator[Newsroom]:
    """A server with three places, two for one address."""
    limits = Limits(connections=3, per_address=2, exempt=())
    async with open_newsroom(sqlite_db, tmp_path / "data", clock, limits) as running:
        yield running


async def test_an_address_that_has_its_connections_gets_503_until_one_ends(narrow: Newsroom) -> None:
    two = [await Raw.to(narrow), await Raw.to(narrow)]
    await until(lambda: narrow.server.open == 2)
    third = await Raw.to(narrow, b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
    assert (await third.all()).startswith((b"HTTP/1.1 503 Service Unavailable\r\n", b""))
    assert narrow.ended == [Ended.ADDRESS]
    await two[0].close()
    await until(lambda: narrow.server.open == 1)
    fourth = await Raw.to(narrow, b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
    assert (await fourth.reader.readline()).startswith(b"HTTP/1.1 200 ")
    for raw in (two[1], third, fourth):
        await raw.close()


async def test_when_all_places_are_taken_the_longest_idle_gives_way_and_nobody_who_is_busy(
    sqlite_db: Database, tmp_path: Path, clock: ManualClock
) -> None:
    async with open_newsroom(sqlite_db, tmp_path / "data", clock, Limits(connections=2)) as newsroom:
        busy = await Raw.to(newsroom, b"GET / HT")
        await until(lambda: newsroom.server.open == 1 and connections(newsroom)[0]._head_at)
        idle = await Raw.to(newsroom)
        await until(lambda: newsroom.server.open == 2 and connections(newsroom)[1].idle)
        come = await Raw.to(newsroom, b"GET / HT")
        assert await idle.all() == b""
        assert newsroom.ended == [Ended.EVICTED]
        await until(lambda: len(connections(newsroom)) == 2 and connections(newsroom)[1]._head_at)
        late = await Raw.to(newsroom)
        assert b"too many connections (full)" in await late.all()
        assert newsroom.ended == [Ended.EVICTED, Ended.FULL]
        assert newsroom.server.open == 2
        for raw in (busy, idle, come, late):
            await raw.close()


async def test_idle_longest_is_who_asked_for_nothing_since_though_others_came_before(
    sqlite_db: Database, tmp_path: Path, clock: ManualClock
) -> None:
    async with open_newsroom(sqlite_db, tmp_path / "data", clock, Limits(connections=2)) as newsroom:
        first = await Raw.to(newsroom)
        await until(lambda: newsroom.server.open == 1)
        second = await Raw.to(newsroom)
        await until(lambda: newsroom.server.open == 2)
        first.writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert await first.reader.readuntil(b"}\n")
        await until(lambda: all(one.idle for one in connections(newsroom)))
        connections(newsroom)[1].since -= 60  # else all of this may happen within one tick of a loop's clock
        third = await Raw.to(newsroom)
        assert await second.all() == b""
        first.writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert await first.reader.readuntil(b"}\n")
        for raw in (first, second, third):
            await raw.close()


async def test_connections_that_come_and_go_leave_nothing(newsroom: Newsroom) -> None:
    for _ in range(10):
        gone = [await Raw.to(newsroom, b"GET / HT") for _ in range(20)]
        for raw in gone:
            await raw.close()
    await until(lambda: newsroom.server.open == 0)
    await until(lambda: not newsroom.server.connections)
    assert not newsroom.server._admission._each
    gc.collect()
    assert sum(isinstance(one, Connection) for one in gc.get_objects()) < 100


@pytest.mark.parametrize(
    ("addresses", "clients"),
    [
        (["192.0.2.1", "::ffff:192.0.2.1"], 1),
        (["192.0.2.1", "192.0.2.2"], 2),
        (["2001:db8::1", "2001:db8::ffff:0:0:1", "2001:db8::2%eth0"], 1),
        (["2001:db8::1", "2001:db8:0:1::1"], 2),
        (["::ffff:192.0.2.1", "::fffe:192.0.2.1"], 2),
        (["fe80::1%eth0", "fe80::2"], 1),
        (["", "a socket of this machine"], 2),
    ],
)
def test_a_client_is_an_ipv4_address_or_an_ipv6_network_of_64_bits(addresses: list[str], clients: int) -> None:
    assert len({client_of(address) for address in addresses}) == clients


HEAD = "HTTP/1.1\r\nHost: x\r\n"
FIELD = "X: y\r\n"
FIELDS = "".join(f"X-{number}: {'x' * 2000}\r\n" for number in range(40))


@pytest.mark.parametrize(
    ("request_", "status", "says"),
    [
        (f"GET /{'x' * 9000} {HEAD}\r\n", 414, "8192 bytes"),
        (f"GET /?{'x' * 200_000}", 414, "8192 bytes"),
        (f"GET / {HEAD}X: {'x' * 9000}\r\n\r\n", 431, "fields of 8190"),
        (f"GET / {HEAD}{FIELD * 200}\r\n", 431, "100 fields"),
        (f"GET / {HEAD}{FIELDS}\r\n", 431, "65536 bytes"),
        (f"GET / {HEAD}{FIELDS}", 431, "65536 bytes"),
        ("SECRET-KEY garbage\r\n\r\n", 400, "no HTTP request"),
        ("GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: wrong\r\nContent-Length: 3\r\n\r\n", 400, "no HTTP request"),
    ],
    ids=["url", "endless url", "field", "fields", "head", "endless head", "garbage", "framing"],
)
async def test_what_cannot_be_read_as_a_request_is_refused_in_words_and_logged_nowhere(
    newsroom: Newsroom, request_: str, status: int, says: str, caplog: pytest.LogCaptureFixture
) -> None:
    with capture_logs() as logged:
        raw = await Raw.to(newsroom, request_.encode())
        answer = (await raw.all()).decode()
    assert answer.startswith(f"HTTP/1.{'1' if 'text/plain' in answer else '0'} {status} ")
    assert says in answer
    assert [one for one in logged if one["log_level"] != "debug"] == []
    assert caplog.records == []
    assert "SECRET" not in str(logged)
    await raw.close()


@pytest.mark.parametrize("path", ["/feeds/news.rss", "/api/v1/articles", "/", "/articles/a0"])
async def test_a_client_that_hangs_up_is_no_fault_of_the_server(
    newsroom: Newsroom, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    await _filled(newsroom, 4)
    with capture_logs() as logged:
        for _ in range(10):
            raw = await Raw.to(newsroom, f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            await raw.reader.read(100)
            raw.writer.transport.abort()
        await until(lambda: newsroom.server.open <= 1)
        await newsroom.get("/api/v1/articles")
    assert [one for one in logged if one["log_level"] in ("warning", "error")] == []
    assert caplog.records == []


async def test_a_client_that_hangs_up_within_its_body_is_no_fault_of_the_server(
    newsroom: Newsroom, caplog: pytest.LogCaptureFixture
) -> None:
    head = f"{PUT}Authorization: Bearer {newsroom.secrets['editor']}\r\n\r\n"
    with capture_logs() as logged:
        raw = await Raw.to(newsroom, head.encode() + b" " * 10)
        await until(lambda: [one for one in connections(newsroom) if one._current_request])
        (connection,) = [one for one in connections(newsroom) if one._current_request]
        await until(lambda: connection._current_request is not None and connection._current_request.content._waiter)
        raw.writer.transport.abort()
        await until(lambda: [one for one in logged if one["event"] == "request.abandoned"])
    assert [one for one in logged if one["log_level"] != "debug"] == []
    assert caplog.records == []
