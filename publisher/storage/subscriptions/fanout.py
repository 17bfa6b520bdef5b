"""The writing part of the fan-out: from events and the filters they matched to parcels and delivery rows.

What matches was decided before (``delivery/followers/fanout.py``). Here matches, parcels, rows, the number matched and
the cursor move together, in transactions of at most :data:`CHUNK` rows, so that after a crash between any two of them
the next one goes on where the last ended. The cursor's row is locked for each, so that no two processes do the same
work.

Those who have a seat get an event in parcels (``parcels.py``), all with its first piece; the others in rows. An event
that is held, or not for a filter after all, is in rows for everyone. The number matched is counted from the followers,
apart from both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import distinct, func, or_, select, update

from publisher.model import Change, Event, EventType, FeedDefinition, Filter, Match
from publisher.storage.configuration import in_force
from publisher.storage.configuration.in_force import Standing
from publisher.storage.engine.database import Tx
from publisher.storage.engine.tables import WITHOUT_SEAT, cursors, filters, follows, matches
from publisher.storage.engine.tables import rosters as table
from publisher.storage.engine.values import AnyRow
from publisher.storage.log import events
from publisher.storage.subscriptions import deliveries, rosters
from publisher.storage.subscriptions import filters as interned

CHUNK = 10_000
"""Rows a transaction: about 9 ms of the one writer's time on SQLite, where 100,000 would be 120."""

COUNTED = 32
"""Followers that are counted in the time in which one row is written."""

_CURSOR = cursors.c.name == "fanout"
_LAST_SUBSCRIPTION = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Cursor:
    """Every event up to ``seq`` is done, and of the next one every subscription up to ``subscription``.

    ``access`` rises whenever a definition changes, or who may be sent what: what was judged at a lower one is void.
    """

    seq: int
    subscription: int = 0
    access: int = 0


@dataclass(frozen=True, slots=True)
class Followed:
    """A filter that someone follows; ``rows`` is how many of them are without a seat, at most, and ``seats`` how many
    have one. ``public``: nothing of private feeds.
    """

    id: int
    filter: Filter
    rows: int
    seats: int
    public: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """What is to be judged next, and by which definitions: those in force, whichever process took them."""

    cursor: Cursor
    events: tuple[Event, ...]
    filters: tuple[Followed, ...]
    unseated: bool = False
    """Whether :func:`rosters.fill` has anyone to give a seat to."""
    feeds: Mapping[str, FeedDefinition] = field(default_factory=dict)
    standing: Standing = field(default_factory=Standing)


@dataclass(frozen=True, slots=True)
class Judged:
    """An event and, by filter id, its match for the followers of that filter, or why it could not be judged."""

    seq: int
    matches: Mapping[int, Match]
    faults: Mapping[int, str] = field(default_factory=dict)


def page(tx: Tx, limit: int, before: Page | None = None) -> Page:
    """Up to ``limit`` events that are not fanned out yet, and every filter that may match one of them.

    The definitions are reused from the page ``before`` unless others came into force: ``access`` rises with each.
    """
    cursor = _cursor(tx, lock=False)
    # In this order, since a subscription is committed before the first event that it follows gets its number.
    found = events.after(tx, cursor.seq, limit)
    unseated = rosters.waiting(tx)
    if not found:
        return Page(cursor, (), (), unseated)
    same = before is not None and before.events and before.cursor.access == cursor.access
    feeds = before.feeds if before is not None and same else in_force.present(tx)
    standing = in_force.standing(tx, cursor.seq)
    return Page(cursor, tuple(found), followed(tx, cursor.seq), unseated, feeds, standing)


def followed(tx: Tx, after: int) -> tuple[Followed, ...]:
    """Every filter that may match an event above ``after``."""
    apart = select(follows.c.filter_id, func.count(distinct(follows.c.subscription))).where(
        WITHOUT_SEAT, or_(follows.c.until_seq.is_(None), follows.c.until_seq > after)
    )
    rows = {id_: int(count) for id_, count in tx.conn.execute(apart.group_by(follows.c.filter_id))}
    members = select(table.c.filter_id, func.sum(table.c.size)).where(table.c.size > 0).group_by(table.c.filter_id)
    seats = {id_: int(count) for id_, count in tx.conn.execute(members)}
    statement = select(filters.c.id, filters.c.definition).where(tx.dialect.among(filters.c.id, {*rows, *seats}))
    return tuple(
        Followed(id_, interned.read(d), rows.get(id_, 0), seats.get(id_, 0), interned.is_public(d))
        for id_, d in tx.conn.execute(statement.order_by(filters.c.id))
    )


def hold(tx: Tx) -> Cursor:
    """Where the fan-out stands; it does not move until this transaction ends."""
    return _cursor(tx, lock=True)


