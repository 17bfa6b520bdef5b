"""How requests behave towards servers that are slow, huge, broken or sly."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from email.utils import format_datetime

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from support.clock import ManualClock

from publisher.errors import FetchError
from publisher.outbound import EXCERPT, RESPONSE_LIMIT, Outbound

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Serve = Callable[[Handler], Awaitable[str]]
RawServe = Callable[[bytes], Awaitable[str]]


@pytest.fixture
async def outbound(clock: ManualClock) -> AsyncIterator[Outbound]:
    client = Outbound(allow_private=["127.0.0.0/8:*"], now=clock)
    yield client
    await client.close()


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Runs a handler for every path and method; gives the server's URL."""
    running: list[TestServer] = []

    async def start(handler: Handler) -> str:
        app = web.Application(client_max_size=4_000_000)
        app.router.add_route("*", "/{path:.*}", handler)
        server = TestServer(app, host="127.0.0.1")
        running.append(server)
        await server.start_server()
        return str(server.make_url("/"))

    yield start
    for server in running:
        await server.close()


@pytest.fixture
async def serve_bytes() -> AsyncIterator[RawServe]:
    """Answers every connection with the same bytes; hangs until the client goes, but closes after b"cut"."""
    servers: list[asyncio.Server] = []

    async def start(answer: bytes) -> str:
        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer)
            if not answer.endswith(b"cut"):
                await reader.read()
            writer.close()

        servers.append(await asyncio.start_server(talk, "127.0.0.1", 0))
        return f"http://127.0.0.1:{servers[-1].sockets[0].getsockname()[1]}/"

    yield start
    for server in servers:
        server.close()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_of_a_post_is_its_result(status: int, outbound: Outbound, serve: Serve) -> None:
    seen: list[str] = []

    async def handler(request: web.Request) -> web.Response:
        seen.append(request.path)
        return web.Response(status=status, headers={"Location": "/elsewhere"})

    result = await outbound.post(await serve(handler) + "hook", b"{}", {})
    assert (result.status, result.delivered, seen) == (status, False, ["/hook"])


async def test_the_body_and_headers_of_a_post_arrive_as_given(outbound: Outbound, serve: Serve) -> None:
    seen: dict[str, object] = {}

    async def handler(request: web.Request) -> web.Response:
        seen.update(body=await request.read(), id=request.headers["webhook-id"], agent=request.headers["User-Agent"])
        return web.Response(status=204)

    body = '{"title": "Emas – naik"}'.encode() + b" " * 1_100_000
    url = await serve(handler)
    result = await outbound.post(url, body, {"webhook-id": "evt_1", "Content-Type": "application/json"})
    assert result.delivered
    assert (seen["body"], seen["id"]) == (body, "evt_1")
    assert str(seen["agent"]).startswith("publisher/")


async def test_one_receivers_cookie_reaches_no_request(outbound: Outbound, serve: Serve) -> None:
    cookies: list[str | None] = []

    async def handler(request: web.Request) -> web.Response:
        cookies.append(request.headers.get("Cookie"))
        return web.Response(headers={"Set-Cookie": "session=1; Path=/"})

    url = await serve(handler)
    await outbound.post(url, b"{}", {})
    await outbound.post(url, b"{}", {})
    await outbound.get(url)
    assert cookies == [None, None, None]


