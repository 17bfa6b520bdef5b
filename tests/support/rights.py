"""Definitions taken, events judged and counted, for tests of who may be told of what."""

from __future__ import annotations

from typing import Any

from publisher.delivery.followers import permissions
from publisher.delivery.followers.fanout import FanOut
from publisher.model import EventType, FeedDefinition, Subscription, article_json
from publisher.publish import SiteInfo, appearance
from publisher.storage.configuration import feeds as feed_states
from publisher.storage.engine.database import Database, Tx
from publisher.storage.log import events
from publisher.storage.subscriptions import listing, subscriptions
from support.items import an_article, an_event


def a_feed(name: str, topic: str = "", **fields: Any) -> FeedDefinition:
    """A feed of one topic, or of everything."""
    select = {"topics": [topic]} if topic else {}
    return FeedDefinition.model_validate({"name": name, "title": name, "select": select, **fields})


SITE = SiteInfo(title="Kabar Uji", url="https://news.example", language="id", timezone="Asia/Jakarta")


async def define(db: Database, *feeds: FeedDefinition, site: SiteInfo = SITE) -> dict[str, FeedDefinition]:
    """Take these for all feeds there are, as a service does at its start and on a reload."""
    named = {feed.name: feed for feed in feeds}

    def take(tx: Tx) -> None:
        feed_states.define(tx, {name: appearance(feed, site) for name, feed in named.items()})
        permissions.adopt(tx, named)

    await db.write(take)
    return named


async def publish(db: Database, *topics: str) -> int:
    """One article with these topics in the log; returns its number."""
    data = article_json(an_article(topics=list(topics)))
    [event] = await db.write(events.append, [an_event(EventType.ARTICLE_PUBLISHED, data=data)])
    return event.seq


async def judge(db: Database, chunk: int = 10_000) -> None:
    """Fan out all that is in the log."""
    while await FanOut(db, chunk=chunk).step():
        pass


async def shown(db: Database, subscription: Subscription) -> list[tuple[int, str, str | None]]:
    """(event, state, reason) of each delivery, oldest first, but of those about the subscription itself."""
    found = await db.read(listing.page, subscription.id, limit=1000)
    items = [one for one in reversed(found) if not one.event_type.startswith("webhook.")]
    return [(one.seq, one.state.value, one.reason) for one in items]


async def now(db: Database, subscription: Subscription) -> Subscription:
    """The subscription as it is."""
    found = await db.read(subscriptions.get, subscription.id)
    assert found is not None
    return found


async def adds_up(db: Database) -> None:
    """For every event, matched is the sum of the deliveries by their states."""
    last = await db.read(events.last_seq)
    for one in await db.read(listing.accounting, range(1, last + 1)):
        assert one.matched == sum(one.states.values()), one
