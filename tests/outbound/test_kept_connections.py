"""Which connections are kept for another request: those on which nothing is left of the one before."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import pytest
from support.talking import OK, Talk, talking
from test_sending import LOOPBACK, Outcomes, send

from publisher.outbound import Outbound
from publisher.outbound.http1.connection import READ


async def test_an_answer_too_many_is_no_answer_to_the_next_request() -> None:
    """The first fills what is read at once, so that the second still stands in the socket when that is parsed."""
    start = b"HTTP/1.1 200 OK\r\nContent-Length: 15000\r\nX-Fill: "
    whole = start + b"x" * (READ - len(start) - 15004) + b"\r\n\r\n" + b"y" * 15_000
    outbound, outcomes, may = Outbound(allow_private=LOOPBACK, limit=1), Outcomes(), asyncio.Event()

    async def twice(talk: Talk) -> None:
        while await talk.request():
            await may.wait()
            talk.say(whole + OK if talk.number == 0 else b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n")

    async with talking(twice) as server:
        send(outbound, server.url(), outcomes)
        send(outbound, server.url(), outcomes)
        await server.until(lambda: server.connections == 1)
        may.set()
        results = await outcomes.until(2)
        await outbound.close()
    assert len(whole) == READ
    assert [one.status for one in results] == [200, 500]


async def test_a_connection_whose_request_was_cut_off_is_not_kept_though_it_was_answered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    outbound, outcomes = Outbound(allow_private=LOOPBACK), Outcomes()
    opened: list[socket.socket] = []
    open_socket = outbound.guard.open_socket

    def noted(info: Any) -> socket.socket:
        opened.append(open_socket(info))
        return opened[-1]

    monkeypatch.setattr(outbound.guard, "open_socket", noted)
    came: asyncio.Future[Talk] = asyncio.get_running_loop().create_future()

    async def reads_no_body(talk: Talk) -> None:
        await talk.reader.readuntil(b"\r\n\r\n")
        came.set_result(talk)
        await asyncio.get_running_loop().create_future()

    async with talking(reads_no_body) as server:
        outbound.send(server.url(), b"x" * 20_000_000, {}, 60.0, outcomes.done)
        talk = await came
        # The rest cannot be written any more; the answer comes after that was seen, and before it is tried.
        opened[0].shutdown(socket.SHUT_WR)
        asyncio.get_running_loop().call_soon(talk.say, OK)
        results = await outcomes.until(1)
        assert outbound.idle == 0
        await outbound.close()
    assert [one.status for one in results] == [204]
