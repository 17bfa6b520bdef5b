"""``Outbound.send``: what it promises its caller, on connections that are new, kept, lost or not to be had."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult
from support.talking import BODY, OK, Talk, answers, talking

from publisher.outbound import Outbound, PostResult, Sending
from publisher.outbound.http1.pool import CONNECTING, DRAINING

LOOPBACK = ["127.0.0.0/8:*"]


class Names(AbstractResolver):
    """Each name has these addresses, once it is let."""

    def __init__(self, *addresses: str) -> None:
        self._addresses = addresses
        self.asked, self.let = asyncio.Event(), asyncio.Event()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        self.asked.set()
        await self.let.wait()
        return [
            ResolveResult(hostname=host, host=one, port=port, family=socket.AF_INET, proto=0, flags=0)
            for one in self._addresses
        ]

    async def close(self) -> None:
        """Nothing is held."""


@pytest.fixture
async def outbound() -> AsyncIterator[Outbound]:
    client = Outbound(allow_private=LOOPBACK)
    yield client
    await client.close()


class Outcomes:
    """What ``done`` was told, in order."""

    def __init__(self) -> None:
        self.told: list[PostResult] = []
        self._changed = asyncio.Event()

    def done(self, result: PostResult) -> None:
        self.told.append(result)
        self._changed.set()

    async def until(self, count: int) -> list[PostResult]:
        """Wait until so many were told."""
        async with asyncio.timeout(60):
            while len(self.told) < count:
                await self._changed.wait()
                self._changed.clear()
        return self.told


def send(outbound: Outbound, url: str, outcomes: Outcomes, timeout: float = 60.0, **more: Any) -> Sending:
    return outbound.send(url, BODY, {"webhook-id": "evt_1"}, timeout, outcomes.done, **more)


async def test_the_outcome_is_told_once_and_never_within_the_call(outbound: Outbound) -> None:
    outcomes = Outcomes()
    async with talking(answers) as server:
        for count, url in enumerate((server.url(), server.url(), "http://10.0.0.1/", "ftp://x/"), 1):
            send(outbound, url, outcomes)
            assert len(outcomes.told) == count - 1
            await outcomes.until(count)
        await outbound.close()
    assert [one.status for one in outcomes.told] == [204, 204, None, None]
    assert server.connections == 1


async def test_a_request_to_an_address_takes_no_task(outbound: Outbound) -> None:
    outcomes = Outcomes()
    async with talking(Talk.gone) as server:
        before = asyncio.all_tasks()
        send(outbound, server.url(), outcomes)
        assert asyncio.all_tasks() == before
        await server.until(lambda: server.connections == 1)
        await outbound.close()
    assert [one.error for one in outcomes.told] == ["cancelled before its answer came"]


async def test_what_is_no_longer_wished_for_is_not_written_and_its_connection_serves_the_next(
    outbound: Outbound,
) -> None:
    outcomes = Outcomes()
    async with talking(answers) as server:
        for kept in (False, True):
            send(outbound, server.url(), outcomes, begins=lambda: False)
            result = (await outcomes.until(len(outcomes.told) + 1))[-1]
            assert (result.stopped, result.status, result.ours, outbound.idle, kept) == (True, None, False, 1, kept)
        send(outbound, server.url(), outcomes, begins=lambda: True)
        assert (await outcomes.until(3))[-1].status == 204
    assert server.connections == 1


async def test_begins_is_asked_only_once_there_is_a_connection() -> None:
    names = Names("127.0.0.1")
    outbound, outcomes, asked = Outbound(allow_private=LOOPBACK, resolver=names), Outcomes(), []
    async with talking(answers) as server:
        send(outbound, server.url("hook.example"), outcomes, begins=lambda: asked.append(server.connections) or True)
        await names.asked.wait()
        assert asked == []
        names.let.set()
        assert [one.status for one in await outcomes.until(1)] == [204]
        assert len(asked) == 1
        await outbound.close()


async def test_what_is_cancelled_before_it_was_written_says_nothing_of_the_receiver() -> None:
    names = Names("127.0.0.1")
    outbound, outcomes = Outbound(allow_private=LOOPBACK, resolver=names), Outcomes()
    sending = send(outbound, "http://hook.example:8080/", outcomes)
    await names.asked.wait()
    sending.cancel()
    sending.cancel()
    assert outcomes.told == []
    [result] = await outcomes.until(1)
    names.let.set()
    await outbound.close()
    assert (result.stopped, result.status) == (True, None)
    assert len(outcomes.told) == 1


async def test_what_is_cancelled_while_its_answer_is_waited_for_closes_the_connection(outbound: Outbound) -> None:
    outcomes, hung_up = Outcomes(), asyncio.Event()

    async def silent(talk: Talk) -> None:
        await talk.request()
        asked.set()
        await talk.gone()
        hung_up.set()

    asked = asyncio.Event()
    async with talking(silent) as server:
        sending = send(outbound, server.url(), outcomes)
        await asked.wait()
        sending.cancel()
        [result] = await outcomes.until(1)
        await asyncio.wait_for(hung_up.wait(), 60)
    assert (result.stopped, result.status, result.error) == (False, None, "cancelled before its answer came")


async def test_a_request_that_met_the_end_of_a_kept_connection_is_sent_once_more_on_a_new_one(
    outbound: Outbound,
) -> None:
    requests: list[int] = []

    async def once_each(talk: Talk) -> None:
        await talk.request()
        requests.append(talk.number)
        talk.say(OK)
        await talk.request()  # as if it had closed the connection a moment before
        requests.append(talk.number)

    async with talking(once_each) as server:
        first = await outbound.post(server.url(), BODY, {})
        second = await outbound.post(server.url(), BODY, {})
    assert (first.status, second.status, requests) == (204, 204, [0, 0, 1])


async def test_it_is_sent_no_third_time_and_not_again_where_an_answer_has_begun_or_the_connection_was_new(
    outbound: Outbound,
) -> None:
    requests: list[int] = []
    parting: list[bytes] = [b"", b"HTTP/1.1 2"]

    async def first_only(talk: Talk) -> None:
        await talk.request()
        requests.append(talk.number)
        if talk.number in (0, 2):
            talk.say(OK)
            await talk.request()
            requests.append(talk.number)
            talk.say(parting.pop(0))

    async with talking(first_only) as server:
        results = [await outbound.post(server.url(), BODY, {}) for _ in range(4)]
    assert [one.error for one in results] == [
        None,
        "the server closed the connection without an answer",  # 0, then 1
        None,
        "the server closed the connection in the middle of its answer",
    ]
    assert requests == [0, 0, 1, 2, 2]


async def test_a_connection_that_the_receiver_closes_while_idle_is_not_used_again(outbound: Outbound) -> None:
    async def once(talk: Talk) -> None:
        await talk.request()
        talk.say(OK)

    async with talking(once) as server:
        assert (await outbound.post(server.url(), BODY, {})).status == 204
        async with asyncio.timeout(60):
            while outbound.idle:  # noqa: ASYNC110 -- the end of a connection is told to no one
                await asyncio.sleep(0)
        assert (await outbound.post(server.url(), BODY, {})).status == 204
    assert server.connections == 2


async def test_what_waits_for_room_has_its_turn_in_order_and_its_time_begins_then() -> None:
    outbound, outcomes, late = Outbound(allow_private=LOOPBACK, limit=2), Outcomes(), asyncio.Event()
    held = asyncio.Event()
    order: list[bytes] = []

    async def holds(talk: Talk) -> None:
        while head := await talk.request():
            order.append(head.split(b"Host: ")[1].split(b":")[0])
            await held.wait()
            talk.say(OK)

    async with talking(holds, "0.0.0.0") as server:
        for last in (1, 2):
            send(outbound, server.url(f"127.0.0.{last}"), outcomes)
        for last in (3, 4, 5):
            send(outbound, server.url(f"127.0.0.{last}"), outcomes, timeout=0.5 if last == 3 else 60.0)
        await server.until(lambda: server.connections == 2)
        loop = asyncio.get_running_loop()
        loop.call_later(0.6, late.set)  # the half second of the third has passed
        await late.wait()
        assert (outcomes.told, server.connections) == ([], 2)
        held.set()
        results = await outcomes.until(5)
        await outbound.close()
    assert [one.status for one in results] == [204] * 5
    assert order[2:] == [b"127.0.0.3", b"127.0.0.4", b"127.0.0.5"]


async def test_what_waits_for_room_can_be_cancelled() -> None:
    outbound, outcomes = Outbound(allow_private=LOOPBACK, limit=1), Outcomes()
    async with talking(Talk.gone, "0.0.0.0") as server:
        first = send(outbound, server.url("127.0.0.1"), outcomes)
        second = send(outbound, server.url("127.0.0.2"), outcomes)
        await server.until(lambda: server.connections == 1)
        second.cancel()
        [result] = await outcomes.until(1)
        first.cancel()
        await outcomes.until(2)
        await outbound.close()
    assert (result.stopped, server.connections) == (True, 1)


async def test_no_more_connections_are_open_than_may_be_and_those_unused_give_way() -> None:
    outbound = Outbound(allow_private=LOOPBACK, limit=2)
    async with talking(answers, "0.0.0.0") as server:
        for last in range(1, 11):
            assert (await outbound.post(server.url(f"127.0.0.{last}"), BODY, {})).status == 204
            assert outbound.idle <= 2
        await outbound.close()
    assert server.connections == 10


async def test_handshakes_that_hang_take_a_bounded_number_of_connections_and_none_of_others(
    outbound: Outbound,
) -> None:
    outcomes = Outcomes()
    async with talking(Talk.gone) as hanging, talking(answers, "127.0.0.2") as sound:
        under_way = [send(outbound, hanging.url(scheme="https"), outcomes) for _ in range(CONNECTING + 8)]
        await hanging.until(lambda: hanging.connections == CONNECTING)
        assert (await outbound.post(sound.url("127.0.0.2"), BODY, {})).status == 204
        assert hanging.connections == CONNECTING
        under_way[0].cancel()
        await hanging.until(lambda: hanging.connections == CONNECTING + 1)
        for one in under_way:
            one.cancel()
        assert all(one.stopped for one in await outcomes.until(len(under_way)))


async def test_bodies_that_drip_after_a_success_hold_no_one_and_few_connections(outbound: Outbound) -> None:
    outcomes, count = Outcomes(), DRAINING + 10
    ended: list[int] = []

    async def drips(talk: Talk) -> None:
        await talk.request()
        talk.say(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nx")
        await talk.gone()
        ended.append(talk.number)

    async with talking(drips) as server:
        for _ in range(count):
            send(outbound, server.url(), outcomes)
        results = await outcomes.until(count)
        assert all((one.status, one.error) == (200, None) for one in results)
        assert outbound.idle == 0
        assert outbound._pool is not None
        assert outbound._pool.opened <= DRAINING
        async with asyncio.timeout(60):
            while len(ended) < count:  # noqa: ASYNC110 -- each is closed in its time
                await asyncio.sleep(0.01)


async def test_the_text_of_a_failure_is_told_as_far_as_it_came_where_the_rest_does_not(outbound: Outbound) -> None:
    async def drips(talk: Talk) -> None:
        await talk.request()
        talk.say(b"HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nContent-Length: 100\r\n\r\nlater")
        await talk.gone()

    async with talking(drips) as server:
        result = await outbound.post(server.url(), BODY, {}, timeout=60)
    assert (result.status, result.response_excerpt, result.retry_after) == (503, "later", 7.0)


async def test_an_answer_that_comes_before_a_large_body_was_taken_is_the_answer(outbound: Outbound) -> None:
    async def refuses(talk: Talk) -> None:
        await talk.reader.readuntil(b"\r\n\r\n")
        talk.say(b"HTTP/1.1 413 Too Large\r\nContent-Length: 5\r\n\r\nlarge")
        await talk.writer.drain()
        await asked.wait()

    asked = asyncio.Event()
    async with talking(refuses) as server:
        result = await outbound.post(server.url(), b"x" * 20_000_000, {}, timeout=60)
        asked.set()
    assert (result.status, result.response_excerpt, outbound.idle) == (413, "large", 0)


async def test_the_next_address_of_a_name_is_tried_where_one_refuses() -> None:
    names = Names("127.0.0.3", "10.0.0.1", "127.0.0.1")
    names.let.set()
    outbound = Outbound(allow_private=LOOPBACK, resolver=names)
    async with talking(answers) as server:
        result = await outbound.post(server.url("hook.example"), BODY, {})
        await outbound.close()
    assert (result.status, server.connections) == (204, 1)


BROKEN: dict[str, dict[str, str]] = {
    "a second line": {"X-Key": "a\r\nX-Injected: b"},
    "a bare line feed": {"X-Key": "a\nX-Injected: b"},
    "a bare carriage return": {"X-Key": "a\rb"},
    "a NUL": {"X-Key": "a\x00b"},
    "a name with a colon": {"X-Key: a\r\nX-Injected": "b"},
    "another host": {"Host": "elsewhere.example"},
    "another length": {"content-length": "0"},
    "another framing": {"Transfer-Encoding": "chunked"},
    "a header twice": {"X-Key": "a", "x-key": "b"},
}


@pytest.mark.parametrize("name", BROKEN)
async def test_a_header_never_breaks_the_head(name: str, outbound: Outbound) -> None:
    async with talking(answers) as server:
        result = await outbound.post(server.url(), BODY, BROKEN[name])
    assert (result.status, server.connections) == (None, 0)
    assert (result.error or "").startswith("not sent: ")


async def test_the_head_is_what_it_should_be(outbound: Outbound) -> None:
    heads: list[bytes] = []

    async def keeps(talk: Talk) -> None:
        heads.append(await talk.request())
        talk.say(OK)

    async with talking(keeps) as server:
        await outbound.post(server.url(), BODY, {"webhook-id": "evt_%s", "accept": "text/plain", "X-100%": "é"})
    start, *lines, _, _ = heads[0].decode().split("\r\n")
    assert start == "POST /hook HTTP/1.1"
    assert {line.partition(": ")[0]: line.partition(": ")[2] for line in lines} == {
        "Host": f"127.0.0.1:{server.port}",
        "User-Agent": outbound._user_agent,
        "Accept-Encoding": "identity",
        "Content-Type": "application/octet-stream",
        "webhook-id": "evt_%s",
        "accept": "text/plain",
        "X-100%": "é",
        "Content-Length": "2",
    }


async def test_closing_tells_everyone_who_waits() -> None:
    names = Names("127.0.0.1")
    outbound, outcomes = Outbound(allow_private=LOOPBACK, resolver=names, limit=1), Outcomes()
    async with talking(Talk.gone, "0.0.0.0") as server:
        send(outbound, server.url("127.0.0.1"), outcomes)
        await server.until(lambda: server.connections == 1)
        send(outbound, server.url("127.0.0.2"), outcomes)
        send(outbound, server.url("hook.example"), outcomes)
        await outbound.close()
    assert len(outcomes.told) == 3
    assert all(one.status is None for one in outcomes.told)


async def test_who_is_told_that_it_closes_opens_nothing_anew(outbound: Outbound) -> None:
    outcomes = Outcomes()
    async with talking(Talk.gone) as server:

        def again(result: PostResult) -> None:
            outcomes.done(result)
            send(outbound, server.url(), outcomes)

        outbound.send(server.url(), BODY, {}, 60.0, again)
        await server.until(lambda: server.connections == 1)
        await outbound.close()
        results = await outcomes.until(2)
        assert (await outbound.post(server.url(), BODY, {})).stopped
    assert [(one.status, one.stopped) for one in results] == [(None, False), (None, True)]
    assert server.connections == 1


async def test_a_client_that_sent_nothing_before_it_was_closed_sends_nothing_after() -> None:
    outbound = Outbound(allow_private=LOOPBACK)
    await outbound.close()
    async with talking(answers) as server:
        assert (await outbound.post(server.url(), BODY, {})).stopped
    assert server.connections == 0


async def test_a_question_that_the_resolver_gave_up_fails_its_request_and_is_asked_again_for_the_next() -> None:
    class GivesUpOnce(Names):
        async def resolve(
            self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
        ) -> list[ResolveResult]:
            if not self.let.is_set():
                self.let.set()
                raise asyncio.CancelledError  # as where its channel was closed
            return await super().resolve(host, port, family)

    outbound = Outbound(allow_private=LOOPBACK, resolver=GivesUpOnce("127.0.0.1"))
    async with talking(answers) as server:
        results = [await outbound.post(server.url("hook.example"), BODY, {}, timeout=10) for _ in range(2)]
        await outbound.close()
    assert [one.status for one in results] == [None, 204]
    assert "resolve" in (results[0].error or "")
