"""A delivery that ends the process cannot do so for ever: it is found among all that was under way, and is dead."""

from __future__ import annotations

import asyncio
import random
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from sqlalchemy import delete, select, update
from support.deliveries import append, subscribe
from support.delivering import Endpoint, endpoint, eventually
from support.poisoned_process import Poisoned, poisoned

from publisher.delivery.signing import new_secret
from publisher.model import DeliveryState
from publisher.storage.access.sealing import Sealer
from publisher.storage.engine.database import Database, Tx
from publisher.storage.engine.tables import deliveries, lanes, senders
from publisher.storage.subscriptions import crashes, listing

FOLLOWERS, EVENTS = 6, 4

MOST = 9
"""Ends of the process: two until its parcel is left, two until few are suspected, three alone, and two to spare."""

KILLS = 30

AT_ONCE = (0.0,)


def lapse(tx: Tx) -> None:
    """Time passes, on PostgreSQL: leases of lanes and of deliveries have run out."""
    tx.conn.execute(delete(senders))
    tx.conn.execute(update(deliveries).where(deliveries.c.state == "sending").values(due_at=tx.now))


async def has_lanes(db: Database) -> bool:
    """Whether the process that was begun last has taken over."""
    alive = select(senders.c.process)
    owners = select(lanes.c.n).where(lanes.c.owner.in_(alive))
    return await db.read(lambda tx: len(tx.conn.execute(owners).all())) > 0


async def followed(db: Database, data: Path, receiver: Endpoint) -> list[str]:
    """Webhooks at ``/0``, ``/1`` …, with seats; their ids."""
    sealed = Sealer.open(data).seal(new_secret().encode())
    made = [
        await db.write(subscribe, url=receiver.url(f"/{number}"), together=True, sealed_secret=sealed)
        for number in range(FOLLOWERS)
    ]
    return [one.id for one in made]


async def ended(
    publisher: Poisoned, db: Database, settled: Callable[[], Awaitable[bool]], *, single: bool, most: int = MOST
) -> int:
    """Begin it again each time that it ends, until everything is settled; returns how often it ended by itself."""
    for count in range(most + 1):
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
    raise AssertionError(f"it has ended {most + 1} times")


def all_settled(db: Database, seqs: list[int], count: int = FOLLOWERS) -> Callable[[], Awaitable[bool]]:
    async def settled() -> bool:
        accounts = await db.read(listing.accounting, seqs)
        return all(one.matched == count for one in accounts) and await db.read(listing.depth) == {}

    return settled


def first_refused(number: int) -> int:
    """The first request of each event to each path is refused: its next attempt is a row's."""
    return 500 if number < EVENTS else 204


WAYS = [("a first attempt", "", lambda _number: 204), ("a retry", "@2", first_refused)]


@pytest.mark.parametrize(("attempt", "answer"), [way[1:] for way in WAYS], ids=[way[0] for way in WAYS])
async def test_one_that_ends_the_process_is_dead_after_a_few_times_and_all_others_are_delivered(
    attempt: str, answer: Callable[[int], int], database_url: str, db: Database, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    single = db.single_node
    async with endpoint(answer) as receiver:
        webhooks = await followed(db, data, receiver)
        seqs = [event.seq for event in await append(db, EVENTS)]
        poison = f"/2:{seqs[1]}{attempt}"
        async with poisoned(database_url, data, poison, alone=single, waits=AT_ONCE) as publisher:
            times = await ended(publisher, db, all_settled(db, seqs), single=single)
        assert crashes.FATAL <= times <= MOST
        assert len(receiver.taken) == FOLLOWERS * EVENTS - 1

    for number, webhook in enumerate(webhooks):
        shown = {one.seq: one for one in await db.read(listing.page, webhook, limit=100)}
        for seq in seqs:
            one = shown[seq]
            if (number, seq) == (2, seqs[1]):
                assert (one.state, one.reason) == (DeliveryState.DEAD, "crashed")
                last = (await db.read(listing.attempts, one))[-1]
                assert (last.number, last.status) == (one.attempts, None)
                assert last.error == one.last_error == f"it ended the process {crashes.FATAL} times"
            else:
                assert (one.state, one.reason) == (DeliveryState.DELIVERED, None)


async def test_an_event_that_ends_the_process_whoever_it_is_sent_to_does_so_a_few_times_in_all(
    database_url: str, db: Database, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    single = db.single_node
    async with endpoint() as receiver:
        await followed(db, data, receiver)
        seqs = [event.seq for event in await append(db, EVENTS)]
        async with poisoned(database_url, data, f"*:{seqs[1]}", alone=single, waits=AT_ONCE) as publisher:
            times = await ended(publisher, db, all_settled(db, seqs), single=single, most=MOST + crashes.FATAL)
        assert times < FOLLOWERS * (crashes.FATAL - crashes.ALONE)
    for accounts in await db.read(listing.accounting, seqs):
        assert accounts.states == {
            DeliveryState.DEAD if accounts.seq == seqs[1] else DeliveryState.DELIVERED: FOLLOWERS
        }


async def test_killed_at_random_again_and_again_nothing_is_dead(
    database_url: str, db: Database, tmp_path: Path
) -> None:
    """Also where some are under way at each of the kills."""
    data = tmp_path / "data"
    single, chance = db.single_node, random.Random(5)
    async with endpoint() as receiver:
        await followed(db, data, receiver)
        await db.write(
            subscribe, together=True, url=receiver.url("/held"),
            sealed_secret=Sealer.open(data).seal(new_secret().encode()),
        )  # fmt: skip
        seqs = []
        async with poisoned(database_url, data, alone=single) as publisher:
            for number in range(KILLS):
                if number < EVENTS:
                    seqs.append((await append(db))[0].seq)
                await db.write(lapse)
                before = receiver.held
                end = await publisher.begin()
                if number < EVENTS:
                    await receiver.until(lambda before=before: receiver.held > before)  # type: ignore[misc]
                elif chance.random() < 0.5:
                    await eventually(lambda: has_lanes(db), True)
                publisher.send(signal.SIGKILL)
                assert await end == -signal.SIGKILL
            accounts = await db.read(listing.accounting, seqs)
            assert not any(one.states.get(DeliveryState.DEAD) for one in accounts)
            receiver.release.set()
            assert await ended(publisher, db, all_settled(db, seqs, FOLLOWERS + 1), single=single) == 0
    for one in await db.read(listing.accounting, seqs):
        assert one.states == {DeliveryState.DELIVERED: FOLLOWERS + 1}
