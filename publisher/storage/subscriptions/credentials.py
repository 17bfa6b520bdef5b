"""What webhooks are sent with, as stored: sealed as one, and beside it what may be shown."""

from __future__ import annotations

from sqlalchemy import update

from publisher.model import Subscription
from publisher.model.credentials import ShownCredentials
from publisher.storage.engine.database import Tx
from publisher.storage.engine.tables import subscriptions as table
from publisher.storage.subscriptions import rosters, seats, stretches, subscriptions, wakes

USUAL = ShownCredentials()


def written(shown: ShownCredentials) -> str | None:
    """As the column has it; None for what is usual."""
    return None if shown == USUAL else shown.model_dump_json(exclude_defaults=True)


def replace(tx: Tx, id: str, sealed: bytes, shown: ShownCredentials) -> Subscription:
    """Send with these from now on, what waits included. Raises NotFound."""
    _, done = stretches.hold(tx)
    subscriptions.existing(tx, id)
    n = subscriptions.number(tx, id)
    seats.leave(tx, [n])  # what is in parcels was read with those of before
    values = {"secret": sealed, "credentials": written(shown), "updated_at": tx.now}
    tx.conn.execute(update(table).where(table.c.n == n).values(values))
    wakes.wake(tx, [n])
    stretches.forget_passed(tx, n, done)
    rosters.fill(tx, [n])
    return subscriptions.existing(tx, id)
