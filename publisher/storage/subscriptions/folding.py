"""Folding: deliveries that were settled long ago give way to a count for each event and state, and so do parcels.

What was delivered or cancelled is folded by its age. What is dead is listed with its reason for as long as its event is
kept, and is folded with everything else of the event just before that goes. A row and its attempts go in the
transaction that counts them, so the sum of rows and counts is at any moment what the event matched.

Rows are found in the order of their ids, in which they were made. Nothing was settled before it was made, so the search
ends at the first row that is younger than what is asked for (a time that has not come is one from before a clock was
put back, and says nothing of the rows after it). It begins above the stretch in which nothing is left to be folded, so
that this is not gone through again and again. No index is needed for it, which each settling would pay for.

Parcels are found in the same way, and fold once they are closed for so long: then all that they hold was delivered
before. They need no mark: what was folded of them is gone, and what is not closed is being sent.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import ColumnElement, case, delete, select, update

from publisher.model import DeliveryState
from publisher.storage.engine.database import Tx
from publisher.storage.engine.tables import attempts, cursors, folded, parcels
from publisher.storage.engine.tables import deliveries as table
from publisher.storage.subscriptions import again, stretches

OPEN = tuple(state.value for state in (DeliveryState.PENDING, DeliveryState.SENDING, DeliveryState.RETRYING))
BY_AGE = tuple(state.value for state in (DeliveryState.DELIVERED, DeliveryState.CANCELLED))
DEAD = DeliveryState.DEAD.value

ROWS_OF_PARCEL = 8
"""As how many rows a parcel counts: it has two bytes for each seat and more, so that a page holds one or two."""

_MARK, _UNTIL = cursors.c.name == "folded", cursors.c.name == "folded_until"


@dataclass(frozen=True, slots=True)
class Piece:
    """Deliveries found by :func:`find`: the ``ids`` of those to be folded, looked at up to ``reached``.

    ``clear``: of those looked at, nothing but what is dead stays. ``more``: older ones may follow.
    """

    ids: tuple[int, ...]
    reached: int
    clear: bool
    more: bool


class Found(NamedTuple):
    """The ``ids`` of what may go, looked for up to ``reached``; ``more`` may follow."""

    ids: tuple[int, ...]
    reached: int
    more: bool


@dataclass(frozen=True, slots=True)
class Folded:
    """How many deliveries went into counts, with how many attempts; and how many parcels some of them were in."""

    deliveries: int = 0
    attempts: int = 0
    parcels: int = 0


def mark(tx: Tx) -> int:
    """Up to which delivery (its id) nothing is left to be folded."""
    return int(tx.conn.execute(select(cursors.c.seq).where(_MARK)).scalar_one())


def until(tx: Tx) -> int | None:
    """Up to which time (microseconds) everything that had been delivered or cancelled is folded, but for what is in
    parcels that were closed later; None before that.
    """
    return tx.conn.execute(select(cursors.c.seq).where(_UNTIL)).scalar_one() or None


def find(tx: Tx, after: int, before: int, limit: int) -> Piece:
    """The next deliveries above ``after`` that had been settled by ``before`` (microseconds).

    With their attempts they are at most ``limit`` rows, or one delivery.
    """
    fanned_out, _ = stretches.place(tx)
    columns = (table.c.id, table.c.seq, table.c.state, table.c.attempts, table.c.created_at, table.c.settled_at)
    rows = tx.conn.execute(select(*columns).where(table.c.id > after).order_by(table.c.id).limit(limit)).all()
    ids: list[int] = []
    reached, clear, weight = after, True, 0
    for row in rows:
        if before < row.created_at <= tx.now:
            return Piece(tuple(ids), reached, clear, more=False)
        # Of an event that is being fanned out a row must not go: it would be made again.
        if row.state in BY_AGE and row.settled_at <= before and row.seq <= fanned_out:
            weight += 1 + row.attempts
            if ids and weight > limit:
                return Piece(tuple(ids), reached, clear, more=True)
            ids.append(row.id)
        elif row.state != DEAD:
            clear = False
        reached = row.id
    return Piece(tuple(ids), reached, clear, more=len(rows) == limit)


def fold(tx: Tx, ids: Collection[int], before: int, cleared: int | None = None) -> Folded:
    """Fold these deliveries as far as they had been settled by ``before``.

    ``cleared``: up to this id nothing is left to be folded after that.
    """
    _alone(tx, cleared)
    return _fold(tx, tx.dialect.among(table.c.id, ids) & table.c.state.in_(BY_AGE) & (table.c.settled_at <= before))


def find_parcels(tx: Tx, after: int, before: int, limit: int) -> Found:
    """The next parcels above ``after`` that were closed by ``before`` (microseconds), of up to ``limit`` rows or one
    parcel.
    """
    most = _parcels_in(limit)
    fanned_out, _ = stretches.place(tx)
    columns = (parcels.c.id, parcels.c.seq, parcels.c.created_at, parcels.c.closed_at)
    rows = tx.conn.execute(select(*columns).where(parcels.c.id > after).order_by(parcels.c.id).limit(most)).all()
    ids: list[int] = []
    for row in rows:
        if before < row.created_at <= tx.now:
            return Found(tuple(ids), row.id, more=False)
        # Of an event that is being fanned out a parcel must not go: its members would be given rows.
        if row.closed_at is not None and row.closed_at <= before and row.seq <= fanned_out:
            ids.append(row.id)
    return Found(tuple(ids), rows[-1].id if rows else after, more=len(rows) == most)


def fold_parcels(tx: Tx, ids: Collection[int], before: int) -> Folded:
    """Fold these parcels as far as they were closed by ``before``."""
    _alone(tx)
    return _fold_parcels(tx, tx.dialect.among(parcels.c.id, ids) & (parcels.c.closed_at <= before))


def behind(tx: Tx, before: int) -> bool:
    """Whether anything is folded and less than up to ``before`` is noted, as where a process ended between the two."""
    return (until(tx) or 0) < before and tx.conn.execute(select(folded.c.seq).limit(1)).first() is not None


def note(tx: Tx, before: int) -> None:
    """Note that whatever had been delivered or cancelled by ``before`` is folded."""
    tx.conn.execute(update(cursors).where(_UNTIL, cursors.c.seq < before).values(seq=before))


def fold_of(tx: Tx, first: int, last: int, limit: int) -> Folded:
    """Fold settled deliveries of the events ``first`` to ``last``, in whatever state: with their attempts at most
    ``limit`` rows, or one delivery; then closed parcels, so many rows or one parcel. Nothing is folded once none is
    left.
    """
    _alone(tx)
    own = table.c.seq.between(first, last) & table.c.state.not_in(OPEN)
    chosen = select(table.c.id, table.c.attempts).where(own).order_by(table.c.seq, table.c.subscription).limit(limit)
    ids: list[int] = []
    weight = 0
    for id_, tried in tx.conn.execute(chosen):
        weight += 1 + tried
        if ids and weight > limit:
            break
        ids.append(id_)
    if ids:
        return _fold(tx, tx.dialect.among(table.c.id, ids))
    closed = select(parcels.c.id).where(parcels.c.seq.between(first, last), parcels.c.closed_at.is_not(None))
    some = tx.conn.execute(closed.order_by(parcels.c.seq).limit(_parcels_in(limit))).scalars().all()
    return _fold_parcels(tx, tx.dialect.among(parcels.c.id, some)) if some else Folded()


def counts(tx: Tx, seqs: Collection[int]) -> dict[int, dict[DeliveryState, int]]:
    """For each of these events of which anything was folded: how many deliveries, by state."""
    found: dict[int, dict[DeliveryState, int]] = {}
    for seq, state, count in tx.conn.execute(select(folded).where(tx.dialect.among(folded.c.seq, seqs))):
        found.setdefault(seq, {})[DeliveryState(state)] = count
    return found


def _parcels_in(rows: int) -> int:
    return max(1, rows // ROWS_OF_PARCEL)


def _alone(tx: Tx, cleared: int | None = None) -> None:
    """Wait until no other process folds: two would change the same counts in different orders. Move the mark, too."""
    to = cursors.c.seq if cleared is None else case((cursors.c.seq < cleared, cleared), else_=cursors.c.seq)
    tx.conn.execute(update(cursors).where(_MARK).values(seq=to))


def _fold(tx: Tx, which: ColumnElement[bool]) -> Folded:
    columns = (table.c.id, table.c.seq, table.c.state, table.c.run, table.c.subscription)
    gone = tx.conn.execute(delete(table).where(which).returning(*columns)).all()
    if not gone:
        return Folded()
    # What an event matched is the sum of what was sent as it happened; what was sent again is counted by its replay.
    live = Counter((row.seq, row.state) for row in gone if not row.run)
    if live:
        _count(tx, live)
    again.folded(tx, [row for row in gone if row.run])
    tried = delete(attempts).where(tx.dialect.among(attempts.c.delivery_id, [row.id for row in gone]))
    return Folded(len(gone), tx.conn.execute(tried).rowcount)


def _fold_parcels(tx: Tx, which: ColumnElement[bool]) -> Folded:
    gone = tx.conn.execute(delete(parcels).where(which).returning(parcels.c.seq, parcels.c.sent)).all()
    sent = Counter[tuple[int, str]]()
    for row in gone:
        sent[row.seq, DeliveryState.DELIVERED.value] += row.sent
    if +sent:
        _count(tx, +sent)
    return Folded(sent.total(), sent.total(), len(gone))


def _count(tx: Tx, more: Counter[tuple[int, str]]) -> None:
    rows: Sequence[dict[str, object]] = [
        {"seq": seq, "state": state, "count": count} for (seq, state), count in sorted(more.items())
    ]
    statement = tx.dialect.insert(folded)
    added = {"count": folded.c.count + statement.excluded.count}
    tx.conn.execute(statement.on_conflict_do_update(index_elements=[folded.c.seq, folded.c.state], set_=added), rows)
