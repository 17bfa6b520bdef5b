"""Deliveries as they are shown, from rows and from parcels, and how many there are of each state.

A delivery is a seat in a parcel as long as nothing but its first attempt is to be told of it: open, or taken by its
receiver. Whatever else became of it, and all that is for subscriptions without a seat, is in rows. Its id, ``SEQ.RUN``,
is the same in either, and unique for its webhook.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Any

from sqlalchemy import func, or_, select, tuple_

from publisher import clock
from publisher.model import Attempt, Delivery, DeliveryState
from publisher.model.subscription import status_class
from publisher.storage.engine.database import Tx
from publisher.storage.engine.tables import attempts as attempts_table
from publisher.storage.engine.tables import deliveries as table
from publisher.storage.engine.tables import events, matches, parcels, seats, subscriptions
from publisher.storage.engine.values import AnyRow, moment
from publisher.storage.subscriptions import bitmaps, folding, holds
from publisher.storage.subscriptions import parcels as parcels_
from publisher.storage.subscriptions.deliveries import PARKED
from publisher.storage.subscriptions.parcels import Taken

Place = tuple[int, int]
"""A delivery of a webhook: ``seq`` and ``run``."""

Spot = tuple[int, int, int]
"""Where a delivery stands among those of its event: 0, roster and seat, or after all of these 1, the subscription's
``n`` and ``run``.
"""

FIRST: Spot = (0, 0, -1)
LAST: Place = (2**63 - 1, 0)

SCANNED = 256
"""Parcels that are looked at in one statement for those of some states."""


class Listed(Delivery):
    """A delivery, with what finds its attempts: its ``row``, or the one ``attempt`` of a seat that was taken. ``held``
    is the hold that keeps it from being sent.
    """

    filter_id: int
    held: str | None = None
    row: int | None = None
    attempt: Attempt | None = None


@dataclass(frozen=True, slots=True)
class Accounts:
    """One event: ``matched`` is the sum of ``states`` once it is fanned out, 0 before.

    ``folded`` is the part of ``states`` of which there are counts alone. ``again`` counts what was sent again, in later
    runs, as far as it is listed; it is in neither of the others.
    """

    seq: int
    matched: int
    states: dict[DeliveryState, int]
    folded: dict[DeliveryState, int] = field(default_factory=dict)
    again: dict[DeliveryState, int] = field(default_factory=dict)

    @property
    def differs(self) -> int:
        """By how much the deliveries are more than what matched; below 0: some are missing."""
        return sum(self.states.values()) - self.matched


def page(
    tx: Tx, subscription: str, *, limit: int, before: Place = LAST, states: Collection[DeliveryState] = ()
) -> list[Listed]:
    """Deliveries of a subscription (its id), newest first: those below ``before``."""
    n = tx.conn.execute(select(subscriptions.c.n).where(subscriptions.c.id == subscription)).scalar_one_or_none()
    if n is None:
        return []
    place = tuple_(table.c.seq, table.c.run)
    rows = _ROWS.where(table.c.subscription == n, place < tuple_(*before))
    if states:
        rows = rows.where(table.c.state.in_([state.value for state in states]))
    found = [_row(row) for row in tx.conn.execute(rows.order_by(table.c.seq.desc(), table.c.run.desc()).limit(limit))]
    # What is in a parcel is of run 0: the last that is below a later run is of the same event.
    end, least = before[0] + (before[1] > 0), found[-1].seq if len(found) == limit else 0
    seated = _seated(tx, n, range(least, end), limit, states)
    return _with_holds(tx, islice(heapq.merge(found, seated, key=lambda one: (-one.seq, -one.run)), limit))


def of_event(tx: Tx, seq: int, *, limit: int, after: Spot = FIRST) -> list[tuple[Spot, Listed]]:
    """Deliveries of an event, each with its spot, which is the ``after`` of those that follow it. Seats first, then
    rows, in the order of the indexes that find them: an event may have millions.
    """
    found: list[tuple[Spot, Listed]] = []
    if after[0] == 0:
        found = _in_parcels(tx, seq, limit, after)
        after = (1, 0, 0)
    place = tuple_(table.c.subscription, table.c.run)
    own = _ROWS.where(table.c.seq == seq, place > tuple_(*after[1:]))
    rows = tx.conn.execute(own.order_by(table.c.subscription, table.c.run).limit(limit - len(found)))
    found += [((1, row.subscription, row.run), _row(row)) for row in rows]
    noted = _with_holds(tx, (one for _, one in found))
    return [(spot, one) for (spot, _), one in zip(found, noted, strict=True)]


def get(tx: Tx, subscription: str, id: str) -> Listed | None:
    """One delivery of a subscription, by both ids."""
    seq, _, run = id.partition(".")
    if not (seq.isdecimal() and run.isdecimal() and len(id) < 30):
        return None
    found = page(tx, subscription, limit=1, before=(int(seq), int(run) + 1))
    return found[0] if found and found[0].id == id else None


def _with_holds(tx: Tx, found: Iterable[Listed]) -> list[Listed]:
    """These deliveries, those that are open with the hold that covers them."""
    page = list(found)
    open_ = ((one.seq, one.filter_id) for one in page if one.state in _WAITING)
    held = holds.covering(tx, open_)
    return [
        one.model_copy(update={"held": held[one.seq, one.filter_id]})
        if one.state in _WAITING and (one.seq, one.filter_id) in held
        else one
        for one in page
    ]


def together(tx: Tx, delivery: Listed) -> list[tuple[int, int]]:
    """The events that were sent with a delivery in a batch, with the filters they matched, itself among them, in order.

    Nothing where it was sent by itself. What was cancelled before the batch was sent is not among them.
    """
    if delivery.row is None:
        return []
    batch = select(table.c.batch).where(table.c.id == delivery.row).scalar_subquery()
    some = select(table.c.seq, table.c.filter_id).where(table.c.batch == batch, table.c.attempts > 0)
    own = select(table.c.subscription).where(table.c.id == delivery.row).scalar_subquery()
    rows = tx.conn.execute(some.where(table.c.subscription == own).order_by(table.c.run, table.c.seq)).all()
    return [(row.seq, row.filter_id) for row in rows]


def attempts(tx: Tx, delivery: Listed) -> list[Attempt]:
    """Every attempt of a delivery, in order."""
    return attempts_of(tx, [delivery])[0]


def attempts_of(tx: Tx, some: Sequence[Listed]) -> list[list[Attempt]]:
    """Every attempt of each of these deliveries, in order."""
    columns = attempts_table.c
    rows = [one.row for one in some if one.row is not None]
    chosen = select(attempts_table).where(tx.dialect.among(columns.delivery_id, rows))
    found: dict[int, list[Attempt]] = {}
    for row in tx.conn.execute(chosen.order_by(columns.delivery_id, columns.number)):
        found.setdefault(row.delivery_id, []).append(_attempt(row))
    return [
        found.get(one.row, []) if one.row is not None else [one.attempt] if one.attempt is not None else []
        for one in some
    ]


def accounting(tx: Tx, seqs: Collection[int]) -> list[Accounts]:
    """For each of these events: how many subscriptions it matched, and how many deliveries are in each state."""
    later = (table.c.run > 0).label("later")
    counted = select(table.c.seq, table.c.state, later, func.count()).where(tx.dialect.among(table.c.seq, seqs))
    states: dict[int, Counter[DeliveryState]] = {}
    again: dict[int, Counter[DeliveryState]] = {}
    for seq, state, is_later, count in tx.conn.execute(counted.group_by(table.c.seq, table.c.state, later)):
        (again if is_later else states).setdefault(seq, Counter())[DeliveryState(state)] += count
    folded = folding.counts(tx, seqs)
    for seq, counts in chain(folded.items(), _of_parcels(tx, seqs)):
        states.setdefault(seq, Counter()).update(counts)
    matched = select(events.c.seq, events.c.matched).where(tx.dialect.among(events.c.seq, seqs)).order_by(events.c.seq)
    return [
        Accounts(seq, count or 0, dict(states.get(seq, {})), folded.get(seq, {}), dict(again.get(seq, {})))
        for seq, count in tx.conn.execute(matched)
    ]


def depth(tx: Tx) -> dict[DeliveryState, int]:
    """How many deliveries are open, by state. What is open of parcels counts as pending."""
    counted = select(table.c.state, func.count()).where(table.c.due_at.is_not(None)).group_by(table.c.state)
    found = Counter({DeliveryState(state): count for state, count in tx.conn.execute(counted)})
    found[DeliveryState.PENDING] += waiting(tx)
    return {state: count for state, count in found.items() if count}


def waiting(tx: Tx) -> int:
    """How many seats of parcels are open."""
    return waiting_in_lanes(tx).total()


def waiting_in_lanes(tx: Tx) -> Counter[int]:
    """How many seats of parcels are open, by lane: each open parcel is read, and the journal."""
    open_ = tx.conn.execute(_PARCEL.where(parcels.c.closed_at.is_(None))).all()
    settled = _journal(tx, open_)
    found = Counter[int]()
    for parcel in open_:
        found[parcel.lane] += _open(parcel, settled).bit_count()
    return found


def in_parcels(tx: Tx) -> Counter[DeliveryState]:
    """How many deliveries in parcels are in each state; all that are kept are read."""
    found = Counter({DeliveryState.DELIVERED: int(tx.conn.execute(select(func.sum(parcels.c.sent))).scalar() or 0)})
    open_ = tx.conn.execute(_PARCEL.where(parcels.c.closed_at.is_(None))).all()
    for _, counts in _of_open(tx, open_):
        found.update(counts)
    return found


def _seated(tx: Tx, n: int, seqs: range, limit: int, states: Collection[DeliveryState]) -> Iterator[Listed]:
    """Those of a subscription (its ``n``) in parcels of these events, newest first."""
    if states and not {DeliveryState.DELIVERED, DeliveryState.PENDING} & set(states):
        return
    here = (parcels.c.roster == seats.c.roster) & (parcels.c.seq >= seats.c.from_seq)
    here &= or_(seats.c.until_seq.is_(None), parcels.c.seq <= seats.c.until_seq)
    here &= tx.dialect.bit(parcels.c.members, seats.c.seat) & ~tx.dialect.bit(parcels.c.moved, seats.c.seat)
    statement = _SEATED.join(seats, here).join(subscriptions, subscriptions.c.n == seats.c.subscription)
    statement = statement.add_columns(seats.c.seat, subscriptions.c.id.label("webhook"))
    if DeliveryState.DELIVERED not in states and states:
        statement = statement.where(parcels.c.closed_at.is_(None))
    size = count = max(limit, SCANNED) if states else limit
    before = seqs.stop
    while count == size:
        own = statement.where(seats.c.subscription == n, parcels.c.seq >= seqs.start, parcels.c.seq < before)
        rows = tx.conn.execute(own.order_by(parcels.c.seq.desc()).limit(size)).all()
        settled = _journal(tx, rows)
        for row in rows:
            one = _seat(row, row.seat, row.webhook, settled)
            if one is not None and (not states or one.state in states):
                yield one
        count = len(rows)
        before = rows[-1].seq if rows else before


def _in_parcels(tx: Tx, seq: int, limit: int, after: Spot) -> list[tuple[Spot, Listed]]:
    found: list[tuple[Spot, Listed]] = []
    roster, beyond = after[1], after[2]
    while len(found) < limit:
        own = _SEATED.where(parcels.c.seq == seq, parcels.c.roster >= roster).order_by(parcels.c.roster)
        rows = tx.conn.execute(own.limit(1 + (limit - len(found)) // 64)).all()
        if not rows:
            break
        settled, names = _journal(tx, rows), _names(tx, {row.roster for row in rows})
        for row in rows:
            bits = bitmaps.unpacked(row.members) & ~bitmaps.unpacked(row.moved)
            least = beyond if row.roster == after[1] else -1
            for seat in bitmaps.seats(bits >> (least + 1) << (least + 1)):
                one = _seat(row, seat, names[row.roster, seat], settled)
                if one is not None:
                    found.append(((0, row.roster, seat), one))
        roster = rows[-1].roster + 1
    return found[:limit]


def _names(tx: Tx, rosters: Collection[int]) -> dict[tuple[int, int], str]:
    """The subscriptions' ids, by roster and seat."""
    statement = select(seats.c.roster, seats.c.seat, subscriptions.c.id).join(
        subscriptions, subscriptions.c.n == seats.c.subscription
    )
    return {(row.roster, row.seat): row.id for row in tx.conn.execute(
        statement.where(tx.dialect.among(seats.c.roster, rosters))
    )}  # fmt: skip


