"""Subscriptions, and the stretches of the log that they follow.

Every change here holds the log's and the fan-out's place for the length of its transaction: no event is numbered
between the moment that ``from_seq`` is chosen and the moment that it is seen, and no fan-out counts by one state and
inserts by another.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection
from typing import Any
from urllib.parse import urlsplit

import orjson
from sqlalchemy import delete as delete_from
from sqlalchemy import insert, or_, select, text
from sqlalchemy import update as update_table

from publisher import clock
from publisher.errors import NotFound
from publisher.model import Change, Event, EventType, Filter, Subscription, SubscriptionState
from publisher.model.subscription import endpoint_host
from publisher.storage import deliveries, events
from publisher.storage.database import Tx
from publisher.storage.tables import cursors, filters, follows, matches
from publisher.storage.tables import subscriptions as table

PRESENT = (SubscriptionState.ACTIVE, SubscriptionState.DISABLED)

SOURCE = "publisher"
"""The source of events about the publisher itself."""

NOTICE = Filter(feeds=(), events=(EventType.WEBHOOK_DISABLED,))
"""What a subscription that was paused follows, for the one event that says so. It takes nothing from any feed."""


def create(
    tx: Tx,
    *,
    url: str,
    filter: Filter,
    format: str,
    description: str | None,
    owner: str,
    sealed_secret: bytes,
) -> Subscription:
    """A new subscription, told of every event from the next one on."""
    last, _ = _hold(tx)
    filter_id = _intern(tx, filter)
    row = {
        "id": "wh_" + secrets.token_urlsafe(12),
        "url": url,
        "host": endpoint_host(url),
        "filter_id": filter_id,
        "format": format,
        "description": description,
        "owner": owner,
        "secret": sealed_secret,
        "state": SubscriptionState.ACTIVE.value,
        "from_seq": last + 1,
        "created_at": tx.now,
        "updated_at": tx.now,
    }
    n = tx.conn.execute(insert(table).values(row).returning(table.c.n)).scalar_one()
    _follow(tx, n, filter_id, last + 1)
    return _require(tx, str(row["id"]))


def get(tx: Tx, id: str) -> Subscription | None:
    """The subscription, None if there is none or it was deleted."""
    row = tx.conn.execute(_SELECT.where(table.c.id == id, table.c.state.in_(PRESENT))).mappings().one_or_none()
    return None if row is None else _subscription(row)


def list_(tx: Tx, *, owner: str | None = None, states: Collection[SubscriptionState] = PRESENT) -> list[Subscription]:
    """Subscriptions in the order they were made: all, or one owner's."""
    statement = _SELECT.where(table.c.state.in_([state.value for state in states])).order_by(table.c.n)
    if owner is not None:
        statement = statement.where(table.c.owner == owner)
    return [_subscription(row) for row in tx.conn.execute(statement).mappings()]


def page(tx: Tx, *, limit: int, owner: str | None = None, after: int = 0) -> tuple[list[Subscription], int | None]:
    """Up to ``limit`` of :func:`list_`, and the ``after`` that goes on from there; None at the end."""
    statement = _SELECT.add_columns(table.c.n).where(table.c.state.in_([state.value for state in PRESENT]))
    if owner is not None:
        statement = statement.where(table.c.owner == owner)
    statement = statement.where(table.c.n > after).order_by(table.c.n).limit(limit + 1)
    rows = [dict(row) for row in tx.conn.execute(statement).mappings()]
    numbers = [row.pop("n") for row in rows]
    return [_subscription(row) for row in rows[:limit]], numbers[limit - 1] if len(rows) > limit else None


def secret(tx: Tx, id: str) -> bytes:
    """The sealed secret; raises NotFound."""
    found = tx.conn.execute(select(table.c.secret).where(table.c.id == id)).scalar_one_or_none()
    if found is None:
        raise NotFound(f"there is no webhook {id!r}")
    return bytes(found)


class _Unset:
    pass


UNSET = _Unset()
"""Says "leave as it is" where None is a value."""