async def test_a_body_cut_short_after_a_success_is_still_a_success(outbound: Outbound, serve_bytes: RawServe) -> None:
    url = await serve_bytes(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\ncut")
    result = await outbound.post(url, b"{}", {})
    assert (result.status, result.error, result.delivered) == (200, None, True)


async def test_a_body_that_never_ends_after_a_success_is_still_a_success(
    outbound: Outbound, serve_bytes: RawServe
) -> None:
    url = await serve_bytes(b"HTTP/1.1 202 Accepted\r\nContent-Length: 1000\r\n\r\nslow")
    result = await outbound.post(url, b"{}", {}, timeout=0.05)
    assert (result.status, result.error, result.delivered) == (202, None, True)


async def test_headers_that_never_end_run_into_the_total_timeout(outbound: Outbound, serve_bytes: RawServe) -> None:
    url = await serve_bytes(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    result = await outbound.post(url, b"{}", {}, timeout=0.05)
    assert (result.status, result.error) == (None, "no answer within 0.05 s")


async def test_an_answer_that_is_no_http_is_an_error(outbound: Outbound, serve_bytes: RawServe) -> None:
    result = await outbound.post(await serve_bytes(b"SSH-2.0-OpenSSH\r\n\r\n"), b"{}", {})
    assert result.status is None
    assert "cannot be read" in (result.error or "")


async def test_a_refused_connection_is_an_error(outbound: Outbound, unused_tcp_port: int) -> None:
    result = await outbound.post(f"http://127.0.0.1:{unused_tcp_port}/", b"{}", {})
    assert result.status is None
    assert "cannot connect" in (result.error or "")


@pytest.mark.parametrize(("status", "excerpt"), [(200, None), (500, "x" * EXCERPT)])
async def test_an_endless_answer_to_a_post_is_read_to_the_limit_and_closed(
    status: int, excerpt: str | None, outbound: Outbound, serve: Serve
) -> None:
    closed = asyncio.Event()
    sent = 0

    async def handler(request: web.Request) -> web.StreamResponse:
        nonlocal sent
        response = web.StreamResponse(status=status)
        await response.prepare(request)
        try:
            while True:
                await response.write(b"x" * 4096)
                sent += 4096
        finally:
            closed.set()

    result = await outbound.post(await serve(handler), b"{}", {})
    await closed.wait()
    assert (result.status, result.response_excerpt) == (status, excerpt)
    assert sent >= RESPONSE_LIMIT


async def test_a_compressed_answer_to_a_post_is_not_unpacked(outbound: Outbound, serve: Serve) -> None:
    packed = gzip.compress(b"x" * 10_000_000)

    async def handler(request: web.Request) -> web.Response:
        assert request.headers["Accept-Encoding"] == "identity"
        return web.Response(body=packed, headers={"Content-Encoding": "gzip"})

    result = await outbound.post(await serve(handler), b"{}", {})
    assert result.delivered
    assert "xxxx" not in (result.response_excerpt or "")


async def test_retry_after_is_read_in_both_forms(outbound: Outbound, serve: Serve, clock: ManualClock) -> None:
    values = iter(["120", format_datetime(clock() + timedelta(seconds=90), usegmt=True), "soon", "-5"])

    async def handler(request: web.Request) -> web.Response:
        return web.Response(status=429, headers={"Retry-After": next(values)})

    url = await serve(handler)
    waits = [(await outbound.post(url, b"{}", {})).retry_after for _ in range(4)]
    assert waits == [120.0, 90.0, None, None]


async def test_a_get_follows_redirects_and_says_where_it_arrived(outbound: Outbound, serve: Serve) -> None:
    async def handler(request: web.Request) -> web.Response:
        if request.path == "/start":
            raise web.HTTPMovedPermanently("/end?x=1")
        return web.Response(text="here", headers={"ETag": '"1"'})

    url = await serve(handler)
    response = await outbound.get(url + "start")
    assert (response.status, response.body, response.url) == (200, b"here", url + "end?x=1")
    assert response.headers["etag"] == '"1"'


async def test_a_get_gives_up_on_a_circle_of_redirects(outbound: Outbound, serve: Serve) -> None:
    async def handler(request: web.Request) -> web.Response:
        raise web.HTTPFound("/again")

    with pytest.raises(FetchError, match="more than 5 redirects"):
        await outbound.get(await serve(handler))


async def test_credentials_do_not_follow_a_redirect_to_another_origin(outbound: Outbound, serve: Serve) -> None:
    seen: list[tuple[str | None, ...]] = []

    async def other(request: web.Request) -> web.Response:
        seen.append(tuple(request.headers.get(name) for name in ("Authorization", "X-Api-Key", "If-None-Match")))
        return web.Response()

    elsewhere = await serve(other)

    async def handler(request: web.Request) -> web.Response:
        raise web.HTTPFound(elsewhere)

    await outbound.get(await serve(handler), {"Authorization": "x", "X-Api-Key": "y", "If-None-Match": '"z"'})
    assert seen == [(None, None, '"z"')]


async def test_a_get_takes_gzip_and_sends_validators(outbound: Outbound, serve: Serve) -> None:
    async def handler(request: web.Request) -> web.Response:
        if request.headers.get("If-None-Match") == '"v"':
            return web.Response(status=304)
        assert "gzip" in request.headers["Accept-Encoding"]
        return web.Response(body=gzip.compress(b"article"), headers={"Content-Encoding": "gzip"})

    url = await serve(handler)
    first = await outbound.get(url)
    second = await outbound.get(url, {"If-None-Match": '"v"'})
    assert (first.body, second.status, second.body) == (b"article", 304, b"")


@pytest.mark.parametrize("form", ["declared", "streamed", "gzip"])
async def test_a_document_over_the_limit_is_refused(form: str, outbound: Outbound, serve: Serve) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        if form == "gzip":
            return web.Response(body=gzip.compress(b"0" * 5_000_000), headers={"Content-Encoding": "gzip"})
        response = web.StreamResponse()
        if form == "declared":
            response.content_length = 5_000_000
        await response.prepare(request)
        for _ in range(1220):
            await response.write(b"0" * 4096)
        return response

    with pytest.raises(FetchError, match="larger than 100000 bytes"):
        await outbound.get(await serve(handler), limit=100_000)


async def test_a_get_that_takes_too_long_is_an_error(serve_bytes: RawServe) -> None:
    outbound = Outbound(allow_private=["127.0.0.0/8:*"], timeout=0.05)
    with pytest.raises(FetchError, match=r"no answer within 0\.05 s"):
        await outbound.get(await serve_bytes(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"))
    await outbound.close()
