"""Observations that wait for a second one that agrees. They are written by ``storage/items/record.py``."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from sqlalchemy import delete, func, select, tuple_

from publisher import clock
from publisher.model.change import IndicatorChange, Outcome
from publisher.model.indicator import indicator_json
from publisher.model.known import HeldObservation
from publisher.storage.engine.database import Tx
from publisher.storage.engine.tables import held_observations as table
from publisher.storage.engine.values import AnyRow, dump, load


def among(tx: Tx, symbols: Collection[str]) -> dict[str, list[HeldObservation]]:
    """The held observations of these symbols, by symbol; symbols without any are left out."""
    statement = select(table).where(tx.dialect.among(table.c.symbol, sorted(symbols)))
    found: dict[str, list[HeldObservation]] = {}
    for row in tx.conn.execute(statement.order_by(table.c.symbol, table.c.source)):
        found.setdefault(row.symbol, []).append(_held(row))
    return found


def count(tx: Tx) -> int:
    """How many observations are held."""
    return int(tx.conn.execute(select(func.count()).select_from(table)).scalar_one())


def keep(tx: Tx, changes: Iterable[IndicatorChange]) -> None:
    """Replace what these decisions settled with what they hold, in their order."""
    over: set[tuple[str, str]] = set()
    held: dict[tuple[str, str], dict[str, Any]] = {}
    for change in changes:
        symbol = change.indicator.symbol
        settled = {(symbol, source) for source in change.settled}
        over |= settled
        held = {key: row for key, row in held.items() if key not in settled}
        if change.outcome is Outcome.HELD:
            held[symbol, change.source] = _row(tx, change)
    if over:
        tx.conn.execute(delete(table).where(tuple_(table.c.symbol, table.c.source).in_(sorted(over))))
    if held:
        tx.conn.execute(table.insert(), list(held.values()))


def _row(tx: Tx, change: IndicatorChange) -> dict[str, Any]:
    data = dump(indicator_json(change.indicator))
    return {"symbol": change.indicator.symbol, "source": change.source, "held_at": tx.now, "data": data}


def _held(row: AnyRow) -> HeldObservation:
    return HeldObservation(row.symbol, row.source, clock.from_micros(row.held_at), load(row.data))
