"""A delivery that ends the process cannot do so for ever: it is found among all that was under way, and is dead."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from sqlalchemy import update
from support.deliveries import append, subscribe
from support.delivering import Endpoint, endpoint, eventually
from support.poisoned_process import Poisoned, poisoned

from publisher.delivery.signing import new_secret
from publisher.model import DeliveryState
from publisher.storage.access.sealing import Sealer
from publisher.storage.engine.database import Database, Tx
from publisher.storage.engine.tables import deliveries, senders
from publisher.storage.subscriptions import crashes, listing

FOLLOWERS, EVENTS = 6, 4

MOST = 9
"""Ends of the process: two until its parcel is left, two until few are suspected, three alone, and two to spare."""

KILLS = 30

AT_ONCE = (0.0,)


def lapse(tx: Tx) -> None:
    """Time passes, on PostgreSQL: leases of lanes and of deliveries have run out."""
    tx.conn.execute(update(senders).values(until=0))
    tx.conn.execute(update(deliveries).where(deliveries.c.state == "sending").values(due_at=tx.now))


async def followed(db: Database, data: Path, receiver: Endpoint, *, together: bool) -> list[str]:
    """Webhooks at ``/0``, ``/1`` …; their ids."""
    sealed = Sealer.open(data).seal(new_secret().encode())
    made = [
        await db.write(subscribe, url=receiver.url(f"/{number}"), together=together, sealed_secret=sealed)
        for number in range(FOLLOWERS)
    ]
    return [one.id for one in made]


async def ended(publisher: Poisoned, db: Database, settled: Callable[[], Awaitable[bool]], *, single: bool) -> int:
    """Begin it again each time that it ends, until everything is settled; returns how often it ended by itself."""
    for count in range(MOST + 1):
        if not single:
            await db.write(lapse)
        end = await publisher.begin()

        async def over(end: asyncio.Task[int] = end) -> bool:
            return end.done() or await settled()

        await eventually(over, True)
        if not end.done():
            publisher.send(signal.SIGTERM)
            assert await end == 0
            return count
        assert await end == -signal.SIGKILL
    raise AssertionError(f"it has ended {MOST + 1} times")


def all_settled(db: Database, seqs: list[int]) -> Callable[[], Awaitable[bool]]:
    async def settled() -> bool:
        accounts = await db.read(listing.accounting, seqs)
        return all(one.matched == FOLLOWERS for one in accounts) and await db.read(listing.depth) == {}

    return settled


@pytest.mark.parametrize("together", [True, False], ids=["a seat of a parcel", "a row"])
async def test_one_that_ends_the_process_is_dead_after_a_few_times_and_all_others_are_delivered(
    together: bool, database_url: str, db: Database, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    single = db.single_node
    async with endpoint() as receiver:
        webhooks = await followed(db, data, receiver, together=together)
        seqs = [event.seq for event in await append(db, EVENTS)]
        poison = f"/2:{seqs[1]}"
        async with poisoned(database_url, data, poison, alone=single, waits=AT_ONCE) as publisher:
            times = await ended(publisher, db, all_settled(db, seqs), single=single)
        assert crashes.FATAL - 1 <= times <= MOST
        got = {(one.path, one.id) for one in receiver.got}
        assert len(got) == FOLLOWERS * EVENTS - 1

    for number, webhook in enumerate(webhooks):
        shown = {one.seq: one for one in await db.read(listing.page, webhook, limit=100)}
        for seq in seqs:
            one = shown[seq]
            if (number, seq) == (2, seqs[1]):
                assert (one.state, one.reason) == (DeliveryState.DEAD, "crashed")
                assert one.last_error == f"it ended the process {crashes.FATAL} times"
            else:
                assert (one.state, one.reason) == (DeliveryState.DELIVERED, None)
