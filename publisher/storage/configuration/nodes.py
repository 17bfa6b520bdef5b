"""The processes that run on this database. Each records its state every few seconds, by the database's clock."""

from __future__ import annotations

from sqlalchemy import delete, func, select

from publisher import clock
from publisher.model.node import Node, SeenNode
from publisher.storage.engine.database import Tx
from publisher.storage.engine.tables import nodes

LOST_SECONDS = 30
"""How long after its last heartbeat a process counts as lost."""

KEPT_SECONDS = 86_400
"""How long a lost one is shown."""


def beat(tx: Tx, node: Node) -> None:
    """Record the state of this process, and delete those that have been lost for a day."""
    values = {
        "name": node.name,
        "roles": ",".join(node.roles),
        "pid": node.pid,
        "version": node.version,
        "definitions": node.definitions,
        "problem": node.problem,
        "clock_offset": round(node.clock_offset * 1e6),
        "seen_at": tx.now,
    }
    statement = tx.dialect.insert(nodes).values(id=node.id, started_at=tx.now, **values)
    tx.conn.execute(statement.on_conflict_do_update(index_elements=[nodes.c.id], set_=values))
    tx.conn.execute(delete(nodes).where(nodes.c.seen_at < tx.now - KEPT_SECONDS * 1_000_000))


def leave(tx: Tx, id: str) -> None:
    """Delete a process, which stops."""
    tx.conn.execute(delete(nodes).where(nodes.c.id == id))


def seen(tx: Tx) -> list[SeenNode]:
    """Every process that runs or was lost, by name; without what it holds."""
    found = tx.conn.execute(select(nodes).order_by(nodes.c.name, nodes.c.started_at, nodes.c.id))
    return [
        SeenNode(
            Node(
                id=row.id,
                name=row.name,
                roles=tuple(row.roles.split(",")),
                pid=row.pid,
                version=row.version,
                definitions=row.definitions,
                problem=row.problem,
                clock_offset=row.clock_offset / 1e6,
            ),
            started_at=clock.from_micros(row.started_at),
            seen_at=clock.from_micros(row.seen_at),
            lost=row.seen_at < tx.now - LOST_SECONDS * 1_000_000,
        )
        for row in found
    ]


def running(tx: Tx) -> int:
    """How many processes run."""
    alive = nodes.c.seen_at >= tx.now - LOST_SECONDS * 1_000_000
    return int(tx.conn.execute(select(func.count()).select_from(nodes).where(alive)).scalar_one())
