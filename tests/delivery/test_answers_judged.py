"""What an answer means is the format's to say: by its status line, or by what stands in its body."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from aiohttp import web
from support.deliveries import append, states
from support.delivering import Bench, endpoint, eventually

from publisher.clock import to_micros
from publisher.delivery.transports import FORMATS
from publisher.model import DeliveryState, Options
from publisher.model.options import template_text
from publisher.outbound import PostResult
from publisher.storage.log import events
from publisher.storage.subscriptions import listing, subscriptions

Answer = Callable[[int], tuple[int, str]]
TELEGRAM = {"format": "telegram", "options": Options(parameters={"chat_id": 5})}
WAITS = {"ok": False, "error_code": 429, "description": "Too Many Requests", "parameters": {"retry_after": 33}}


@contextlib.asynccontextmanager
async def answering(answer: Answer) -> AsyncIterator[tuple[str, list[str]]]:
    """A receiver that answers with a status and a text; its root, and the paths that it was asked for."""
    asked: list[str] = []

    async def handle(request: web.Request) -> web.Response:
        await request.read()
        asked.append(request.path)
        status, text = answer(len(asked) - 1)
        return web.Response(status=status, text=text, content_type="application/json")

    application = web.Application()
    application.router.add_post("/{path:.*}", handle)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}", asked
    finally:
        await runner.cleanup()


def judged(format: str, status: int, body: str, **fields: Any) -> PostResult:
    return FORMATS[format].judged(PostResult(status, response_excerpt=body, **fields))


@pytest.mark.parametrize(
    ("format", "status", "body", "delivered", "says"),
    [
        ("slack", 200, "ok", True, None),
        ("slack", 200, "ok\n", True, None),
        ("slack", 200, "", True, None),
        ("slack", 200, '{"ok":true}', True, None),
        ("slack", 200, "channel_is_archived", False, "Slack says channel_is_archived"),
        ("slack", 200, '{"ok":false,"error":"invalid_blocks"}', False, "Slack says invalid_blocks"),
        ("slack", 200, "<html>not_found_here</html>", True, None),
        ("slack", 404, "no_service", False, None),
        ("telegram", 200, '{"ok":true,"result":{"text":"\\"ok\\":false"}}', True, None),
        ("telegram", 200, '{"ok":true,"result":{"text":"cut', True, None),
        ("telegram", 200, "", True, None),
        ("telegram", 200, '{"ok":false,"description":"chat not found"}', False, "Telegram says chat not found"),
        ("telegram", 200, '{ "ok" : false, "description":"cut', False, "Telegram says no"),
        ("telegram", 400, '{"ok":false,"description":"chat not found"}', False, None),
        ("discord", 204, "", True, None),
        ("discord", 200, '{"ok":false}', True, None),
        ("discord", 302, "", False, None),
        ("teams", 202, "", True, None),
        ("ntfy", 200, '{"ok":false}', True, None),
        ("standard", 200, "no", True, None),
        ("standard", 429, "", False, None),
    ],
)
def test_what_is_a_success_is_said_by_each_format(
    format: str, status: int, body: str, delivered: bool, says: str | None
) -> None:
    result = judged(format, status, body)
    assert (result.delivered, result.error) == (delivered, says)
    assert result.status == status


@pytest.mark.parametrize(
    ("format", "status", "body", "seconds"),
    [
        ("discord", 429, '{"message":"x","retry_after":12.345,"global":false}', 12.345),
        ("discord", 429, '{"retry_after":"soon"}', None),
        ("discord", 429, '{"retry_after":true}', None),
        ("discord", 429, '{"retry_after":1e300}', None),
        ("discord", 429, '{"retry_after":-5}', 0.0),
        ("discord", 429, '{"retry_after":1000000}', 86_400.0),
        ("discord", 429, "Cloudflare", None),
        ("discord", 429, "[12]", None),
        ("telegram", 429, json.dumps(WAITS), 33.0),
        ("telegram", 200, json.dumps(WAITS), 33.0),
        ("telegram", 429, '{"ok":false,"parameters":[5]}', None),
        ("slack", 429, '{"retry_after":5}', None),
        ("standard", 429, '{"retry_after":5}', None),
    ],
)
def test_how_long_to_wait_is_read_from_the_body_where_the_format_says_so(
    format: str, status: int, body: str, seconds: float | None
) -> None:
    result = judged(format, status, body)
    assert (result.delivered, result.retry_after) == (False, seconds)
    if seconds and status == 429:
        assert result.error == f"asks to wait {seconds:g} s"


def test_a_header_that_asks_to_wait_still_counts_where_the_body_says_nothing() -> None:
    for format in FORMATS:
        assert judged(format, 429, "later", retry_after=7.0).retry_after == 7.0


def test_no_status_is_left_as_it_is() -> None:
    result = PostResult(None, "no answer within 20 s")
    assert all(format.judged(result) is result for format in FORMATS.values())


async def test_a_200_that_says_no_is_tried_again_and_shown_and_a_yes_is_delivered(any_bench: Bench) -> None:
    said = ['{"ok":false,"error_code":400,"description":"chat not found"}', '{"ok":true,"result":{}}']
    async with answering(lambda n: (200, said[n])) as (root, asked):
        made = await any_bench.subscribe(f"{root}/bot1:x", **TELEGRAM)
        async with any_bench.running():
            await append(any_bench.db)
            await eventually(lambda: states(any_bench.db, made), [DeliveryState.DELIVERED])

    assert asked == ["/bot1:x/sendMessage"] * 2
    found = await any_bench.db.read(listing.page, made.id, limit=1)
    first, second = (await any_bench.db.read(listing.attempts_of, found))[0]
    assert (first.status, first.error, first.response) == (200, "Telegram says chat not found", said[0])
    assert (second.status, second.error, second.response) == (200, None, None)


async def test_a_wait_that_stands_in_the_body_is_kept_to(any_bench: Bench) -> None:
    async with answering(lambda n: (429, '{"message":"slow down","retry_after":1800.5,"global":false}')) as (root, _):
        made = await any_bench.subscribe(f"{root}/api/webhooks/1/x", format="discord")
        async with any_bench.running(schedule=[5.0, 3600.0]):
            await append(any_bench.db)
            await eventually(lambda: states(any_bench.db, made), [DeliveryState.RETRYING])

    [one] = await any_bench.db.read(listing.page, made.id, limit=1)
    [attempts] = await any_bench.db.read(listing.attempts_of, [one])
    assert [attempt.error for attempt in attempts] == ["asks to wait 1800.5 s"]
    assert one.next_attempt_at is not None
    wait = (to_micros(one.next_attempt_at) - to_micros(any_bench.clock())) / 1e6
    assert 1799 <= wait <= 1800.5 * 1.2 + 1  # spread over the fifth that follows


async def test_a_test_is_judged_as_deliveries_are(bench: Bench) -> None:
    async with answering(lambda n: (200, "invalid_payload")) as (root, _):
        made = await bench.subscribe(f"{root}/services/x", format="slack")
        result = await bench.deliverer().test(made)
    assert (result.delivered, result.status, result.error) == (False, 200, "Slack says invalid_payload")
    assert result.response_excerpt == "invalid_payload"


async def test_whoever_says_nothing_after_the_head_is_a_success_and_holds_up_nobody(bench: Bench) -> None:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            await reader.read()
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with endpoint() as receiver:
        mute = await bench.subscribe(f"http://127.0.0.1:{port}/bot1:x", **TELEGRAM)
        other = await bench.subscribe(receiver.url())
        async with bench.running():
            await append(bench.db, 3)
            await eventually(lambda: states(bench.db, other), [DeliveryState.DELIVERED] * 3)
            await eventually(lambda: states(bench.db, mute), [DeliveryState.DELIVERED] * 3)
    server.close()
    await server.wait_closed()


@pytest.mark.parametrize("together", [False, True])
async def test_what_is_asked_for_later_holds_from_the_next_request_on(any_bench: Bench, together: bool) -> None:
    async with endpoint() as receiver:
        made = await any_bench.subscribe(receiver.url(), together=together)
        async with any_bench.running():
            await append(any_bench.db)
            await receiver.until(lambda: len(receiver.got) == 1)
            await eventually(lambda: states(any_bench.db, made), [DeliveryState.DELIVERED])
            await any_bench.db.write(subscriptions.update, made.id, options=Options(content="thin"))
            await append(any_bench.db)
            await receiver.until(lambda: len(receiver.got) == 2)
    full, thin = (json.loads(got.body)["data"] for got in receiver.got)
    assert "title" in full
    assert thin.keys() == {"id", "url", "api_url"}


@pytest.mark.parametrize("together", [False, True])
async def test_what_a_template_makes_too_much_of_is_dead_with_the_reason_and_costs_nobody_else(
    any_bench: Bench, together: bool
) -> None:
    title, most = "x" * 10_000, 20
    greedy = Options(template=template_text(["{{ data.title }}"] * most))
    async with endpoint() as receiver:
        made = await any_bench.subscribe(receiver.url("/greedy"), format="template", options=greedy, together=together)
        other = await any_bench.subscribe(receiver.url("/other"), together=together)
        async with any_bench.running(schedule=[3600.0]):
            [short] = await append(any_bench.db)
            await eventually(lambda: states(any_bench.db, made), [DeliveryState.DELIVERED])
            data = {**short.data, "title": title}
            await any_bench.db.write(
                events.append, [short.model_copy(update={"id": "evt_long", "seq": 0, "data": data})]
            )
            await append(any_bench.db)
            wanted = [DeliveryState.DELIVERED, DeliveryState.DEAD, DeliveryState.DELIVERED]
            await eventually(lambda: states(any_bench.db, made), wanted)
            await eventually(lambda: states(any_bench.db, other), [DeliveryState.DELIVERED] * 3)

    found = await any_bench.db.read(listing.page, made.id, limit=3)
    [dead] = [one for one in found if one.state is DeliveryState.DEAD]
    [[attempt]] = await any_bench.db.read(listing.attempts_of, [dead])
    assert attempt.error == "the template makes more than 65,536 bytes of this event"
    assert {got.id for got in receiver.got if got.path == "/greedy"} == {one.event_id for one in found} - {"evt_long"}
