"""What the publisher promises a developer: every event arrives, whatever happens to either side."""

from __future__ import annotations

import asyncio
from pathlib import Path

import aiohttp
import standardwebhooks
from support.clients import verified_by_npm
from support.receiver import Receiver, receiving
from support.service import Service, api_client, key_of, write_installation

ARTICLES = 200
KILLS = 5


def _failing_a_third_of_the_time(number: int) -> int:
    return (302, 404, 500, 503)[number // 3 % 4] if number % 3 == 1 else 204


async def _push(service: Service, client: aiohttp.ClientSession, number: int, up: asyncio.Event) -> None:
    """Push as a CMS does: until it is answered."""
    article = {"title": f"Kabar {number}", "body": f"<p>Isi kabar nomor {number}.</p>"}
    while True:
        await up.wait()
        try:
            async with client.put(f"{service.url}/api/v1/articles/kabar-{number}", json=article) as answer:
                assert answer.status in (200, 201), await answer.text()
                return
        except aiohttp.ClientError:
            await asyncio.sleep(0)


async def _killed_while_pushing(service: Service, key: str, receiver: Receiver) -> None:
    up = asyncio.Event()
    up.set()
    numbers = iter(range(ARTICLES))

    async def pusher(client: aiohttp.ClientSession) -> None:
        for number in numbers:
            await _push(service, client, number, up)

    async with api_client(key) as client, asyncio.TaskGroup() as group:
        for _ in range(4):
            group.create_task(pusher(client))
        for kill in range(1, KILLS + 1):
            await receiver.until(lambda kill=kill: len(receiver.attempts) >= kill * ARTICLES // (KILLS + 2))  # type: ignore[misc]
            up.clear()
            await service.kill()
            await service.start()
            up.set()


async def _deliveries(service: Service, key: str, webhook: str) -> dict[str, str]:
    """The state of each delivery that the API shows, by event."""
    states: dict[str, str] = {}
    async with api_client(key) as client:
        query = "limit=100"
        while query:
            async with client.get(f"{service.url}/api/v1/webhooks/{webhook}/deliveries?{query}") as answer:
                assert answer.status == 200, await answer.text()
                page = await answer.json()
            states |= {delivery["event"]: delivery["state"] for delivery in page["deliveries"]}
            query = f"limit=100&after={page['next']}" if page["next"] else ""
    return states


async def _settled(service: Service, key: str, webhook: str, receiver: Receiver) -> dict[str, str]:
    """The deliveries once none is open: what was taken in the moment of a kill is sent again when its lease ends."""
    while True:
        seen = len(receiver.attempts)
        states = await _deliveries(service, key, webhook)
        still_open = {event for event, state in states.items() if state != "delivered"}
        if not still_open:
            return states
        await receiver.until(
            lambda seen=seen, still_open=still_open: any(  # type: ignore[misc]
                one.id in still_open and one.answered < 300 for one in receiver.attempts[seen:]
            )
        )
        assert await service.stop() == 0  # what is under way is settled
        await service.start()


async def test_no_event_is_lost_over_five_kills_and_a_receiver_that_fails_a_third_of_the_time(tmp_path: Path) -> None:
    home = write_installation(tmp_path, delivery='timeout = "2s"')
    editor = await key_of(home)
    service = Service(home)
    await service.start()
    try:
        async with receiving(_failing_a_third_of_the_time) as receiver:
            async with api_client(editor) as client:
                registration = {"url": receiver.url, "feeds": ["news"]}
                async with client.post(f"{service.url}/api/v1/webhooks", json=registration) as answer:
                    assert answer.status == 201, await answer.text()
                    webhook = await answer.json()
            await _killed_while_pushing(service, editor, receiver)
            await receiver.until(lambda: len({attempt.id for attempt in receiver.taken}) >= ARTICLES)
            assert await service.stop() == 0

            subjects = {attempt.event["data"]["id"] for attempt in receiver.taken}
            assert subjects == {f"kabar-{number}" for number in range(ARTICLES)}
            _every_attempt_verifies(receiver, webhook["secret"])
            _every_attempt_of_an_event_is_the_same(receiver)

            await service.start()
            states = await _settled(service, editor, webhook["id"], receiver)
            assert states.keys() == {attempt.id for attempt in receiver.taken}
            assert len(states) == ARTICLES
    finally:
        await service.kill()


def _every_attempt_verifies(receiver: Receiver, secret: str) -> None:
    verifier = standardwebhooks.Webhook(secret)
    for attempt in receiver.attempts:
        verifier.verify(attempt.body, attempt.headers)
    requests = [{"secret": secret, "headers": one.headers, "body": one.body.decode()} for one in receiver.attempts]
    for client in ("standardwebhooks", "svix"):
        assert verified_by_npm(client, requests) == len(receiver.attempts)


def _every_attempt_of_an_event_is_the_same(receiver: Receiver) -> None:
    bodies: dict[str, bytes] = {}
    for attempt in receiver.attempts:
        assert bodies.setdefault(attempt.id, attempt.body) == attempt.body
    assert any(attempt.answered >= 300 for attempt in receiver.attempts)
