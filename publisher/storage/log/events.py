"""The log: appended to, and read in order. Deliveries are made from it."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import bindparam, func, insert, select, update

from publisher import clock
from publisher.model.event import Event, EventType
from publisher.storage.engine.database import Tx
from publisher.storage.engine.tables import cursors, events
from publisher.storage.engine.values import AnyRow, dump, load

_LOG = cursors.c.name == "log"


def lock(tx: Tx) -> None:
    """Lock the log: wait until no other transaction appends, and keep all others from it until this one ends.

    What is read afterwards cannot be changed by another recorder: lock it before comparing with what is stored.
    """
    tx.conn.execute(select(cursors.c.seq).where(_LOG).with_for_update())


def append(tx: Tx, new: Sequence[Event]) -> list[Event]:
    """Append to the log; returns the events with their sequence numbers.

    Numbers come from a row that stays locked until the transaction ends. So they become visible in order and without
    gaps, and a follower that asks for ``seq > last`` misses none; a database sequence promises neither.
    """
    if not new:
        return []
    taken = update(cursors).where(_LOG).values(seq=cursors.c.seq + len(new)).returning(cursors.c.seq)
    last: int = tx.conn.execute(taken).scalar_one()
    numbered = [event.model_copy(update={"seq": seq}) for seq, event in enumerate(new, start=last - len(new) + 1)]
    tx.conn.execute(insert(events), [_row(event) for event in numbered])
    tx.appended = last
    return numbered


def new(tx: Tx, type_: EventType, *, source: str, subject: str, data: dict[str, Any], **more: Any) -> Event:
    """A new event that happens now. Its id is the time and 48 random bits: ids sort by time and never repeat."""
    return Event(
        id=f"evt_{tx.now:014x}{secrets.token_hex(6)}",
        type=type_,
        timestamp=clock.from_micros(tx.now),
        source=source,
        subject=subject,
        data=data,
        **more,
    )


def last_seq(tx: Tx) -> int:
    """The last sequence number in the log, 0 if it is empty."""
    return int(tx.conn.execute(select(cursors.c.seq).where(_LOG)).scalar_one())


def after(
    tx: Tx,
    seq: int,
    limit: int,
    *,
    until: int | None = None,
    types: Collection[EventType] = (),
    subject: str | None = None,
    newest_first: bool = False,
) -> list[Event]:
    """Up to ``limit`` events numbered above ``seq`` and, if given, up to and including ``until``.

    In the log's order; with ``newest_first`` the other way round, beginning at the highest. ``types`` and ``subject``
    restrict the result to those, if given.
    """
    statement = select(events).where(events.c.seq > seq).limit(limit)
    if until is not None:
        statement = statement.where(events.c.seq <= until)
    if types:
        statement = statement.where(tx.dialect.among(events.c.type, sorted(types)))
    if subject is not None:
        statement = statement.where(events.c.subject == subject)
    statement = statement.order_by(events.c.seq.desc() if newest_first else events.c.seq)
    return [_event(row) for row in tx.conn.execute(statement)]


def stretch(tx: Tx, seq: int, *, limit: int, size: int, types: Collection[EventType]) -> tuple[list[Event], int | None]:
    """The next events of these types above ``seq``, in order, and the bytes they hold; None where the log ends there.

    At most ``limit``, ending once they hold ``size`` bytes; one statement, which reads no other events.
    """
    holds = tx.dialect.size(events.c.data) + func.coalesce(tx.dialect.size(events.c.before), 0)
    among_types = tx.dialect.among(events.c.type, sorted(types))
    sized = (
        select(events.c.seq, holds.label("size"))
        .where(events.c.seq > seq, among_types)
        .order_by(events.c.seq)
        .limit(limit)
        .cte()
    )
    total = func.sum(sized.c.size).over(order_by=sized.c.seq)
    count = select(func.count()).select_from(sized).scalar_subquery()
    running = select(sized.c.seq, total.label("total"), (total - sized.c.size).label("earlier")).cte()
    statement = select(events, running.c.total, count.label("chosen")).join(running, running.c.seq == events.c.seq)
    rows = tx.conn.execute(statement.where(running.c.earlier < size).order_by(events.c.seq)).all()
    if not rows or len(rows) == rows[-1].chosen < limit:
        return [_event(row) for row in rows], None
    return [_event(row) for row in rows], int(rows[-1].total)


def among(tx: Tx, seqs: Collection[int]) -> list[Event]:
    """The events with these numbers, in the log's order."""
    statement = select(events).where(tx.dialect.among(events.c.seq, seqs)).order_by(events.c.seq)
    return [_event(row) for row in tx.conn.execute(statement)]


def numbers(tx: Tx, first: int, last: int, limit: int) -> list[int]:
    """The numbers of up to ``limit`` events from ``first`` to ``last``, in order."""
    own = select(events.c.seq).where(events.c.seq.between(first, last)).order_by(events.c.seq).limit(limit)
    return list(tx.conn.execute(own).scalars())


def erased(tx: Tx, seqs: Collection[int]) -> set[int]:
    """Those of these events whose content was erased."""
    statement = select(events.c.seq).where(tx.dialect.among(events.c.seq, seqs), events.c.erased)
    return set(tx.conn.execute(statement).scalars())


def erase(tx: Tx, article: str) -> list[int]:
    """Reduce what an article's events hold to its id (and, of ``before``, its source); returns their numbers."""
    types = [type.value for type in EventType if type.items == "articles"]
    own = (events.c.subject == article) & events.c.type.in_(types)
    gone = {"id": article, "erased": True}
    found = tx.conn.execute(select(events.c.seq, events.c.before).where(own).order_by(events.c.seq)).all()
    rows = [
        {"number": row.seq, "was": None if row.before is None else dump(gone | _source(row.before))} for row in found
    ]
    if rows:
        values = {"erased": True, "data": dump(gone), "before": bindparam("was")}
        tx.conn.execute(update(events).where(events.c.seq == bindparam("number")).values(values), rows)
    # Also where its events are gone: they may still be in memory here and elsewhere, and it in documents.
    tx.conn.execute(update(cursors).where(cursors.c.name == "erasures").values(seq=cursors.c.seq + 1))
    tx.voided = True
    return [row.seq for row in found]


def _source(before: str) -> dict[str, Any]:
    return {key: value for key, value in load(before).items() if key == "source"}


def get(tx: Tx, id: str) -> Event | None:
    """One event by its id."""
    row = tx.conn.execute(select(events).where(events.c.id == id)).first()
    return None if row is None else _event(row)


def _row(event: Event) -> dict[str, Any]:
    return {
        "seq": event.seq,
        "id": event.id,
        "type": event.type.value,
        "at": clock.to_micros(event.timestamp),
        "source": event.source,
        "subject": event.subject,
        "data": dump(event.data),
        "before": None if event.before is None else dump(event.before),
        "changed": dump(event.changed),
        "quiet": event.quiet,
    }


def _event(row: AnyRow) -> Event:
    return Event(
        seq=row.seq,
        id=row.id,
        type=EventType(row.type),
        timestamp=clock.from_micros(row.at),
        source=row.source,
        subject=row.subject,
        data=load(row.data),
        before=None if row.before is None else load(row.before),
        changed=tuple(load(row.changed)),
        quiet=row.quiet,
    )