_WAITING = (DeliveryState.PENDING, DeliveryState.RETRYING)

Journaled = dict[int, dict[int, Taken | None]]
"""What the journal holds, by parcel and seat."""


def _journal(tx: Tx, rows: Iterable[Any]) -> Journaled:
    """What the journal holds of those of these parcels that are open."""
    open_ = {row.id for row in rows if row.closed_at is None}
    found: Journaled = {}
    if open_:
        for one in parcels_.entries(tx, {row.lane for row in rows if row.closed_at is None}):
            if one.parcel in open_:
                found.setdefault(one.parcel, {})[one.seat] = one.how
    return found


def _open(parcel: Any, settled: Journaled) -> int:
    still = bitmaps.unpacked(parcel.members) & ~bitmaps.unpacked(parcel.moved)
    return still & ~bitmaps.of(settled.get(parcel.id, ()))


def _of_parcels(tx: Tx, seqs: Collection[int]) -> Iterator[tuple[int, dict[DeliveryState, int]]]:
    closed = select(parcels.c.seq, func.sum(parcels.c.sent)).where(
        tx.dialect.among(parcels.c.seq, seqs), parcels.c.closed_at.is_not(None)
    )
    for seq, count in tx.conn.execute(closed.group_by(parcels.c.seq)):
        if count:
            yield seq, {DeliveryState.DELIVERED: int(count)}
    yield from _of_open(
        tx, tx.conn.execute(_PARCEL.where(tx.dialect.among(parcels.c.seq, seqs), parcels.c.closed_at.is_(None))).all()
    )


