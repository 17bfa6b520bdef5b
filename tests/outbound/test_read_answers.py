"""Answers whose beginning is asked for: told of a success too, within the bounds of those that are none."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from support.talking import BODY, Talk, talking

from publisher.outbound import Outbound, PostResult
from publisher.outbound.http1.answer import EXCERPT

TAKEN = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@pytest.fixture
async def outbound() -> AsyncIterator[Outbound]:
    client = Outbound(allow_private=["127.0.0.0/8:*"])
    yield client
    await client.close()


async def post(outbound: Outbound, url: str, *, reads: bool) -> PostResult:
    return await outbound.post(url, BODY, {"webhook-id": "evt_1"}, 60.0, reads=reads)


async def test_the_body_of_a_success_is_told_to_whoever_asked_and_its_connection_is_kept(outbound: Outbound) -> None:
    async def talk(one: Talk) -> None:
        while await one.request():
            one.say(TAKEN)

    async with talking(talk) as server:
        told = [await post(outbound, server.url(), reads=reads) for reads in (False, True, False, True)]
    assert [one.response_excerpt for one in told] == [None, "ok", None, "ok"]
    assert all(one.delivered for one in told)
    assert server.connections == 1


@pytest.mark.parametrize("status", [b"200 OK", b"500 No"])
async def test_of_a_body_without_end_the_first_kilobyte_is_told(outbound: Outbound, status: bytes) -> None:
    async def talk(one: Talk) -> None:
        await one.request()
        one.say(b"HTTP/1.1 " + status + b"\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(100):
            one.say(b"400\r\n" + b"x" * 1024 + b"\r\n")
        await one.gone()

    async with talking(talk) as server:
        result = await post(outbound, server.url(), reads=True)
    assert result.response_excerpt == "x" * EXCERPT
    assert result.delivered is (status == b"200 OK")


async def test_a_body_that_does_not_come_is_not_waited_for_longer_than_that_of_a_failure(outbound: Outbound) -> None:
    async def talk(one: Talk) -> None:
        await one.request()
        one.say(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\npart")
        await one.gone()

    async with talking(talk) as server:
        result = await post(outbound, server.url(), reads=True)
    assert (result.status, result.response_excerpt, result.delivered) == (200, "part", True)


async def test_a_success_without_a_body_is_told_at_once(outbound: Outbound) -> None:
    async def talk(one: Talk) -> None:
        while await one.request():
            one.say(b"HTTP/1.1 204 No Content\r\n\r\n")

    async with talking(talk) as server:
        result = await post(outbound, server.url(), reads=True)
    assert (result.status, result.response_excerpt, result.delivered) == (204, None, True)
