"""Subscriptions, and events fanned out to them, for tests of what comes after."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import select

from publisher.model import Change, DeliveryState, Event, EventType, Filter, Match, Role, Subscription
from publisher.storage.engine.database import Database, Tx
from publisher.storage.engine.tables import subscriptions as table
from publisher.storage.log import events
from publisher.storage.subscriptions import fanout, lanes, listing, queue, seats, settling, spilling, subscriptions
from publisher.storage.subscriptions.deliveries import Outcome
from publisher.storage.subscriptions.fanout import Cursor, Judged
from publisher.storage.subscriptions.parcels import Journaled
from publisher.storage.subscriptions.queue import Claim
from publisher.storage.subscriptions.settling import Recorded
from support.items import an_event

_articles = itertools.count(1)

NEWS = Filter(feeds=("news",))


def subscribe(tx: Tx, feed: str = "news", *, together: bool = False, **fields: Any) -> Subscription:
    """A subscription to one feed; ``fields`` replace what it is made of. Its deliveries are rows: only ``together`` it
    has a seat, until a fan-out gives it one.
    """
    made: dict[str, Any] = {
        "url": "https://receiver.example/hook",
        "filter": Filter(feeds=(feed,)),
        "format": "standard",
        "description": None,
        "owner": "reader",
        "sealed_secret": b"sealed",
        "granted": Role.OPERATOR,
    }
    created = subscriptions.create(tx, **{**made, **fields})
    if not together:
        seats.leave(tx, [subscriptions.number(tx, created.id)])
    return created


async def append(db: Database, count: int = 1) -> list[Event]:
    """So many events in the log, each of an article of its own: none overtakes another."""
    return await db.write(events.append, [an_event(subject=f"a{next(_articles)}") for _ in range(count)])


async def fan_out_once(db: Database, *, chunk: int = fanout.CHUNK, feeds: Collection[str] = ("news",)) -> Cursor | None:
    """One transaction of a fan-out in which every filter on one of ``feeds`` matches; None if nothing was left."""
    page = await db.read(fanout.page, 100)
    if not page.events:
        return None
    told = Match(EventType.ARTICLE_PUBLISHED, Change.ENTERED)
    ids = [one.id for one in page.filters if set(one.filter.feeds) & set(feeds)]
    judged = [Judged(event.seq, dict.fromkeys(ids, told)) for event in page.events]
    followed = {one.id: one for one in page.filters}
    return await db.write(fanout.advance, page.cursor, judged, followed, chunk)


async def fan_out(db: Database, **options: Any) -> None:
    """Fan out all that is in the log."""
    while await fan_out_once(db, **options):
        pass


async def claim(
    db: Database, *, limit: int = 100, lease: str = "ours", lease_seconds: float = 60.0, share: int = 100,
    busy: Collection[int] = (), known: Collection[int] = (),
) -> Claim:  # fmt: skip
    """Claim what is due, those due for longest first, under a lease of a minute; what is in parcels, too."""

    def claim_in(tx: Tx) -> Claim:
        spilling.of_subscriptions(tx, tx.conn.execute(select(table.c.n)).scalars().all())
        found = sorted((due, one.n) for one, due in queue.waiting(tx, range(lanes.COUNT)))
        taken: list[int] = []
        for due, n in found:
            if due <= tx.now and n not in busy and len(taken) < limit:
                most = min(share, limit - len(taken))
                taken += queue.take_of(tx, [n], most, lease=lease, seconds=lease_seconds)
        return queue.brought(tx, taken, known)

    return await db.write(claim_in)


def settle(tx: Tx, outcomes: Sequence[Outcome]) -> Recorded:
    """Record outcomes of rows, as a process that has no parcels does."""
    return settling.settle(tx, outcomes, "", Journaled())


async def stopped(db: Database, ids: Collection[int]) -> set[int]:
    """Which of these, which were taken, must not begin to be sent any more."""
    claim = await db.write(queue.brought, ids)
    return set(ids) - {one.id for one in claim.deliveries if not one.cancelled}


async def next_due(db: Database, busy: Collection[int] = ()) -> float | None:
    """Seconds until the next delivery is due, None if none waits."""

    def first(tx: Tx) -> float | None:
        found = [due for one, due in queue.waiting(tx, range(lanes.COUNT)) if one.n not in busy]
        return max(0.0, (min(found) - tx.now) / 1e6) if found else None

    return await db.read(first)


async def states(db: Database, subscription: Subscription) -> list[DeliveryState]:
    """The states of a subscription's deliveries, oldest first."""
    found: Sequence[Any] = await db.read(listing.page, subscription.id, limit=1000)
    return [delivery.state for delivery in reversed(found)]
