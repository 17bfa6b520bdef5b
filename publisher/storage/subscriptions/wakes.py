"""Telling whoever sends, in whichever process, that something it holds or waits for is different now."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select, update

from publisher.storage.engine.database import Tx
from publisher.storage.engine.tables import cursors, subscriptions


def changed(tx: Tx) -> None:
    """Have every sender look again at what it holds: something of it may be stopped, or goes elsewhere."""
    counted = update(cursors).where(cursors.c.name == "changes").values(seq=cursors.c.seq + 1)
    tx.changes = tx.conn.execute(counted.returning(cursors.c.seq)).scalar_one()


def wake(tx: Tx, own: Collection[int]) -> None:
    """Have whoever sends for these subscriptions (their ``n``) look at once for what is due."""
    tx.conn.execute(update(subscriptions).where(tx.dialect.among(subscriptions.c.n, own)).values(woken_at=tx.now))
    changed(tx)


def woken(tx: Tx, lanes: Collection[int]) -> list[int]:
    """The subscriptions of these lanes that were woken and not yet :func:`heard`; they stay locked until then."""
    own = subscriptions.c.woken_at.is_not(None) & tx.dialect.among(subscriptions.c.lane, lanes)
    found = select(subscriptions.c.n).where(own).order_by(subscriptions.c.n).with_for_update()
    return list(tx.conn.execute(found).scalars())


def heard(tx: Tx, own: Collection[int]) -> None:
    """Note that whoever sends for these knows."""
    tx.conn.execute(update(subscriptions).where(tx.dialect.among(subscriptions.c.n, own)).values(woken_at=None))
