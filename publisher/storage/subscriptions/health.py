"""The health of subscriptions' endpoints: how many attempts failed in a row, and the last error."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, case, func, select, update

from publisher import clock
from publisher.model import SubscriptionState
from publisher.storage.engine.database import Tx
from publisher.storage.engine.tables import subscriptions as table

if TYPE_CHECKING:
    from publisher.storage.subscriptions.deliveries import Outcome

FAILING = 3
"""How many first attempts of deliveries fail in a row before an endpoint is reported as failing."""

GONE = 410
"""The status by which an endpoint says that it is to be told of nothing any more (RFC 9110 section 15.5.11)."""

UNTRIED: Mapping[str, Any] = {"failures": 0, "first_failures": 0, "failing_since": None}
"""The columns for an endpoint that was not tried yet."""

_SINCE_SUCCESS = case((bindparam("ended", type_=table.c.failures.type) == 1, 0), else_=table.c.first_failures)
_CROSSES = (_SINCE_SUCCESS < FAILING) & (_SINCE_SUCCESS + bindparam("first", type_=table.c.failures.type) >= FAILING)
_NOTE = (
    update(table)
    .where(table.c.n == bindparam("one"))
    .values(
        failures=case((bindparam("ended") == 1, 0), else_=table.c.failures) + bindparam("failed"),
        first_failures=_SINCE_SUCCESS + bindparam("first"),
        failing_since=case(
            (bindparam("failed") == 0, None),
            ((bindparam("ended") == 1) | table.c.failing_since.is_(None), bindparam("since")),
            else_=table.c.failing_since,
        ),
        last_error=func.coalesce(bindparam("error"), table.c.last_error),
        last_error_at=func.coalesce(bindparam("at"), table.c.last_error_at),
        owed=case(
            (bindparam("gone", type_=table.c.failures.type) == 1, "gone"),
            (_CROSSES, func.coalesce(table.c.owed, "failing")),
            else_=table.c.owed,
        ),
    )
)


def lock(tx: Tx, outcomes: Iterable[Outcome]) -> None:
    """Lock the subscriptions that :func:`note` will change until this transaction ends."""
    troubled = sorted({one.subscription for one in outcomes if _says_something(one)})
    if troubled:
        tx.conn.execute(
            select(table.c.n).where(tx.dialect.among(table.c.n, troubled)).order_by(table.c.n).with_for_update()
        )


def note(tx: Tx, outcomes: Sequence[Outcome]) -> None:
    """Count failed attempts, and reset the count after a success; outcomes in the order in which they came."""
    troubled = {one.subscription for one in outcomes if _says_something(one)}
    if not troubled:
        return
    tried: dict[int, list[Outcome]] = {n: [] for n in sorted(troubled)}
    for one in outcomes:
        if one.number and one.subscription in tried and not one.echo:
            tried[one.subscription].append(one)
    tx.conn.execute(_NOTE, [_noted(n, own) for n, own in tried.items()])


def in_vain(tx: Tx, failures: int, seconds: float, limit: int) -> list[tuple[str, str]]:
    """Up to ``limit`` active subscriptions at whose endpoint everything has failed for so long, and at least so often:
    their ids and last errors.
    """
    failing = (table.c.failures >= failures) & (table.c.failing_since <= tx.now - round(seconds * 1e6))
    active = table.c.state == SubscriptionState.ACTIVE.value
    statement = select(table.c.id, table.c.last_error).where(active, failing).order_by(table.c.n).limit(limit)
    return [(row.id, row.last_error or "") for row in tx.conn.execute(statement)]


def _says_something(one: Outcome) -> bool:
    return bool(one.number and one.subscription and not one.echo and (one.state != "delivered" or one.failing))


def _noted(n: int, own: Sequence[Outcome]) -> dict[str, Any]:
    successes = [place for place, one in enumerate(own) if one.state == "delivered"]
    failed = own[successes[-1] + 1 :] if successes else own
    last = failed[-1] if failed else next((one for one in reversed(own) if one.state != "delivered"), None)
    return {
        "one": n,
        "ended": int(bool(successes)),
        "failed": len(failed),
        "first": sum(one.number == 1 and not one.probe for one in failed),
        "gone": int(bool(failed) and failed[-1].status == GONE),
        "since": clock.to_micros(failed[0].at) if failed else None,
        "error": (last.error or f"answered {last.status}") if last else None,
        "at": clock.to_micros(last.at) if last else None,
    }
