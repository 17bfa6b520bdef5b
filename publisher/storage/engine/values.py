"""How values stand in columns: JSON as text, times as microseconds."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Row

from publisher import clock

AnyRow = Row[*tuple[Any, ...]]
"""A row of whatever columns."""


def dump(value: Any) -> str:
    """A value as JSON text."""
    return orjson.dumps(value).decode()


def load(text: str) -> Any:
    """The inverse of :func:`dump`."""
    return orjson.loads(text)


def micros(moment: datetime | None) -> int | None:
    """A time, or none, as its column holds it."""
    return None if moment is None else clock.to_micros(moment)


def moment(micros: int | None) -> datetime | None:
    """The inverse of :func:`micros`."""
    return None if micros is None else clock.from_micros(micros)
