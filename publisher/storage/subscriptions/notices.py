"""Notices to subscriptions about themselves: in the log, and as a delivery like any other.

A subscription follows one number of the log, that of its own notice, by a filter that takes nothing else.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import insert, select
from sqlalchemy import update as update_table

from publisher.model import Change, Event, EventType, Filter, Subscription, SubscriptionState
from publisher.storage.engine.database import Tx
from publisher.storage.engine.tables import follows, matches
from publisher.storage.engine.tables import subscriptions as table
from publisher.storage.log import events
from publisher.storage.subscriptions import filters, health, mails, seats, stretches, subscriptions

SOURCE = "publisher"
"""The source of events about the publisher itself."""

NOTICE = Filter(feeds=(), events=(EventType.WEBHOOK_DISABLED,))
"""The filter by which a subscription follows the one event about itself. It matches nothing of any feed."""


GONE = "its endpoint answered 410 Gone"

MOST_OTHERS = 100
"""Webhooks of one owner that are told of another, the oldest first."""


def disable_and_tell(tx: Tx, id: str, reason: str, *, failed: bool = False) -> Event | None:
    """Disable it for a reason, and notify: in the log, and as the last delivery that it is sent.

    ``reason`` is in words, for its owner. The notice is a delivery like any other: made by the fan-out, counted and
    tried again. ``failed``: its endpoint is why; then its owner's other webhooks are told too, and a mail to operators
    is due (``mails.py``). Returns the event, None if it was disabled before; whoever calls this raises the version of
    the feeds that show the event (``delivery/followers/pausing.py``). Raises NotFound.
    """
    last, done = stretches.hold(tx)
    current, n = subscriptions.existing(tx, id), subscriptions.number(tx, id)
    if current.state is SubscriptionState.DISABLED:
        return None
    subscriptions.set_state(tx, n, SubscriptionState.DISABLED, last, reason)
    (event,) = events.append(tx, [_about(tx, EventType.WEBHOOK_DISABLED, current, reason=reason)])
    told = [n] if reason != GONE else []  # which has said that it wants nothing any more
    if failed:
        told += _others(tx, n, current.owner)
        mails.add(tx, event.id, {**event.data, "owner": current.owner})
    for one in told:
        _notify(tx, one, event)
        stretches.forget_passed(tx, one, done)
    return event


def owed(tx: Tx, limit: int) -> list[str]:
    """Up to ``limit`` subscriptions (their ids) with a notice that is not in the log yet."""
    statement = select(table.c.id).where(table.c.owed.is_not(None), table.c.state.in_(subscriptions.PRESENT))
    # By what is owed first, since the index of that would else be passed over for the order of ``n``.
    return list(tx.conn.execute(statement.order_by(table.c.owed, table.c.n).limit(limit)).scalars())


def tell(tx: Tx, id: str, withheld: Collection[str]) -> Event | None:
    """Append the pending notice of a subscription to the log; returns the event, None if there is none.

    ``webhook.access``, which goes to its endpoint too: what its owner may follow is another; ``withheld`` are its feeds
    that it may not. ``webhook.failing``: deliveries fail at the first attempt. ``webhook.disabled``: its endpoint is
    gone.
    """
    _, done = stretches.hold(tx)
    current = subscriptions.get(tx, id)
    if current is None:
        return None
    n = subscriptions.number(tx, id)
    what = tx.conn.execute(select(table.c.owed).where(table.c.n == n)).scalar_one()
    tx.conn.execute(update_table(table).where(table.c.n == n).values(owed=None))
    if what == "failing":
        failing = {"failures": current.failures, "error": current.last_error}
        (event,) = events.append(tx, [_about(tx, EventType.WEBHOOK_FAILING, current, **failing)])
        return event
    if what == "gone":
        return disable_and_tell(tx, id, GONE, failed=True)
    if what is None:
        return None
    access = {"state": current.state.value, "reason": current.reason, "withheld": sorted(withheld)}
    (event,) = events.append(tx, [_about(tx, EventType.WEBHOOK_ACCESS, current, **access)])
    _notify(tx, n, event)
    stretches.forget_passed(tx, n, done)
    return event


def _others(tx: Tx, n: int, owner: str) -> list[int]:
    """The active subscriptions of the same owner whose endpoints take what they are sent."""
    alike = (table.c.owner == owner) & (table.c.n != n) & (table.c.state == SubscriptionState.ACTIVE.value)
    statement = select(table.c.n).where(alike, table.c.failures < health.FAILING).order_by(table.c.n)
    return list(tx.conn.execute(statement.limit(MOST_OTHERS).with_for_update()).scalars())


def _about(tx: Tx, type_: EventType, one: Subscription, **data: Any) -> Event:
    # A URL may hold a secret in its path or query; not only its owner reads the log.
    host = urlsplit(one.url).netloc.rpartition("@")[2]
    data = {"id": one.id, "host": host, **data, "feeds": list(one.filter.feeds)}
    return events.new(tx, type_, source=SOURCE, subject=one.id, data=data)


def _notify(tx: Tx, n: int, event: Event) -> None:
    """Let the subscription follow the log for this one event by a filter that matches nothing else.

    One that goes on following does so around it: stretches never overlap, so that it is counted once.
    """
    notice = filters.intern(tx, NOTICE, public=False)
    goes_on = (follows.c.subscription == n) & follows.c.until_seq.is_(None)
    own = tx.conn.execute(select(follows.c.filter_id).where(goes_on)).scalar_one_or_none()
    if own is not None:
        seats.leave(tx, [n])
        stretches.unfollow(tx, n, event.seq - 1)
        stretches.follow(tx, n, own, event.seq + 1)
    told = {"type": event.type.value, "change": Change.ENTERED.value}
    matched = tx.dialect.insert(matches).values(seq=event.seq, filter_id=notice, **told)
    tx.conn.execute(matched.on_conflict_do_nothing())  # it may be for several
    tx.conn.execute(insert(follows).values(subscription=n, from_seq=event.seq, until_seq=event.seq, filter_id=notice))
