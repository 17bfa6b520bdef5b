"""TLS to receivers, on each event loop: who is trusted, and that a second connection needs no certificate again."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from contextlib import nullcontext, suppress
from pathlib import Path

import pytest
import uvloop
from aiohttp.abc import AbstractResolver
from support.certificates import Authority
from support.talking import BODY, Talk, talking
from test_sending import LOOPBACK, Names, Outcomes

from publisher.errors import FetchError
from publisher.outbound import Outbound
from publisher.outbound.http1.tls import TAKE_SECONDS, VERIFIED_SECONDS

CLOSING = b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"

Loop = Callable[[], asyncio.AbstractEventLoop]


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Callable[[Callable[[], Awaitable[None]]], None]:
    """Runs a test on one of the event loops."""

    def on(test: Callable[[], Awaitable[None]]) -> None:
        async def whole() -> None:
            async with asyncio.timeout(120):
                await test()

        with asyncio.Runner(loop_factory=request.param) as runner:
            runner.run(whole())

    return on


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


class Resumptions:
    """A receiver that hangs up after each answer, and notes of each connection whether it was resumed."""

    def __init__(self) -> None:
        self.seen: list[bool] = []

    async def __call__(self, talk: Talk) -> None:
        if await talk.request():
            self.seen.append(talk.writer.get_extra_info("ssl_object").session_reused)
            talk.say(CLOSING)


def client(trusted: ssl.SSLContext | None = None, names: AbstractResolver | None = None) -> Outbound:
    return Outbound(allow_private=LOOPBACK, tls=trusted, resolver=names)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_the_second_connection_is_resumed_and_so_are_those_after_it(
    version: ssl.TLSVersion, run: Callable[..., None], authority: Authority
) -> None:
    resumptions, context = Resumptions(), authority.server("127.0.0.1")
    context.maximum_version = version

    async def test() -> None:
        outbound = client(authority.trusted())
        async with talking(resumptions, tls=context) as server:
            results = [await outbound.post(server.url(scheme="https"), BODY, {}) for _ in range(4)]
        await outbound.close()
        assert [one.status for one in results] == [204] * 4

    run(test)
    assert resumptions.seen == [False, True, True, True]


def test_a_session_is_that_of_one_host_and_port(run: Callable[..., None], authority: Authority) -> None:
    resumptions, context = Resumptions(), authority.server("127.0.0.1")

    async def test() -> None:
        outbound = client(authority.trusted())
        async with talking(resumptions, tls=context) as one, talking(resumptions, tls=context) as other:
            for server in (one, other):
                assert (await outbound.post(server.url(scheme="https"), BODY, {})).status == 204
        await outbound.close()

    run(test)
    assert resumptions.seen == [False, False]


def test_a_receiver_that_knows_the_session_no_more_is_connected_to_anew(
    run: Callable[..., None], authority: Authority
) -> None:
    resumptions = Resumptions()

    async def test() -> None:
        outbound = client(authority.trusted())
        async with talking(resumptions, tls=authority.server("127.0.0.1")) as before:
            assert (await outbound.post(before.url(scheme="https"), BODY, {})).status == 204
        async with talking(resumptions, tls=authority.server("127.0.0.1")) as after:
            sessions = outbound._tls._sessions
            sessions[after.url(scheme="https").removesuffix("/hook")] = sessions.popitem()[1]
            assert (await outbound.post(after.url(scheme="https"), BODY, {})).status == 204
        await outbound.close()

    run(test)
    assert resumptions.seen == [False, False]


def test_a_certificate_is_looked_at_again_after_its_time(run: Callable[..., None], authority: Authority) -> None:
    resumptions, context = Resumptions(), authority.server("127.0.0.1")

    async def test() -> None:
        outbound = client(authority.trusted())
        async with talking(resumptions, tls=context) as server:
            url = server.url(scheme="https")
            for later in (0.0, 0.0, VERIFIED_SECONDS / 2, VERIFIED_SECONDS + TAKE_SECONDS):
                _later(outbound, later)
                assert (await outbound.post(url, BODY, {})).status == 204
        await outbound.close()

    run(test)
    assert resumptions.seen == [False, True, True, False]


def _later(outbound: Outbound, seconds: float) -> None:
    """As if what is kept had been taken so long ago."""
    for origin, kept in outbound._tls._sessions.items():
        outbound._tls._sessions[origin] = type(kept)(kept.session, asyncio.get_running_loop().time() - seconds)


@pytest.mark.parametrize("kind", ["unknown authority", "another name"])
def test_who_cannot_prove_its_name_is_sent_nothing(
    kind: str, run: Callable[..., None], authority: Authority, tmp_path: Path
) -> None:
    named = "127.0.0.1" if kind == "unknown authority" else "127.0.0.9"
    heads: list[bytes] = []

    async def listens(talk: Talk) -> None:
        heads.append(await talk.request())

    async def test() -> None:
        outbound = client(None if kind == "unknown authority" else authority.trusted())
        async with talking(listens, tls=authority.server(named)) as server:
            result = await outbound.post(server.url(scheme="https"), BODY, {})
        await outbound.close()
        assert result.status is None
        assert (result.error or "").startswith("the certificate is not accepted: ")

    run(test)
    assert not any(heads)


@pytest.mark.parametrize("known", [True, False])
def test_documents_are_fetched_from_those_alone_who_are_trusted(
    known: bool, run: Callable[..., None], authority: Authority
) -> None:
    async def document(talk: Talk) -> None:
        with suppress(asyncio.IncompleteReadError):
            await talk.reader.readuntil(b"\r\n\r\n")
            talk.say(CLOSING)

    async def test() -> None:
        outbound = client(authority.trusted() if known else None)
        async with talking(document, tls=authority.server("127.0.0.1")) as server:
            with nullcontext() if known else pytest.raises(FetchError, match="certificate"):
                assert (await outbound.get(server.url(scheme="https"))).status == 204
        await outbound.close()

    run(test)


def test_the_name_is_told_and_verified_and_not_the_address(run: Callable[..., None], authority: Authority) -> None:
    context, told = authority.server("hook.example"), []
    context.sni_callback = lambda _socket, name, _context: told.append(name)

    async def test() -> None:
        names = Names("127.0.0.1")
        names.let.set()
        outbound = client(authority.trusted(), names)
        async with talking(Resumptions(), tls=context) as server:
            result = await outbound.post(server.url("hook.example", "https"), BODY, {})
        await outbound.close()
        assert result.status == 204

    run(test)
    assert told == ["hook.example"]


def test_what_speaks_no_tls_is_told_as_that(run: Callable[..., None]) -> None:
    async def plain(talk: Talk) -> None:
        await talk.reader.read(1)
        talk.say(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    async def test() -> None:
        outbound = client()
        async with talking(plain) as server:
            result = await outbound.post(server.url(scheme="https"), BODY, {})
        await outbound.close()
        assert result.status is None
        assert "TLS" in (result.error or "")

    run(test)


def test_a_handshake_is_finished_though_no_request_follows_it(run: Callable[..., None], authority: Authority) -> None:
    async def test() -> None:
        outbound, outcomes = client(authority.trusted()), Outcomes()
        async with talking(Resumptions(), tls=authority.server("127.0.0.1")) as server:
            outbound.send(server.url(scheme="https"), BODY, {}, 60.0, outcomes.done, begins=lambda: False)
            [result] = await outcomes.until(1)
            assert result.stopped
            await server.until(lambda: server.connections == 1)
            assert outbound.idle == 1
            await outbound.close()

    run(test)


def test_records_that_come_together_are_read_together(run: Callable[..., None], authority: Authority) -> None:
    async def answers(talk: Talk) -> None:
        await talk.request()
        # Each is a record of its own, and both are sent at once.
        talk.writer.writelines([b"HTTP/1.1 500 Fault\r\nContent-Length: 4\r\n\r\n", b"text"])
        await talk.gone()

    async def test() -> None:
        outbound = client(authority.trusted())
        async with talking(answers, tls=authority.server("127.0.0.1")) as server:
            result = await outbound.post(server.url(scheme="https"), BODY, {})
            assert (result.status, result.response_excerpt) == (500, "text")
            await outbound.close()

    run(test)


def test_an_answer_whose_records_come_in_pieces_is_read_whole(run: Callable[..., None], authority: Authority) -> None:
    """Through a relay that lets no record pass in one piece, and sends several in one."""

    async def answers(talk: Talk) -> None:
        while await talk.request():
            talk.say(b"HTTP/1.1 500 Fault\r\nContent-Length: 12000\r\n\r\n" + b"x" * 12_000)

    async def test() -> None:
        outbound, over = client(authority.trusted()), asyncio.Event()

        async def relay(talk: Talk) -> None:
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)

            async def back() -> None:
                while piece := await reader.read(1000):
                    talk.say(piece)
                    await talk.writer.drain()

            backwards = asyncio.create_task(back())
            with suppress(ConnectionError):
                while piece := await talk.reader.read(1000):
                    writer.write(piece)
            writer.close()
            await backwards
            over.set()

        async with talking(answers, tls=authority.server("127.0.0.1")) as server, talking(relay) as between:
            results = [await outbound.post(between.url(scheme="https"), BODY, {}) for _ in range(3)]
            assert between.connections == 1
            await outbound.close()
            await over.wait()
        assert [(one.status, len(one.response_excerpt or "")) for one in results] == [(500, 1024)] * 3

    run(test)


def test_a_large_body_and_a_kept_connection_go_over_tls(run: Callable[..., None], authority: Authority) -> None:
    sizes: list[int] = []

    async def reads(talk: Talk) -> None:
        for _ in range(2):
            head = await talk.reader.readuntil(b"\r\n\r\n")
            size = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
            sizes.append(len(await talk.reader.readexactly(size)))
            talk.say(b"HTTP/1.1 500 Fault\r\nContent-Length: 12000\r\n\r\n" + b"x" * 12_000)

    async def test() -> None:
        outbound = client(authority.trusted())
        async with talking(reads, tls=authority.server("127.0.0.1")) as server:
            results = [await outbound.post(server.url(scheme="https"), b"y" * n, {}) for n in (3_000_000, 5)]
            assert server.connections == 1
        await outbound.close()
        assert [(one.status, len(one.response_excerpt or "")) for one in results] == [(500, 1024)] * 2

    run(test)
    assert sizes == [3_000_000, 5]
