"""Rows that wait to be sent, and taking them under a lease. First attempts in parcels are ``parcels.py``'s.

Rows are looked for in two ways, neither of which passes over what waits for others: those that the fan-out has
just written, once, in the order of the log (:func:`fresh`); and those of one subscription, by its own index
(:func:`take_of`). Who looks remembers for each subscription when something of it is due (:func:`waiting` at the start,
:func:`due` later), so that a backlog costs nothing but to whom it belongs.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import case, func, select, update

from publisher.model import Change, DeliveryState, Event, EventType, SubscriptionState
from publisher.model.options import PLAIN
from publisher.storage.engine.database import Tx
from publisher.storage.engine.tables import deliveries as table
from publisher.storage.engine.tables import matches, subscriptions
from publisher.storage.log import events as log
from publisher.storage.subscriptions import holds, stretches
from publisher.storage.subscriptions.deliveries import PARKED, SUSPECT

Place = tuple[int, int]
"""A place in what the fan-out does: an event, and a subscription (its ``n``) to which it was given."""

_TYPES = {type_.value: type_ for type_ in EventType}
_CHANGES = {change.value: change for change in Change}


class Claimed(NamedTuple):
    """A delivery that its sender has, with what that needs: a row under a lease, or a seat of a parcel, whose ``id`` is
    0 and ``lease`` empty. ``secret`` is sealed; ``number`` counts from 1.

    ``cancelled`` is set where its subscription has ended or it is not for it any more: it must be settled and not sent;
    ``summary`` where the item's full text is not for it. ``failures``: how many attempts at its endpoint failed in a
    row; ``options`` are how it is told, as stored. A tuple, as is :class:`Outcome`, since one of each is made for every
    attempt.
    """

    id: int
    seq: int
    subscription: int
    lease: str
    number: int
    webhook: str
    url: str
    format: str
    secret: bytes
    type: EventType
    change: Change
    cancelled: str | None
    summary: bool
    failures: int
    options: str = PLAIN
    run: int = 0


@dataclass(frozen=True, slots=True)
class Claim:
    """The deliveries that one claim took, and those of their events that the caller did not know yet.

    ``parked`` are the subscriptions of which something was put back, since they are paused or it is held.
    """

    deliveries: tuple[Claimed, ...] = ()
    events: tuple[Event, ...] = ()
    parked: frozenset[int] = frozenset()


class Follower(NamedTuple):
    """A subscription as its sender has to know it before anything of it is sent.

    ``failed_at`` is when an attempt failed last (microseconds), None if none did; ``secret`` is sealed, and ``options``
    are as stored.
    """

    n: int
    lane: int
    url: str
    owner: str
    failures: int
    failed_at: int | None
    webhook: str
    format: str
    secret: bytes
    options: str = PLAIN


def place(tx: Tx) -> Place:
    """How far the fan-out has come: up to there it makes no more rows."""
    done, subscription = stretches.place(tx)
    return done + 1, subscription


def fresh(tx: Tx, after: Place, limit: int) -> tuple[list[tuple[int, int]], Place]:
    """Up to ``limit`` new deliveries after a place, in order, as (id, subscription), and up to where it looked.

    They are due, but for those that a clock put back since has made early. They are found by their place, which is
    committed with them, and not by their ids: others make rows beside the fan-out, which may have later ids and be seen
    earlier.
    """
    end = place(tx)
    rows = tx.dialect.fetch(tx.conn, tx.dialect.fresh, (*after, *end, limit))
    found = [(int(id_), int(n)) for id_, _, n in rows]
    return found, (int(rows[-1][1]), int(rows[-1][2])) if len(found) == limit else end


def waiting(tx: Tx, lanes: Collection[int], among: Collection[int] | None = None) -> list[tuple[Follower, int]]:
    """The subscriptions of these lanes for which a row is open, and when one is due first (microseconds).

    ``among`` restricts it to some subscriptions (their ``n``).
    """
    first = select(table.c.subscription, func.min(table.c.due_at).label("due")).where(table.c.due_at.is_not(None))
    if among is not None:
        first = first.where(tx.dialect.among(table.c.subscription, among))
    found = first.group_by(table.c.subscription).cte()
    statement = select(*_FOLLOWER, found.c.due).join(found, found.c.subscription == subscriptions.c.n)
    rows = tx.conn.execute(statement.where(tx.dialect.among(subscriptions.c.lane, lanes)))
    return [(Follower._make(row[:-1]), int(row[-1])) for row in rows]


def due(tx: Tx, own: Collection[int]) -> Mapping[int, int]:
    """When something is due first for each of these subscriptions (microseconds); without those with nothing open."""
    rows = tx.dialect.fetch(tx.conn, tx.dialect.next_due, (tx.dialect.array(own),))
    return {int(n): int(at) for n, at in rows if at is not None}


def followers(tx: Tx, own: Collection[int]) -> list[Follower]:
    """These subscriptions."""
    statement = select(*_FOLLOWER).where(tx.dialect.among(subscriptions.c.n, own))
    return [Follower._make(row) for row in tx.conn.execute(statement)]


def take(tx: Tx, ids: Collection[int], *, lease: str, seconds: float) -> list[int]:
    """Take these deliveries, as far as they are due, for ``seconds`` by the database's clock; returns which.

    ``lease`` must be new each time.
    """
    tx.dialect.begin_claim(tx.conn)
    parameters = (lease, tx.now + round(seconds * 1e6), tx.now, tx.dialect.array(ids))
    return [int(row[0]) for row in tx.dialect.fetch(tx.conn, tx.dialect.take, parameters)]


def take_of(tx: Tx, own: Collection[int], share: int, *, lease: str, seconds: float) -> list[int]:
    """Take up to ``share`` due deliveries of each of these subscriptions, those longest due first; as :func:`take`."""
    tx.dialect.begin_claim(tx.conn)
    parameters = (lease, tx.now + round(seconds * 1e6), tx.now, tx.dialect.array(own), share)
    return [int(row[0]) for row in tx.dialect.fetch(tx.conn, tx.dialect.take_of, parameters)]


def probe(tx: Tx, n: int, *, newest: bool, lease: str, seconds: float) -> list[int]:
    """Take one delivery of a subscription, whenever it is due: the newest or the oldest that no one has taken."""
    order = table.c.id.desc() if newest else table.c.id
    free = (table.c.subscription == n) & table.c.due_at.is_not(None) & (table.c.due_at < PARKED // 2)
    free &= (table.c.state != DeliveryState.SENDING.value) | (table.c.due_at <= tx.now)
    id_ = tx.conn.execute(select(table.c.id).where(free).order_by(order).limit(1).with_for_update()).scalar()
    if id_ is None:
        return []
    until = tx.now + round(seconds * 1e6)
    taken = {"state": DeliveryState.SENDING.value, "lease": lease, "due_at": until}
    tx.conn.execute(update(table).where(table.c.id == id_).values(taken))
    return [int(id_)]


def brought(tx: Tx, ids: Collection[int], known: Collection[int] = ()) -> Claim:
    """What has to be known of deliveries that were taken; events in ``known`` (their ``seq``) are not loaded, unless
    what is known of them was erased.

    Those of paused subscriptions are put back, and so are those that are held.
    """
    if not ids:
        return Claim()
    rows = tx.dialect.fetch(tx.conn, tx.dialect.claimed, (tx.dialect.array(ids),))
    held = holds.park(tx, ids)
    parked = frozenset(row[2] for row in rows if row[0] in held)
    rows = [row for row in rows if row[0] not in held]
    paused = [row for row in rows if row[11] == SubscriptionState.PAUSED.value]
    if paused:
        _park(tx, [row[0] for row in paused], {row[2] for row in paused})
        rows = [row for row in rows if row[11] != SubscriptionState.PAUSED.value]
    options: dict[str, str] = {}  # one text for all rows of a subscription: it may hold a template of 16 KB
    claimed = tuple(
        Claimed._make(
            (
                *row[:9], _TYPES[row[9]], _CHANGES[row[10]], row[11], bool(row[12]), row[13],
                options.setdefault(row[14], row[14]), row[15],
            )
        )
        for row in rows
    )  # fmt: skip
    seqs = {row[1] for row in rows if row[16] or row[1] not in known}
    return Claim(claimed, tuple(log.among(tx, seqs)) if seqs else (), parked.union(row[2] for row in paused))


def _park(tx: Tx, ids: Collection[int], holders: Collection[int]) -> None:
    """Put back what was claimed of paused subscriptions; at once where one is being changed, since it may go on."""
    columns = subscriptions.c
    still = select(columns.n).where(
        tx.dialect.among(columns.n, holders), columns.state == SubscriptionState.PAUSED.value
    )
    # Not waited for: a transaction that holds one waits for the deliveries that this one holds.
    paused = tx.conn.execute(still.with_for_update(read=True, skip_locked=True)).scalars().all()
    matched = (matches.c.seq == table.c.seq) & (matches.c.filter_id == table.c.filter_id)
    waits = select(table.c.id).join(matches, matched & matches.c.held.is_not(None))
    waits = waits.where(tx.dialect.among(table.c.id, ids))
    held = tx.conn.execute(waits.with_for_update(read=True, skip_locked=True, of=matches)).scalars().all()
    back = case((table.c.attempts == 0, DeliveryState.PENDING.value), else_=DeliveryState.RETRYING.value)
    parked = tx.dialect.among(table.c.subscription, paused) | tx.dialect.among(table.c.id, held)
    due_at = case((parked, PARKED), (table.c.crashes >= SUSPECT, PARKED + tx.now), else_=tx.now)
    tx.conn.execute(
        table.update().where(tx.dialect.among(table.c.id, ids)).values(state=back, due_at=due_at, lease=None)
    )


def held_by(tx: Tx, ids: Collection[int], process: str) -> list[int]:
    """Which of these deliveries a process still holds."""
    rows = tx.dialect.fetch(tx.conn, tx.dialect.leases, (tx.dialect.array(ids),))
    return [int(id_) for id_, lease in rows if lease.partition(".")[0] == process]


def abandon(tx: Tx) -> None:
    """End every lease: whoever held one has ended. Their deliveries are due at once."""
    held = (table.c.due_at.is_not(None)) & (table.c.state == DeliveryState.SENDING.value)
    tx.conn.execute(update(table).where(held).values(due_at=tx.now))


_FOLLOWER = (
    subscriptions.c.n,
    subscriptions.c.lane,
    subscriptions.c.url,
    subscriptions.c.owner,
    subscriptions.c.failures,
    subscriptions.c.last_error_at,
    subscriptions.c.id,
    subscriptions.c.format,
    subscriptions.c.secret,
    subscriptions.c.options,
)
