"""Clearing away what stood beside parcels that are gone: rows of the journal, seats, and rosters.

A row of the journal goes as its last parcel closes; one of a process that was killed there, or lost its lane, is found
here. A seat that was left is needed by the parcels that were made while it was taken, and a roster by its parcels and
by whoever has a seat in it.
"""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import delete, func, or_, select

from publisher.storage.engine.database import Tx
from publisher.storage.engine.tables import journal, parcels, rosters, seats
from publisher.storage.subscriptions import fanout
from publisher.storage.subscriptions.folding import Found
from publisher.storage.subscriptions.parcels import ENTRY

ENTRIES = 500
"""Seats in a row of the journal, at most: what is settled at once."""

_OLDEST = select(func.min(parcels.c.seq)).where(parcels.c.roster == rosters.c.id).scalar_subquery()
_OLDEST_OF_SEAT = select(func.min(parcels.c.seq)).where(parcels.c.roster == seats.c.roster).scalar_subquery()
_NEEDLESS = seats.c.until_seq.is_not(None) & (seats.c.until_seq < func.coalesce(_OLDEST_OF_SEAT, 2**62))


def journal_over(tx: Tx, after: int, limit: int) -> Found:
    """The rows of the journal above an id whose parcels are all closed or gone, of those with ``limit`` seats."""
    most = 1 + limit // ENTRIES
    statement = select(journal.c.id, journal.c.entries).where(journal.c.id > after).order_by(journal.c.id).limit(most)
    named = {id_: {one[0] for one in ENTRY.iter_unpack(packed)} for id_, packed in tx.conn.execute(statement)}
    some = select(parcels.c.id).where(tx.dialect.among(parcels.c.id, set().union(*named.values())))
    is_open = set(tx.conn.execute(some.where(parcels.c.closed_at.is_(None))).scalars())
    over = tuple(id_ for id_, own in named.items() if not own & is_open)
    return Found(over, max(named, default=after), more=len(named) == most)


def drop_journal(tx: Tx, ids: Collection[int]) -> int:
    """Delete these rows of the journal, but those that their process deletes just now; returns how many."""
    own = select(journal.c.id).where(tx.dialect.among(journal.c.id, ids)).order_by(journal.c.id)
    free = tx.conn.execute(own.with_for_update(skip_locked=True)).scalars().all()
    return tx.conn.execute(delete(journal).where(tx.dialect.among(journal.c.id, free))).rowcount


def seats_over(tx: Tx, after: int, limit: int) -> Found:
    """The rosters above an id with seats that no parcel needs any more, up to ``limit`` seats or one roster."""
    columns = (rosters.c.id, rosters.c.size, rosters.c.taken, _OLDEST.label("oldest"))
    rows = tx.conn.execute(select(*columns).where(rosters.c.id > after).order_by(rosters.c.id).limit(limit)).all()
    left = {row.id for row in rows if row.taken > row.size}
    counted = select(seats.c.roster, func.count()).where(tx.dialect.among(seats.c.roster, left), _NEEDLESS)
    needless = {row[0]: row[1] for row in tx.conn.execute(counted.group_by(seats.c.roster))}
    ids: list[int] = []
    weight, reached = 0, after
    for row in rows:
        if row.id in needless or (row.size == 0 and row.oldest is None):
            weight += 1 + needless.get(row.id, 0)
            if ids and weight > limit:
                return Found(tuple(ids), reached, more=True)
            ids.append(row.id)
        reached = row.id
    return Found(tuple(ids), reached, more=len(rows) == limit)


def drop_seats(tx: Tx, ids: Collection[int]) -> int:
    """Delete the seats of these rosters that no parcel needs, and a roster with its last one; returns how many rows."""
    fanout.hold(tx)  # else a seat could be given in a roster that goes
    own = tx.dialect.among(seats.c.roster, ids)
    count = tx.conn.execute(delete(seats).where(own, _NEEDLESS)).rowcount
    used = [select(one.c.roster).where(one.c.roster == rosters.c.id).exists() for one in (seats, parcels)]
    empty = tx.dialect.among(rosters.c.id, ids) & ~or_(*used)
    return count + tx.conn.execute(delete(rosters).where(empty)).rowcount
