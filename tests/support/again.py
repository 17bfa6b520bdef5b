"""Deliveries that are settled in some way, and replays driven step by step."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import select

from publisher.delivery.followers import replaying
from publisher.delivery.followers.replaying import Replaying
from publisher.model import Subscription
from publisher.model.replay import Replay, Which
from publisher.storage.engine import tables
from publisher.storage.engine.database import Database, Tx
from publisher.storage.subscriptions import lanes, replays
from publisher.storage.subscriptions.deliveries import Outcome
from support.deliveries import claim, settle

LANES = range(lanes.COUNT)


async def settled(db: Database, state: str, seqs: Collection[int] | None = None) -> int:
    """Take what is due and settle what of it is of these events (all by default) in this state, with one attempt;
    the rest is put back. Returns how many.
    """
    taken = (await claim(db)).deliveries
    own = [one for one in taken if seqs is None or one.seq in seqs]
    wait = 60.0 if state == "retrying" else None
    status = 200 if state == "delivered" else 500
    done: Any = [
        Outcome(one.id, one.lease, state, wait, one.number, status=status, subscription=one.subscription)  # type: ignore[arg-type]
        for one in own
    ]
    back = [
        Outcome(one.id, one.lease, "pending" if one.number == 1 else "retrying", 0.0) for one in taken if one not in own
    ]
    await db.write(settle, [*done, *back])
    return len(own)


async def replay(db: Database, webhook: Subscription, only: str = "all", since: int = 1, **fields: Any) -> Replay:
    """A replay of what comes from ``since`` on."""
    given = {"until": None, "feeds": (), "types": (), "rate": 1000, "by": "desk", **fields}
    return await db.write(lambda tx: replaying.start(tx, webhook.id, only=Which(only), since=since, **given))


def driver(db: Database, page: int = 100) -> Replaying:
    """Goes on with replays and holds of all lanes."""
    return Replaying(db, lanes=lambda: LANES, page=page)


async def as_it_is(db: Database, one: Replay) -> Replay:
    """The replay as it is now."""
    return await db.read(replays.existing, one.subscription, one.id)


async def runs(db: Database, run: int | None = None) -> list[tuple[int, int, str]]:
    """(event, run, state) of every row of a later run, or of this one, in order."""
    table = tables.deliveries

    def read(tx: Tx) -> list[tuple[int, int, str]]:
        own = select(table.c.seq, table.c.run, table.c.state).where(
            table.c.run > 0 if run is None else table.c.run == run
        )
        return [tuple(row) for row in tx.conn.execute(own.order_by(table.c.run, table.c.seq))]

    return await db.read(read)
