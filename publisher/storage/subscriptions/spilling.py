"""Spilling: what is open of parcels becomes rows, so that it can be stopped, held or changed by itself.

Everything that is done to single deliveries (cancelling, pausing, sending to another URL) is done to rows
(``deliveries.py``); what is in parcels comes here first, in the same transaction. Whoever sends may have begun with it
already: so a row is made under that process's lease, as if it had taken it, and the process, which is woken, hands back
what it has not begun.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from sqlalchemy import ColumnElement, bindparam, insert, select, update

from publisher.model import DeliveryState
from publisher.storage.engine.database import Tx
from publisher.storage.engine.tables import deliveries, lanes, seats, subscriptions
from publisher.storage.engine.tables import parcels as table
from publisher.storage.subscriptions import bitmaps, parcels, rosters, wakes

LEASE_SECONDS = 150.0
"""How long a row that is made here is its lane's owner's: no attempt may last longer."""


def of_subscriptions(tx: Tx, own: Collection[int]) -> None:
    """Make rows of what is open of these subscriptions (their ``n``)."""
    theirs = select(seats.c.roster).where(tx.dialect.among(seats.c.subscription, own))
    _spill(tx, table.c.roster.in_(theirs), own)


def of_matched(tx: Tx, filter_id: int, seqs: Collection[int]) -> None:
    """Make rows of what is open of these events as far as it matched this filter."""
    _spill(tx, (table.c.filter_id == filter_id) & tx.dialect.among(table.c.seq, seqs))


def of_events(tx: Tx, seqs: Collection[int]) -> None:
    """Make rows of all that is open of these events."""
    _spill(tx, tx.dialect.among(table.c.seq, seqs))


def of_parcels(tx: Tx, ids: Collection[int], crashes: int) -> int:
    """Make rows of what is open of these parcels, whose lane's owner ended so many times with them; returns how many.

    They are due at once.
    """
    return _spill(tx, tx.dialect.among(table.c.id, ids), crashes=crashes)


def made(tx: Tx, process: str, some: Collection[tuple[int, int]]) -> list[tuple[int, int, int]]:
    """The rows that were made of these parcels (each with its event's ``seq``) and are still under this process's
    lease, as (row, parcel, subscription).
    """
    parcel_of = {lease(process, parcel): parcel for parcel, _ in some}
    own = tx.dialect.among(deliveries.c.seq, {seq for _, seq in some}) & tx.dialect.among(deliveries.c.lease, parcel_of)
    sending = deliveries.c.state == DeliveryState.SENDING.value
    rows = tx.conn.execute(select(deliveries.c.id, deliveries.c.lease, deliveries.c.subscription).where(own, sending))
    return [(row.id, parcel_of[row.lease], row.subscription) for row in rows]


def lease(owner: str, parcel: int) -> str:
    """The lease of a row that was made of a seat of this parcel, while this process had its lane."""
    return f"{owner}.parcel{parcel}"


def _spill(tx: Tx, which: ColumnElement[bool], own: Collection[int] | None = None, *, crashes: int = 0) -> int:
    still_open = _OPEN.where(which)
    found = {row.id: row.roster for row in tx.conn.execute(still_open)}
    if not found:
        return 0
    holders: dict[int, dict[int, int]] = {}
    for seat in rosters.of(tx, set(found.values()), own):
        holders.setdefault(seat.roster, {})[seat.seat] = seat.n
    # Before the parcels, in the order in which settling locks them.
    concerned = {n for here in holders.values() for n in here.values()}
    locked = select(subscriptions.c.n).where(tx.dialect.among(subscriptions.c.n, concerned))
    tx.conn.execute(locked.order_by(subscriptions.c.n).with_for_update())
    held = tx.conn.execute(_OPEN.where(tx.dialect.among(table.c.id, found)).with_for_update(of=table)).all()
    settled: dict[int, int] = {}
    for one in parcels.entries(tx, {row.lane for row in held}):
        settled[one.parcel] = settled.get(one.parcel, 0) | 1 << one.seat
    rows, moved = [], []
    for parcel in held:
        here = holders.get(parcel.roster, {})
        gone = bitmaps.unpacked(parcel.moved)
        bits = bitmaps.unpacked(parcel.members) & ~gone & ~settled.get(parcel.id, 0) & bitmaps.of(here)
        if bits:
            moved.append({"parcel": parcel.id, "bits": bitmaps.packed(gone | bits)})
            rows += [_row(tx, parcel, here[seat], crashes) for seat in bitmaps.seats(bits)]
    if rows:
        tx.conn.execute(update(table).where(table.c.id == bindparam("parcel")).values(moved=bindparam("bits")), moved)
        _insert(tx, rows)
    return len(rows)


def _row(tx: Tx, parcel: Any, n: int, crashes: int) -> dict[str, Any]:
    row = {
        "seq": parcel.seq, "subscription": n, "filter_id": parcel.filter_id, "created_at": parcel.created_at,
        "state": DeliveryState.PENDING.value, "due_at": tx.now, "lease": None, "crashes": crashes,
    }  # fmt: skip
    if parcel.owner is not None and not crashes:  # of whom has ended nothing is to be waited for
        until = tx.now + round(LEASE_SECONDS * 1e6)
        row |= {"state": DeliveryState.SENDING.value, "due_at": until, "lease": lease(parcel.owner, parcel.id)}
    return row


def _insert(tx: Tx, rows: Iterable[dict[str, Any]]) -> None:
    rows = sorted(rows, key=lambda row: (row["seq"], row["subscription"]))
    tx.conn.execute(insert(deliveries), rows)
    wakes.wake(tx, {row["subscription"] for row in rows})


_OPEN = (
    select(
        table.c.id, table.c.seq, table.c.roster, table.c.lane, table.c.filter_id, table.c.members, table.c.moved,
        table.c.created_at, lanes.c.owner,
    )
    .join(lanes, lanes.c.n == table.c.lane)
    .where(table.c.closed_at.is_(None))
    .order_by(table.c.id)
)  # fmt: skip
