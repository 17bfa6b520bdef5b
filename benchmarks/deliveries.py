"""Durable deliveries against a bare aiohttp loop that keeps nothing.

    python -m benchmarks.deliveries [--quick] [--database URL] [--deliveries N]

Both send the same signed body of 2 KB to a receiver in another process, over as many connections, on uvloop, and take
turns in one run, since the machine's own pace varies more than what is measured. The durable side begins with the
event's append and ends when the last outcome is committed: fan-out, claims, the address guard, the attempt log and all.
Results are the ratios of the best wall time and of the median CPU time; ``--quick`` is small, and fails only if a
delivery is missing.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from pathlib import Path

import aiohttp
import uvloop
from aiohttp import web

from publisher.app.serving import spare_the_garbage_collector
from publisher.delivery import Deliverer, signing
from publisher.delivery.deliverer import SLOTS
from publisher.delivery.followers import permissions
from publisher.delivery.transports import FORMATS
from publisher.delivery.transports.base import SingleEvent
from publisher.model import Change, Event, EventType, FeedDefinition, Filter, Role
from publisher.model.subscription import STANDARD
from publisher.outbound import Outbound
from publisher.storage.access.sealing import Sealer
from publisher.storage.configuration import feeds as feed_states
from publisher.storage.engine.database import Database, Tx
from publisher.storage.log import events
from publisher.storage.subscriptions import deliveries, subscriptions

FEEDS = {"news": FeedDefinition(name="news", title="News")}


@dataclass(frozen=True)
class Cost:
    """Seconds that one round took."""

    wall: float
    cpu: float


def receive(pipe: Connection) -> None:
    """A receiver that reads each request and answers 204; sends its port, and its count whenever it is asked."""
    uvloop.run(_receive(pipe))


async def _receive(pipe: Connection) -> None:
    count = 0

    async def handle(request: web.BaseRequest) -> web.Response:
        nonlocal count
        await request.read()
        count += 1
        return web.Response(status=204)

    runner = web.ServerRunner(web.Server(handle, access_log=None))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, backlog=1024).start()
    pipe.send(runner.addresses[0][1])
    while await asyncio.to_thread(pipe.recv):
        pipe.send(count)
    await runner.cleanup()


def an_event(number: int) -> Event:
    """An article of about 2 KB."""
    data = {"id": f"a{number}", "title": "Kopi", "body": "<p>Harga kopi naik.</p>" * 80, "topics": ["kopi"]}
    return Event(
        id=f"evt_{number}", type=EventType.ARTICLE_PUBLISHED, timestamp=datetime.now(UTC), source="desk",
        subject=f"a{number}", data=data,
    )  # fmt: skip


def define(tx: Tx) -> None:
    """Take these feeds, as a service does at its start."""
    feed_states.define(tx, {name: feed.digest for name, feed in FEEDS.items()})
    permissions.adopt(tx, FEEDS)


async def bare(url: str, count: int) -> None:
    """As many workers as we have slots, each sending one after the other; what fails is lost."""
    secret = signing.new_secret()
    request = FORMATS[STANDARD].request(SingleEvent.of(an_event(0), EventType.ARTICLE_PUBLISHED, Change.ENTERED))
    body = request.body
    numbers = iter(range(count))
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def work() -> None:
            for number in numbers:
                signature = signing.headers(secret, f"evt_{number}", int(time.time()), body)
                headers = {**request.headers, **signature}
                target = f"{url}/{number}"
                async with session.post(target, data=body, headers=headers, allow_redirects=False) as response:
                    assert response.status == 204
                    await response.read()

        await asyncio.gather(*(work() for _ in range(SLOTS)))


class Arrivals:
    """Counts the deliveries that arrived, as the service's own metrics do."""

    def __init__(self) -> None:
        self._missing = 0
        self._all = asyncio.Event()

    def expect(self, count: int) -> asyncio.Event:
        """An event for when so many more have arrived."""
        self._missing = count
        self._all.clear()
        return self._all

    def observe(self, _status: int | None, age: float | None) -> None:
        """Take the news of one attempt."""
        self._missing -= age is not None
        if self._missing == 0:
            self._all.set()


