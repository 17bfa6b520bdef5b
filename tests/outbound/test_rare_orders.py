"""What happens in an order that is rare: while a connection is handed over, or closed to make room."""

from __future__ import annotations

import asyncio

import pytest
from support.talking import OK, Talk, talking
from test_sending import LOOPBACK, Outcomes, send

from publisher.outbound import Outbound, Sending


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
