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

from sqlalchemy import ColumnElement, case, insert, or_, select
from sqlalchemy import delete as delete_from
from sqlalchemy import update as update_table

from publisher import clock
from publisher.errors import NotFound
from publisher.model import Cause, Change, Event, EventType, Filter, Role, Subscription, SubscriptionState
from publisher.model.subscription import endpoint_host
from publisher.storage.access import keys
from publisher.storage.engine.database import Tx
from publisher.storage.engine.tables import cursors, follows, matches
from publisher.storage.engine.tables import filters as filters_table
from publisher.storage.engine.tables import subscriptions as table
from publisher.storage.engine.values import moment
from publisher.storage.log import events
from publisher.storage.subscriptions import deliveries, filters, health

PRESENT = (SubscriptionState.ACTIVE, SubscriptionState.PAUSED, SubscriptionState.DISABLED)

SOURCE = "publisher"
"""The source of events about the publisher itself."""

NOTICE = Filter(feeds=(), events=(EventType.WEBHOOK_DISABLED,))
"""What a subscription follows for the one event that is about itself. It takes nothing from any feed."""

NO_KEY = "its owner has no key in force"
"""The reason of a subscription that may follow nothing at all."""


def create(
    tx: Tx,
    *,
    url: str,
    filter: Filter,
    format: str,
    description: str | None,
    owner: str,
    sealed_secret: bytes,
    granted: Role | None,
) -> Subscription:
    """A new subscription, told of every event from the next one on.

    What it may follow goes by the keys of its owner; ``granted`` is a role that it has beside them. Where it has none
    at all it is paused.
    """
    last, _ = hold(tx)
    role = keys.role(tx, owner, granted)
    filter_id = filters.intern(tx, filter, public=role is not Role.OPERATOR)
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
        "granted": granted and granted.value,
    }
    n = tx.conn.execute(insert(table).values(row).returning(table.c.n)).scalar_one()
    if role is None:
        _withhold(tx, n)
    else:
        follow(tx, n, filter_id, last + 1)
    return _require(tx, str(row["id"]))


