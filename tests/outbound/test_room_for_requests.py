"""Requests that wait because as many connections are open as may be: in which order they go on, and to where."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator

import pytest
from aiohttp.abc import ResolveResult
from support.talking import OK, Server, Talk, answers, talking
from test_sending import LOOPBACK, Names, Outcomes, send

from publisher.outbound import Outbound
from publisher.outbound.http1 import dial, names

LAST = b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"


class Asked(Names):
    """Answers each name once, and knows it no more after that."""

    def __init__(self, *addresses: str) -> None:
        super().__init__(*addresses)
        self.let.set()
        self._names: set[str] = set()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        if host in self._names:
            raise OSError("it is gone")
        self._names.add(host)
        return await super().resolve(host, port, family)


class Order:
    """A server that answers each request with the same once it may, and notes which hosts were asked for."""

    def __init__(self, answer: bytes) -> None:
        self._answer = answer
        self.may = asyncio.Event()
        self.hosts: list[str] = []

    async def talk(self, talk: Talk) -> None:
        while head := await talk.request():
            self.hosts.append(head.split(b"Host: ")[1].split(b":")[0].decode())
            await self.may.wait()
            talk.say(self._answer)

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncIterator[Server]:
        async with talking(self.talk, "0.0.0.0") as server:
            yield server


async def test_who_waits_for_room_keeps_its_place_and_its_addresses_however_long_that_lasts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(names, "KEPT_SECONDS", -1.0)  # what a name resolved to is out of date at once
    hosts = [f"{letter}.example" for letter in "abcdef"]
    outbound, outcomes = Outbound(allow_private=LOOPBACK, resolver=Asked("127.0.0.1"), limit=1), Outcomes()
    order = Order(LAST)
    async with order.serving() as server:
        for host in hosts:
            send(outbound, server.url(host), outcomes)
        await server.until(lambda: server.connections == 1)
        order.may.set()
        results = await outcomes.until(len(hosts))
        await outbound.close()
    assert [one.status for one in results] == [204] * len(hosts)
    assert order.hosts == hosts


async def test_a_host_with_a_backlog_keeps_no_connection_from_one_that_came_before() -> None:
    busy, other = "127.0.0.1", "127.0.0.2"
    outbound, outcomes = Outbound(allow_private=LOOPBACK, limit=1), Outcomes()
    order = Order(OK)
    async with order.serving() as server:
        send(outbound, server.url(busy), outcomes)
        await server.until(lambda: server.connections == 1)
        for host in (other, *[busy] * 5):
            send(outbound, server.url(host), outcomes)
        order.may.set()
        results = await outcomes.until(7)
        await outbound.close()
    assert [one.status for one in results] == [204] * 7
    assert order.hosts == [busy, other, *[busy] * 5]


@pytest.fixture
def silent() -> Iterator[int]:
    """The port at which 127.0.0.2 accepts no connection, and refuses none: its queue is full."""
    with contextlib.ExitStack() as stack:
        listening = stack.enter_context(socket.socket())
        listening.bind(("127.0.0.2", 0))
        listening.listen(0)
        for _ in range(4):
            waits = stack.enter_context(socket.socket())
            waits.setblocking(False)
            waits.connect_ex(listening.getsockname())
        yield listening.getsockname()[1]


@pytest.mark.parametrize("limit", [1, 2, 10])
async def test_the_next_address_is_tried_where_one_is_silent_also_where_there_is_no_room_for_both(
    silent: int, limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dial, "ALONE_SECONDS", dial.STAGGER_SECONDS)
    found = Names("127.0.0.2", "127.0.0.2", "127.0.0.1")
    found.let.set()
    outbound = Outbound(allow_private=LOOPBACK, resolver=found, limit=limit)
    async with talking(answers, port=silent) as server:
        result = await outbound.post(server.url("hook.example"), b"{}", {}, timeout=60)
        assert outbound.idle == 1
        await outbound.close()
    assert (result.status, server.connections) == (204, 1)
