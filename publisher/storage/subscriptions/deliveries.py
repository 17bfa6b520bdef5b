"""Deliveries: settled where the lease on them still holds, cancelled, and shown. ``queue.py`` takes them.

::

    pending ──claim──▶ sending ──settle──▶ delivered
       ▲                │ ▲ │
       └─ handed back ──┘ │ ├──settle──▶ retrying ──claim──▶ sending …
                          │ ├──settle──▶ dead        (the schedule is used up)
        lease run out ────┘ └──settle──▶ cancelled   (its subscription ended meanwhile; pending and retrying at once)

``due_at`` is when a worker may take a delivery: now, at the next attempt, or when the lease on it has run out. Open
deliveries of a paused subscription are not sent: a claim puts them back, due at :data:`PARKED`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, NamedTuple

from sqlalchemy import ColumnElement, func, select, tuple_

from publisher import clock
from publisher.model import Attempt, Change, Delivery, DeliveryState
from publisher.storage.engine.database import Tx
from publisher.storage.engine.tables import attempts as attempts_table
from publisher.storage.engine.tables import deliveries as table
from publisher.storage.engine.tables import events, matches, subscriptions
from publisher.storage.engine.values import AnyRow, moment
from publisher.storage.subscriptions import folding, health, wakes

PARKED = 2**62
"""When the deliveries of a paused subscription are due: never, until :func:`resume`. From half of it on a time says so:
no clock shows one, and earlier versions moved it where a clock was put back."""


class Outcome(NamedTuple):
    """The outcome of a claimed delivery. ``number`` is 0 where nothing was sent; that does not count as an attempt.

    ``wait`` is in seconds: None settles it for good. ``at`` and what follows it describe the attempt; ``subscription``
    is the claim's, and ``failing`` whether the attempt before failed. What fails as a ``probe`` of an endpoint that
    failed again and again tells of that endpoint alone: it is no attempt at this delivery.
    """

    id: int
    lease: str
    state: Literal["delivered", "retrying", "dead", "pending", "cancelled"]
    wait: float | None = None
    number: int = 0
    at: datetime = clock.EPOCH
    duration_ms: int = 0
    status: int | None = None
    error: str | None = None
    response: str | None = None
    subscription: int = 0
    failing: bool = False
    probe: bool = False


@dataclass(frozen=True, slots=True)
class Accounts:
    """One event: ``matched`` is the sum of ``states`` once it is fanned out, 0 before.

    ``folded`` is the part of ``states`` of which there are counts alone.
    """

    seq: int
    matched: int
    states: dict[DeliveryState, int]
    folded: dict[DeliveryState, int] = field(default_factory=dict)


def settle(tx: Tx, outcomes: Sequence[Outcome]) -> set[int]:
    """Record outcomes, each only if its lease still holds; returns the ids of those recorded."""
    # Before the deliveries, in the order in which ending a subscription locks them.
    health.lock(tx, outcomes)
    leases = tx.dialect.fetch(tx.conn, tx.dialect.leases, (tx.dialect.array({one.id for one in outcomes}),))
    held = {tuple(row) for row in leases}
    own = sorted((one for one in outcomes if (one.id, one.lease) in held), key=lambda one: one.id)
    if own:
        tx.dialect.many(tx.conn, tx.dialect.settle, [_settled(tx, one) for one in own])
    tried = [(one.id, one.number, clock.to_micros(one.at), *one[6:10]) for one in own if one.number and not one.probe]
    if tried:
        tx.dialect.many(tx.conn, tx.dialect.attempt, tried)
    settled = {one.id for one in own}
    health.note(tx, [one for one in outcomes if one.id in settled])
    return settled


def cancel(tx: Tx, subscription: int, reason: str) -> None:
    """Cancel the open deliveries of a subscription (its ``n``).

    What is under way keeps its lease: a success is still recorded as one, anything else settles as cancelled.
    """
    cancel_of(tx, [subscription], reason)


def cancel_of(tx: Tx, subscriptions: Collection[int], reason: str) -> None:
    """Cancel the open deliveries of each of these subscriptions (their ``n``), as :func:`cancel` does."""
    _cancel(tx, tx.dialect.among(table.c.subscription, subscriptions), reason)


def cancel_matched(
    tx: Tx, filter_id: int, seqs: Collection[int], reason: str, subscriptions: Collection[int] | None = None
) -> None:
    """Cancel what is open of these events as far as it matched this filter: all, or for these subscriptions (``n``)."""
    which = (table.c.filter_id == filter_id) & tx.dialect.among(table.c.seq, seqs)
    if subscriptions is not None:
        which &= tx.dialect.among(table.c.subscription, subscriptions)
    _cancel(tx, which, reason)


def open_events(tx: Tx, subscriptions: Collection[int]) -> dict[int, set[int]]:
    """The events of which something is open for any of these subscriptions (their ``n``), by the filter matched."""
    statement = select(table.c.filter_id, table.c.seq).where(
        table.c.due_at.is_not(None), tx.dialect.among(table.c.subscription, subscriptions)
    )
    found: dict[int, set[int]] = {}
    for filter_id, seq in tx.conn.execute(statement.distinct()):
        found.setdefault(filter_id, set()).add(seq)
    return found


def resume(tx: Tx, subscriptions: Collection[int]) -> None:
    """Make the paused deliveries of these subscriptions (their ``n``) due at once."""
    _resume(tx, tx.dialect.among(table.c.subscription, subscriptions))


def resume_matched(tx: Tx, filter_id: int, seqs: Collection[int]) -> None:
    """Make the paused deliveries of these events that matched this filter due at once."""
    _resume(tx, (table.c.filter_id == filter_id) & tx.dialect.among(table.c.seq, seqs))


def _resume(tx: Tx, which: ColumnElement[bool]) -> None:
    parked = select(table.c.id).where(which, table.c.due_at >= PARKED // 2)
    own = tx.conn.execute(parked.add_columns(table.c.subscription).order_by(table.c.id).with_for_update()).all()
    if own:
        ids = [row.id for row in own]
        tx.conn.execute(table.update().where(tx.dialect.among(table.c.id, ids)).values(due_at=tx.now))
        wakes.wake(tx, {row.subscription for row in own})


def cancel_erased(tx: Tx, seqs: Collection[int]) -> None:
    """Cancel what is open of these events, except what takes the article from a follower; see ``items/erasure.py``."""
    if not seqs:
        return
    parting = select(matches.c.seq).where(
        matches.c.seq == table.c.seq, matches.c.filter_id == table.c.filter_id, matches.c.change == Change.LEFT.value
    )
    _cancel(tx, tx.dialect.among(table.c.seq, seqs) & ~parting.exists(), "erased")


def _cancel(tx: Tx, which: ColumnElement[bool], reason: str) -> None:
    still_open = select(table.c.id).where(which, table.c.due_at.is_not(None))
    # Locked in the order that settling locks them in, since each would otherwise wait for the other.
    ids = tx.conn.execute(still_open.order_by(table.c.id).with_for_update()).scalars().all()
    if not ids:
        return
    rest = tx.dialect.among(table.c.id, ids)
    under_way = table.c.state == DeliveryState.SENDING.value
    tx.conn.execute(table.update().where(rest, under_way).values(reason=reason))
    ended = {"state": DeliveryState.CANCELLED.value, "reason": reason, "due_at": None, "settled_at": tx.now}
    tx.conn.execute(table.update().where(rest, ~under_way).values(ended))
    wakes.changed(tx)


def page(
    tx: Tx, subscription: str, *, limit: int, before: int | None = None, states: Collection[DeliveryState] = ()
) -> list[Delivery]:
    """Deliveries of a subscription (its id), newest first; ``before`` is the id of the last one of the page before."""
    statement = _DELIVERIES.where(subscriptions.c.id == subscription).order_by(table.c.id.desc()).limit(limit)
    if before is not None:
        statement = statement.where(table.c.id < before)
    if states:
        statement = statement.where(table.c.state.in_([state.value for state in states]))
    return [_delivery(row) for row in tx.conn.execute(statement)]


def of_event(tx: Tx, seq: int, *, limit: int, after: tuple[int, int]) -> list[tuple[tuple[int, int], Delivery]]:
    """Deliveries of an event in the order in which its webhooks were made, each with its place, the next one's
    ``after``: the subscription's ``n``, and the run. In the order of their unique index: an event may have millions.
    """
    place = tuple_(table.c.subscription, table.c.run)
    own = _DELIVERIES.where(table.c.seq == seq, place > tuple_(*after))
    rows = tx.conn.execute(own.order_by(table.c.subscription, table.c.run).limit(limit))
    return [((row.subscription, row.run), _delivery(row)) for row in rows]


def get(tx: Tx, id: int) -> Delivery | None:
    """One delivery."""
    row = tx.conn.execute(_DELIVERIES.where(table.c.id == id)).one_or_none()
    return None if row is None else _delivery(row)


def attempts(tx: Tx, delivery: int) -> list[Attempt]:
    """Every attempt of a delivery, in order."""
    return attempts_of(tx, [delivery])[delivery]


def attempts_of(tx: Tx, ids: Collection[int]) -> dict[int, list[Attempt]]:
    """Every attempt of each of these deliveries, in order."""
    columns = attempts_table.c
    chosen = select(attempts_table).where(tx.dialect.among(columns.delivery_id, ids))
    found: dict[int, list[Attempt]] = {id: [] for id in ids}
    for row in tx.conn.execute(chosen.order_by(columns.delivery_id, columns.number)):
        found[row.delivery_id].append(_attempt(row))
    return found


def _attempt(row: AnyRow) -> Attempt:
    return Attempt(
        delivery=row.delivery_id,
        number=row.number,
        at=clock.from_micros(row.at),
        duration_ms=row.duration_ms,
        status=row.status,
        error=row.error,
        response=row.response,
    )


def accounting(tx: Tx, seqs: Collection[int]) -> list[Accounts]:
    """For each of these events: how many subscriptions it matched, and how many deliveries are in each state."""
    counted = select(table.c.seq, table.c.state, func.count()).where(tx.dialect.among(table.c.seq, seqs))
    states: dict[int, dict[DeliveryState, int]] = {}
    for seq, state, count in tx.conn.execute(counted.group_by(table.c.seq, table.c.state)):
        states.setdefault(seq, {})[DeliveryState(state)] = count
    folded = folding.counts(tx, seqs)
    for seq, gone in folded.items():
        own = states.setdefault(seq, {})
        own.update({state: own.get(state, 0) + count for state, count in gone.items()})
    matched = select(events.c.seq, events.c.matched).where(tx.dialect.among(events.c.seq, seqs)).order_by(events.c.seq)
    return [
        Accounts(seq, count or 0, states.get(seq, {}), folded.get(seq, {})) for seq, count in tx.conn.execute(matched)
    ]


def depth(tx: Tx) -> dict[DeliveryState, int]:
    """How many deliveries are open, by state."""
    counted = select(table.c.state, func.count()).where(table.c.due_at.is_not(None)).group_by(table.c.state)
    return {DeliveryState(state): count for state, count in tx.conn.execute(counted)}


def _settled(tx: Tx, one: Outcome) -> tuple[Any, ...]:
    due = None if one.wait is None else tx.now + round(one.wait * 1e6)
    return one.id, one.state, due, tx.now, int(one.number > 0 and not one.probe), one.status, one.error


_DELIVERIES = (
    select(table, subscriptions.c.id.label("webhook"), events.c.id.label("event_id"), matches.c.type)
    .join(subscriptions, subscriptions.c.n == table.c.subscription)
    .join(events, events.c.seq == table.c.seq)
    .join(matches, (matches.c.seq == table.c.seq) & (matches.c.filter_id == table.c.filter_id))
)


def _delivery(row: AnyRow) -> Delivery:
    state = DeliveryState(row.state)
    waits = state in (DeliveryState.PENDING, DeliveryState.RETRYING)
    return Delivery(
        id=row.id,
        seq=row.seq,
        event_id=row.event_id,
        event_type=row.type,
        subscription=row.webhook,
        run=row.run,
        state=state,
        reason=row.reason,
        attempts=row.attempts,
        created_at=clock.from_micros(row.created_at),
        next_attempt_at=moment(row.due_at) if waits and row.due_at < PARKED // 2 else None,
        settled_at=moment(row.settled_at),
        last_status=row.last_status,
        last_error=row.last_error,
    )
