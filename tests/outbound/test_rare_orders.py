"""What happens in an order that is rare: while a connection is handed over, or closed to make room."""

from __future__ import annotations

import asyncio
import socket

import pytest
from aiohttp.abc import ResolveResult
from support.talking import OK, Talk, talking
from test_room_for_requests import LAST, Asked
from test_sending import LOOPBACK, Names, Outcomes, send

from publisher.outbound import Outbound, Sending
from publisher.outbound.http1 import names, pool


class OneByOne(Names):
    """Has to be let for each lookup."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await super().resolve(host, port, family)
        self.let.clear()
        self.asked.clear()
        return found


async def test_a_request_for_which_the_last_connection_to_its_host_was_closed_ends_with_the_client() -> None:
    outbound, outcomes, asked = Outbound(allow_private=LOOPBACK, limit=1), Outcomes(), asyncio.Event()

    async def half_an_answer(talk: Talk) -> None:
        await talk.request()
        if talk.number == 0:
            talk.say(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf ")
        else:
            asked.set()
        await talk.gone()

    async with talking(half_an_answer) as server:
        send(outbound, server.url(), outcomes)
        await outcomes.until(1)  # the rest of its body is still read
        send(outbound, server.url(), outcomes)
        await asked.wait()
        await outbound.close()
        results = await outcomes.until(2)
    assert [one.status for one in results] == [200, None]
    assert "cancelled" in (results[1].error or "")


@pytest.mark.parametrize("kept", [False, True], ids=["a new connection", "one that has become free"])
async def test_a_request_that_is_cancelled_as_it_begins_is_not_sent(kept: bool) -> None:
    heads: list[bytes] = []
    faults: list[object] = []
    sendings: list[Sending] = []
    outbound, outcomes = Outbound(allow_private=LOOPBACK, limit=1), Outcomes()
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: faults.append(context))

    async def notes(talk: Talk) -> None:
        while head := await talk.request():
            heads.append(head)
            talk.say(OK)

    def begins() -> bool:
        sendings[0].cancel()
        return True

    async with talking(notes) as server:
        if kept:
            send(outbound, server.url(), outcomes)
        sendings.append(send(outbound, server.url(), outcomes, begins=begins))
        await outcomes.until(1 + kept)
        assert outbound.idle == 1
        send(outbound, server.url(), outcomes)  # what else was written would have come before this
        await outcomes.until(2 + kept)
        assert faults == []
        await outbound.close()
    assert [one.stopped for one in outcomes.told] == [False] * kept + [True, False]
    assert len(heads) == 1 + kept


async def test_who_waits_for_a_connection_in_the_making_is_told_that_its_name_is_gone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pool, "CONNECTING", 1)
    monkeypatch.setattr(names, "KEPT_SECONDS", -1.0)  # what a name resolved to is out of date at once
    outbound, outcomes = Outbound(allow_private=LOOPBACK, resolver=Asked("127.0.0.1")), Outcomes()

    async def last(talk: Talk) -> None:
        await talk.request()
        talk.say(LAST)

    async with talking(last) as server:
        for _ in range(4):
            send(outbound, server.url("hook.example"), outcomes, timeout=600.0)
        results = await outcomes.until(4)
        await outbound.close()
    assert sorted(str(one.status) for one in results) == ["204", "None", "None", "None"]
    assert {one.error for one in results if one.status is None} == {"the name 'hook.example' does not resolve"}


@pytest.mark.parametrize("closes", [False, True], ids=["it alone", "with the client"])
async def test_a_request_that_is_cancelled_while_its_name_is_looked_up_holds_up_none_behind_it(
    closes: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "CONNECTING", 1)
    monkeypatch.setattr(names, "KEPT_SECONDS", -1.0)
    found = OneByOne("127.0.0.1")
    found.let.set()
    outbound, outcomes = Outbound(allow_private=LOOPBACK, resolver=found), Outcomes()

    async def last(talk: Talk) -> None:
        await talk.request()
        talk.say(LAST)

    async with talking(last) as server:
        sendings = [send(outbound, server.url("hook.example"), outcomes, timeout=600.0) for _ in range(3)]
        await outcomes.until(1)
        await found.asked.wait()
        if not closes:
            sendings[1].cancel()
            await outcomes.until(2)
            found.let.set()
            await outcomes.until(3)
        await outbound.close()
        results = await outcomes.until(3)
    assert [one.status for one in results].count(204) == (1 if closes else 2)
    assert [one.stopped for one in results].count(True) == (2 if closes else 1)
