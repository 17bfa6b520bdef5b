"""Sealing everything anew by the present key, so that the ones before can be thrown away."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import select, update

from publisher.storage.access.sealing import Sealer, key_id_of
from publisher.storage.configuration import installation
from publisher.storage.engine.database import Database, Tx
from publisher.storage.engine.tables import idempotency, subscriptions
from publisher.storage.log import events

_START: int | None = 0

BATCH = 500
"""Webhooks whose secrets are sealed anew in one transaction."""


async def reseal(db: Database, sealer: Sealer, step: Callable[[str], None] = lambda _step: None) -> int:
    """Seal all that is stored with the key that seals now; returns how much was sealed with another.

    Others may go on meanwhile. After it nothing is sealed with another key, and nothing will be: whoever seals holds
    the log, as the last transaction here does. ``step`` is called between the transactions, with what was done. Raises
    SecretError where something does not open; what was sealed anew before stays so.
    """
    count, after = 0, 0
    while True:
        some, last = await db.write(_some_secrets, sealer, after)
        count += some
        if last is None:
            break
        after = last
        step("batch")
    step("secrets")
    return count + await db.write(_rest, sealer)


def _some_secrets(tx: Tx, sealer: Sealer, after: int) -> tuple[int, int | None]:
    """Those of up to :data:`BATCH` webhooks after a number: how many were sealed anew, and the last number, if any."""
    columns = (subscriptions.c.n, subscriptions.c.secret)
    rows = select(*columns).where(subscriptions.c.n > after).order_by(subscriptions.c.n).limit(BATCH).with_for_update()
    found = tx.conn.execute(rows).all()
    count = 0
    for row in found:
        if key_id_of(bytes(row.secret)) != sealer.sealing:
            anew = sealer.seal(sealer.unseal(bytes(row.secret)))
            tx.conn.execute(update(subscriptions).where(subscriptions.c.n == row.n).values(secret=anew))
            count += 1
    return count, found[-1].n if found else None


def _rest(tx: Tx, sealer: Sealer) -> int:
    """What was sealed meanwhile, the answers to repeated requests, and the proof; nobody seals until the commit."""
    events.lock(tx)
    count, found = 0, _START
    while found is not None:
        some, found = _some_secrets(tx, sealer, found)
        count += some
    count += _answers(tx, sealer)
    installation.prove(tx, sealer.proof())
    return count


def _answers(tx: Tx, sealer: Sealer) -> int:
    count = 0
    rows = tx.conn.execute(select(idempotency).where(idempotency.c.sealed.is_(True), idempotency.c.body.is_not(None)))
    for row in rows.all():
        if key_id_of(bytes(row.body)) == sealer.sealing:
            continue
        place: Any = (idempotency.c.owner == row.owner) & (idempotency.c.method == row.method)
        place &= (idempotency.c.path == row.path) & (idempotency.c.key == row.key)
        anew = sealer.seal(sealer.unseal(bytes(row.body)))
        tx.conn.execute(update(idempotency).where(place).values(body=anew))
        count += 1
    return count