def _of_open(tx: Tx, open_: Sequence[Any]) -> Iterator[tuple[int, dict[DeliveryState, int]]]:
    """For each of these parcels: its event, and how many deliveries are in each state."""
    settled = _journal(tx, open_)
    for parcel in open_:
        taken = sum(how is not None for how in settled.get(parcel.id, {}).values())
        counts = {DeliveryState.DELIVERED: taken, DeliveryState.PENDING: _open(parcel, settled).bit_count()}
        yield parcel.seq, {state: count for state, count in counts.items() if count}


def _seat(row: Any, seat: int, webhook: str, settled: Journaled) -> Listed | None:
    """A seat that has not moved by its parcel; None where it has by the journal."""
    how: Taken | None = None
    if row.closed_at is not None:
        place = (bitmaps.unpacked(row.members) & ~bitmaps.unpacked(row.moved) & ((1 << seat) - 1)).bit_count()
        after, milliseconds, status = parcels_.nth(row.times, row.statuses, place)
        how = Taken(row.began_at + after, milliseconds, status)
    elif seat in settled.get(row.id, {}):
        how = settled[row.id][seat]
        if how is None:
            return None
    taken = None if how is None else Attempt(
        number=1, at=clock.from_micros(how.at), duration_ms=how.milliseconds, status=how.status
    )  # fmt: skip
    return Listed(
        id=f"{row.seq}.0",
        seq=row.seq,
        event_id=row.event_id,
        event_type=row.type,
        subscription=webhook,
        state=DeliveryState.PENDING if how is None else DeliveryState.DELIVERED,
        attempts=int(how is not None),
        created_at=clock.from_micros(row.created_at),
        next_attempt_at=clock.from_micros(row.created_at) if how is None else None,
        settled_at=None if how is None else clock.from_micros(how.at + how.milliseconds * 1000),
        last_status=None if how is None else how.status,
        filter_id=row.filter_id,
        attempt=taken,
    )


