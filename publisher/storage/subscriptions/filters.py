"""The filters of subscriptions, interned: equal filters are one row, and judged once per event."""

from __future__ import annotations

from typing import Any

import orjson
from sqlalchemy import select, text

from publisher.model import EventType, Filter
from publisher.storage.engine.database import Tx
from publisher.storage.engine.tables import filters as table


def intern(tx: Tx, filter: Filter, *, public: bool) -> int:
    """The id of a filter, stored if it is new."""
    values = {"definition": definition(filter, public=public)}
    tx.conn.execute(
        text("INSERT INTO filters (definition) VALUES (:definition) ON CONFLICT (definition) DO NOTHING"), values
    )
    return int(tx.conn.execute(select(table.c.id).where(table.c.definition == values["definition"])).scalar_one())


def canonical(filter: Filter) -> Filter:
    """The canonical form of all equal filters: the order of names does not count, nor does a repeated name."""
    return Filter(feeds=tuple(sorted(set(filter.feeds))), events=tuple(sorted(set(filter.events))))


def definition(filter: Filter, *, public: bool = False) -> str:
    """The canonical filter as the JSON text it is stored as; ``public``: it takes nothing from feeds that are not."""
    one = canonical(filter)
    stored: dict[str, Any] = {"events": [event.value for event in one.events], "feeds": list(one.feeds)}
    return orjson.dumps({**stored, "public": True} if public else stored).decode()


def read(text: str) -> Filter:
    """The inverse of :func:`definition`."""
    stored = orjson.loads(text)
    return Filter(feeds=tuple(stored["feeds"]), events=tuple(EventType(event) for event in stored["events"]))


def is_public(text: str) -> bool:
    """Whether a stored filter takes nothing from feeds that are not public."""
    return bool(orjson.loads(text).get("public"))
