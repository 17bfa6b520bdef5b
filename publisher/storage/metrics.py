"""Numbers for monitoring: a few that are read by index, and separately those that count whole tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

from sqlalchemy import Column, Select, distinct, func, select

from publisher.model.node import SeenNode
from publisher.storage.configuration import nodes
from publisher.storage.configuration import sources as states
from publisher.storage.engine.database import Tx
from publisher.storage.engine.tables import (
    articles,
    cursors,
    deliveries,
    events,
    filters,
    folded,
    indicators,
    parcels,
    sources,
    subscriptions,
)
from publisher.storage.engine.tables import lanes as lanes_table
from publisher.storage.items import held
from publisher.storage.subscriptions import lanes, listing


@dataclass(frozen=True, slots=True)
class SourceHealth:
    """How reading a source goes; ``age`` is the seconds since the last success, None if there was none."""

    failures: int
    age: float | None


@dataclass(frozen=True, slots=True)
class Present:
    """The present state, read by index alone. ``overdue`` is for how many seconds the oldest due delivery has
    waited, ``nodes`` how many processes run.
    """

    sources: Mapping[str, SourceHealth]
    last_seq: int
    fanned_out: int
    overdue: float
    nodes: int


@dataclass(frozen=True, slots=True)
class Totals:
    """Counts of whole tables."""

    articles: int
    withdrawn: int
    indicators: int
    held: int
    deliveries: Mapping[str, int]
    subscriptions: Mapping[str, int]
    filter_errors: int


def present(tx: Tx) -> Present:
    """The present state; only a handful of rows are read, however large the database."""
    found = select(sources.c.name, sources.c.failures, sources.c.last_success_at)
    health = {
        row.name: SourceHealth(row.failures, None if row.last_success_at is None else _since(tx, row.last_success_at))
        for row in tx.conn.execute(found)
    }
    places = _pairs(tx, select(cursors.c.name, cursors.c.seq))
    return Present(health, places["log"], places["fanout"], _overdue(tx), nodes.running(tx))


def _overdue(tx: Tx) -> float:
    due = tx.conn.execute(select(func.min(deliveries.c.due_at)).where(deliveries.c.due_at.is_not(None))).scalar()
    # The first open parcel of each lane, or of one after it: it was due when it was made. By an order that the index of
    # open ones alone has; PostgreSQL would else go through all that are closed, by their ids.
    from_lane = select(parcels.c.created_at).where(parcels.c.lane >= lanes_table.c.n, parcels.c.closed_at.is_(None))
    first = from_lane.order_by(parcels.c.lane, parcels.c.id).limit(1).scalar_subquery()
    in_parcels = tx.conn.execute(select(first).select_from(lanes_table)).scalars()
    return max((_since(tx, at) for at in (due, *in_parcels) if at is not None), default=0.0)


def seen_nodes(tx: Tx) -> list[SeenNode]:
    """Every process that runs or was lost, by name, with what it is reading, how many lanes it sends for, and how many
    deliveries it has taken: those under its lease, and what is open of parcels in its lanes.
    """
    reading: dict[str, list[str]] = {}
    for source, lease in states.taken(tx).items():
        reading.setdefault(lease.partition(".")[0], []).append(source)
    sending = Counter[str]()
    # What is open alone has a due time, and an index of those.
    leased = (deliveries.c.due_at.is_not(None), deliveries.c.lease.is_not(None))
    for lease, count in _pairs(tx, select(deliveries.c.lease, func.count()).where(*leased).group_by("lease")).items():
        sending[lease.partition(".")[0]] += count
    held_lanes, waiting = lanes.owners(tx), listing.waiting_in_lanes(tx)
    for lane, owner in held_lanes.items():
        sending[owner] += waiting[lane]
    count_of = Counter(held_lanes.values())
    return [
        replace(
            one,
            sources=tuple(reading.get(one.node.id, ())),
            lanes=count_of[one.node.id],
            deliveries=sending[one.node.id],
        )
        for one in nodes.seen(tx)
    ]


def totals(tx: Tx) -> Totals:
    """Counts of whole tables: seconds of reading where there are millions of rows, so not for every scrape."""
    withdrawn = func.count(articles.c.withdrawn_at)
    all_articles, gone = tx.conn.execute(select(func.count(), withdrawn).select_from(articles)).one()
    return Totals(
        articles=all_articles - gone,
        withdrawn=gone,
        indicators=tx.conn.execute(select(func.count(distinct(indicators.c.symbol)))).scalar_one(),
        held=held.count(tx),
        deliveries=_deliveries(tx),
        subscriptions=_by(tx, subscriptions.c.state),
        filter_errors=int(tx.conn.execute(select(func.coalesce(func.sum(filters.c.errors), 0))).scalar_one()),
    )


def _deliveries(tx: Tx) -> Counter[str]:
    """By state, those in parcels and those that were folded into counts among them."""
    counted = select(folded.c.state, func.sum(folded.c.count)).group_by(folded.c.state)
    counts = {state: int(count) for state, count in tx.conn.execute(counted)}
    in_parcels = {state.value: count for state, count in listing.in_parcels(tx).items()}
    return Counter(_by(tx, deliveries.c.state)) + Counter(counts) + Counter(in_parcels)


def events_between(tx: Tx, after: int, until: int) -> dict[str, int]:
    """How many events of each type are numbered above ``after`` and up to ``until``."""
    counted = select(events.c.type, func.count()).where(events.c.seq > after, events.c.seq <= until)
    return _pairs(tx, counted.group_by(events.c.type))


def _by(tx: Tx, column: Column[str]) -> dict[str, int]:
    return _pairs(tx, select(column, func.count()).group_by(column))


def _pairs(tx: Tx, statement: Select[str, int]) -> dict[str, int]:
    return {row[0]: row[1] for row in tx.conn.execute(statement)}


def _since(tx: Tx, at: int) -> float:
    return max(0.0, (tx.now - at) / 1e6)