async def durable(db: Database, arrivals: Arrivals, number: int, count: int) -> None:
    """One event for everyone, until each delivery is recorded."""
    arrived = arrivals.expect(count)
    [event] = await db.write(events.append, [an_event(number)])
    await arrived.wait()
    while not await settled(db, event.seq, count):  # noqa: ASYNC110 -- only the database knows
        await asyncio.sleep(0.005)


async def settled(db: Database, seq: int, count: int) -> bool:
    """Whether the event was delivered to everyone, by the accounts."""
    [accounts] = await db.read(deliveries.accounting, [seq])
    return accounts.states == {"delivered": count}


async def subscribe_all(db: Database, sealer: Sealer, url: str, count: int) -> None:
    """So many subscribers, each with a secret of its own."""

    def create(tx) -> None:  # type: ignore[no-untyped-def]
        for number in range(count):
            subscriptions.create(
                tx, url=f"{url}/{number}", filter=Filter(feeds=("news",)), format=STANDARD, description=None,
                owner="bench", sealed_secret=sealer.seal(signing.new_secret().encode()), granted=Role.OPERATOR,
            )  # fmt: skip

    await db.write(create)


async def timed(work: Callable[[], Awaitable[None]]) -> Cost:
    """What a round of work costs."""
    wall, cpu = time.perf_counter(), time.process_time()
    await work()
    return Cost(time.perf_counter() - wall, time.process_time() - cpu)


async def measure(url: str, database: str, count: int, rounds: int) -> tuple[list[Cost], list[Cost]]:
    """The costs of both, round by round."""
    theirs, ours = [], []
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        db = await Database.open(database, data)
        outbound = Outbound(allow_private=["127.0.0.0/8:*"])
        sealer = Sealer.open(data)
        await subscribe_all(db, sealer, url, count)
        arrivals = Arrivals()
        await db.write(define)
        deliverer = Deliverer(db, outbound, sealer, schedule=[1.0], timeout=20.0, observe=arrivals.observe)
        running = asyncio.create_task(deliverer.run())
        spare_the_garbage_collector()
        for number in range(1, rounds + 1):
            theirs.append(await timed(lambda: bare(url, count)))
            ours.append(await timed(lambda n=number: durable(db, arrivals, n, count)))  # type: ignore[misc]
        await deliverer.stop(5)
        await running
        await outbound.close()
        await db.close()
    return theirs, ours


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="300 deliveries, one round")
    parser.add_argument("--database", default="sqlite", help="an empty database, as [storage] url would name it")
    parser.add_argument("--deliveries", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    count, rounds = (300, 1) if options.quick else (options.deliveries, options.rounds)
    pipe, other = multiprocessing.Pipe()
    receiver = multiprocessing.get_context("spawn").Process(target=receive, args=(other,), daemon=True)
    receiver.start()
    try:
        url = f"http://127.0.0.1:{pipe.recv()}/hook"
        theirs, ours = uvloop.run(measure(url, options.database, count, rounds))
        pipe.send(True)
        received = pipe.recv()
        pipe.send(False)
        receiver.join(10)
    finally:
        receiver.kill()
    for name, costs in (("bare", theirs), ("durable", ours)):
        rate = count / min(cost.wall for cost in costs)
        micros = statistics.median(cost.cpu for cost in costs) / count * 1e6
        print(f"{name:8} {rate:7.0f} deliveries/s, {micros:4.0f} µs of CPU each")
    wall = min(cost.wall for cost in theirs) / min(cost.wall for cost in ours)
    cpu = statistics.median(cost.cpu for cost in theirs) / statistics.median(cost.cpu for cost in ours)
    print(f"durable / bare: {wall:.2f} by wall time, {cpu:.2f} by CPU time")
    expected = 2 * count * rounds
    if received != expected:
        raise SystemExit(f"received {received} of {expected}")


if __name__ == "__main__":
    main()
