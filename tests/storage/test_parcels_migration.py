"""An installation that had a row for each delivery goes on with parcels: nothing is lost, nothing doubled."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from maintenance.kept import settle_all, states
from sqlalchemy import Column, Connection, Table, func, insert, select, text, update
from sqlalchemy.ext.asyncio import create_async_engine
from support.clock import ManualClock
from support.deliveries import fan_out_once
from support.items import an_event
from support.parcelled import sent
from support.parcels import fill
from support.rights import adds_up
from support.schemas import upgrade

from publisher.clock import to_micros
from publisher.model import Change, DeliveryState, EventType
from publisher.storage.engine.database import Database, Tx
from publisher.storage.engine.dialects import dialect_for
from publisher.storage.engine.tables import (
    SEATED,
    attempts,
    cursors,
    deliveries,
    events,
    follows,
    matches,
    parcels,
    rosters,
)
from publisher.storage.log import events as log
from publisher.storage.subscriptions import fanout
from publisher.storage.subscriptions.deliveries import PARKED

WEBHOOKS, PAUSED, DISABLED = 40, (37, 38), (39, 40)
ACTIVE = range(1, 37)
WHOLE, IN_ALL = 60, 63
"""Events that are fanned out; of the next one half of the webhooks have their row, and the others wait in the log."""
HALF = 20
ENDED = 5
"""The first events, of which everything is settled."""

HOUR = 3600 * 10**6


def as_it_was(conn: Connection, url: str, now: int) -> None:
    """Schema 0013: 40 webhooks and 63 events, with deliveries in all states."""
    upgrade(conn, "0013")
    dialect = dialect_for(url)
    assert dialect is not None
    tx = Tx(conn, dialect, now)
    conn.execute(text('INSERT INTO filters (definition) VALUES (\'{"events":[],"feeds":["news"]}\')'))
    for n in range(1, WEBHOOKS + 1):
        state = "paused" if n in PAUSED else "disabled" if n in DISABLED else "active"
        conn.execute(text(_SUBSCRIPTION), {"id": f"w{n}", "state": state, "lane": n % 2})
        if n not in DISABLED:
            conn.execute(text("INSERT INTO follows (subscription, from_seq, filter_id) VALUES (:n, 1, 1)"), {"n": n})
    log.append(tx, [an_event() for _ in range(IN_ALL)])
    told = {"filter_id": 1, "type": EventType.ARTICLE_PUBLISHED.value, "change": Change.ENTERED.value}
    conn.execute(insert(matches), [{"seq": seq, **told} for seq in range(1, WHOLE + 2)])
    rows = [_row(seq, n, now) for seq in range(1, WHOLE + 1) for n in range(1, WEBHOOKS + 1)]
    rows += [_row(WHOLE + 1, n, now) for n in range(1, HALF + 1)]
    conn.execute(insert(deliveries), rows)
    tried = select(deliveries.c.id, deliveries.c.attempts, now, 7).where(deliveries.c.attempts > 0)
    conn.execute(insert(attempts).from_select(["delivery_id", "number", "at", "duration_ms"], tried))
    conn.execute(update(events).where(events.c.seq <= WHOLE).values(matched=WEBHOOKS))
    conn.execute(update(events).where(events.c.seq == WHOLE + 1).values(matched=HALF))
    conn.execute(update(cursors).where(cursors.c.name == "fanout").values(seq=WHOLE, subscription=HALF))
    conn.commit()


def _row(seq: int, n: int, now: int) -> dict[str, Any]:
    row: dict[str, Any] = {
        "seq": seq, "subscription": n, "filter_id": 1, "created_at": now, "state": "pending", "due_at": now,
        "lease": None, "reason": None, "attempts": 0, "settled_at": None,
    }  # fmt: skip
    if seq <= ENDED:
        row |= {"state": "dead" if n % 7 == 0 else "delivered", "due_at": None, "settled_at": now, "attempts": 1}
    elif n in DISABLED and seq % 2:
        row |= {"state": "cancelled", "reason": "disabled", "due_at": None, "settled_at": now}
    elif n in DISABLED:
        row |= {"state": "sending", "lease": "killed.1", "reason": "disabled", "due_at": now + 10 * 10**6}
    elif n in PAUSED:
        row |= {"due_at": PARKED}
    elif (seq + n) % 3 == 1:
        row |= {"state": "sending", "lease": "killed.1", "due_at": now + 10 * 10**6}
    elif (seq + n) % 3 == 2:
        row |= {"state": "retrying", "attempts": 1, "due_at": now + HOUR}
    return row


_SUBSCRIPTION = """
    INSERT INTO subscriptions
      (id, url, filter_id, format, owner, secret, state, from_seq, created_at, updated_at, granted, host, lane)
    VALUES (:id, 'https://r.example', 1, 'standard', 'operator', '', :state, 1, 1, 1, 'operator', 'r.example', :lane)"""


async def migrated(url: str, data: Path, clock: ManualClock) -> Database:
    own = url if url != "sqlite" else f"sqlite+aiosqlite:///{data / 'publisher.db'}"
    engine = create_async_engine(own)
    async with engine.connect() as connection:
        await connection.run_sync(as_it_was, own, to_micros(clock()))
        before = await connection.run_sync(_rows)
    await engine.dispose()
    db = await Database.open(url, data, now=clock)
    assert await db.read(lambda tx: _rows(tx.conn)) == before
    return db


async def test_no_row_is_lost_or_doubled_and_everyone_active_gets_a_seat(
    tmp_path: Path, empty_database_url: str, clock: ManualClock
) -> None:
    db = await migrated(empty_database_url, tmp_path, clock)
    try:
        open_ = await db.read(_open)
        assert sum(open_.values()) > 2_000
        assert len(open_) == 3
        assert await db.read(_unseated) == [*ACTIVE, *PAUSED]

        await _first_fan_out(db)

        assert await db.read(_unseated) == list(PAUSED)
        assert await states(db, WHOLE + 2) == [{DeliveryState.PENDING: WEBHOOKS - len(DISABLED)}]
        # The half-done event in rows to its end, and what came after it in parcels.
        assert await db.read(_parcelled) == {WHOLE + 2: len(ACTIVE), WHOLE + 3: len(ACTIVE)}
        await adds_up(db)

        assert await sent(db) == 2 * len(ACTIVE)
        clock.advance(2 * 3600)
        taken: list[int] = []
        while some := await settle_all(db, "delivered"):
            taken += some
        # Each open row once, and those that were made since for the rest of the half-done event.
        of_active = len(ACTIVE) * (WHOLE + 1 - ENDED)
        of_disabled = len([seq for seq in range(ENDED + 1, WHOLE + 1) if seq % 2 == 0]) * len(DISABLED)
        assert len(taken) == of_active + of_disabled
        assert set((await db.read(_open)).items()) == {("pending", len(PAUSED) * (IN_ALL - ENDED))}
        await adds_up(db)
    finally:
        await db.close()


async def _first_fan_out(db: Database) -> None:
    """As a process does it: seats for whoever may have one, then what is in the log."""
    while (page := await db.read(fanout.page, 100)).events or page.unseated:
        await fill(db)
        await fan_out_once(db, chunk=50)


def _rows(conn: Connection) -> list[list[tuple[Any, ...]]]:
    return [
        sorted((tuple(row) for row in conn.execute(select(*_columns(table)))), key=repr)
        for table in (deliveries, attempts, matches, events, cursors)
    ]


def _columns(table: Table) -> list[Column[Any]]:
    """Those that the table had before."""
    return [column for column in table.columns if column.name not in {"request", "digest", "answer", "address"}]


def _open(tx: Tx) -> Counter[str]:
    counted = select(deliveries.c.state, func.count()).where(deliveries.c.due_at.is_not(None))
    return Counter({row[0]: row[1] for row in tx.conn.execute(counted.group_by(deliveries.c.state))})


def _unseated(tx: Tx) -> list[int]:
    own = select(follows.c.subscription).where(follows.c.rows_from < SEATED).order_by(follows.c.subscription)
    return list(tx.conn.execute(own).scalars())


def _parcelled(tx: Tx) -> dict[int, int]:
    """The seats in parcels, by event; each roster is of as many."""
    assert tx.conn.execute(select(func.sum(rosters.c.size))).scalar() == len(ACTIVE)
    counted = select(parcels.c.seq, func.sum(parcels.c.size)).group_by(parcels.c.seq)
    return {seq: int(count) for seq, count in tx.conn.execute(counted)}
