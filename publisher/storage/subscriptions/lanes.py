"""Lanes: each endpoint belongs to one, and each lane to one process at a time, which alone sends to its endpoints.

So what a process knows of an endpoint in memory (how much is under way, how fast it answers, whether it fails) is all
there is to know. A process holds its lanes as long as it is heard of by the database's clock.
"""

from __future__ import annotations

from zlib import crc32

from sqlalchemy import delete, select, update

from publisher.model.subscription import endpoint_host
from publisher.storage.engine.database import Tx
from publisher.storage.engine.tables import lanes, senders

COUNT = 8
"""How many there are. A row each is kept with the installation."""


def lane_of(url: str) -> int:
    """The lane of an endpoint: all endpoints of one host are in the same."""
    return crc32(endpoint_host(url).encode()) % COUNT


def hold(tx: Tx, process: str, seconds: float) -> tuple[frozenset[int], frozenset[int]]:
    """Be heard of for ``seconds`` more; returns the lanes held, and those of them that others should have.

    Lanes are spread evenly over the processes that are heard of. What is free is taken at once; what is too many must
    be given up by :func:`give_up`, once nothing of it is under way.
    """
    row = {"process": process, "until": tx.now + round(seconds * 1e6)}
    _lock(tx)
    statement = tx.dialect.insert(senders).values(row)
    tx.conn.execute(statement.on_conflict_do_update(index_elements=[senders.c.process], set_={"until": row["until"]}))
    tx.conn.execute(delete(senders).where(senders.c.until <= tx.now))
    alive = sorted(tx.conn.execute(select(senders.c.process)).scalars())
    owners = {n: owner if owner in alive else None for n, owner in tx.conn.execute(select(lanes.c.n, lanes.c.owner))}
    least, more = divmod(len(owners), len(alive))
    share = least + (alive.index(process) < more)
    own = sorted(n for n, owner in owners.items() if owner == process)
    free = sorted(n for n, owner in owners.items() if owner is None)
    taken = free[: max(0, share - len(own))]
    if taken:
        tx.conn.execute(update(lanes).where(lanes.c.n.in_(taken)).values(owner=process))
    held = [*own, *taken]
    return frozenset(held), frozenset(own[share:] if len(own) > share else ())


def take_over(tx: Tx, process: str) -> frozenset[int]:
    """Take every lane for good: no other process sends."""
    tx.conn.execute(delete(senders))
    tx.conn.execute(update(lanes).values(owner=process))
    tx.conn.execute(tx.dialect.insert(senders).values(process=process, until=2**62))
    return frozenset(tx.conn.execute(select(lanes.c.n)).scalars())


def ended(tx: Tx, process: str) -> dict[int, str]:
    """The lanes whose owner is not heard of any more and did not give them back, with that owner. They stay locked."""
    _lock(tx)
    alive = select(senders.c.process).where(senders.c.until > tx.now)
    statement = select(lanes.c.n, lanes.c.owner).where(lanes.c.owner.is_not(None), lanes.c.owner != process)
    return {row.n: row.owner for row in tx.conn.execute(statement.where(lanes.c.owner.not_in(alive)))}


def give_up(tx: Tx, process: str, some: frozenset[int]) -> None:
    """Let others have these lanes."""
    own = (lanes.c.owner == process) & lanes.c.n.in_(sorted(some))
    _lock(tx)
    tx.conn.execute(update(lanes).where(own).values(owner=None))


def leave(tx: Tx, process: str) -> None:
    """Let others have all lanes: this process stops."""
    _lock(tx)
    tx.conn.execute(update(lanes).where(lanes.c.owner == process).values(owner=None))
    tx.conn.execute(delete(senders).where(senders.c.process == process))


def owners(tx: Tx) -> dict[int, str]:
    """The process that holds each lane; without those that are free."""
    return {n: owner for n, owner in tx.conn.execute(select(lanes.c.n, lanes.c.owner)) if owner is not None}


def _lock(tx: Tx) -> None:
    tx.conn.execute(select(lanes.c.n).order_by(lanes.c.n).with_for_update())
