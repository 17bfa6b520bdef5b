"""Holds: what must not begin to be sent, by an operator's order, until it is released or cancelled.

A hold is one row, whatever it covers, and is judged where things begin: a row that is taken is put back without a due
time (:func:`park`, in ``queue.py``), and a parcel is left where it is (``delivery/boarding.py``). Whoever holds
something already reads it again, since each hold that begins or ends is a change (``wakes.changed``).

A hold that has ended leaves rows without a due time behind, and one that is cancelled all that it covers. That is dealt
with a piece at a time (:func:`release_some`, :func:`cancel_some`), until it is ``settled_at``; a process that is killed
leaves it to the next. Nobody may put a row back for a hold that ends meanwhile: so a hold is locked for that.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, insert, or_, select, update

from publisher import clock
from publisher.errors import Conflict, NotFound
from publisher.model import DeliveryState, SubscriptionState
from publisher.model.replay import Hold, HoldState
from publisher.storage.engine.database import Tx
from publisher.storage.engine.tables import deliveries, events, filters, matches, parcels, subscriptions
from publisher.storage.engine.tables import holds as table
from publisher.storage.engine.values import AnyRow, moment
from publisher.storage.subscriptions import filters as interned
from publisher.storage.subscriptions import spilling, stretches, wakes
from publisher.storage.subscriptions.deliveries import PARKED, SUSPECT, cancel_rows

Pair = tuple[int, int]
"""An event (its ``seq``) and the filter that it matched: all that a hold goes by."""

ROWS = 2000
"""Rows dealt with in one transaction."""

PARCELS = 4

_ACTIVE = table.c.ended_at.is_(None)


def create(
    tx: Tx, *, feed: str | None, source: str | None, first: int | None, last: int | None, by: str, reason: str | None
) -> Hold:
    """Hold from now on what all of these cover that are given; everything where none is."""
    row = {
        "id": "hold_" + secrets.token_urlsafe(9), "feed": feed, "source": source, "first_seq": first, "last_seq": last,
        "state": HoldState.HELD.value, "by": by, "reason": reason, "at": tx.now,
    }  # fmt: skip
    tx.conn.execute(insert(table).values(row))
    wakes.changed(tx)
    return existing(tx, str(row["id"]))


def existing(tx: Tx, id: str) -> Hold:
    """A hold; raises NotFound."""
    row = tx.conn.execute(select(table).where(table.c.id == id)).first()
    if row is None:
        raise NotFound(f"there is no hold {id!r}")
    return _hold(row)


def list_(tx: Tx, *, everything: bool = False, limit: int = 500) -> list[Hold]:
    """Holds, newest first: those that hold something, or all there ever were."""
    statement = select(table).order_by(table.c.n.desc()).limit(limit)
    return [_hold(row) for row in tx.conn.execute(statement if everything else statement.where(_ACTIVE))]


def release(tx: Tx, id: str, *, by: str, reason: str | None) -> Hold:
    """Let go on what it holds. Raises NotFound, or Conflict where it holds nothing any more, or is being cancelled."""
    row = _locked(tx, id)
    if row.state != HoldState.HELD.value:
        raise Conflict(f"the hold is {row.state} already")
    ended = {"ended_by": by, "ended_reason": reason, "ended_at": tx.now}
    tx.conn.execute(update(table).where(table.c.n == row.n).values(state=HoldState.RELEASED.value, **ended))
    wakes.changed(tx)
    return existing(tx, id)


def cancel(tx: Tx, id: str, *, by: str, reason: str) -> Hold:
    """Cancel what it holds of every event that is in the log by now; later ones go on once that is done.

    Raises NotFound, or Conflict where it holds nothing any more.
    """
    row = _locked(tx, id)
    if row.state != HoldState.HELD.value:
        raise Conflict(f"the hold is {row.state} already")
    last, _ = stretches.hold(tx)
    values = {"state": HoldState.CANCELLING.value, "ended_by": by, "ended_reason": reason, "cancel_until": last}
    tx.conn.execute(update(table).where(table.c.n == row.n).values(values))
    return existing(tx, id)


def edition(tx: Tx) -> tuple[int, int, int]:
    """Another value once what is held is something else; the third is how many holds there are."""
    columns = (func.coalesce(func.max(table.c.n), 0), func.count(table.c.ended_at), func.count())
    last, ended, count = tx.conn.execute(select(*columns)).one()
    return last, ended, count - ended


def covering(tx: Tx, pairs: Iterable[Pair]) -> dict[Pair, str]:
    """The hold (its id) that covers each of these, without those that none covers."""
    holds = list(tx.conn.execute(select(table).where(_ACTIVE).order_by(table.c.n)))
    wanted = set(pairs) if holds else set()
    if not wanted:
        return {}
    sources: Mapping[int, str] = {}
    naming: Mapping[int, frozenset[str]] = {}
    if any(one.source is not None for one in holds):
        own = tx.dialect.among(events.c.seq, {seq for seq, _ in wanted})
        sources = {row.seq: row.source for row in tx.conn.execute(select(events.c.seq, events.c.source).where(own))}
    if any(one.feed is not None for one in holds):
        naming = _named(tx, {filter_id for _, filter_id in wanted})
    found = {}
    for pair in wanted:
        hold = next((one for one in holds if _covers(one, pair, sources, naming)), None)
        if hold is not None:
            found[pair] = str(hold.id)
    return found


def holding(tx: Tx, seq: ColumnElement[int], filter_id: ColumnElement[int]) -> ColumnElement[bool] | None:
    """Whether a hold covers this event and filter, as a condition; None while nothing is held."""
    some = tx.conn.execute(select(table).where(_ACTIVE)).all()
    return or_(*(_scope(tx, one, seq, filter_id) for one in some)) if some else None


def park(tx: Tx, ids: Collection[int]) -> frozenset[int]:
    """Put back those of these rows, which were taken, that are held, without a due time; returns whose they are (their
    ``n``) and are not to be sent.
    """
    if not tx.conn.execute(select(table.c.n).where(_ACTIVE).limit(1)).first():
        return frozenset()
    own = tx.dialect.among(deliveries.c.id, ids) & deliveries.c.reason.is_(None)
    columns = (deliveries.c.id, deliveries.c.seq, deliveries.c.filter_id, deliveries.c.subscription)
    rows = tx.conn.execute(select(*columns).where(own)).all()
    held = covering(tx, ((row.seq, row.filter_id) for row in rows))
    back = [row for row in rows if (row.seq, row.filter_id) in held]
    if not back:
        return frozenset()
    # Not waited for: a hold that is being ended waits for nothing, and what it covered goes on.
    still = select(table.c.id).where(_ACTIVE, table.c.id.in_(set(held.values())))
    locked = set(tx.conn.execute(still.with_for_update(read=True, skip_locked=True)).scalars())
    parked = {row.id for row in back if held[row.seq, row.filter_id] in locked}
    state = case((deliveries.c.attempts == 0, DeliveryState.PENDING.value), else_=DeliveryState.RETRYING.value)
    due = case((tx.dialect.among(deliveries.c.id, parked), PARKED), else_=tx.now)
    some = tx.dialect.among(deliveries.c.id, {row.id for row in back})
    tx.conn.execute(update(deliveries).where(some).values(state=state, due_at=due, lease=None))
    return frozenset(row.id for row in back)


def unsettled(tx: Tx) -> list[AnyRow]:
    """The holds for which something is left to be done: they have ended, or are being cancelled."""
    left = table.c.settled_at.is_(None) & (table.c.ended_at.is_not(None) | table.c.cancel_until.is_not(None))
    return list(tx.conn.execute(select(table).where(left).order_by(table.c.n)))


def release_some(tx: Tx, n: int, after: int, limit: int = ROWS) -> int | None:
    """Make rows above an id due again that wait for a hold which has ended; returns up to which it came, None where it
    is done. What stands still for another reason is left as it is.
    """
    hold = tx.conn.execute(select(table).where(table.c.n == n, ~_ACTIVE).with_for_update()).first()
    if hold is None or hold.settled_at is not None:
        return None
    of_match = (matches.c.seq == deliveries.c.seq) & (matches.c.filter_id == deliveries.c.filter_id)
    still = (subscriptions.c.state == SubscriptionState.PAUSED.value) | matches.c.held.is_not(None)
    waits = select(deliveries.c.id, deliveries.c.seq, deliveries.c.filter_id, deliveries.c.subscription).where(
        _scope(tx, hold, deliveries.c.seq, deliveries.c.filter_id), deliveries.c.due_at >= PARKED // 2,
        deliveries.c.id > after, ~still, deliveries.c.crashes < SUSPECT,
    )  # fmt: skip
    waits = waits.join(subscriptions, subscriptions.c.n == deliveries.c.subscription).join(matches, of_match)
    rows = tx.conn.execute(waits.order_by(deliveries.c.id).limit(limit)).all()
    others = covering(tx, ((row.seq, row.filter_id) for row in rows))
    free = [row for row in rows if (row.seq, row.filter_id) not in others]
    if free:
        # Subscriptions first, then rows, and the count of changes last, as everywhere.
        owners = tx.dialect.among(subscriptions.c.n, {row.subscription for row in free})
        tx.conn.execute(select(subscriptions.c.n).where(owners).order_by(subscriptions.c.n).with_for_update())
        own = tx.dialect.among(deliveries.c.id, [row.id for row in free]) & (deliveries.c.due_at >= PARKED // 2)
        tx.conn.execute(select(deliveries.c.id).where(own).order_by(deliveries.c.id).with_for_update())
        tx.conn.execute(update(deliveries).where(own).values(due_at=tx.now))
        wakes.wake(tx, {row.subscription for row in free})
    if len(rows) == limit:
        return int(rows[-1].id)
    tx.conn.execute(update(table).where(table.c.n == n).values(settled_at=tx.now))
    return None


def cancel_some(tx: Tx, n: int, after: Pair, limit: int = ROWS) -> Pair | None:
    """Cancel more of what is held by a hold that is being cancelled: first what is in parcels becomes rows, then those
    are cancelled, each in the order of its ids. ``after`` is how far it came, (0, 0) at first; None: it is done, and
    has ended.
    """
    hold = tx.conn.execute(select(table).where(table.c.n == n, _ACTIVE).with_for_update()).first()
    if hold is None or hold.cancel_until is None:
        return None
    if stretches.place(tx)[0] < hold.cancel_until:
        return after  # not all of it is there yet
    stage, reached = after
    if stage == 0:
        own = _scope(tx, hold, parcels.c.seq, parcels.c.filter_id) & (parcels.c.seq <= hold.cancel_until)
        some = select(parcels.c.id, parcels.c.seq, parcels.c.filter_id).where(own, parcels.c.closed_at.is_(None))
        found = tx.conn.execute(some.where(parcels.c.id > reached).order_by(parcels.c.id).limit(PARCELS)).all()
        for row in found:
            spilling.of_matched(tx, row.filter_id, [row.seq])
        return (0, int(found[-1].id)) if len(found) == PARCELS else (1, 0)
    own = _scope(tx, hold, deliveries.c.seq, deliveries.c.filter_id) & (deliveries.c.seq <= hold.cancel_until)
    open_ = deliveries.c.due_at.is_not(None) & deliveries.c.reason.is_(None) & (deliveries.c.id > reached)
    ids = tx.conn.execute(select(deliveries.c.id).where(own, open_).order_by(deliveries.c.id).limit(limit))
    rows = list(ids.scalars())
    count = cancel_rows(tx, rows, f"hold: {hold.ended_reason}")
    values: dict[str, Any] = {"cancelled": table.c.cancelled + count}
    if len(rows) < limit:
        values |= {"state": HoldState.CANCELLED.value, "ended_at": tx.now}
        wakes.changed(tx)
    tx.conn.execute(update(table).where(table.c.n == n).values(values))
    return (1, rows[-1]) if len(rows) == limit else None


def _locked(tx: Tx, id: str) -> AnyRow:
    row = tx.conn.execute(select(table).where(table.c.id == id).with_for_update()).first()
    if row is None:
        raise NotFound(f"there is no hold {id!r}")
    return row


def _covers(hold: AnyRow, pair: Pair, sources: Mapping[int, str], naming: Mapping[int, frozenset[str]]) -> bool:
    seq, filter_id = pair
    return (
        (hold.first_seq is None or hold.first_seq <= seq)
        and (hold.last_seq is None or seq <= hold.last_seq)
        and (hold.source is None or sources.get(seq) == hold.source)
        and (hold.feed is None or hold.feed in naming.get(filter_id, ()))
    )


def _scope(tx: Tx, hold: AnyRow, seq: ColumnElement[int], filter_id: ColumnElement[int]) -> ColumnElement[bool]:
    """What a hold covers, as a condition."""
    found: list[ColumnElement[bool]] = [seq > 0]
    if hold.first_seq is not None:
        found.append(seq >= hold.first_seq)
    if hold.last_seq is not None:
        found.append(seq <= hold.last_seq)
    if hold.source is not None:
        found.append(select(events.c.seq).where(events.c.seq == seq, events.c.source == hold.source).exists())
    if hold.feed is not None:
        naming = [id_ for id_, feeds in _named(tx, None).items() if hold.feed in feeds]
        found.append(tx.dialect.among(filter_id, naming))
    return and_(*found)


def _named(tx: Tx, ids: Collection[int] | None) -> dict[int, frozenset[str]]:
    """The feeds that these filters name, or all filters."""
    statement = select(filters.c.id, filters.c.definition)
    if ids is not None:
        statement = statement.where(tx.dialect.among(filters.c.id, ids))
    return {id_: frozenset(interned.read(text).feeds) for id_, text in tx.conn.execute(statement)}


def _hold(row: AnyRow) -> Hold:
    return Hold(
        id=row.id,
        state=HoldState(row.state),
        feed=row.feed,
        source=row.source,
        first_seq=row.first_seq,
        last_seq=row.last_seq,
        by=row.by,
        reason=row.reason,
        at=clock.from_micros(row.at),
        ended_by=row.ended_by,
        ended_reason=row.ended_reason,
        ended_at=moment(row.ended_at),
        cancelled=row.cancelled,
    )