def update(
    tx: Tx,
    id: str,
    *,
    url: str | None = None,
    filter: Filter | None = None,
    description: str | _Unset | None = UNSET,
    state: SubscriptionState | None = None,
) -> Subscription:
    """Change what is given; raises NotFound.

    A new URL serves what is still to be sent, too. A new filter judges from the next event on. Disabling cancels what
    is open; enabling tells of what comes after it, not of what was missed.
    """
    last, done = _hold(tx)
    current, n = _require(tx, id), _n(tx, id)
    values: dict[str, Any] = {"updated_at": tx.now}
    if url is not None:
        values |= {"url": url, "host": endpoint_host(url)}
    if not isinstance(description, _Unset):
        values["description"] = description
    if filter is not None and canonical(filter) != current.filter:
        values["filter_id"] = _intern(tx, filter)
        if current.state is SubscriptionState.ACTIVE:
            _unfollow(tx, n, last)
            _follow(tx, n, values["filter_id"], last + 1)
    tx.conn.execute(update_table(table).where(table.c.n == n).values(values))
    if state is not None and state is not current.state:
        _set_state(tx, n, state, last)
    _forget_passed(tx, n, done)
    return _require(tx, id)


def enable(tx: Tx, id: str) -> Subscription:
    """Tell it of events again, from the next one on; raises NotFound."""
    return update(tx, id, state=SubscriptionState.ACTIVE)


def disable(tx: Tx, id: str) -> Subscription:
    """Tell it of no more events and cancel what is open; raises NotFound."""
    return update(tx, id, state=SubscriptionState.DISABLED)


def pause(tx: Tx, id: str, reason: str) -> Event | None:
    """Disable it for a reason, and tell: in the log, and as the last thing that it is sent.

    ``reason`` is in words, for its owner. The notice is a delivery like any other: made by the fan-out, counted and
    tried again. Returns the event, None if it was not active; whoever calls this raises the version of the feeds that
    show the event (``delivery/pausing.py``). Raises NotFound.
    """
    last, done = _hold(tx)
    current, n = _require(tx, id), _n(tx, id)
    if current.state is not SubscriptionState.ACTIVE:
        return None
    _set_state(tx, n, SubscriptionState.DISABLED, last, reason)
    (event,) = events.append(tx, [_disabled(tx, current, reason)])
    _notify(tx, n, event)
    _forget_passed(tx, n, done)
    return event


def stranded(tx: Tx, feeds: Collection[str], limit: int) -> list[Subscription]:
    """Up to ``limit`` active subscriptions that follow none of these feeds, in the order they were made."""
    active, present = table.c.state == SubscriptionState.ACTIVE.value, set(feeds)
    followed = select(filters.c.id, filters.c.definition).where(
        select(table.c.n).where(active, table.c.filter_id == filters.c.id).exists()
    )
    lost = [row.id for row in tx.conn.execute(followed) if present.isdisjoint(read_filter(row.definition).feeds)]
    if not lost:
        return []
    statement = _SELECT.where(active, tx.dialect.among(table.c.filter_id, lost)).order_by(table.c.n).limit(limit)
    return [_subscription(row) for row in tx.conn.execute(statement).mappings()]


def delete(tx: Tx, id: str) -> None:
    """Delete it: what is open is cancelled, what happened stays in the accounts; raises NotFound."""
    last, done = _hold(tx)
    _require(tx, id)
    n = _n(tx, id)
    _set_state(tx, n, SubscriptionState.DELETED, last)
    _forget_passed(tx, n, done)


def canonical(filter: Filter) -> Filter:
    """The one form of all equal filters: the order of names does not count, nor does a name that stands twice."""
    return Filter(feeds=tuple(sorted(set(filter.feeds))), events=tuple(sorted(set(filter.events))))


def definition(filter: Filter) -> str:
    """The canonical filter as the JSON text it is stored as."""
    one = canonical(filter)
    return orjson.dumps({"events": [event.value for event in one.events], "feeds": list(one.feeds)}).decode()


def read_filter(text: str) -> Filter:
    """The inverse of :func:`definition`."""
    stored = orjson.loads(text)
    return Filter(feeds=tuple(stored["feeds"]), events=tuple(EventType(event) for event in stored["events"]))


_SELECT = select(
    table.c.id,
    table.c.url,
    filters.c.definition,
    table.c.format,
    table.c.description,
    table.c.owner,
    table.c.state,
    table.c.reason,
    table.c.from_seq,
    table.c.until_seq,
    table.c.created_at,
    table.c.updated_at,
).join(filters, filters.c.id == table.c.filter_id)


