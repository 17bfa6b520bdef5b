"""Rosters: who is sent the events that match a filter, in one lane, as bitmaps of seats.

A roster has up to :data:`SIZE` seats, of subscriptions that follow by the same filter and are sent to in the same lane.
The fan-out copies its bitmap into a parcel for each event that the filter matched (``parcels.py``). It says who follows
*as of the fan-out's cursor*: it is changed only under :func:`stretches.hold`, so whoever joins or leaves is counted
exactly. A subscription has a seat from the moment that the fan-out has come to where its stretch of the log begins,
until it leaves: ends, is paused, or gets another filter or endpoint. Before and after that each event that it follows
is a row of its own (``follows.rows_from``). No seat is given twice, so whose it is holds for all parcels.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from sqlalchemy import Select, bindparam, insert, select, update

from publisher.model import SubscriptionState
from publisher.storage.engine.database import Tx
from publisher.storage.engine.tables import (
    SEATED,
    WITHOUT_SEAT,
    follows,
    parcels,
    rosters,
    seats,
    subscriptions,
)
from publisher.storage.subscriptions import bitmaps, stretches

SIZE = 448
"""Seats of a roster. Two closed parcels of so many fit into a page of SQLite, and one of 512 does not: that took twice
the bytes."""

FILL = 1000
"""Seats given in one transaction."""


NOBODY = 0
"""In the place of whose a seat was, where no parcel needs to know and it was deleted (``clearing.py``)."""


class Seat(NamedTuple):
    """A seat, of subscription ``n``, or of :data:`NOBODY`."""

    roster: int
    seat: int
    n: int


def fill(tx: Tx, own: Collection[int] | None = None) -> int:
    """Give seats to those who have none and for whom the fan-out has come to where they begin; returns to how many.

    ``own`` restricts it to some subscriptions (their ``n``). The caller holds the fan-out's place
    (:func:`stretches.hold`).
    """
    done, under_way = stretches.place(tx)
    if under_way:  # the event's parcels are made already, and its rows not yet
        return 0
    statement = _without_seat(done)
    if own is not None:
        statement = statement.where(tx.dialect.among(follows.c.subscription, own))
    wanted = tx.conn.execute(statement.limit(FILL)).all()
    ordered = sorted(wanted, key=lambda one: (one.filter_id, one.lane, one.subscription))
    for (filter_id, lane), some in groupby(ordered, key=lambda one: (one.filter_id, one.lane)):
        _seat(tx, filter_id, lane, [one.subscription for one in some], done + 1)
    return len(wanted)


def waiting(tx: Tx) -> bool:
    """Whether :func:`fill` has anyone to give a seat to."""
    done, under_way = stretches.place(tx)
    return not under_way and tx.conn.execute(_without_seat(done).limit(1)).first() is not None


def leave(tx: Tx, own: Collection[int]) -> None:
    """Take the seats of these subscriptions (their ``n``): from the fan-out's next event on they get rows.

    What is open of them in parcels is ``spilling.py``'s. The caller holds the fan-out's place.
    """
    present = select(seats.c.roster, seats.c.seat).where(
        tx.dialect.among(seats.c.subscription, own), seats.c.until_seq.is_(None)
    )
    found = tx.conn.execute(present.order_by(seats.c.roster)).all()
    if not found:
        return
    done, under_way = stretches.place(tx)
    last = done + 1 if under_way else done  # of that one its parcels are made
    for roster, some in groupby(found, key=lambda one: one.roster):
        gone = bitmaps.of(one.seat for one in some)
        members = bitmaps.unpacked(
            tx.conn.execute(select(rosters.c.members).where(rosters.c.id == roster)).scalar_one()
        )
        _set_members(tx, roster, members & ~gone)
    theirs = tx.dialect.among(seats.c.subscription, own)
    tx.conn.execute(update(seats).where(theirs, seats.c.until_seq.is_(None)).values(until_seq=last))
    seated = tx.dialect.among(follows.c.subscription, own) & (follows.c.rows_from == SEATED)
    tx.conn.execute(update(follows).where(seated).values(rows_from=last + 1))


def of(tx: Tx, ids: Collection[int], own: Collection[int] | None = None) -> list[Seat]:
    """Every seat that these rosters ever gave, in order: all up to the last that is known, or those of some
    subscriptions (their ``n``).
    """
    statement = select(seats.c.roster, seats.c.seat, seats.c.subscription).where(tx.dialect.among(seats.c.roster, ids))
    if own is not None:
        statement = statement.where(tx.dialect.among(seats.c.subscription, own))
    known = [Seat._make(row) for row in tx.conn.execute(statement.order_by(seats.c.roster, seats.c.seat))]
    return known if own is not None else list(_without_gaps(known))


def _without_gaps(known: Iterable[Seat]) -> Iterator[Seat]:
    for roster, own in groupby(known, key=lambda one: one.roster):
        due = 0
        for one in own:
            yield from (Seat(roster, seat, NOBODY) for seat in range(due, one.seat))
            yield one
            due = one.seat + 1


def sent(tx: Tx, own: Collection[int], seq: int) -> list[int]:
    """Those of these subscriptions (their ``n``) whose seat is in a parcel of this event."""
    here = (parcels.c.roster == seats.c.roster) & tx.dialect.bit(parcels.c.members, seats.c.seat)
    statement = select(seats.c.subscription).join(parcels, here).where(parcels.c.seq == seq)
    return list(tx.conn.execute(statement.where(tx.dialect.among(seats.c.subscription, own))).scalars())


def _without_seat(done: int) -> Select[int, int, int]:
    active = (subscriptions.c.n == follows.c.subscription) & (subscriptions.c.state == SubscriptionState.ACTIVE.value)
    active &= ~subscriptions.c.alone
    return (
        select(follows.c.subscription, follows.c.filter_id, subscriptions.c.lane)
        .join(subscriptions, active)
        .where(WITHOUT_SEAT, follows.c.from_seq <= done + 1)
        .where(follows.c.until_seq.is_(None), follows.c.reason.is_(None))
        .order_by(follows.c.filter_id, follows.c.subscription)
    )


def _seat(tx: Tx, filter_id: int, lane: int, own: Sequence[int], from_seq: int) -> None:
    """Give a seat to each of these, in the roster that was begun last as long as it has any, else in new ones."""
    columns = (rosters.c.id, rosters.c.members, rosters.c.taken)
    here = (rosters.c.filter_id == filter_id) & (rosters.c.lane == lane)
    last = tx.conn.execute(select(*columns).where(here).order_by(rosters.c.id.desc()).limit(1)).one_or_none()
    rest = list(own)
    if last is not None and last.taken < SIZE:
        some, rest = rest[: SIZE - last.taken], rest[SIZE - last.taken :]
        _take(tx, last.id, last.members, last.taken, some, from_seq)
    while rest:
        some, rest = rest[:SIZE], rest[SIZE:]
        new = {"filter_id": filter_id, "lane": lane, "members": b"", "size": 0, "taken": 0}
        roster = tx.conn.execute(insert(rosters).values(new).returning(rosters.c.id)).scalar_one()
        _take(tx, roster, b"", 0, some, from_seq)


def _take(  # noqa: PLR0917 -- each names a part of the one roster
    tx: Tx, roster: int, members: bytes, taken: int, own: Iterable[int], from_seq: int
) -> None:
    rows = [
        {"roster": roster, "seat": seat, "subscription": n, "from_seq": from_seq}
        for seat, n in enumerate(own, start=taken)
    ]
    tx.conn.execute(insert(seats), rows)
    tx.conn.execute(update(rosters).where(rosters.c.id == roster).values(taken=taken + len(rows)))
    _set_members(tx, roster, bitmaps.unpacked(members) | bitmaps.of(range(taken, taken + len(rows))))
    is_open = (follows.c.subscription == bindparam("n")) & follows.c.until_seq.is_(None)
    tx.conn.execute(
        update(follows).where(is_open).values(rows_from=SEATED), [{"n": row["subscription"]} for row in rows]
    )


def _set_members(tx: Tx, roster: int, members: int) -> None:
    values = {"members": bitmaps.packed(members), "size": members.bit_count()}
    tx.conn.execute(update(rosters).where(rosters.c.id == roster).values(values))
