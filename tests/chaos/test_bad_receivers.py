"""A running publisher before receivers that flood it, that are slow, more than it has descriptors for, or far behind:
each is told of everything once, and the accounts of each are right."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from chaos.harness.fleet import Fleet, fleet
from chaos.harness.receivers import receiving
from chaos.harness.run import REST
from chaos.harness.script import Reply, Script
from support.deliveries import append, subscribe
from support.delivering import eventually
from support.service import Service, api_client, key_of, migrated, write_installation

from publisher.app.opening import open_storage
from publisher.delivery.signing import new_secret
from publisher.storage.engine.database import Tx

EVENTS = 3
"""Pushed beside a flood, of which each attempt is another."""

SOUND = Script(0, failing=0.0, late=0.0)


class Slow(Script):
    """Takes everything, after a second."""

    def reply(self, endpoint: int, article: str, number: int) -> Reply:
        return Reply(super().reply(endpoint, article, number).manner, 204, 1.0)


SLOW = Slow(0, failing=0.0, late=0.0)

MANY = 1_100
"""Endpoints, each a host of its own that keeps its connection."""

INTERIM = b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n" * 1024
EXTENSION = b"a" * 65_536
FLOODS = {
    "interim answers": (b"", INTERIM),
    "chunk extensions": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;", EXTENSION),
}


@asynccontextmanager
async def flooding(first: bytes, again: bytes) -> AsyncIterator[str]:
    """A receiver that answers without an end; its address."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(first)
            while True:
                writer.write(again)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    finally:
        server.close()


@pytest.mark.parametrize(("flood", "delivered"), [("interim answers", False), ("chunk extensions", True)])
async def test_a_flood_for_an_answer_is_cut_off_and_the_receiver_beside_it_has_everything(
    flood: str, delivered: bool, tmp_path: Path
) -> None:
    async with (
        flooding(*FLOODS[flood]) as url,
        receiving(1, SOUND) as receivers,
        fleet(tmp_path, timeout=60) as publishers,
    ):
        bad, sound = await publishers.register(url), await publishers.register(receivers.url(0))
        for number in range(EVENTS):
            await publishers.push([f"kabar-{number}"])
        await receivers.until(lambda: receivers.taken == EVENTS)
        await eventually(lambda: _states(publishers, sound), {"delivered": EVENTS})

        async def all_attempted() -> bool:
            shown = await publishers.deliveries(bad)
            return len(shown) == EVENTS and all(one["attempts"] for one in shown)

        await eventually(all_attempted, True)
        for one in await publishers.deliveries(bad):
            statuses = {attempt["status"] for attempt in one["attempts"]}
            # The status line decides; before one there is no answer.
            assert statuses == ({200} if delivered else {None})
            assert delivered or all(attempt["error"] for attempt in one["attempts"])
        if delivered:
            await eventually(lambda: _states(publishers, bad), {"delivered": EVENTS})
        assert [len(told.attempts) for told in receivers.got[0].values()] == [1] * EVENTS


async def test_a_hundred_that_take_a_second_each_have_everything_once(tmp_path: Path) -> None:
    async with receiving(100, SLOW) as slow, receiving(1, SOUND) as sound, fleet(tmp_path, timeout=60) as publishers:
        webhooks = [await publishers.register(slow.url(number)) for number in range(100)]
        webhooks.append(await publishers.register(sound.url(0)))
        await publishers.push([f"kabar-{number}" for number in range(3)])
        await sound.until(lambda: sound.taken == 3)
        await slow.until(lambda: slow.taken == 300)
        for webhook in webhooks:
            await eventually(lambda webhook=webhook: _states(publishers, webhook), {"delivered": 3})
        told = [told for got in (*slow.got, *sound.got) for told in got.values()]
        assert [len(one.attempts) for one in told] == [1] * 303


async def test_more_endpoints_than_1024_descriptors_have_an_event_once_each(tmp_path: Path) -> None:
    async with receiving(MANY, SOUND) as receivers:
        urls = [receivers.url(number) for number in range(MANY)]
        async with behind(tmp_path, urls, events=1, descriptors=1024) as publishers:
            await receivers.until(lambda: receivers.taken == MANY)
            await _all_delivered(publishers, MANY)
            assert [len(told.attempts) for got in receivers.got for told in got.values()] == [1] * MANY


async def test_ten_thousand_events_reach_one_endpoint_once(tmp_path: Path) -> None:
    async with receiving(1, SOUND) as receivers, behind(tmp_path, [receivers.url(0)], events=10_000) as publishers:
        await receivers.until(lambda: receivers.taken == 10_000)
        await _all_delivered(publishers, 10_000)
        (got,) = receivers.got
        assert [len(told.attempts) for told in got.values()] == [1] * 10_000


@asynccontextmanager
async def behind(
    home: Path, urls: Sequence[str], *, events: int, descriptors: int | None = None
) -> AsyncIterator[Fleet]:
    """A publisher that begins with webhooks at these addresses and events that they have not been told of."""
    migrated(write_installation(home, delivery='timeout = "60s"'))
    db, sealer = await open_storage(home, "sqlite")

    def subscribed(tx: Tx) -> list[str]:
        return [subscribe(tx, url=url, sealed_secret=sealer.seal(new_secret().encode())).id for url in urls]

    webhooks = await db.write(subscribed)
    await append(db, events)
    await db.close()
    service = Service(home, descriptors=descriptors)
    await service.start()
    try:
        async with api_client(await key_of(home)) as client:
            publishers = Fleet([service], client)
            publishers.webhooks += webhooks
            yield publishers
        assert not [entry for entry in service.log if "exception" in entry]
        assert await service.stop() == 0
    finally:
        await service.kill()


async def _states(publishers: Fleet, webhook: str) -> dict[str, int]:
    return dict(Counter(one["state"] for one in await publishers.deliveries(webhook)))


async def _all_delivered(publishers: Fleet, count: int) -> None:
    """So many deliveries are settled, and there are no others; of the first and the last webhook as many as of each."""

    async def counted() -> dict[str, float]:
        shown = await publishers.metrics()
        states = {name: value for name, value in shown.items() if name.startswith("publisher_deliveries{") and value}
        return {name.split('"')[1]: value for name, value in states.items()}

    async with asyncio.timeout(60):
        while await counted() != {"delivered": count}:  # noqa: ASYNC110 -- what is shown may be ten seconds old
            await asyncio.sleep(REST)
    for webhook in (publishers.webhooks[0], publishers.webhooks[-1]):
        assert await _states(publishers, webhook) == {"delivered": count // len(publishers.webhooks)}
