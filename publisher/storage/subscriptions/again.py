"""What is sent again: runs of deliveries after the first, which is the one that is sent as it happens.

``(event, subscription, run)`` is unique. Each resend and each replay is a run of its own, numbered for its
subscription; its deliveries are rows, and go the way that all rows go. ``webhook-id`` stays the event's. No run but the
first counts for what an event matched; a replay counts its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select, tuple_, update

from publisher import clock
from publisher.model import DeliveryState
from publisher.storage.engine.database import Tx
from publisher.storage.engine.tables import deliveries, events, replays, subscriptions
from publisher.storage.engine.values import AnyRow
from publisher.storage.subscriptions import wakes
from publisher.storage.subscriptions.deliveries import PARKED, SUSPECT

RESENT = "resent"
"""The reason of a delivery that is dead and was taken in a later run, which is listed no more."""


def new_run(tx: Tx, n: int) -> int:
    """A run that this subscription (its ``n``) has not had; its row stays locked until the transaction ends."""
    counted = update(subscriptions).where(subscriptions.c.n == n).values(runs=subscriptions.c.runs + 1)
    return int(tx.conn.execute(counted.returning(subscriptions.c.runs)).scalar_one())


def add_rows(tx: Tx, n: int, run: int, filter_id: int, seqs: Sequence[int]) -> int:
    """Rows of a run for these events, due at once; returns how many there were not yet."""
    rows = [
        {
            "seq": seq, "subscription": n, "filter_id": filter_id, "run": run,
            "state": DeliveryState.PENDING.value, "due_at": tx.now, "created_at": tx.now,
        }
        for seq in seqs
    ]  # fmt: skip
    if not rows:
        return 0
    statement = tx.dialect.insert(deliveries).on_conflict_do_nothing().returning(deliveries.c.id)
    return len(tx.conn.execute(statement, rows).all())


def resend(tx: Tx, n: int, seq: int, filter_id: int) -> int:
    """One more delivery of an event to a subscription (its ``n``), due at once; returns its run."""
    run = new_run(tx, n)
    add_rows(tx, n, run, filter_id, [seq])
    wakes.wake(tx, [n])
    return run


def hurry(tx: Tx, n: int, seq: int) -> int | None:
    """Make a delivery of this event to a subscription due at once, if one is open; returns its run, None if none is.

    What stands still or is held stays where it is, and what is under way is as soon as can be. What is sent together
    stays together.
    """
    own = (deliveries.c.subscription == n) & (deliveries.c.seq == seq) & deliveries.c.due_at.is_not(None)
    columns = (
        deliveries.c.id, deliveries.c.run, deliveries.c.state, deliveries.c.due_at, deliveries.c.crashes,
        deliveries.c.batch,
    )  # fmt: skip
    row = tx.conn.execute(select(*columns).where(own).order_by(deliveries.c.run).limit(1).with_for_update()).first()
    if row is None:
        return None
    # What is suspected of ending processes has its own time: see crashes.py.
    if row.state != DeliveryState.SENDING.value and row.due_at > tx.now and row.crashes < SUSPECT:
        together = deliveries.c.id == row.id
        if row.batch is not None:
            waiting = deliveries.c.due_at.between(tx.now, PARKED // 2) & (deliveries.c.crashes < SUSPECT)
            waiting &= deliveries.c.state != DeliveryState.SENDING.value
            together |= (deliveries.c.subscription == n) & (deliveries.c.batch == row.batch) & waiting
        tx.conn.execute(update(deliveries).where(together).values(due_at=tx.now))
        wakes.wake(tx, [n])
    return int(row.run)


def folded(tx: Tx, gone: Sequence[AnyRow]) -> None:
    """Keep what has to be known of these rows of later runs, which are deleted: how many came to what in each replay,
    and which dead deliveries have arrived after all.
    """
    counts = Counter((row.subscription, row.run, row.state) for row in gone)
    for (n, run, state), count in sorted(counts.items()):
        column = replays.c[state]
        own = (replays.c.subscription == n) & (replays.c.run == run)
        tx.conn.execute(update(replays).where(own).values({state: column + count}))
    arrived = [(row.seq, row.subscription) for row in gone if row.state == DeliveryState.DELIVERED.value]
    if arrived:
        dead = (deliveries.c.run == 0) & (deliveries.c.state == DeliveryState.DEAD.value)
        pairs = tuple_(deliveries.c.seq, deliveries.c.subscription).in_(arrived)
        tx.conn.execute(update(deliveries).where(dead, pairs).values(reason=RESENT))


def counts(tx: Tx, n: int, run: int) -> dict[DeliveryState, int]:
    """How many rows of a run are in each state."""
    own = (deliveries.c.subscription == n) & (deliveries.c.run == run) & (deliveries.c.run > 0)
    counted = select(deliveries.c.state, func.count()).where(own).group_by(deliveries.c.state)
    return {DeliveryState(state): count for state, count in tx.conn.execute(counted)}


def first_since(tx: Tx, micros: int) -> int:
    """The number of the first event that was logged at this time (microseconds) or later; one more than the last one's
    where there is none. Numbers and times go up together, but where a clock was put back.
    """
    low, high = tx.conn.execute(
        select(func.coalesce(func.min(events.c.seq), 1), func.coalesce(func.max(events.c.seq), 0) + 1)
    ).one()
    while low < high:
        middle = (low + high) // 2
        found = select(events.c.seq, events.c.at).where(events.c.seq >= middle).order_by(events.c.seq).limit(1)
        row = tx.conn.execute(found).first()
        if row is None or row.at >= micros:
            high = middle
        else:
            low = int(row.seq) + 1
    return int(low)


def place(tx: Tx, where: int | datetime, *, end: bool = False) -> int:
    """The event that a number or a time names, as the first of a stretch of the log or, at its ``end``, the last."""
    if isinstance(where, int):
        return max(1, where)
    return first_since(tx, clock.to_micros(where) + int(end)) - int(end)


def moment_of(tx: Tx, seq: int) -> datetime | None:
    """When this event was logged, or else the next one that is kept; None where there is none."""
    found = select(events.c.at).where(events.c.seq >= seq).order_by(events.c.seq).limit(1)
    at = tx.conn.execute(found).scalar()
    return None if at is None else clock.from_micros(at)
