"""Subscriptions: made, found, changed, enabled, disabled and deleted.

Every change here holds the log's and the fan-out's place for the length of its transaction: no event is numbered
between the moment that ``from_seq`` is chosen and the moment that it is seen, and no fan-out counts by one state and
inserts by another.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection
from typing import Any

from sqlalchemy import ColumnElement, case, insert, select
from sqlalchemy import update as update_table

from publisher import clock
from publisher.errors import Conflict, NotFound
from publisher.model import Cause, Filter, Role, Subscription, SubscriptionState
from publisher.model.credentials import ShownCredentials
from publisher.model.options import DEFAULT, Options, read, written
from publisher.model.subscription import Verification, endpoint_host
from publisher.storage.access import keys
from publisher.storage.engine.database import Tx
from publisher.storage.engine.tables import filters as filters_table
from publisher.storage.engine.tables import follows
from publisher.storage.engine.tables import subscriptions as table
from publisher.storage.engine.values import moment
from publisher.storage.subscriptions import deliveries, filters, health, lanes, rosters, seats, stretches, wakes

PRESENT = (SubscriptionState.ACTIVE, SubscriptionState.PAUSED, SubscriptionState.DISABLED)

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
    options: Options = DEFAULT,
    shown: ShownCredentials | None = None,
) -> Subscription:
    """Make a subscription, which is sent every event from the next one on.

    What it may follow depends on the keys of its owner; ``granted`` is a role that it has besides. Without any role it
    is paused. ``shown`` is what may be shown of ``sealed_secret``.
    """
    last, _ = stretches.hold(tx)
    role = keys.role(tx, owner, granted)
    filter_id = filters.intern(tx, filter, public=role is not Role.OPERATOR)
    row = {
        "id": "wh_" + secrets.token_urlsafe(12),
        "url": url,
        "host": endpoint_host(url),
        "lane": lanes.lane_of(url),
        "filter_id": filter_id,
        "format": format,
        "description": description,
        "owner": owner,
        "secret": sealed_secret,
        "credentials": None if shown is None else shown.model_dump_json(exclude_defaults=True),
        "state": SubscriptionState.ACTIVE.value,
        "from_seq": last + 1,
        "created_at": tx.now,
        "updated_at": tx.now,
        "granted": granted and granted.value,
        "options": written(options),
        "alone": options.alone,
        "history": options.all_of_it,
    }
    n = tx.conn.execute(insert(table).values(row).returning(table.c.n)).scalar_one()
    if role is None:
        _withhold(tx, n)
    else:
        stretches.follow(tx, n, filter_id, last + 1)
    rosters.fill(tx, [n])
    return existing(tx, str(row["id"]))


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
"""The default of an argument that leaves a field unchanged, where None is a value."""


def update(
    tx: Tx,
    id: str,
    *,
    url: str | None = None,
    filter: Filter | None = None,
    description: str | _Unset | None = UNSET,
    state: SubscriptionState | None = None,
    options: Options | None = None,
) -> Subscription:
    """Change what is given; raises NotFound, and Conflict for enabling one whose endpoint was not verified.

    A new URL serves what is still to be sent, too, and how the old one answered is forgotten. A new filter judges from
    the next event on. Disabling cancels what is open; enabling tells of what comes after it, not of what was missed. To
    enable what is paused is to disable and enable it; what its owner may not follow stays paused.
    """
    last, done = stretches.hold(tx)
    current, n = existing(tx, id), number(tx, id)
    role = keys.role(tx, current.owner, current.granted)
    values: dict[str, Any] = {"updated_at": tx.now}
    if options is not None:
        values |= {"options": written(options), "alone": options.alone, "history": options.all_of_it}
    refiltered = filter is not None and filters.canonical(filter) != current.filter
    otherwise = options is not None and options != current.options
    if refiltered or otherwise or (url is not None and url != current.url):
        seats.leave(tx, [n])
    if url is not None:
        values |= {"url": url, "host": endpoint_host(url), "lane": lanes.lane_of(url)}
        if url != current.url:
            owed = case((table.c.owed.in_(["failing", "gone"]), None), else_=table.c.owed)
            values |= {**health.UNTRIED, "owed": owed}
    if not isinstance(description, _Unset):
        values["description"] = description
    if refiltered:
        assert filter is not None
        values["filter_id"] = filters.intern(tx, filter, public=role is not Role.OPERATOR)
        if current.state is SubscriptionState.ACTIVE or current.cause is Cause.FEEDS:
            stretches.unfollow(tx, n, last)
            stretches.follow(tx, n, values["filter_id"], last + 1)
    tx.conn.execute(update_table(table).where(table.c.n == n).values(values))
    if url is not None or options is not None:
        wakes.wake(tx, [n])  # what waits goes by these, and so may be another process's to send
    if state is SubscriptionState.ACTIVE and current.verification is Verification.PENDING:
        raise Conflict("its endpoint has to echo a challenge first: POST /api/v1/webhooks/ID/verify")
    if state is not None and state is not current.state:
        if current.state is SubscriptionState.PAUSED and state is SubscriptionState.ACTIVE:
            set_state(tx, n, SubscriptionState.DISABLED, last)
        set_state(tx, n, state, last)
        if state is SubscriptionState.ACTIVE:
            _fit(tx, n, role, last)
    stretches.forget_passed(tx, n, done)
    rosters.fill(tx, [n])
    return existing(tx, id)


def enable(tx: Tx, id: str) -> Subscription:
    """Enable it: it is sent events again, from the next one on. Raises NotFound."""
    return update(tx, id, state=SubscriptionState.ACTIVE)


def disable(tx: Tx, id: str) -> Subscription:
    """Disable it: it is sent no more events, and open deliveries are cancelled. Raises NotFound."""
    return update(tx, id, state=SubscriptionState.DISABLED)


def stranded(tx: Tx, feeds: Collection[str], limit: int) -> list[Subscription]:
    """Up to ``limit`` active subscriptions that follow none of these feeds, in the order they were made."""
    return _following(tx, table.c.state == SubscriptionState.ACTIVE.value, feeds, limit, some=False)


def returned(tx: Tx, feeds: Collection[str], limit: int) -> list[Subscription]:
    """Up to ``limit`` subscriptions that are paused for lack of feeds and follow one of these, oldest first."""
    still = (table.c.state == SubscriptionState.PAUSED.value) & (table.c.cause == Cause.FEEDS.value)
    return _following(tx, still, feeds, limit, some=True)


def delete(tx: Tx, id: str) -> None:
    """Delete it: open deliveries are cancelled, past ones stay on record. Raises NotFound."""
    last, done = stretches.hold(tx)
    existing(tx, id)
    n = number(tx, id)
    set_state(tx, n, SubscriptionState.DELETED, last)
    keys.revoke_of_webhook(tx, id)
    stretches.forget_passed(tx, n, done)


_SELECT = select(
    table.c.id,
    table.c.url,
    filters_table.c.definition,
    filters_table.c.errors.label("filter_errors"),
    filters_table.c.last_error.label("last_filter_error"),
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
    table.c.options,
    table.c.credentials,
    table.c.verification,
).join(filters_table, filters_table.c.id == table.c.filter_id)


def _subscription(row: Any) -> Subscription:
    values = dict(row)
    values["filter"] = filters.read(values.pop("definition"))
    values["options"] = read(values["options"])
    values["created_at"] = clock.from_micros(values["created_at"])
    values["updated_at"] = clock.from_micros(values["updated_at"])
    values["failing_since"] = moment(values["failing_since"])
    values["last_error_at"] = moment(values["last_error_at"])
    if (shown := values.pop("credentials")) is not None:
        values["credentials"] = ShownCredentials.model_validate_json(shown)
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


def existing(tx: Tx, id: str) -> Subscription:
    """The subscription; raises NotFound."""
    found = get(tx, id)
    if found is None:
        raise NotFound(f"there is no webhook {id!r}")
    return found


def number(tx: Tx, id: str) -> int:
    """Its number; the row is locked until the transaction ends, before any of its deliveries."""
    return int(tx.conn.execute(select(table.c.n).where(table.c.id == id).with_for_update()).scalar_one())


def set_state(tx: Tx, n: int, state: SubscriptionState, last: int, reason: str | None = None) -> None:
    """Put it into a state, after event ``last``; if it ends it, cancel the open deliveries."""
    values: dict[str, Any] = {"state": state.value, "reason": reason, "updated_at": tx.now}
    values |= {"cause": None, "paused_at": None, "owed": None}
    if state is SubscriptionState.ACTIVE:
        values |= {"from_seq": last + 1, "until_seq": None, **health.UNTRIED}
        filter_id = tx.conn.execute(select(table.c.filter_id).where(table.c.n == n)).scalar_one()
        stretches.follow(tx, n, filter_id, last + 1)
    else:
        seats.leave(tx, [n])
        stretches.unfollow(tx, n, last)
        # What is in the log but not fanned out yet is treated like what already has its row.
        ended = (follows.c.subscription == n) & follows.c.reason.is_(None)
        tx.conn.execute(update_table(follows).where(ended).values(reason=state.value))
        deliveries.cancel(tx, n, state.value)
        wakes.changed(tx)
        until = tx.conn.execute(select(table.c.until_seq).where(table.c.n == n)).scalar_one()
        values["until_seq"] = last if until is None else until
    tx.conn.execute(update_table(table).where(table.c.n == n).values(values))


def _withhold(tx: Tx, n: int) -> None:
    """Pause it: its owner may follow nothing."""
    values = {"state": SubscriptionState.PAUSED.value, "cause": Cause.ACCESS.value, "reason": NO_KEY}
    tx.conn.execute(update_table(table).where(table.c.n == n).values(**values, paused_at=tx.now))


def _fit(tx: Tx, n: int, role: Role | None, last: int) -> None:
    """Restrict a subscription that was just enabled to what this role may follow: its filter may be older than the
    role.
    """
    if role is None:
        stretches.unfollow(tx, n, last)
        _withhold(tx, n)
        return
    text = tx.conn.execute(
        select(filters_table.c.definition).join(table, table.c.filter_id == filters_table.c.id).where(table.c.n == n)
    ).scalar_one()
    fitting = filters.intern(tx, filters.read(text), public=role is not Role.OPERATOR)
    tx.conn.execute(update_table(table).where(table.c.n == n).values(filter_id=fitting))
    stretches.unfollow(tx, n, last)
    stretches.follow(tx, n, fitting, last + 1)
