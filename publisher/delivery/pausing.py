"""Pausing subscriptions that cannot go on, and telling: whoever follows operations, and the endpoint itself.

One way for every reason: that of a removed feed is here, and whatever else ends a subscription calls :func:`pause`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from publisher import selection, telemetry
from publisher.delivery.unbroken import unbroken
from publisher.model import Event, FeedDefinition
from publisher.model.change import FeedTouch
from publisher.storage import feeds as feed_states
from publisher.storage import subscriptions
from publisher.storage.database import Database, Tx

log = telemetry.logger(__name__)

CHUNK = 100
"""Subscriptions paused in one transaction: each takes about ten statements."""


def pause(tx: Tx, id: str, reason: str, feeds: Mapping[str, FeedDefinition]) -> Event | None:
    """Pause one active subscription; returns the event, None if it was not active.

    ``feeds`` are those that hold now: operations feeds among them show it. Raises NotFound.
    """
    event = subscriptions.pause(tx, id, reason)
    if event is not None:
        touched = selection.judge_many(feeds.values(), event)
        feed_states.touch(tx, [FeedTouch(name, change) for name, change in touched.items()])
    return event


async def pause_stranded(db: Database, feeds: Mapping[str, FeedDefinition]) -> int:
    """Pause every active subscription none of whose feeds is there any more; returns how many."""
    paused = 0
    if not await db.read(subscriptions.stranded, feeds, 1):
        return paused
    while events := await unbroken(db.write(_pause_some, feeds)):
        for event in events:
            log.warning("webhook.paused", id=event.subject, reason=event.data["reason"])
        paused += len(events)
    return paused


def removed(feeds: Collection[str]) -> str:
    """The reason, in words, where all of these feeds were removed."""
    names = ", ".join(f'"{name}"' for name in feeds)
    return f"the feed {names} was removed" if len(feeds) == 1 else f"the feeds {names} were removed"


def _pause_some(tx: Tx, feeds: Mapping[str, FeedDefinition]) -> list[Event]:
    lost = subscriptions.stranded(tx, feeds, CHUNK)
    found = (pause(tx, one.id, removed(one.filter.feeds), feeds) for one in lost)
    return [event for event in found if event is not None]
