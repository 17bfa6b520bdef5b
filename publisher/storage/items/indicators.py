"""Reading indicator observations: one per symbol and period. They are written by ``storage/items/record.py``."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select, tuple_

from publisher import clock
from publisher.model.known import KnownIndicator
from publisher.storage.engine.database import Tx
from publisher.storage.engine.tables import indicators
from publisher.storage.engine.values import AnyRow, load


@dataclass(frozen=True, slots=True)
class StoredIndicator:
    """The last observation of a period. ``data`` is its JSON form; ``changed_at`` is when it was recorded."""

    symbol: str
    period: str
    source: str
    revision: int
    data: dict[str, Any]
    first_seen_at: datetime
    changed_at: datetime


def known(tx: Tx, symbols: Collection[str]) -> dict[str, KnownIndicator]:
    """The newest observation of each of these symbols; symbols that were never observed are left out."""
    rows = tx.conn.execute(_newest().where(tx.dialect.among(indicators.c.symbol, symbols)))
    return {row.symbol: _known(row) for row in rows}


def latest(tx: Tx) -> list[StoredIndicator]:
    """The newest observation of every symbol, by symbol."""
    return [_stored(row) for row in tx.conn.execute(_newest().order_by(indicators.c.symbol))]


def page(tx: Tx, *, limit: int, after: str = "") -> list[StoredIndicator]:
    """Up to ``limit`` of :func:`latest`, for symbols that sort after ``after``."""
    statement = _newest(indicators.c.symbol > after).order_by(indicators.c.symbol).limit(limit)
    return [_stored(row) for row in tx.conn.execute(statement)]


def get(tx: Tx, symbol: str) -> StoredIndicator | None:
    """The newest observation of one symbol; None if it was never observed."""
    statement = select(indicators).where(indicators.c.symbol == symbol).order_by(indicators.c.period.desc()).limit(1)
    row = tx.conn.execute(statement).first()
    return None if row is None else _stored(row)


def periods(tx: Tx, *, limit: int, symbols: Collection[str] | None = None) -> list[StoredIndicator]:
    """Up to ``limit`` periods, newest first and by symbol within one; of these symbols, else of all."""
    statement = select(indicators).order_by(indicators.c.period.desc(), indicators.c.symbol).limit(limit)
    if symbols is not None:
        statement = statement.where(tx.dialect.among(indicators.c.symbol, sorted(symbols)))
    return [_stored(row) for row in tx.conn.execute(statement)]


def _newest(*of: ColumnElement[bool]) -> Select[Any]:
    newest = select(indicators.c.symbol, func.max(indicators.c.period)).where(*of).group_by(indicators.c.symbol)
    return select(indicators).where(tuple_(indicators.c.symbol, indicators.c.period).in_(newest))


def _stored(row: AnyRow) -> StoredIndicator:
    return StoredIndicator(
        symbol=row.symbol,
        period=row.period,
        source=row.source,
        revision=row.revision,
        data=load(row.data),
        first_seen_at=clock.from_micros(row.first_seen_at),
        changed_at=clock.from_micros(row.changed_at),
    )


def _known(row: AnyRow) -> KnownIndicator:
    return KnownIndicator(
        symbol=row.symbol,
        period=row.period,
        source=row.source,
        fingerprint=row.fingerprint,
        revision=row.revision,
        data=load(row.data),
        first_seen_at=clock.from_micros(row.first_seen_at),
        changed_at=clock.from_micros(row.changed_at),
        last_seen_at=clock.from_micros(row.last_seen_at),
    )
