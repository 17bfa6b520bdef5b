"""Rows of deliveries: made of seats, settled where the lease on them still holds, cancelled, and resumed.

``queue.py`` takes them, ``listing.py`` shows them. First attempts are in ``parcels.py`` where they need no row; what is
done here to open deliveries begins with making rows of those concerned (``spilling.py``).

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

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any, Literal, NamedTuple

from sqlalchemy import ColumnElement, select

from publisher import clock
from publisher.model import Change, DeliveryState
from publisher.storage.engine.database import Tx
from publisher.storage.engine.tables import deliveries as table
from publisher.storage.engine.tables import matches
from publisher.storage.engine.tables import subscriptions as holders
from publisher.storage.subscriptions import spilling, wakes
from publisher.storage.subscriptions.parcels import Parcel

PARKED = 2**62
"""When the deliveries of a paused subscription are due: never, until :func:`resume`. Any time from half of it on means
the same: no clock shows one, and earlier versions moved this one along with others where a clock was put back."""

SUSPECT = 2
"""After so many ends of processes that had it a delivery is sent with few others, and its time is :data:`PARKED` and
when it is due by the clock: only ``crashes.py`` finds it then."""


class Exchange(NamedTuple):
    """What was sent in an attempt and what came back, as ``delivery/exchanges.py`` writes it, and the address."""

    request: str | None = None
    digest: str | None = None
    answer: str | None = None
    address: str | None = None


NO_EXCHANGE = Exchange()


class Outcome(NamedTuple):
    """What became of a delivery that its sender has: a row under its lease, or a seat of a parcel in its lanes.
    ``number`` is 0 where nothing was sent; that does not count as an attempt.

    ``wait`` is in seconds: None settles it for good. ``at`` and what follows it describe the attempt; ``subscription``
    is the claim's, and ``failing`` whether the attempt before failed. What fails as a ``probe`` of an endpoint that
    failed again and again tells of that endpoint alone: it is no attempt at this delivery.

    A ``seat`` in a ``parcel`` has neither ``id`` nor ``lease``; what its receiver did not take becomes a row in this
    state. ``moved`` is of the parcel alone: others have made rows of its seats, and it is to be closed if no other is
    open. ``exchange`` is of an attempt that failed, and ``fault`` the class of an error without a status.

    One request may have carried several deliveries: ``echo`` marks all but the first, which say nothing more of their
    endpoint. ``reason`` says why it was cancelled, where that is not on record.
    """

    id: int
    lease: str
    state: Literal["delivered", "retrying", "dead", "pending", "cancelled", "moved"]
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
    parcel: Parcel | None = None
    seat: int = 0
    exchange: Exchange | None = None
    echo: bool = False
    reason: str | None = None
    fault: str | None = None


def settle(tx: Tx, outcomes: Sequence[Outcome]) -> set[int]:
    """Record outcomes of rows, each only if its lease still holds; returns the ids of those recorded.

    What they say of their endpoints is ``settling.py``'s.
    """
    if not outcomes:
        return set()
    leases = tx.dialect.fetch(tx.conn, tx.dialect.leases, (tx.dialect.array({one.id for one in outcomes}),))
    held = {tuple(row) for row in leases}
    own = sorted((one for one in outcomes if (one.id, one.lease) in held), key=lambda one: one.id)
    if own:
        tx.dialect.many(tx.conn, tx.dialect.settle, [_settled(tx, one) for one in own])
    _note_attempts(tx, own)
    return {one.id for one in own}


def add_rows(tx: Tx, outcomes: Sequence[Outcome]) -> None:
    """Make rows of what came of seats in parcels, and was not taken.

    What has its row already is left as it is: then the transaction was committed, and its answer lost.
    """
    if not outcomes:
        return
    statement = (
        tx.dialect.insert(table).on_conflict_do_nothing().returning(table.c.id, table.c.seq, table.c.subscription)
    )
    rows = tx.conn.execute(statement, [_moved(tx, one) for one in outcomes]).all()
    made = {(row.seq, row.subscription): row.id for row in rows}
    of_rows = ((one, made.get((one.parcel.seq, one.subscription))) for one in outcomes if one.parcel is not None)
    _note_attempts(tx, [one._replace(id=id_) for one, id_ in of_rows if id_ is not None])


def of_seats(tx: Tx, outcomes: Sequence[Outcome], process: str) -> list[Outcome]:
    """These outcomes of seats as those of the rows that were made of them meanwhile; without those whose row is not
    under this process's lease any more, or that have none.
    """
    some = {(one.parcel.id, one.parcel.seq) for one in outcomes if one.parcel is not None}
    if not some:
        return []
    rows = {(parcel, n): row for row, parcel, n in spilling.made(tx, process, some)}
    of_rows = ((one, one.parcel.id) for one in outcomes if one.parcel is not None)
    return [
        one._replace(id=rows[parcel, one.subscription], lease=spilling.lease(process, parcel), parcel=None)
        for one, parcel in of_rows
        if (parcel, one.subscription) in rows
    ]


def _note_attempts(tx: Tx, outcomes: Iterable[Outcome]) -> None:
    tried = [
        (one.id, one.number, clock.to_micros(one.at), *one[6:10], *(one.exchange or NO_EXCHANGE), one.fault)
        for one in outcomes
        if one.number and not one.probe
    ]
    if tried:
        tx.dialect.many(tx.conn, tx.dialect.attempt, tried)


def cancel(tx: Tx, subscription: int, reason: str) -> None:
    """Cancel the open deliveries of a subscription (its ``n``).

    What is under way keeps its lease: a success is still recorded as one, anything else settles as cancelled.
    """
    cancel_of(tx, [subscription], reason)


def cancel_of(tx: Tx, subscriptions: Collection[int], reason: str) -> None:
    """Cancel the open deliveries of each of these subscriptions (their ``n``), as :func:`cancel` does."""
    _cancel(tx, tx.dialect.among(table.c.subscription, subscriptions), reason)


def cancel_run(tx: Tx, subscription: int, run: int, reason: str) -> None:
    """Cancel what is open of a later run of a subscription (its ``n``), as :func:`cancel` does."""
    assert run > 0, "what is sent as it happens may be in parcels"
    _cancel(tx, (table.c.subscription == subscription) & (table.c.run == run), reason)


def cancel_rows(tx: Tx, ids: Collection[int], reason: str) -> int:
    """Cancel those of these rows that are open, as :func:`cancel` does; returns how many."""
    return _cancel(tx, tx.dialect.among(table.c.id, ids), reason)


def cancel_matched(
    tx: Tx, filter_id: int, seqs: Collection[int], reason: str, subscriptions: Collection[int] | None = None
) -> None:
    """Cancel what is open of these events as far as it matched this filter: all, or for these subscriptions (``n``)."""
    spilling.of_matched(tx, filter_id, seqs)
    which = (table.c.filter_id == filter_id) & tx.dialect.among(table.c.seq, seqs)
    if subscriptions is not None:
        which &= tx.dialect.among(table.c.subscription, subscriptions)
    _cancel(tx, which, reason)


def open_events(tx: Tx, subscriptions: Collection[int]) -> dict[int, set[int]]:
    """The events of which something is open for any of these subscriptions (their ``n``), by the filter matched.

    All of it is in rows after that.
    """
    spilling.of_subscriptions(tx, subscriptions)
    statement = select(table.c.filter_id, table.c.seq).where(
        table.c.due_at.is_not(None), tx.dialect.among(table.c.subscription, subscriptions)
    )
    found: dict[int, set[int]] = {}
    for filter_id, seq in tx.conn.execute(statement.distinct()):
        found.setdefault(filter_id, set()).add(seq)
    return found


def resume(tx: Tx, subscriptions: Collection[int]) -> None:
    """Make the paused deliveries of these subscriptions (their ``n``) due at once. They are all in rows."""
    _resume(tx, tx.dialect.among(table.c.subscription, subscriptions))


def resume_matched(tx: Tx, filter_id: int, seqs: Collection[int]) -> None:
    """Make the paused deliveries of these events that matched this filter due at once."""
    _resume(tx, (table.c.filter_id == filter_id) & tx.dialect.among(table.c.seq, seqs))


def _resume(tx: Tx, which: ColumnElement[bool]) -> None:
    parked = select(table.c.id).where(which, table.c.due_at >= PARKED // 2, table.c.crashes < SUSPECT)
    own = tx.conn.execute(parked.add_columns(table.c.subscription).order_by(table.c.id).with_for_update()).all()
    if own:
        ids = [row.id for row in own]
        tx.conn.execute(table.update().where(tx.dialect.among(table.c.id, ids)).values(due_at=tx.now))
        wakes.wake(tx, {row.subscription for row in own})


def cancel_erased(tx: Tx, seqs: Collection[int]) -> None:
    """Cancel what is open of these events, except what takes the article from a follower; see ``items/erasure.py``."""
    if not seqs:
        return
    spilling.of_events(tx, seqs)
    parting = select(matches.c.seq).where(
        matches.c.seq == table.c.seq, matches.c.filter_id == table.c.filter_id, matches.c.change == Change.LEFT.value
    )
    _cancel(tx, tx.dialect.among(table.c.seq, seqs) & ~parting.exists(), "erased")


def _cancel(tx: Tx, which: ColumnElement[bool], reason: str) -> int:
    still_open = select(table.c.id).where(which, table.c.due_at.is_not(None))
    # Locked in the order that settling locks them in, since each would otherwise wait for the other.
    own = select(table.c.subscription).where(which, table.c.due_at.is_not(None))
    behind = select(holders.c.n).where(holders.c.alone, holders.c.n.in_(own)).order_by(holders.c.n)
    waiting = tx.conn.execute(behind.with_for_update()).scalars().all()
    ids = tx.conn.execute(still_open.order_by(table.c.id).with_for_update()).scalars().all()
    if not ids:
        return 0
    rest = tx.dialect.among(table.c.id, ids)
    under_way = table.c.state == DeliveryState.SENDING.value
    tx.conn.execute(table.update().where(rest, under_way).values(reason=reason))
    ended = {"state": DeliveryState.CANCELLED.value, "reason": reason, "due_at": None, "settled_at": tx.now}
    tx.conn.execute(table.update().where(rest, ~under_way).values(ended))
    if waiting:
        wakes.wake(tx, waiting)  # what waited for these goes now
    else:
        wakes.changed(tx)
    return len(ids)


def _settled(tx: Tx, one: Outcome) -> tuple[Any, ...]:
    due = None if one.wait is None else tx.now + round(one.wait * 1e6)
    counts, tried = one.number > 0 and not one.probe, one.number > 0
    standing = due if due is None or tried else PARKED + due
    return one.id, one.state, due, tx.now, int(counts), one.status, one.error, one.reason, standing, int(tried)


def _moved(tx: Tx, one: Outcome) -> dict[str, Any]:
    assert one.parcel is not None
    counts = one.number > 0 and not one.probe
    return {
        "seq": one.parcel.seq,
        "subscription": one.subscription,
        "filter_id": one.parcel.filter_id,
        "state": one.state,
        "reason": one.reason,
        "attempts": int(counts),
        "due_at": None if one.wait is None else tx.now + round(one.wait * 1e6),
        "created_at": one.parcel.created_at,
        "settled_at": tx.now if one.wait is None else None,
        "last_status": one.status if counts else None,
        "last_error": one.error if counts else None,
    }
