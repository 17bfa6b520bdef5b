"""How webhooks are doing: failed attempts since the last that was taken, worked out from deliveries and attempts."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ScalarSelect, func, select

from publisher.model import DeliveryState
from publisher.storage.database import Tx
from publisher.storage.tables import attempts, deliveries, subscriptions
from publisher.storage.values import moment


@dataclass(frozen=True, slots=True)
class WebhookHealth:
    """``failures`` in a row; why and when the last one failed, null where none did since the last success."""

    failures: int = 0
    last_error: str | None = None
    last_failure_at: datetime | None = None


WELL = WebhookHealth()


def health(tx: Tx, ids: Collection[str]) -> dict[str, WebhookHealth]:
    """Those of these webhooks that fail, by id. One statement, however many there are.

    What counts is tried later than the newest event that was taken: a retry of an older one that still fails is the
    schedule at work.
    """
    failing = select(
        subscriptions.c.id,
        _newest().label("newest"),
        _count().label("failures"),
    ).where(tx.dialect.among(subscriptions.c.id, sorted(ids)))
    found = failing.subquery()
    statement = (
        select(found.c.id, found.c.failures, deliveries.c.last_status, deliveries.c.last_error, attempts.c.at)
        .join(deliveries, deliveries.c.id == found.c.newest)
        .outerjoin(attempts, (attempts.c.delivery_id == deliveries.c.id) & (attempts.c.number == deliveries.c.attempts))
        .where(found.c.failures > 0)
    )
    return {
        row.id: WebhookHealth(int(row.failures), row.last_error or f"answered {row.last_status}", moment(row.at))
        for row in tx.conn.execute(statement)
    }


def _newest() -> ScalarSelect[int]:
    """The newest delivery that was tried and not taken."""
    table = deliveries.alias()
    return (
        select(table.c.id)
        .where(table.c.subscription == subscriptions.c.n, table.c.attempts > 0, table.c.state != _TAKEN)
        .order_by(table.c.id.desc())
        .limit(1)
        .correlate(subscriptions)
        .scalar_subquery()
    )


def _count() -> ScalarSelect[int]:
    """Attempts of deliveries newer than the last that was taken."""
    table, taken = deliveries.alias(), deliveries.alias()
    last = (
        select(taken.c.id)
        .where(taken.c.subscription == subscriptions.c.n, taken.c.state == _TAKEN)
        .order_by(taken.c.id.desc())
        .limit(1)
        .correlate(subscriptions)
        .scalar_subquery()
    )
    return (
        select(func.coalesce(func.sum(table.c.attempts), 0))
        .where(table.c.subscription == subscriptions.c.n, table.c.id > func.coalesce(last, 0))
        .correlate(subscriptions)
        .scalar_subquery()
    )


_TAKEN = DeliveryState.DELIVERED.value
