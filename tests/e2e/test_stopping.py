"""SIGTERM while much is under way: an end in order, and everything still arrives."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
from support.receiver import receiving
from support.service import Service, api_client, key_of, write_installation

LONGEST_STOP = 10
"""Seconds after which a service manager may lose patience."""


@asynccontextmanager
async def running(home: Path) -> AsyncIterator[tuple[Service, aiohttp.ClientSession]]:
    key = await key_of(home)
    service = Service(home)
    await service.start()
    try:
        async with api_client(key) as client:
            yield service, client
    finally:
        await service.kill()


async def register(service: Service, client: aiohttp.ClientSession, url: str) -> str:
    registration = {"url": url, "feeds": ["news"]}
    async with client.post(f"{service.url}/api/v1/webhooks", json=registration) as answer:
        assert answer.status == 201, await answer.text()
        return str((await answer.json())["id"])


async def listed(client: aiohttp.ClientSession, url: str, name: str) -> list[dict[str, Any]]:
    """Every item of a list that the API gives in pages."""
    found: list[dict[str, Any]] = []
    query: str | None = "limit=100"
    while query:
        async with client.get(f"{url}?{query}") as answer:
            assert answer.status == 200, await answer.text()
            page = await answer.json()
        found += page[name]
        query = f"limit=100&after={page['next']}" if page["next"] else None
    return found


async def states(service: Service, client: aiohttp.ClientSession, webhook: str) -> dict[str, str]:
    """The state of each delivery, by event."""
    deliveries = await listed(client, f"{service.url}/api/v1/webhooks/{webhook}/deliveries", "deliveries")
    return {one["event"]: one["state"] for one in deliveries}


async def published(service: Service, client: aiohttp.ClientSession) -> set[str]:
    return {one["id"] for one in await listed(client, f"{service.url}/api/v1/articles", "articles")}


async def push(service: Service, client: aiohttp.ClientSession, id: str) -> None:
    article = {"title": f"Kabar {id}", "body": f"<p>Isi kabar {id}.</p>"}
    async with client.put(f"{service.url}/api/v1/articles/{id}", json=article) as answer:
        assert answer.status in (200, 201), await answer.text()


async def test_sigterm_under_load_ends_in_order_and_loses_nothing(tmp_path: Path) -> None:
    async with running(write_installation(tmp_path)) as (service, client), receiving() as receiver:
        webhook = await register(service, client, receiver.url)
        up, over = asyncio.Event(), asyncio.Event()
        up.set()
        answered: set[str] = set()
        numbers = itertools.count()

        async def newsroom() -> None:
            """Push one article after the other as a CMS does: each until it is answered."""
            while not over.is_set():
                id = f"kabar-{next(numbers)}"
                while id not in answered:
                    await up.wait()
                    try:
                        await push(service, client, id)
                    except aiohttp.ClientError:
                        up.clear()  # it has begun to stop
                    else:
                        answered.add(id)

        async with asyncio.TaskGroup() as newsrooms:
            for _ in range(8):
                newsrooms.create_task(newsroom())
            await receiver.until(lambda: len(receiver.attempts) >= 40)
            assert await asyncio.wait_for(service.stop(), LONGEST_STOP) == 0
            over.set()
            before_the_stop = set(answered)
            await service.start()
            assert before_the_stop <= await published(service, client)
            up.set()

        await receiver.until(lambda: {one.event["data"]["id"] for one in receiver.taken} == answered)
        assert await service.stop() == 0  # what is under way is settled
        await service.start()
        assert await published(service, client) == answered
        assert await states(service, client, webhook) == {one.id: "delivered" for one in receiver.taken}


async def test_a_delivery_that_an_endpoint_holds_is_handed_back_and_sent_again(tmp_path: Path) -> None:
    held, end = asyncio.Event(), asyncio.Event()

    async def hold(_request: web.Request) -> web.Response:
        held.set()
        await end.wait()
        return web.Response(status=204)

    application = web.Application()
    application.router.add_post("/{path:.*}", hold)
    slow = web.AppRunner(application, access_log=None)
    await slow.setup()
    await web.TCPSite(slow, "127.0.0.1", 0).start()
    try:
        # The lease outlasts the timeout: had it not been handed back, none of the waits here would see it again.
        async with running(write_installation(tmp_path, delivery='timeout = "120s"')) as (service, client):
            webhook = await register(service, client, f"http://127.0.0.1:{slow.addresses[0][1]}/hook")
            await push(service, client, "kabar")
            await asyncio.wait_for(held.wait(), 60)
            assert await asyncio.wait_for(service.stop(), LONGEST_STOP) == 0
            end.set()
            held.clear()
            await service.start()
            await asyncio.wait_for(held.wait(), 60)
            assert await service.stop() == 0
            await service.start()
            assert list((await states(service, client, webhook)).values()) == ["delivered"]
    finally:
        await slow.cleanup()
