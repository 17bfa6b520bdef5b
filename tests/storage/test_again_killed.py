"""Sending again and holding back, killed at each statement in turn: each is done once, or not at all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select
from support.again import driver, replay, runs, settled
from support.parcels import rows
from support.rights import a_feed, define
from test_parcels_killed import EVENTS, FOLLOWERS, Killing, both, finish, followed, more, open_parcels, piece

from publisher.delivery.followers import resending
from publisher.model import Subscription
from publisher.storage.engine import tables
from publisher.storage.engine.database import Database, Tx
from publisher.storage.subscriptions import folding, holds, replays, subscriptions

__all__ = ["both"]


async def webhook(db: Database, n: int = 1) -> Subscription:
    """The ``n``-th subscription."""

    def read(tx: Tx) -> Subscription:
        own = select(tables.subscriptions.c.id).where(tables.subscriptions.c.n == n)
        return subscriptions.existing(tx, tx.conn.execute(own).scalar_one())

    return await db.read(read)


async def all_dead(db: Database) -> Subscription:
    """Followers of which each delivery is dead."""
    await define(db, a_feed("news"))
    await followed(db, apart=FOLLOWERS)
    while await more(db):
        await piece(db)
    assert await settled(db, "dead") == FOLLOWERS * EVENTS
    return await webhook(db)


async def test_a_retry(both: Killing) -> None:
    one = await all_dead(both.db)
    made = await both.everywhere(lambda: both.db.write(resending.retry, one.id, "2.0"))
    assert made.id == "2.1"
    assert await runs(both.other) == [(2, 1, "pending")]


async def test_a_retry_that_hurries(both: Killing) -> None:
    await define(both.db, a_feed("news"))
    await followed(both.db, apart=FOLLOWERS)
    while await more(both.db):
        await piece(both.db)
    await settled(both.db, "retrying")
    one = await webhook(both.db)
    assert (await both.everywhere(lambda: both.db.write(resending.retry, one.id, "2.0"))).id == "2.0"
    assert await runs(both.other) == []


async def test_a_replay_is_made_paused_and_cancelled(both: Killing) -> None:
    one = await all_dead(both.db)
    made = await both.everywhere(lambda: replay(both.db, one, "failed", rate=1))
    driven = driver(both.db)
    for _ in range(3):
        await driven.step(1.0)
    steps: list[Callable[[Tx, str, str], Any]] = [replays.pause, replays.resume, replays.cancel]
    for step in steps:
        await both.everywhere(lambda: both.db.write(step, one.id, made.id))  # noqa: B023
    assert {state for _, _, state in await runs(both.other)} == {"cancelled"}
    [(_, matched, states)] = await both.other.read(replays.accounts)
    assert (matched, states["cancelled"], sum(states.values())) == (EVENTS, EVENTS, EVENTS)


async def test_folding_what_was_sent_again(both: Killing) -> None:
    one = await all_dead(both.db)
    made = await replay(both.db, one, "failed")
    driven = driver(both.db)
    for _ in range(3):
        await driven.step(1.0)
        await settled(both.db, "delivered")
    before = await both.db.read(replays.existing, one.id, made.id)
    await both.everywhere(lambda: both.db.write(folding.fold_of, 1, 2, 100))
    assert await both.other.read(replays.existing, one.id, made.id) == before
    assert (before.delivered, len(await runs(both.other))) == (EVENTS, 1)


@pytest.mark.parametrize("end", ["release", "cancel"])
async def test_a_hold_begins_and_ends(both: Killing, end: str) -> None:
    await open_parcels(both.db)
    scope: dict[str, Any] = {"feed": "news", "source": None, "first": None, "last": None}
    made = await both.everywhere(lambda: both.db.write(holds.create, by="desk", reason=None, **scope))
    change = {"release": holds.release, "cancel": holds.cancel}[end]
    await both.everywhere(lambda: both.db.write(change, made.id, by="desk", reason="no"))
    assert len(await rows(both.other, tables.holds)) == 1
    driven = driver(both.other)
    while await both.other.read(holds.unsettled):
        await driven.step(1.0)
    await finish(both.other)
