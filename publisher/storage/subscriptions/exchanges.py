"""What was sent in an attempt and what came back, as far as it is kept: for every attempt that failed, and for the last
of each subscription that succeeded.

No body is kept: what is sent is a function of the event, so that it can be written again, and a digest tells whether
that is what was sent. So an event that is erased takes it along. What a receiver answered may say what it got, and is
erased with the event wherever it is stored (``items/erasure.py``); what is stored later for an erased event is stored
without it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from sqlalchemy import select, update

from publisher import clock
from publisher.model import Attempt
from publisher.storage.engine.database import Tx
from publisher.storage.engine.tables import attempts, deliveries, events, subscriptions
from publisher.storage.engine.tables import successes as table
from publisher.storage.engine.values import AnyRow


class Success(NamedTuple):
    """An attempt that succeeded. ``at`` is in microseconds."""

    subscription: int
    seq: int
    run: int
    number: int
    at: int
    duration_ms: int
    status: int
    response: str | None
    request: str | None
    digest: str | None
    answer: str | None
    address: str | None


def keep(tx: Tx, last: Sequence[Success]) -> None:
    """Keep these as the last of their subscriptions, each unless a later one is kept."""
    if not last:
        return
    gone = tx.dialect.among(events.c.seq, {one.seq for one in last}) & events.c.erased
    erased = set(tx.conn.execute(select(events.c.seq).where(gone)).scalars())
    rows = [_without_text(one) if one.seq in erased else one for one in last]
    statement = tx.dialect.insert(table)
    values = {column.name: statement.excluded[column.name] for column in table.columns if not column.primary_key}
    later = table.c.at <= statement.excluded.at
    statement = statement.on_conflict_do_update(index_elements=[table.c.subscription], set_=values, where=later)
    tx.conn.execute(statement, [one._asdict() for one in sorted(rows)])


def last(tx: Tx, subscription: str) -> AnyRow | None:
    """The last attempt of a subscription (its id) that succeeded, as it is kept; None where none is."""
    own = select(table).join(subscriptions, subscriptions.c.n == table.c.subscription)
    return tx.conn.execute(own.where(subscriptions.c.id == subscription)).first()


def of_success(row: AnyRow) -> Attempt:
    """It, with what was sent and answered."""
    return Attempt(
        number=row.number,
        at=clock.from_micros(row.at),
        duration_ms=row.duration_ms,
        status=row.status,
        response=row.response,
        request=row.request,
        digest=row.digest,
        answer=row.answer,
        address=row.address,
    )


def erase(tx: Tx, seqs: Collection[int]) -> None:
    """Erase what receivers answered to these events, and the digests of what they were sent."""
    echoed = select(deliveries.c.id).where(tx.dialect.among(deliveries.c.seq, seqs))
    gone: dict[str, Any] = {"response": None, "answer": None, "digest": None}
    tx.conn.execute(update(attempts).where(attempts.c.delivery_id.in_(echoed)).values(gone))
    tx.conn.execute(update(table).where(tx.dialect.among(table.c.seq, seqs)).values(gone))


def _without_text(one: Success) -> Success:
    return one._replace(response=None, answer=None, digest=None)
