"""Subscriptions, and events fanned out to them, for tests of what comes after."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from publisher.model import Change, DeliveryState, Event, EventType, Filter, Match, Role, Subscription
from publisher.storage.engine.database import Database, Tx
from publisher.storage.log import events
from publisher.storage.subscriptions import deliveries, fanout, subscriptions
from publisher.storage.subscriptions.deliveries import Claim
from publisher.storage.subscriptions.fanout import Cursor, Judged
from support.items import an_event

NEWS = Filter(feeds=("news",))


def subscribe(tx: Tx, feed: str = "news", **fields: Any) -> Subscription:
    """A subscription to one feed; ``fields`` replace what it is made of."""
    made: dict[str, Any] = {
        "url": "https://receiver.example/hook",
        "filter": Filter(feeds=(feed,)),
        "format": "standard",
        "description": None,
        "owner": "reader",
        "sealed_secret": b"sealed",
        "granted": Role.OPERATOR,
    }
    return subscriptions.create(tx, **{**made, **fields})


async def append(db: Database, count: int = 1) -> list[Event]:
    """So many events in the log."""
    return await db.write(events.append, [an_event() for _ in range(count)])


async def fan_out_once(db: Database, *, chunk: int = fanout.CHUNK, feeds: Collection[str] = ("news",)) -> Cursor | None:
    """One transaction of a fan-out in which every filter on one of ``feeds`` matches; None if nothing was left."""
    page = await db.read(fanout.page, 100)
    if not page.events:
        return None
    told = Match(EventType.ARTICLE_PUBLISHED, Change.ENTERED)
    ids = [one.id for one in page.filters if set(one.filter.feeds) & set(feeds)]
    judged = [Judged(event.seq, dict.fromkeys(ids, told)) for event in page.events]
    followers = {one.id: one.followers for one in page.filters}
    return await db.write(fanout.advance, page.cursor, judged, followers, chunk)


async def fan_out(db: Database, **options: Any) -> None:
    """Fan out all that is in the log."""
    while await fan_out_once(db, **options):
        pass


async def claim(db: Database, **options: Any) -> Claim:
    """Claim under a lease of a minute."""
    given = {"limit": 100, "lease": "ours", "lease_seconds": 60.0, "share": 100, **options}
    return await db.write(deliveries.claim, **given)


async def states(db: Database, subscription: Subscription) -> list[DeliveryState]:
    """The states of a subscription's deliveries, oldest first."""
    found: Sequence[Any] = await db.read(deliveries.page, subscription.id, limit=1000)
    return [delivery.state for delivery in reversed(found)]
