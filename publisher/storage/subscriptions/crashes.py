"""Whoever ends the process that sends it is found, so that it does not do so for ever.

A process that was killed, or ran out of memory, or met a fault below Python, cannot tell what it was at. But its lanes
still have its name, as they have not where a process stops in good order. Whoever takes such lanes over counts that:

- for each row that was under the ended process's lease;
- for a lane, with the highest parcel there was (its *mark*). Where something up to the mark is still open as the next
  process ends too, all of that becomes rows. So nothing is written for a first attempt as it begins, and yet
  what is met again and again is taken under leases from then on.

Each row's count takes it further, and whatever comes of an attempt, good or bad, sets it to 0:

========================= ==============================================================================================
up to 1                   it is sent like any other: processes are killed, mostly for no fault of a delivery
:data:`SUSPECT`           no more than :data:`TOGETHER` such are sent at a time
:data:`ALONE` and more    it is sent while no other suspect is, and the lease says so; only under that does it count on
:data:`FATAL`             it ended a process each of the last times, with no other suspect beside it: it is dead
========================= ==============================================================================================

What is no suspect goes on all the while. Where an event ends the process whoever it is sent to, or a webhook whatever
it is sent, :data:`SEVERAL` are found out one by one, and the rest with them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Select, and_, case, func, literal_column, or_, select, update

from publisher.model import DeliveryState, SubscriptionState
from publisher.storage.engine.database import Tx
from publisher.storage.engine.tables import deliveries as table
from publisher.storage.engine.tables import lanes, matches, parcels, subscriptions
from publisher.storage.subscriptions import bitmaps, holds, spilling
from publisher.storage.subscriptions.deliveries import NO_EXCHANGE, PARKED, SUSPECT

ALONE = 3
FATAL = 6

TOGETHER = 32
"""Suspects under way at a time, before any is sent alone."""

SPILLED = 16_384
"""Seats that become rows at a time: what a process has in memory of parcels."""

REASON = "crashed"
"""The ``reason`` of a delivery that is dead since it ended the process."""

_LEASE = ".alone"

SEVERAL = 2
"""Of how many of one event, or of one webhook, it must have been found out that they end the process, until the other
suspects of it are taken to do the same."""

REMEMBERED = 86_400.0
"""For how many seconds that counts."""


class Fatal(NamedTuple):
    """A delivery that is dead, and why."""

    webhook: str
    seq: int
    error: str


@dataclass(frozen=True, slots=True)
class Found:
    """What processes that ended have left: rows that they had taken, how many of these are suspects now, and those
    that are dead; and seats that became rows.
    """

    taken: int = 0
    suspects: int = 0
    spilled: int = 0
    dead: Sequence[Fatal] = ()


class Taken(NamedTuple):
    """Suspects that were taken (their ids), whether it is one alone, and whether there are any at all."""

    ids: list[int]
    alone: bool = False
    any: bool = True


def count(tx: Tx, ended: Mapping[int, str]) -> Found:
    """Count that the owners of these lanes have ended. The lanes are locked."""
    if not ended:
        return Found()
    # In the order in which settling locks: subscriptions and parcels before rows.
    spilled = _spill(tx, _met_again(tx, ended))
    rows = _under_lease(tx, ended)
    counts: dict[int, list[int]] = {}
    for row in rows:
        crashes = row.crashes + 1 if _LEASE in row.lease else min(row.crashes + 1, ALONE)
        counts.setdefault(crashes, []).append(row.id)
    dead: list[Fatal] = []
    for crashes, ids in sorted(counts.items()):
        own = update(table).where(tx.dialect.among(table.c.id, ids)).values(crashes=crashes)
        if crashes >= SUSPECT:
            back = case((table.c.attempts == 0, DeliveryState.PENDING.value), else_=DeliveryState.RETRYING.value)
            own = own.values(state=back, due_at=PARKED + tx.now, lease=None)
        tx.conn.execute(own)
        if crashes >= FATAL:
            dead += _end(tx, ids, f"it ended the process {crashes} times")
    suspects = sum(len(ids) for crashes, ids in counts.items() if SUSPECT <= crashes < FATAL)
    if suspects or dead:
        dead += _end(tx, _accomplices(tx), "it was under way as others of its event or webhook ended the process")
    return Found(len(rows), suspects, spilled, tuple(dead))


def take(tx: Tx, own: Collection[int], room: int, *, alone: int, lease: str, seconds: float) -> Taken:
    """Take suspects of these lanes for ``seconds``: up to ``room`` of those that need not be alone; or, where nothing
    else is under way, the one that is most suspected, if its count is up to ``alone``. ``lease`` must be new each time.

    Of the others as many as may be sent together come first, since most are innocent. Where there are more that must be
    alone, several of them end the process, and these are found first.
    """
    guarded = table.c.crashes >= ALONE
    waiting = len(tx.conn.execute(_free(tx, own).where(guarded).limit(TOGETHER + 1)).all())
    ids: list[int] = []
    if waiting <= TOGETHER:
        few = _free(tx, own).where(~guarded).order_by(table.c.id).limit(room)
        ids = [row.id for row in tx.conn.execute(few.with_for_update(skip_locked=True, of=table))]
    first = not ids and waiting > 0
    if first and room >= TOGETHER:
        most = _free(tx, own).where(guarded).order_by(table.c.crashes.desc(), table.c.id).limit(1)
        top = tx.conn.execute(most.with_for_update(skip_locked=True, of=table)).first()
        ids = [top.id] if top is not None and top.crashes <= alone else []
    if not ids:
        there = select(table.c.id).where(_SUSPECTED).limit(1)
        return Taken([], any=tx.conn.execute(there).first() is not None)
    process, _, number = lease.partition(".")
    taken = {
        "state": DeliveryState.SENDING.value,
        "lease": f"{process}{_LEASE}{number}" if first else lease,
        "due_at": tx.now + round(seconds * 1e6),
    }
    tx.conn.execute(update(table).where(tx.dialect.among(table.c.id, ids)).values(taken))
    return Taken(ids, first)


def _free(tx: Tx, own: Collection[int]) -> Select[tuple[int, int]]:
    """Suspects of these lanes that can be taken. What stands still would be put back."""
    free = _SUSPECTED & (table.c.state != DeliveryState.SENDING.value) & (table.c.due_at <= PARKED + tx.now)
    free &= (subscriptions.c.state != SubscriptionState.PAUSED.value) & matches.c.held.is_(None)
    joined = select(table.c.id, table.c.crashes).join(subscriptions, subscriptions.c.n == table.c.subscription)
    matched = joined.join(matches, (matches.c.seq == table.c.seq) & (matches.c.filter_id == table.c.filter_id))
    # Of who may have asked for order only the first: what is behind it waits for it.
    before = table.alias("before")
    behind = select(before.c.id).where(before.c.subscription == table.c.subscription, before.c.run == table.c.run)
    behind = behind.where(before.c.seq < table.c.seq, before.c.due_at.is_not(None))
    free &= ~(subscriptions.c.alone & behind.exists())
    held = holds.holding(tx, table.c.seq, table.c.filter_id)
    if held is not None:
        free &= ~held
    return matched.where(free, tx.dialect.among(subscriptions.c.lane, own))


def _met_again(tx: Tx, ended: Mapping[int, str]) -> dict[int, int]:
    """Of which of these lanes something was open as the process before ended, too, with the lane's mark. The rest are
    marked anew.
    """
    own = lanes.c.n.in_(sorted(ended))
    first = select(parcels.c.lane, func.min(parcels.c.id).label("id")).where(parcels.c.closed_at.is_(None))
    first = first.where(parcels.c.lane.in_(sorted(ended))).group_by(parcels.c.lane)
    oldest = {row.lane: row.id for row in tx.conn.execute(first)}
    newest = tx.conn.execute(select(func.max(parcels.c.id))).scalar()
    again = {}
    for n, mark, crashes in tx.conn.execute(select(lanes.c.n, lanes.c.mark, lanes.c.crashes).where(own)).all():
        values: dict[str, Any] = {"mark": None, "crashes": 0}
        if n in oldest:
            met = mark is not None and oldest[n] <= mark
            values = {"mark": mark if met else newest, "crashes": crashes + 1 if met else 1}
            if met:
                again[n] = mark
        tx.conn.execute(update(lanes).where(lanes.c.n == n).values(values))
    return again


def _spill(tx: Tx, marks: Mapping[int, int]) -> int:
    """Make rows of what is open in these lanes up to these parcels, as far as one process had it in memory."""
    if not marks:
        return 0
    which = or_(*(and_(parcels.c.lane == lane, parcels.c.id <= mark) for lane, mark in sorted(marks.items())))
    statement = select(parcels.c.id, parcels.c.members, parcels.c.moved).where(parcels.c.closed_at.is_(None), which)
    some, seats = [], 0
    for row in tx.conn.execute(statement.order_by(parcels.c.id).limit(SPILLED)).all():
        if seats >= SPILLED:
            break
        some.append(row.id)
        seats += (bitmaps.unpacked(row.members) & ~bitmaps.unpacked(row.moved)).bit_count()
    return spilling.of_parcels(tx, some, crashes=1)


def _under_lease(tx: Tx, ended: Mapping[int, str]) -> list[Any]:
    """The rows of these lanes that their owners had taken, locked."""
    leases = or_(*(table.c.lease.startswith(f"{owner}.", autoescape=True) for owner in sorted(set(ended.values()))))
    columns = (table.c.id, table.c.lease, table.c.crashes)
    held = select(*columns).join(subscriptions, subscriptions.c.n == table.c.subscription)
    held = held.where(table.c.due_at.is_not(None), table.c.state == DeliveryState.SENDING.value, leases)
    held = held.where(tx.dialect.among(subscriptions.c.lane, list(ended)))
    return list(tx.conn.execute(held.order_by(table.c.id).with_for_update(of=table)))


def _accomplices(tx: Tx) -> list[int]:
    """Suspects of an event, or of a webhook, of which lately several were found out: those that are left would each end
    as many processes again.
    """
    since = tx.now - round(REMEMBERED * 1e6)
    found = select(table.c.seq, table.c.subscription).where(table.c.crashes > literal_column("1"))
    found = found.where(table.c.reason == REASON, table.c.settled_at > since)
    rows = tx.conn.execute(found).all()
    events = [seq for seq, count in Counter(row.seq for row in rows).items() if count >= SEVERAL]
    webhooks = [n for n, count in Counter(row.subscription for row in rows).items() if count >= SEVERAL]
    if not events and not webhooks:
        return []
    alike = tx.dialect.among(table.c.seq, events) | tx.dialect.among(table.c.subscription, webhooks)
    own = select(table.c.id).where(_SUSPECTED, alike, table.c.state != DeliveryState.SENDING.value)
    return list(tx.conn.execute(own.order_by(table.c.id).with_for_update(skip_locked=True)).scalars())


def _end(tx: Tx, ids: Collection[int], error: str) -> list[Fatal]:
    """Have these be dead, with a last attempt that says why. What was cancelled meanwhile stays so."""
    stopped = table.c.reason.is_not(None)
    own = update(table).where(tx.dialect.among(table.c.id, ids))
    ended = own.where(stopped).values(state=DeliveryState.CANCELLED.value, due_at=None, settled_at=tx.now)
    tx.conn.execute(ended)
    dead = {"state": DeliveryState.DEAD.value, "reason": REASON, "due_at": None, "settled_at": tx.now}
    tried = {"attempts": table.c.attempts + 1, "last_status": None, "last_error": error}
    tx.conn.execute(own.where(~stopped).values({**dead, **tried}))
    columns = (table.c.id, table.c.seq, table.c.attempts, subscriptions.c.id.label("webhook"))
    named = select(*columns).join(subscriptions, subscriptions.c.n == table.c.subscription)
    rows = tx.conn.execute(named.where(tx.dialect.among(table.c.id, ids), table.c.reason == REASON)).all()
    if rows:
        last = (tx.now, 0, None, error, None, *NO_EXCHANGE, None)
        tx.dialect.many(tx.conn, tx.dialect.attempt, [(row.id, row.attempts, *last) for row in rows])
    return [Fatal(row.webhook, row.seq, error) for row in rows]


_SUSPECTED = (table.c.crashes > literal_column("1")) & table.c.due_at.is_not(None)
"""As their index has it."""
