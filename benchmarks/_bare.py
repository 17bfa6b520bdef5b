"""The baseline: aiohttp on uvloop that signs, sends and keeps nothing. What fails is lost."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection

import aiohttp
import uvloop

from benchmarks._events import an_article
from benchmarks._measuring import Cost
from benchmarks._peers import Metered, answer
from publisher.app.serving import spare_the_garbage_collector
from publisher.delivery import signing
from publisher.delivery.transports import FORMATS
from publisher.delivery.transports.base import SingleEvent
from publisher.descriptors import raise_limit
from publisher.model import Change, EventType
from publisher.model.subscription import STANDARD

SECRET = signing.new_secret()


class Commands(Metered):
    """What the benchmark asks of it. Connections are kept from one call to the next."""

    def __init__(self) -> None:
        request = FORMATS[STANDARD].request(SingleEvent.of(an_article(), EventType.ARTICLE_PUBLISHED, Change.ENTERED))
        self._body, self._headers = request.body, request.headers
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))

    async def post(self, urls: Sequence[str], times: int, workers: int) -> Cost:
        """POST to each of the URLs so many times, by so many workers that send one after the other."""
        wall, cpu = time.perf_counter(), time.process_time()
        targets = iter([url for _ in range(times) for url in urls])

        async def work(first: int) -> None:
            for number, url in enumerate(targets):
                await self._post(url, f"evt_{first}_{number}")

        await asyncio.gather(*(work(number) for number in range(workers)))
        return Cost(time.perf_counter() - wall, time.process_time() - cpu)

    async def pace(self, url: str, count: int, rate: float) -> dict[str, float]:
        """POST so many a second; returns when each began (monotonic), by its id."""
        began, posted, sent = time.monotonic(), {}, []
        for number in range(count):
            await asyncio.sleep(began + number / rate - time.monotonic())
            posted[f"bare_{number}"] = time.monotonic()
            sent.append(asyncio.create_task(self._post(url, f"bare_{number}")))
        await asyncio.gather(*sent)
        return posted

    async def _post(self, url: str, id: str) -> None:
        signature = signing.headers(SECRET, id, int(time.time()), self._body)
        headers = {**self._headers, **signature}
        async with self._session.post(url, data=self._body, headers=headers, allow_redirects=False) as response:
            assert response.status == 204
            await response.read()

    async def close(self) -> None:
        """Close its connections."""
        await self._session.close()


def main(pipe: Connection) -> None:
    """Be the baseline."""
    raise_limit()
    uvloop.run(_send(pipe))


async def _send(pipe: Connection) -> None:
    commands = Commands()
    spare_the_garbage_collector()
    await answer(pipe, commands)
    await commands.close()
