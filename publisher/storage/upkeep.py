"""When each job of maintenance was last done, by which node, and what it did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import or_, select, update

from publisher import clock
from publisher.storage.engine.database import Tx
from publisher.storage.engine.tables import maintenance as table
from publisher.storage.engine.values import dump, load, moment


@dataclass(frozen=True, slots=True)
class Done:
    """A job as it was last done; ``ended_at`` is None while it is being done, or where its process was killed."""

    job: str
    begun_at: datetime
    ended_at: datetime | None
    node: str
    did: Mapping[str, Any]


def begin(tx: Tx, job: str, node: str, every: float) -> float:
    """Note that a job begins, unless any node began it within ``every`` seconds; returns the seconds left until then.

    0 where it begins now. So of many nodes one does it.
    """
    statement = tx.dialect.insert(table).values(job=job, begun_at=tx.now, ended_at=None, node=node, did="{}")
    # A time that has not come is one from before the clock was put back.
    due = or_(table.c.begun_at <= tx.now - round(every * 1e6), table.c.begun_at > tx.now)
    statement = statement.on_conflict_do_update(
        index_elements=[table.c.job], set_={"begun_at": tx.now, "ended_at": None, "node": node}, where=due
    )
    if tx.conn.execute(statement.returning(table.c.job)).first() is not None:
        return 0.0
    begun: int = tx.conn.execute(select(table.c.begun_at).where(table.c.job == job)).scalar_one()
    return max(0.0, every - (tx.now - begun) / 1e6)


def end(tx: Tx, job: str, node: str, did: Mapping[str, Any]) -> None:
    """Note what a job did, now that it is done."""
    own = (table.c.job == job) & (table.c.node == node)
    tx.conn.execute(update(table).where(own).values(ended_at=tx.now, did=dump(dict(did))))


def last(tx: Tx) -> list[Done]:
    """Every job that was ever begun, by name."""
    return [
        Done(row.job, clock.from_micros(row.begun_at), moment(row.ended_at), row.node, load(row.did))
        for row in tx.conn.execute(select(table).order_by(table.c.job))
    ]
