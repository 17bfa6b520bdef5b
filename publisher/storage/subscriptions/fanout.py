"""The writing part of the fan-out: from events and the filters they matched to delivery rows.

What matches was decided before (``delivery/followers/fanout.py``). Here matches, rows, the number matched and the
cursor move together, in transactions of at most :data:`CHUNK` rows, so that after a crash between any two of them the
next one goes on where the last ended. The cursor's row is locked for each, so that no two processes do the same work.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import distinct, func, or_, select, update

from publisher.model import Change, Event, EventType, FeedDefinition, Filter, Match
from publisher.storage.configuration import in_force
from publisher.storage.configuration.in_force import Standing
from publisher.storage.engine.database import Tx
from publisher.storage.engine.tables import cursors, filters, follows, matches
from publisher.storage.engine.values import AnyRow
from publisher.storage.log import events
from publisher.storage.subscriptions import deliveries
from publisher.storage.subscriptions import filters as interned

CHUNK = 10_000
"""Rows a transaction: about 9 ms of the one writer's time on SQLite, where 100,000 would be 120."""

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
    """A filter that someone follows; ``followers`` is how many at most. ``public``: nothing of private feeds."""

    id: int
    filter: Filter
    followers: int
    public: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """What is to be judged next, and by which definitions: those in force, whichever process took them."""

    cursor: Cursor
    events: tuple[Event, ...]
    filters: tuple[Followed, ...]
    feeds: Mapping[str, FeedDefinition] = field(default_factory=dict)
    standing: Standing = field(default_factory=Standing)


@dataclass(frozen=True, slots=True)
class Judged:
    """An event and, by filter id, its match for the followers of that filter."""

    seq: int
    matches: Mapping[int, Match]


def page(tx: Tx, limit: int, before: Page | None = None) -> Page:
    """Up to ``limit`` events that are not fanned out yet, and every filter that may match one of them.

    The definitions are reused from the page ``before`` unless others came into force: ``access`` rises with each.
    """
    cursor = _cursor(tx, lock=False)
    # In this order, since a subscription is committed before the first event that it follows gets its number.
    found = events.after(tx, cursor.seq, limit)
    if not found:
        return Page(cursor, (), ())
    same = before is not None and before.events and before.cursor.access == cursor.access
    feeds = before.feeds if before is not None and same else in_force.present(tx)
    return Page(cursor, tuple(found), followed(tx, cursor.seq), feeds, in_force.standing(tx, cursor.seq))


def followed(tx: Tx, after: int) -> tuple[Followed, ...]:
    """Every filter that may match an event above ``after``."""
    statement = (
        select(filters.c.id, filters.c.definition, func.count(distinct(follows.c.subscription)))
        .join(follows, follows.c.filter_id == filters.c.id)
        .where(or_(follows.c.until_seq.is_(None), follows.c.until_seq > after))
        .group_by(filters.c.id, filters.c.definition)
    )
    rows = tx.conn.execute(statement).all()
    return tuple(Followed(id_, interned.read(d), n, interned.is_public(d)) for id_, d, n in rows)


def hold(tx: Tx) -> Cursor:
    """Where the fan-out stands; it does not move until this transaction ends."""
    return _cursor(tx, lock=True)


def advance(
    tx: Tx, at: Cursor, judged: Sequence[Judged], followers: Mapping[int, int], chunk: int = CHUNK
) -> Cursor | None:
    """Do the next piece of work: whole events, or a part of one that has more than ``chunk`` followers.

    ``judged`` begins with the first event after ``at``; ``followers`` are the most that each filter has. Returns how
    far it came, None if the cursor is no longer at ``at``: another process was faster, or rights have changed.
    """
    if _cursor(tx, lock=True) != at:
        return None
    erased = events.erased(tx, [one.seq for one in judged])
    if erased:
        judged = [_as_stored(tx, one.seq) if one.seq in erased else one for one in judged]
    to = _next_piece(tx, at, judged, followers, chunk)
    deliveries.cancel_erased(tx, erased)
    return _move(tx, to)


def _next_piece(tx: Tx, at: Cursor, judged: Sequence[Judged], followers: Mapping[int, int], chunk: int) -> Cursor:
    whole = _whole_events(judged, followers, chunk) if at.subscription == 0 else 0
    if not whole:
        return _part_of(tx, at, judged[0], chunk)
    first, last = judged[0].seq, judged[whole - 1].seq
    store_matches(tx, judged[:whole])
    _fan_out(tx, first, last, 0, _LAST_SUBSCRIPTION)
    return Cursor(last, 0, at.access)


def _as_stored(tx: Tx, seq: int) -> Judged:
    """The stored matches of an erased event, which was judged before its content was deleted."""
    rows = tx.conn.execute(select(matches).where(matches.c.seq == seq))
    return Judged(seq, {row.filter_id: _match(row) for row in rows})


def _match(row: AnyRow) -> Match:
    return Match(EventType(row.type), Change(row.change), row.summary)


def _cursor(tx: Tx, *, lock: bool) -> Cursor:
    # One after the other, in the order of all who change the second; it is read once the first is locked.
    statement = select(cursors.c.seq, cursors.c.subscription).where(_CURSOR)
    row = tx.conn.execute(statement.with_for_update() if lock else statement).one()
    access = tx.conn.execute(select(cursors.c.seq).where(cursors.c.name == "access")).scalar_one()
    return Cursor(row.seq, row.subscription, access)


def _whole_events(judged: Sequence[Judged], followers: Mapping[int, int], chunk: int) -> int:
    """How many events fit into one transaction."""
    rows = 0
    for count, one in enumerate(judged):
        rows += sum(followers.get(filter_id, 0) for filter_id in one.matches)
        if rows > chunk:
            return count
    return len(judged)


def _part_of(tx: Tx, at: Cursor, one: Judged, chunk: int) -> Cursor:
    """The next subscriptions of one event. What it was to a filter with its first part holds for all of it; filters
    that are followed since are added.
    """
    store_matches(tx, [one])
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


def _fan_out(tx: Tx, first: int, last: int, after: int, until: int) -> None:
    """Rows and the number matched for events ``first`` to ``last``, subscriptions above ``after`` up to ``until``."""
    stretch = (first, last, after, until)
    tx.conn.exec_driver_sql(tx.dialect.fan_out, (*stretch, tx.now))
    tx.conn.exec_driver_sql(tx.dialect.count_matched, stretch)


def _move(tx: Tx, to: Cursor) -> Cursor:
    tx.conn.execute(update(cursors).where(_CURSOR).values(seq=to.seq, subscription=to.subscription))
    return to