def _subscription(row: Any) -> Subscription:
    values = dict(row)
    values["filter"] = read_filter(values.pop("definition"))
    values["created_at"] = clock.from_micros(values["created_at"])
    values["updated_at"] = clock.from_micros(values["updated_at"])
    return Subscription(**values)


def _require(tx: Tx, id: str) -> Subscription:
    found = get(tx, id)
    if found is None:
        raise NotFound(f"there is no webhook {id!r}")
    return found


def _n(tx: Tx, id: str) -> int:
    return int(tx.conn.execute(select(table.c.n).where(table.c.id == id)).scalar_one())


def _hold(tx: Tx) -> tuple[int, int]:
    """Lock the log's and the fan-out's place, in this order; returns their sequence numbers."""
    places = [
        int(tx.conn.execute(select(cursors.c.seq).where(cursors.c.name == name).with_for_update()).scalar_one())
        for name in ("log", "fanout")
    ]
    return places[0], places[1]


def _intern(tx: Tx, filter: Filter) -> int:
    values = {"definition": definition(filter)}
    tx.conn.execute(
        text("INSERT INTO filters (definition) VALUES (:definition) ON CONFLICT (definition) DO NOTHING"), values
    )
    return int(tx.conn.execute(select(filters.c.id).where(filters.c.definition == values["definition"])).scalar_one())


def _follow(tx: Tx, n: int, filter_id: int, from_seq: int) -> None:
    tx.conn.execute(insert(follows).values(subscription=n, from_seq=from_seq, filter_id=filter_id))


def _unfollow(tx: Tx, n: int, last: int) -> None:
    """Close the open stretch at ``last``; one that has not begun yet never was."""
    is_open = (follows.c.subscription == n) & follows.c.until_seq.is_(None)
    tx.conn.execute(delete_from(follows).where(is_open, follows.c.from_seq > last))
    tx.conn.execute(update_table(follows).where(is_open).values(until_seq=last))


def _set_state(tx: Tx, n: int, state: SubscriptionState, last: int, reason: str | None = None) -> None:
    values: dict[str, Any] = {"state": state.value, "reason": reason, "updated_at": tx.now}
    if state is SubscriptionState.ACTIVE:
        values |= {"from_seq": last + 1, "until_seq": None}
        filter_id = tx.conn.execute(select(table.c.filter_id).where(table.c.n == n)).scalar_one()
        _follow(tx, n, filter_id, last + 1)
    else:
        _unfollow(tx, n, last)
        # What is in the log but not fanned out yet is treated like what already has its row.
        ended = (follows.c.subscription == n) & follows.c.reason.is_(None)
        tx.conn.execute(update_table(follows).where(ended).values(reason=state.value))
        deliveries.cancel(tx, n, state.value)
        until = tx.conn.execute(select(table.c.until_seq).where(table.c.n == n)).scalar_one()
        values["until_seq"] = last if until is None else until
    tx.conn.execute(update_table(table).where(table.c.n == n).values(values))


def _disabled(tx: Tx, one: Subscription, reason: str) -> Event:
    # A URL may hold a secret in its path or query; the log is for more eyes than its owner's.
    host = urlsplit(one.url).netloc.rpartition("@")[2]
    data = {"id": one.id, "host": host, "reason": reason, "feeds": list(one.filter.feeds)}
    return events.new(tx, EventType.WEBHOOK_DISABLED, source=SOURCE, subject=one.id, data=data)


def _notify(tx: Tx, n: int, event: Event) -> None:
    """Let the subscription follow the log for this one event, by a filter that matches nothing else."""
    notice = _intern(tx, NOTICE)
    told = {"type": event.type.value, "change": Change.ENTERED.value}
    tx.conn.execute(insert(matches).values(seq=event.seq, filter_id=notice, **told))
    tx.conn.execute(insert(follows).values(subscription=n, from_seq=event.seq, until_seq=event.seq, filter_id=notice))


def _forget_passed(tx: Tx, n: int, done: int) -> None:
    """Take away the stretches that the fan-out has passed."""
    tx.conn.execute(
        delete_from(follows).where(
            follows.c.subscription == n, or_(follows.c.until_seq <= done, follows.c.until_seq < follows.c.from_seq)
        )
    )