def advance(
    tx: Tx, at: Cursor, judged: Sequence[Judged], followed: Mapping[int, Followed], chunk: int = CHUNK
) -> Cursor | None:
    """Do the next piece of work: whole events, or a part of one that makes more than ``chunk`` rows.

    ``judged`` begins with the first event after ``at``; ``followed`` are the filters by their ids. Returns how far it
    came, None if the cursor is no longer at ``at``: another process was faster, or rights have changed.
    """
    if _cursor(tx, lock=True) != at:
        return None
    erased = events.erased(tx, [one.seq for one in judged])
    if erased:
        judged = [_as_stored(tx, one.seq) if one.seq in erased else one for one in judged]
    to = _next_piece(tx, at, judged, followed, chunk)
    deliveries.cancel_erased(tx, erased)
    return _move(tx, to)


def _next_piece(tx: Tx, at: Cursor, judged: Sequence[Judged], followed: Mapping[int, Followed], chunk: int) -> Cursor:
    whole = _whole_events(judged, followed, chunk) if at.subscription == 0 else 0
    if not whole:
        return _part_of(tx, at, judged[0], chunk)
    first, last = judged[0].seq, judged[whole - 1].seq
    store_matches(tx, judged[:whole])
    interned.count_faults(tx, [one.faults for one in judged[:whole]])
    _parcel_out(tx, first, last)
    _fan_out(tx, first, last, 0, _LAST_SUBSCRIPTION)
    return Cursor(last, 0, at.access)


def _as_stored(tx: Tx, seq: int) -> Judged:
    """The stored matches of an erased event, which was judged before its content was deleted."""
    rows = tx.conn.execute(select(matches).where(matches.c.seq == seq))
    return Judged(seq, {row.filter_id: _match(row) for row in rows})


def _match(row: AnyRow) -> Match:
    return Match(EventType(row.type), Change(row.change), row.summary)


def access(tx: Tx) -> int:
    """Another number once who may be sent what is another, or a definition."""
    return _cursor(tx, lock=False).access


def _cursor(tx: Tx, *, lock: bool) -> Cursor:
    # One after the other, in the order of all who change the second; it is read once the first is locked.
    statement = select(cursors.c.seq, cursors.c.subscription).where(_CURSOR)
    row = tx.conn.execute(statement.with_for_update() if lock else statement).one()
    access = tx.conn.execute(select(cursors.c.seq).where(cursors.c.name == "access")).scalar_one()
    return Cursor(row.seq, row.subscription, access)


def _whole_events(judged: Sequence[Judged], followed: Mapping[int, Followed], chunk: int) -> int:
    """How many events fit into one transaction."""
    weight = 0
    for count, one in enumerate(judged):
        rows, counted = 0, 0
        for filter_id, match in one.matches.items():
            filter = followed.get(filter_id)
            if filter is not None:
                rows += filter.rows + (filter.seats if match.held is not None else 0)
                counted += filter.seats
        weight += rows + counted // COUNTED
        if weight > chunk and (count or rows > chunk):
            return count
    return len(judged)


def _part_of(tx: Tx, at: Cursor, one: Judged, chunk: int) -> Cursor:
    """The next subscriptions of one event. What it was to a filter with its first part holds for all of it; filters
    that are followed since are added.
    """
    store_matches(tx, [one])
    if at.subscription == 0:
        interned.count_faults(tx, [one.faults])
        _parcel_out(tx, one.seq, one.seq)
    after = follows.c.subscription > at.subscription
    start = tx.conn.execute(select(func.min(follows.c.subscription)).where(after)).scalar_one()
    if start is None:
        _fan_out(tx, one.seq, one.seq, at.subscription, at.subscription)
        return Cursor(one.seq, 0, at.access)
    end = start + chunk - 1
    _fan_out(tx, one.seq, one.seq, at.subscription, end)
    more = tx.conn.execute(select(func.max(follows.c.subscription)).where(follows.c.subscription > end)).scalar_one()
    return Cursor(one.seq, 0, at.access) if more is None else Cursor(at.seq, end, at.access)


def store_matches(tx: Tx, judged: Sequence[Judged]) -> None:
    """Settle what events are to filters; what is settled already stays as it is."""
    rows = [
        {
            "seq": one.seq,
            "filter_id": filter_id,
            "type": match.type.value,
            "change": match.change.value,
            "summary": match.summary,
            "held": match.held,
        }
        for one in judged
        for filter_id, match in one.matches.items()
    ]
    if rows:
        tx.conn.execute(tx.dialect.insert(matches).on_conflict_do_nothing(), rows)


def _parcel_out(tx: Tx, first: int, last: int) -> None:
    """Parcels for events ``first`` to ``last``."""
    tx.conn.exec_driver_sql(tx.dialect.parcels, (first, last, tx.now))


def _fan_out(tx: Tx, first: int, last: int, after: int, until: int) -> None:
    """Rows and the number matched for events ``first`` to ``last``, subscriptions above ``after`` up to ``until``."""
    stretch = (first, last, after, until)
    tx.conn.exec_driver_sql(tx.dialect.fan_out, (*stretch, tx.now))
    tx.conn.exec_driver_sql(tx.dialect.fan_out_apart, (*stretch, tx.now))
    tx.conn.exec_driver_sql(tx.dialect.count_matched, stretch)


def _move(tx: Tx, to: Cursor) -> Cursor:
    tx.conn.execute(update(cursors).where(_CURSOR).values(seq=to.seq, subscription=to.subscription))
    return to
