"""Pruning the log: events go once they are old enough and nothing depends on them any more, oldest first.

An event is held by what has still to be done with it: it is not fanned out, one of its deliveries is open (waiting,
under way, to be tried again, or standing still with its webhook), or it is held for a feed that may come back. It then
holds those after it too, so that the log begins at one place, and whoever asks for what came before it is told so.

Events of sources and webhooks are in feeds themselves, which must show the same after as before: the newest of each
kind stay, for as long as they are among the newest. Nobody who reads the log finds them there any more.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Column, Select, delete, func, select, text, update

from publisher.storage.engine.database import Tx
from publisher.storage.engine.tables import OPERATIONS, cursors, deliveries, events, folded, matches, parcels

_PRUNED = cursors.c.name == "pruned"

_OPEN = ("pending", "sending", "retrying")

Held = Literal["fan-out", "deliveries", "feed"]
"""Why an event that is old enough stays: it is not fanned out, has open deliveries, or is held for a removed feed."""


@dataclass(frozen=True, slots=True)
class Reach:
    """The events above ``after``, up to ``last``, may go; none if that is the same.

    ``held``: why the next one stays although it is old enough, None where it is not.
    """

    after: int
    last: int
    held: Held | None = None


def pruned(tx: Tx) -> int:
    """The last event that is not kept any more, 0 if all are."""
    return int(tx.conn.execute(select(cursors.c.seq).where(_PRUNED)).scalar_one())


def reach(tx: Tx, before: int, limit: int) -> Reach:
    """Which events of before this time (microseconds) may go, up to ``limit``."""
    after = pruned(tx)
    fanned_out = tx.conn.execute(select(cursors.c.seq).where(cursors.c.name == "fanout")).scalar_one()
    oldest = select(events.c.seq, events.c.at).where(events.c.seq > after, events.c.at <= tx.now)
    oldest = oldest.order_by(events.c.seq).limit(limit)
    last = after
    held: Held | None = None
    for seq, at in tx.conn.execute(oldest):
        if at > tx.now:
            continue  # from before a clock was put back; it is as old as its neighbours
        if at > before:
            break
        if seq > fanned_out:
            held = "fan-out"
            break
        last = seq
    return _until_held(tx, Reach(after, last, held))


def drop_matches(tx: Tx, first: int, last: int, limit: int) -> int:
    """Delete up to ``limit`` of what these events were to filters; returns how many."""
    own = select(matches.c.seq, matches.c.filter_id).where(matches.c.seq.between(first, last))
    rows = tx.conn.execute(own.order_by(matches.c.seq, matches.c.filter_id).limit(limit)).all()
    if not rows:
        return 0
    # All of the events before the last one, and of that those up to the last filter.
    seq, filter_id = rows[-1]
    earlier = matches.c.seq.between(first, seq - 1) | ((matches.c.seq == seq) & (matches.c.filter_id <= filter_id))
    return tx.conn.execute(delete(matches).where(earlier)).rowcount


def drop(tx: Tx, after: int, last: int, *, operations: bool) -> int | None:
    """Delete the events above ``after`` up to ``last``, and their counts; returns how many events.

    None, with nothing done, where another process did so, or where deliveries, parcels or matches are left. Without
    ``operations`` those of sources and webhooks stay: :func:`drop_surplus` is for them.
    """
    moved = update(cursors).where(_PRUNED, cursors.c.seq == after).values(seq=last)
    if not tx.conn.execute(moved.returning(cursors.c.seq)).all():
        return None
    for table in (deliveries, parcels, matches):
        if tx.conn.execute(select(table.c.seq).where(table.c.seq.between(after + 1, last)).limit(1)).first():
            tx.conn.execute(update(cursors).where(_PRUNED).values(seq=after))
            return None
    own = events.c.seq.between(after + 1, last)
    gone = delete(events).where(own if operations else own & text(f"NOT ({OPERATIONS})"))
    count = tx.conn.execute(gone).rowcount
    still = select(events.c.seq).where(own)
    tx.conn.execute(delete(folded).where(folded.c.seq.between(after + 1, last), folded.c.seq.not_in(still)))
    return count


def surplus(tx: Tx, newest: int, limit: int) -> list[int]:
    """Up to ``limit`` events of sources and webhooks from before the log's beginning that are not among the ``newest``
    of their source and type.
    """
    place = func.row_number().over(partition_by=(events.c.source, events.c.type), order_by=events.c.seq.desc())
    placed = select(events.c.seq, place.label("place")).where(text(OPERATIONS)).subquery()
    old = select(placed.c.seq).where(placed.c.seq <= pruned(tx), placed.c.place > newest)
    return list(tx.conn.execute(old.order_by(placed.c.seq).limit(limit)).scalars())


def drop_surplus(tx: Tx, seqs: list[int]) -> int:
    """Delete these events and their counts; returns how many events."""
    tx.conn.execute(delete(folded).where(tx.dialect.among(folded.c.seq, seqs)))
    return tx.conn.execute(delete(events).where(tx.dialect.among(events.c.seq, seqs))).rowcount


def _until_held(tx: Tx, found: Reach) -> Reach:
    """The same up to the first event that has anything open."""
    stretch = (found.after + 1, found.last)
    # By state: the index of due times would lead through all that is open, however new.
    is_open = select(deliveries.c.seq).where(deliveries.c.seq.between(*stretch), deliveries.c.state.in_(_OPEN))
    is_sent = select(parcels.c.seq).where(parcels.c.seq.between(*stretch), parcels.c.closed_at.is_(None))
    waits = select(matches.c.seq).where(matches.c.seq.between(*stretch), matches.c.held.is_not(None))
    looked: tuple[tuple[Held, Select[int], Column[int]], ...] = (
        ("deliveries", is_open, deliveries.c.seq),
        ("deliveries", is_sent, parcels.c.seq),
        ("feed", waits, matches.c.seq),
    )
    for why, statement, column in looked:
        first = tx.conn.execute(statement.order_by(column).limit(1)).scalar()
        if first is not None and first <= found.last:
            found = Reach(found.after, first - 1, why)
    return found
