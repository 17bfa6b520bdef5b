"""What waits until a stored time, when the clock that these times are compared with is put forward or back.

A retry that is due in an hour is stored as a time of the database's clock (on SQLite the machine's). Put back by an
hour, that clock would hold it for two, and with it each delivery that was due already; put forward, it would send all
retries at once and end the leases of what is under way. So such times are moved along with the clock, once, whichever
process sees it first: the row "clock" of ``cursors`` says when the database was last seen by its own clock.

What is promised for a time of day (embargoes, cron lines) goes by the clock as it stands. Parcels wait for no time:
whoever has their lane sends them as it reads them.
"""

from __future__ import annotations

from sqlalchemy import Column, ColumnElement, func, select, update

from publisher.model import DeliveryState
from publisher.storage.engine.database import Tx
from publisher.storage.engine.tables import articles, cursors, deliveries, nodes, senders, sources
from publisher.storage.log import events as log
from publisher.storage.subscriptions.deliveries import PARKED

SLACK = 5_000_000
"""Microseconds by which a clock may differ from what was expected without having been put."""

_ROUNDING = 1_000_000

_CLOCK = cursors.c.name == "clock"

LONGEST_LEASE = 150_000_000
"""Microseconds that a lease on a source or a delivery may have left, and a little more."""


def present(tx: Tx) -> int:
    """The time by the database's clock (microseconds)."""
    return tx.now


def touch(tx: Tx) -> None:
    """Rewrite a row unchanged: only a commit shows whether commits are possible."""
    row = {"name": "clock", "seq": tx.now, "subscription": 0}
    statement = tx.dialect.insert(cursors).values(row)
    tx.conn.execute(statement.on_conflict_do_update(index_elements=[cursors.c.name], set_={"seq": cursors.c.seq}))


def keep(tx: Tx, moved: int | None) -> int:
    """Note the time; if the clock was set, move what waits by the same step. Returns the step (microseconds), else 0.

    ``moved`` is the step that the caller saw since it last called this, None at its first call: then only a step back
    shows.
    """
    held = tx.conn.execute(select(cursors.c.seq).where(_CLOCK).with_for_update()).scalar()
    if held is None:
        row = {"name": "clock", "seq": tx.now, "subscription": 0}
        tx.conn.execute(tx.dialect.insert(cursors).values(row).on_conflict_do_nothing())
        return 0
    by = _step(held, tx.now, moved)
    if by:
        _shift(tx, by)
    tx.conn.execute(update(cursors).where(_CLOCK).values(seq=tx.now))
    return by


def _step(held: int, now: int, moved: int | None) -> int:
    """By how much to move what waits; 0 also if another process has done so and noted the time after the step."""
    if now < held - SLACK:
        return min(moved or 0, now - held)
    if moved is not None and moved >= SLACK and now - held >= moved - _ROUNDING:
        return moved
    return 0


def _shift(tx: Tx, by: int) -> None:
    # Before the rows, as recording does: each would otherwise wait for the other.
    log.lock(tx)
    tx.dialect.hold(tx.conn, deliveries)
    due, state = deliveries.c.due_at, deliveries.c.state
    waits = due < PARKED // 2  # what stands still has no time to be moved
    _move(tx, due, by, state == DeliveryState.RETRYING.value, waits)
    _move(tx, due, by, state == DeliveryState.SENDING.value, _from_before(due, tx.now, by))
    # What is pending waits for nothing: it was due when it was written.
    early = (state == DeliveryState.PENDING.value) & (due > tx.now) & waits
    tx.conn.execute(update(deliveries).where(early).values(due_at=tx.now))
    _move(tx, sources.c.lease_until, by, _from_before(sources.c.lease_until, tx.now, by))
    # Times of day stay where they are; see the schedule.
    _move(tx, sources.c.next_run_at, by, func.coalesce(sources.c.timing, "").not_like("cron %"))
    _move(tx, nodes.c.started_at, by)
    _move(tx, nodes.c.seen_at, by)
    _move(tx, senders.c.until, by, senders.c.until < PARKED // 2)
    _move(tx, articles.c.held_until, by)


def _move(tx: Tx, column: Column[int], by: int, *which: ColumnElement[bool]) -> None:
    tx.conn.execute(update(column.table).where(column.is_not(None), *which).values({column: column + by}))


def _from_before(lease: Column[int], now: int, by: int) -> ColumnElement[bool]:
    """Whether a lease was taken before the step: one that was taken since, before it was seen, is right as it is."""
    return lease > now + LONGEST_LEASE if by < 0 else lease <= now
