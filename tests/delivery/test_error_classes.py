"""Why each attempt failed is kept in one word; and how long a receiver may ask to be left alone."""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult
from hypothesis import given
from hypothesis import strategies as st
from support.deliveries import append, states
from support.delivering import Bench, endpoint, eventually

from publisher.delivery.endpoints.retry import next_wait
from publisher.model import DeliveryState
from publisher.model.subscription import ErrorClass, status_class
from publisher.outbound import Outbound
from publisher.storage.subscriptions import listing

SCHEDULE = (5.0, 300.0, 86_400.0)


class Nowhere(AbstractResolver):
    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        raise OSError("no such name")

    async def close(self) -> None:
        pass


async def classes(bench: Bench, url: str, **options: object) -> list[tuple[int | None, ErrorClass | None]]:
    """Of each attempt at one delivery to this URL: status and class."""
    async with bench.running(schedule=[0.0], **options):
        webhook = await bench.subscribe(url)
        await append(bench.db)
        await eventually(lambda: states(bench.db, webhook), [DeliveryState.DEAD])
    [one] = await bench.db.read(listing.page, webhook.id, limit=10)
    return [(found.status, found.error_class) for found in await bench.db.read(listing.attempts, one)]


@pytest.mark.parametrize("status", [302, 404, 429, 500, 503])
async def test_an_answer_has_the_class_of_its_status(any_bench: Bench, status: int) -> None:
    async with endpoint(lambda _number: status) as receiver:
        found = await classes(any_bench, receiver.url())
    assert found == [(status, ErrorClass(f"{status // 100}xx"))] * 2


async def test_what_is_not_answered_has_the_class_of_what_went_wrong(any_bench: Bench) -> None:
    async with endpoint() as receiver:
        pass
    assert await classes(any_bench, receiver.url()) == [(None, ErrorClass.CONNECTION)] * 2


async def test_a_name_that_does_not_resolve_is_known_as_that(bench: Bench) -> None:
    bench.outbound = Outbound(allow_private=["127.0.0.0/8:*"], resolver=Nowhere())
    assert await classes(bench, "http://nowhere.example/") == [(None, ErrorClass.NAME)] * 2
    await bench.outbound.close()


async def test_an_address_that_the_guard_refuses_is_known_as_that(bench: Bench) -> None:
    assert await classes(bench, "http://10.0.0.8/") == [(None, ErrorClass.REFUSED)] * 2


async def test_tls_that_fails_silence_and_what_is_no_http_are_told_apart(bench: Bench) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            first = await reader.read(1)
            if first == b"P":
                line = await reader.readline()
                if b"/silent" in line:
                    await reader.read()  # until it is given up
                elif b"/cut" in line:
                    writer.write(b"HTTP/1.1 200 ")
                else:
                    writer.write(b"nothing of HTTP\r\n\r\n")
            else:
                writer.write(b"no TLS here\r\n")
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    at = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    results = [
        await bench.outbound.post(url, b"{}", {}, timeout)
        for url, timeout in (
            (f"https://{at}/", 30.0), (f"http://{at}/silent", 0.05), (f"http://{at}/cut", 30.0), (f"http://{at}/", 30.0)
        )
    ]  # fmt: skip
    server.close()
    expected = [ErrorClass.TLS, ErrorClass.TIMEOUT, ErrorClass.ANSWER, ErrorClass.ANSWER]
    assert [one.error_class for one in results] == expected


@given(st.integers(100, 999))
def test_every_status_has_a_class_but_a_success(status: int) -> None:
    assert (status_class(status) is None) is (200 <= status < 300)


@given(st.integers(1, 3), st.floats(0, 1), st.floats(0, 86_400 * 400))
def test_what_a_receiver_asks_for_is_held_to_the_ends_of_the_schedule(
    attempt: int, spread: float, asked: float
) -> None:
    wait = next_wait(attempt, SCHEDULE, spread, asked)
    assert wait is not None
    held = min(max(asked, 5.0), 86_400.0)
    assert held <= wait <= max(held * 1.2, SCHEDULE[attempt - 1] * 1.2) * (1 + 1e-9)


@pytest.mark.parametrize(("spread", "wait"), [(0.0, 86_400.0), (0.5, 95_040.0), (1.0, 103_680.0)])
def test_the_longest_wait_is_spread_too(spread: float, wait: float) -> None:
    assert next_wait(1, SCHEDULE, spread, 1e9) == pytest.approx(wait)
    assert next_wait(3, SCHEDULE, spread) == pytest.approx(86_400 * (0.8 + 0.4 * spread))


@pytest.mark.parametrize("value", ["7", "Fri, 31 Dec 2100 00:00:00 GMT", "Thu, 01 Jan 1970 00:00:00 GMT"])
async def test_either_form_of_retry_after_is_read(bench: Bench, value: str) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        head = f"HTTP/1.1 503 Later\r\nRetry-After: {value}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        writer.write(head.encode())
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    result = await bench.outbound.post(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/", b"{}", {})
    server.close()
    assert (result.retry_after, result.ignored is None) == ((7.0, True) if value == "7" else (None, False))
