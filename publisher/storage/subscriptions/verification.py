"""Webhooks that were registered without a key: sent nothing until their endpoint has echoed a challenge."""

from __future__ import annotations

from sqlalchemy import select, update

from publisher.model import Subscription, SubscriptionState
from publisher.model.subscription import Verification
from publisher.storage.engine.database import Tx
from publisher.storage.engine.tables import subscriptions as table
from publisher.storage.subscriptions import stretches, subscriptions

REASON = "its endpoint has not echoed a challenge yet"

KEPT_SECONDS = 86_400.0
"""How long one is kept whose endpoint never did."""


def begin(tx: Tx, id: str) -> Subscription:
    """Let one that was just made wait for that. Raises NotFound."""
    last, done = stretches.hold(tx)
    n = subscriptions.number(tx, id)
    subscriptions.set_state(tx, n, SubscriptionState.DISABLED, last, REASON)
    tx.conn.execute(update(table).where(table.c.n == n).values(verification=Verification.PENDING.value))
    stretches.forget_passed(tx, n, done)
    return subscriptions.existing(tx, id)


def passed(tx: Tx, id: str, url: str) -> Subscription:
    """Its endpoint at this URL has echoed: it is sent what comes next, unless it points elsewhere by now.

    Raises NotFound.
    """
    stretches.hold(tx)
    found = subscriptions.existing(tx, id)
    if found.verification is not Verification.PENDING or found.url != url:
        return found
    done = update(table).where(table.c.id == id).values(verification=Verification.DONE.value)
    tx.conn.execute(done)
    return subscriptions.update(tx, id, state=SubscriptionState.ACTIVE)


def expired(tx: Tx, limit: int) -> list[str]:
    """Up to ``limit`` webhooks (their ids) whose endpoint has not echoed within a day."""
    old = table.c.created_at < tx.now - round(KEPT_SECONDS * 1e6)
    waits = (table.c.verification == Verification.PENDING.value) & (table.c.state == SubscriptionState.DISABLED.value)
    return list(tx.conn.execute(select(table.c.id).where(waits, old).limit(limit)).scalars())
