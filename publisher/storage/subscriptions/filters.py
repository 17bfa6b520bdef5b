"""The filters of subscriptions, interned: equal filters are one row, and judged once per event."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import orjson
from sqlalchemy import distinct, func, select, text, update

from publisher.errors import LimitReached
from publisher.model import EventType, Filter, SubscriptionState
from publisher.storage.engine.database import Tx
from publisher.storage.engine.tables import filters as table
from publisher.storage.engine.tables import subscriptions

EXPRESSIONS_PER_OWNER, EXPRESSIONS = 20, 2_000
"""Different filters with an expression that one owner's webhooks may have, and all webhooks together."""


def intern(tx: Tx, filter: Filter, *, public: bool) -> int:
    """The id of a filter, stored if it is new."""
    values = {"definition": definition(filter, public=public), "expression": filter.expression is not None}
    tx.conn.execute(
        text(
            "INSERT INTO filters (definition, expression) VALUES (:definition, :expression)"
            " ON CONFLICT (definition) DO NOTHING"
        ),
        values,
    )
    return int(tx.conn.execute(select(table.c.id).where(table.c.definition == values["definition"])).scalar_one())


def canonical(filter: Filter) -> Filter:
    """The canonical form of all equal filters: the order of names does not count, nor does a repeated name."""
    return Filter(
        feeds=tuple(sorted(set(filter.feeds))),
        events=tuple(sorted(set(filter.events))),
        where=filter.where,
        expression=filter.expression,
    )


def definition(filter: Filter, *, public: bool = False) -> str:
    """The canonical filter as the JSON text it is stored as; ``public``: it takes nothing from feeds that are not.

    What a filter does not have is not in it, so that filters that were stored before there was such a thing stay equal.
    """
    one = canonical(filter)
    stored: dict[str, Any] = {"events": [event.value for event in one.events], "feeds": list(one.feeds)}
    if one.where:
        stored["where"] = {key: list(values) for key, values in one.where}
    if one.expression is not None:
        stored["expression"] = one.expression
    return orjson.dumps({**stored, "public": True} if public else stored).decode()


def read(text: str) -> Filter:
    """The inverse of :func:`definition`."""
    stored = orjson.loads(text)
    return Filter(
        feeds=tuple(stored["feeds"]),
        events=tuple(EventType(event) for event in stored["events"]),
        where=tuple((key, tuple(values)) for key, values in stored.get("where", {}).items()),
        expression=stored.get("expression"),
    )


def is_public(text: str) -> bool:
    """Whether a stored filter takes nothing from feeds that are not public."""
    return bool(orjson.loads(text).get("public"))


def check_expression(tx: Tx, filter: Filter, owner: str, *, limited: bool) -> None:
    """Raise LimitReached where a further filter with this expression would be one too many. Lock the log before.

    A filter that is followed already, by the owner or by anyone, is no further one there. ``limited``: the owner's own
    limit counts, too.
    """
    if filter.expression is None:
        return
    one = [definition(filter, public=public) for public in (False, True)]
    used = select(func.count(distinct(table.c.id))).join(subscriptions, subscriptions.c.filter_id == table.c.id)
    used = used.where(table.c.expression, subscriptions.c.state != SubscriptionState.DELETED.value)
    used = used.where(table.c.definition.not_in(one))
    if limited and tx.conn.execute(used.where(subscriptions.c.owner == owner)).scalar_one() >= EXPRESSIONS_PER_OWNER:
        said = f"the owner {owner!r} has {EXPRESSIONS_PER_OWNER} different filters with an expression, and may have no"
        raise LimitReached("expressions_per_owner", f"{said} more; delete a webhook, or give it another's filter")
    if tx.conn.execute(used).scalar_one() >= EXPRESSIONS:
        said = f"there are {EXPRESSIONS:,} different filters with an expression, and may be no more"
        raise LimitReached("expressions", f"{said}; narrow by `where` instead")


def count_faults(tx: Tx, faults: Iterable[Mapping[int, str]]) -> None:
    """Count, event by event, the filters (their ids) whose expressions could not be evaluated, and keep the last
    reason.
    """
    found: dict[int, list[str]] = {}
    for event in faults:
        for id_, reason in event.items():
            found.setdefault(id_, []).append(reason)
    for id_, reasons in sorted(found.items()):
        values = {"errors": table.c.errors + len(reasons), "last_error": reasons[-1], "last_error_at": tx.now}
        tx.conn.execute(update(table).where(table.c.id == id_).values(values))
