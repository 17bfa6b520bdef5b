"""Old events and deliveries, and how much of them a transaction deletes."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from sqlalchemy import Connection, Table, event, func, select, update
from support.clock import ManualClock
from support.deliveries import append, claim, fan_out, settle

from publisher.clock import to_micros
from publisher.maintenance.batches import Batches
from publisher.maintenance.keeping import Kept
from publisher.model import DeliveryState
from publisher.storage.engine.database import Database, Tx
from publisher.storage.engine.tables import events, metadata
from publisher.storage.subscriptions import listing
from publisher.storage.subscriptions.deliveries import Outcome

DAY = 86_400
MONTH, YEAR = 30 * DAY, 365 * DAY
KEPT = Kept(deliveries=MONTH, events=YEAR)


def batches(db: Database, size: int | None = None) -> Batches:
    """Without rest; with a ``size``, of so many rows each."""
    return Batches(db, rest=0) if size is None else Batches(db, rest=0, sizes=(size, size))


async def settled(db: Database, clock: ManualClock, *states: str, events: int = 1) -> None:
    """So many events, of each of which the deliveries settle in these states; there are as many subscriptions."""
    await append(db, events)
    await fan_out(db)
    taken = (await claim(db, limit=1_000, share=1_000, lease=f"at {clock()}")).deliveries
    per_event: dict[int, int] = {}
    outcomes = []
    for one in taken:
        place = per_event[one.seq] = per_event.get(one.seq, -1) + 1
        state = states[place]
        wait = {"retrying": 3600.0 * 24 * 3650}.get(state)
        tried = 0 if state == "cancelled" else one.number
        outcomes.append(Outcome(one.id, one.lease, state, wait, tried, status=200))  # type: ignore[arg-type]
    await db.write(settle, outcomes)


async def settle_all(db: Database, state: Literal["delivered", "dead", "cancelled"]) -> list[int]:
    """Settle what is due; returns of which events that was."""
    due = (await claim(db, limit=1_000, share=1_000, lease=f"for {state}")).deliveries
    done = [Outcome(one.id, one.lease, state, None, one.number, status=200) for one in due]
    await db.write(settle, done)
    return [one.seq for one in due]


class Cut(Exception):
    """As if the process had been killed here."""


@contextmanager
def cut_off(db: Database, statements: int) -> Iterator[None]:
    """End whatever is written meanwhile before its statement of this number, counted from 1."""
    left = itertools.count(statements - 1, -1)

    def end(*_rest: object) -> None:
        if next(left) == 0:
            raise Cut

    engine = db._writer.sync_engine
    event.listen(engine, "before_cursor_execute", end)
    try:
        yield
    finally:
        event.remove(engine, "before_cursor_execute", end)


async def states(db: Database, *seqs: int) -> list[dict[DeliveryState, int]]:
    """How many deliveries of each event are in each state; they must be what it matched."""
    found = await db.read(listing.accounting, seqs)
    assert all(one.matched == sum(one.states.values()) for one in found), found
    return [one.states for one in found]


def dated(tx: Tx, clock: ManualClock, *seqs: int) -> None:
    """Let these events be of now, or all; those of tests are of one morning."""
    own = events.c.seq.in_(seqs) if seqs else events.c.seq > 0
    tx.conn.execute(update(events).where(own).values(at=to_micros(clock())))


def count(tx: Tx, *names: str) -> int:
    """The rows of these tables."""
    return sum(_rows(tx.conn, metadata.tables[name]) for name in names)


@contextmanager
def removed(db: Database, *names: str) -> Iterator[list[int]]:
    """Collects how many rows of these tables each transaction that commits meanwhile takes away in all."""
    found: list[int] = []
    tables = [metadata.tables[name] for name in names]
    before: list[int] = []

    def begin(conn: Connection) -> None:
        before[:] = []

    def execute(conn: Connection, *_rest: object) -> None:
        if not before:
            before.append(-1)
            before[0] = sum(_rows(conn, table) for table in tables)

    def commit(conn: Connection) -> None:
        if before:
            found.append(before[0] - sum(_rows(conn, table) for table in tables))

    engine = db._writer.sync_engine
    listeners = (("begin", begin), ("before_execute", execute), ("commit", commit))
    for name, listener in listeners:
        event.listen(engine, name, listener)
    yield found
    for name, listener in listeners:
        event.remove(engine, name, listener)


def _rows(conn: Connection, table: Table) -> int:
    return int(conn.execute(select(func.count()).select_from(table)).scalar_one())