def get(tx: Tx, id: str, *, states: Collection[SubscriptionState] = PRESENT) -> Subscription | None:
    """The subscription, None if there is none in one of these states: by default, if it was deleted."""
    row = tx.conn.execute(_SELECT.where(table.c.id == id, table.c.state.in_(states))).mappings().one_or_none()
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

    A new URL serves what is still to be sent, too, and how the old one answered is forgotten. A new filter judges from
    the next event on. Disabling cancels what is open; enabling tells of what comes after it, not of what was missed. To
    enable what is paused is to disable and enable it; what its owner may not follow stays paused.
    """
    last, done = hold(tx)
    current, n = _require(tx, id), _n(tx, id)
    role = keys.role(tx, current.owner, current.granted)
    values: dict[str, Any] = {"updated_at": tx.now}
    if url is not None:
        values |= {"url": url, "host": endpoint_host(url)}
        if url != current.url:
            owed = case((table.c.owed == "failing", None), else_=table.c.owed)
            values |= {**health.UNTRIED, "owed": owed}
    if not isinstance(description, _Unset):
        values["description"] = description
    if filter is not None and filters.canonical(filter) != current.filter:
        values["filter_id"] = filters.intern(tx, filter, public=role is not Role.OPERATOR)
        if current.state is SubscriptionState.ACTIVE or current.cause is Cause.FEEDS:
            unfollow(tx, n, last)
            follow(tx, n, values["filter_id"], last + 1)
    tx.conn.execute(update_table(table).where(table.c.n == n).values(values))
    if state is not None and state is not current.state:
        if current.state is SubscriptionState.PAUSED and state is SubscriptionState.ACTIVE:
            _set_state(tx, n, SubscriptionState.DISABLED, last)
        _set_state(tx, n, state, last)
        if state is SubscriptionState.ACTIVE:
            _fit(tx, n, role, last)
    _forget_passed(tx, n, done)
    return _require(tx, id)


def enable(tx: Tx, id: str) -> Subscription:
    """Tell it of events again, from the next one on; raises NotFound."""
    return update(tx, id, state=SubscriptionState.ACTIVE)


def disable(tx: Tx, id: str) -> Subscription:
    """Tell it of no more events and cancel what is open; raises NotFound."""
    return update(tx, id, state=SubscriptionState.DISABLED)


def disable_and_tell(tx: Tx, id: str, reason: str) -> Event | None:
    """Disable it for a reason, and tell: in the log, and as the last thing that it is sent.

    ``reason`` is in words, for its owner. The notice is a delivery like any other: made by the fan-out, counted and
    tried again. Returns the event, None if it was disabled before; whoever calls this raises the version of the feeds
    that show the event (``delivery/followers/pausing.py``). Raises NotFound.
    """
    last, done = hold(tx)
    current, n = _require(tx, id), _n(tx, id)
    if current.state is SubscriptionState.DISABLED:
        return None
    _set_state(tx, n, SubscriptionState.DISABLED, last, reason)
    (event,) = events.append(tx, [_about(tx, EventType.WEBHOOK_DISABLED, current, reason=reason)])
    _notify(tx, n, event)
    _forget_passed(tx, n, done)
    return event


def owed(tx: Tx, limit: int) -> list[str]:
    """Up to ``limit`` subscriptions (their ids) of which something has still to be told in the log."""
    statement = select(table.c.id).where(table.c.owed.is_not(None), table.c.state.in_(PRESENT))
    return list(tx.conn.execute(statement.order_by(table.c.n).limit(limit)).scalars())


def tell(tx: Tx, id: str, withheld: Collection[str]) -> Event | None:
    """Tell in the log what is owed of a subscription; returns the event, None if nothing is.

    ``webhook.access``, which goes to its endpoint too: what its owner may follow is another; ``withheld`` are its feeds
    that it may not. ``webhook.failing``: deliveries fail at the first attempt.
    """
    _, done = hold(tx)
    current = get(tx, id)
    if current is None:
        return None
    n = _n(tx, id)
    what = tx.conn.execute(select(table.c.owed).where(table.c.n == n)).scalar_one()
    tx.conn.execute(update_table(table).where(table.c.n == n).values(owed=None))
    if what == "failing":
        failing = {"failures": current.failures, "error": current.last_error}
        (event,) = events.append(tx, [_about(tx, EventType.WEBHOOK_FAILING, current, **failing)])
        return event
    if what is None:
        return None
    access = {"state": current.state.value, "reason": current.reason, "withheld": sorted(withheld)}
    (event,) = events.append(tx, [_about(tx, EventType.WEBHOOK_ACCESS, current, **access)])
    _notify(tx, n, event)
    _forget_passed(tx, n, done)
    return event


def stranded(tx: Tx, feeds: Collection[str], limit: int) -> list[Subscription]:
    """Up to ``limit`` active subscriptions that follow none of these feeds, in the order they were made."""
    return _following(tx, table.c.state == SubscriptionState.ACTIVE.value, feeds, limit, some=False)


def returned(tx: Tx, feeds: Collection[str], limit: int) -> list[Subscription]:
    """Up to ``limit`` subscriptions that stand still for want of feeds and follow one of these, oldest first."""
    still = (table.c.state == SubscriptionState.PAUSED.value) & (table.c.cause == Cause.FEEDS.value)
    return _following(tx, still, feeds, limit, some=True)


def delete(tx: Tx, id: str) -> None:
    """Delete it: what is open is cancelled, what happened stays in the accounts; raises NotFound."""
    last, done = hold(tx)
    _require(tx, id)
    n = _n(tx, id)
    _set_state(tx, n, SubscriptionState.DELETED, last)
    _forget_passed(tx, n, done)


_SELECT = select(
    table.c.id,
    table.c.url,
    filters_table.c.definition,
    table.c.format,
    table.c.description,
    table.c.owner,
    table.c.state,
    table.c.reason,
    table.c.from_seq,
    table.c.until_seq,
    table.c.created_at,
    table.c.updated_at,
    table.c.cause,
    table.c.granted,
    table.c.failures,
    table.c.failing_since,
    table.c.last_error,
    table.c.last_error_at,
).join(filters_table, filters_table.c.id == table.c.filter_id)


def _subscription(row: Any) -> Subscription:
    values = dict(row)
    values["filter"] = filters.read(values.pop("definition"))
    values["created_at"] = clock.from_micros(values["created_at"])
    values["updated_at"] = clock.from_micros(values["updated_at"])
    values["failing_since"] = moment(values["failing_since"])
    values["last_error_at"] = moment(values["last_error_at"])
    return Subscription(**values)


def _following(
    tx: Tx, which: ColumnElement[bool], feeds: Collection[str], limit: int, *, some: bool
) -> list[Subscription]:
    """Those of ``which`` that follow some of these feeds, or none of them."""
    followed = select(filters_table.c.id, filters_table.c.definition).where(
        select(table.c.n).where(which, table.c.filter_id == filters_table.c.id).exists()
    )
    present = set(feeds)
    rows = tx.conn.execute(followed)
    fitting = [id_ for id_, text in rows if present.isdisjoint(filters.read(text).feeds) is not some]
    if not fitting:
        return []
    statement = _SELECT.where(which, tx.dialect.among(table.c.filter_id, fitting)).order_by(table.c.n).limit(limit)
    return [_subscription(row) for row in tx.conn.execute(statement).mappings()]


def _require(tx: Tx, id: str) -> Subscription:
    found = get(tx, id)
    if found is None:
        raise NotFound(f"there is no webhook {id!r}")
    return found


def _n(tx: Tx, id: str) -> int:
    """Its number; the row is held until the transaction ends, before any of its deliveries is."""
    return int(tx.conn.execute(select(table.c.n).where(table.c.id == id).with_for_update()).scalar_one())


def hold(tx: Tx) -> tuple[int, int]:
    """Lock the log's and the fan-out's place, in this order; returns their sequence numbers."""
    places = [
        int(tx.conn.execute(select(cursors.c.seq).where(cursors.c.name == name).with_for_update()).scalar_one())
        for name in ("log", "fanout")
    ]
    return places[0], places[1]


def follow(tx: Tx, n: int, filter_id: int, from_seq: int) -> None:
    """Open a stretch of the log that it follows."""
    tx.conn.execute(insert(follows).values(subscription=n, from_seq=from_seq, filter_id=filter_id))


def unfollow(tx: Tx, n: int, last: int) -> None:
    """Close the open stretch at ``last``; one that has not begun yet never was."""
    is_open = (follows.c.subscription == n) & follows.c.until_seq.is_(None)
    tx.conn.execute(delete_from(follows).where(is_open, follows.c.from_seq > last))
    tx.conn.execute(update_table(follows).where(is_open).values(until_seq=last))


def _set_state(tx: Tx, n: int, state: SubscriptionState, last: int, reason: str | None = None) -> None:
    values: dict[str, Any] = {"state": state.value, "reason": reason, "updated_at": tx.now}
    values |= {"cause": None, "paused_at": None, "owed": None}
    if state is SubscriptionState.ACTIVE:
        values |= {"from_seq": last + 1, "until_seq": None, **health.UNTRIED}
        filter_id = tx.conn.execute(select(table.c.filter_id).where(table.c.n == n)).scalar_one()
        follow(tx, n, filter_id, last + 1)
    else:
        unfollow(tx, n, last)
        # What is in the log but not fanned out yet is treated like what already has its row.
        ended = (follows.c.subscription == n) & follows.c.reason.is_(None)
        tx.conn.execute(update_table(follows).where(ended).values(reason=state.value))
        deliveries.cancel(tx, n, state.value)
        until = tx.conn.execute(select(table.c.until_seq).where(table.c.n == n)).scalar_one()
        values["until_seq"] = last if until is None else until
    tx.conn.execute(update_table(table).where(table.c.n == n).values(values))


def _withhold(tx: Tx, n: int) -> None:
    """Pause it: its owner may follow nothing."""
    values = {"state": SubscriptionState.PAUSED.value, "cause": Cause.ACCESS.value, "reason": NO_KEY}
    tx.conn.execute(update_table(table).where(table.c.n == n).values(**values, paused_at=tx.now))


def _fit(tx: Tx, n: int, role: Role | None, last: int) -> None:
    """Let what was just enabled follow what this role may: its filter may be from before the role was another."""
    if role is None:
        unfollow(tx, n, last)
        _withhold(tx, n)
        return
    text = tx.conn.execute(
        select(filters_table.c.definition).join(table, table.c.filter_id == filters_table.c.id).where(table.c.n == n)
    ).scalar_one()
    fitting = filters.intern(tx, filters.read(text), public=role is not Role.OPERATOR)
    tx.conn.execute(update_table(table).where(table.c.n == n).values(filter_id=fitting))
    unfollow(tx, n, last)
    follow(tx, n, fitting, last + 1)


def _about(tx: Tx, type_: EventType, one: Subscription, **data: Any) -> Event:
    # A URL may hold a secret in its path or query; the log is for more eyes than its owner's.
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
        unfollow(tx, n, event.seq - 1)
        follow(tx, n, own, event.seq + 1)
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
