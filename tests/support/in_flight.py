"""A sender that has begun to send what is in parcels, and where that goes."""

from __future__ import annotations

from sqlalchemy import func, select

from publisher.storage.engine.database import Database, Tx
from publisher.storage.engine.tables import journal
from publisher.storage.engine.tables import lanes as lanes_table
from publisher.storage.engine.tables import parcels as table
from publisher.storage.subscriptions import lanes
from support.answering import Answered, Answering
from support.deliveries import append, fan_out, subscribe

URL, OTHER = "https://receiver.example/hook", "https://receiver.example/other"
LANE = lanes.lane_of(URL)
ELSEWHERE = next(url for n in range(lanes.COUNT * 100) if lanes.lane_of(url := f"https://{n}.example/hook") != LANE)


def owned(tx: Tx, owner: str = "ours") -> None:
    """Every lane is this process's."""
    tx.conn.execute(lanes_table.update().values(owner=owner))


def still_open(tx: Tx) -> int:
    """How many parcels are open."""
    found = tx.conn.execute(select(func.count()).select_from(table).where(table.c.closed_at.is_(None)))
    return int(found.scalar_one())


def journaled(tx: Tx) -> int:
    """How many rows the journal has."""
    return int(tx.conn.execute(select(func.count()).select_from(journal)).scalar_one())


async def begun(db: Database, answering: Answering, count: int = 1, events: int = 1) -> Answered:
    """One that holds every lane and has begun to send; there are so many webhooks, which have seats."""
    await db.write(owned)
    for _ in range(count):
        await db.write(subscribe, together=True)
    await append(db, events)
    await fan_out(db)
    ours = answering(db)
    await ours.look()
    assert [one.connect() for one in ours.open] == [True] * count * events
    return ours
