"""The stretches of the log that a subscription follows, and the lock under which they are changed."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import delete as delete_from
from sqlalchemy import insert, or_, select
from sqlalchemy import update as update_table

from publisher.storage.engine.database import Tx
from publisher.storage.engine.tables import cursors, follows


def hold(tx: Tx) -> tuple[int, int]:
    """Lock the log's and the fan-out's place, in this order; returns their sequence numbers.

    Every change of who follows what does this first, see ``subscriptions.py``.
    """
    places = [
        int(tx.conn.execute(select(cursors.c.seq).where(cursors.c.name == name).with_for_update()).scalar_one())
        for name in ("log", "fanout")
    ]
    return places[0], places[1]


def place(tx: Tx) -> tuple[int, int]:
    """How far the fan-out has come, as it stands: the last event that is done, and up to which subscription (its ``n``)
    the next one is, 0 where that has not begun.
    """
    row = tx.conn.execute(select(cursors.c.seq, cursors.c.subscription).where(cursors.c.name == "fanout")).one()
    return row.seq, row.subscription


def follow(tx: Tx, n: int, filter_id: int, from_seq: int) -> None:
    """Open a stretch of the log that it follows."""
    tx.conn.execute(insert(follows).values(subscription=n, from_seq=from_seq, filter_id=filter_id))


def unfollow(tx: Tx, n: int, last: int) -> None:
    """Close the open stretch at ``last``; delete it if it has not begun yet."""
    is_open = (follows.c.subscription == n) & follows.c.until_seq.is_(None)
    tx.conn.execute(delete_from(follows).where(is_open, follows.c.from_seq > last))
    tx.conn.execute(update_table(follows).where(is_open).values(until_seq=last))


def divide(tx: Tx, own: Collection[int], last: int) -> None:
    """Let the stretch of each of these (their ``n``) that goes on beyond event ``last`` be two, the first up to it."""
    beyond = (follows.c.until_seq.is_(None)) | (follows.c.until_seq > last)
    over = tx.dialect.among(follows.c.subscription, own) & (follows.c.from_seq <= last) & beyond
    rest = [{**row, "from_seq": last + 1} for row in tx.conn.execute(select(follows).where(over)).mappings()]
    if rest:
        tx.conn.execute(update_table(follows).where(over).values(until_seq=last))
        tx.conn.execute(insert(follows), rest)


def forget_passed(tx: Tx, n: int, done: int) -> None:
    """Delete the stretches that the fan-out has passed."""
    tx.conn.execute(
        delete_from(follows).where(
            follows.c.subscription == n, or_(follows.c.until_seq <= done, follows.c.until_seq < follows.c.from_seq)
        )
    )