def _row(row: AnyRow) -> Listed:
    state = DeliveryState(row.state)
    waits = state in (DeliveryState.PENDING, DeliveryState.RETRYING)
    return Listed(
        id=f"{row.seq}.{row.run}",
        seq=row.seq,
        event_id=row.event_id,
        event_type=row.type,
        subscription=row.webhook,
        run=row.run,
        state=state,
        reason=row.reason,
        attempts=row.attempts,
        created_at=clock.from_micros(row.created_at),
        next_attempt_at=moment(row.due_at) if waits and row.due_at < PARKED // 2 else None,
        settled_at=moment(row.settled_at),
        last_status=row.last_status,
        last_error=row.last_error,
        filter_id=row.filter_id,
        row=row.id,
    )


def _attempt(row: AnyRow) -> Attempt:
    return Attempt(
        number=row.number,
        at=clock.from_micros(row.at),
        duration_ms=row.duration_ms,
        status=row.status,
        error=row.error,
        response=row.response,
        request=row.request,
        digest=row.digest,
        answer=row.answer,
        address=row.address,
        error_class=row.error_class or status_class(row.status),
    )


_ROWS = (
    select(table, subscriptions.c.id.label("webhook"), events.c.id.label("event_id"), matches.c.type)
    .join(subscriptions, subscriptions.c.n == table.c.subscription)
    .join(events, events.c.seq == table.c.seq)
    .join(matches, (matches.c.seq == table.c.seq) & (matches.c.filter_id == table.c.filter_id))
)

_PARCEL = select(
    parcels.c.id, parcels.c.seq, parcels.c.roster, parcels.c.lane, parcels.c.members, parcels.c.moved,
    parcels.c.closed_at,
)  # fmt: skip

_SEATED = (
    _PARCEL.add_columns(
        parcels.c.filter_id, parcels.c.created_at, parcels.c.began_at, parcels.c.times, parcels.c.statuses,
        events.c.id.label("event_id"), matches.c.type,
    )
    .join(events, events.c.seq == parcels.c.seq)
    .join(matches, (matches.c.seq == parcels.c.seq) & (matches.c.filter_id == parcels.c.filter_id))
)  # fmt: skip
