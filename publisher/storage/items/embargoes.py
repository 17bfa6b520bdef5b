"""Articles whose published time has not come. They are written by ``storage/items/record.py``, with everything else."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, select

from publisher import clock
from publisher.model.article import article_json
from publisher.model.change import ArticleChange
from publisher.model.provenance import NOTHING_KNOWN, Provenance, provenance_json, provenance_of
from publisher.storage.engine.database import Tx
from publisher.storage.engine.tables import embargoes
from publisher.storage.engine.values import AnyRow, dump, load, micros


@dataclass(frozen=True, slots=True)
class Embargo:
    """An article that waits. ``data`` is its JSON form, ``edition`` how often it was changed while it waits."""

    id: str
    source: str
    identity: str
    edition: int
    until: datetime
    data: dict[str, Any]
    provenance: Provenance


def get(tx: Tx, id: str) -> Embargo | None:
    """The embargoed article of this id; None if there is none."""
    return among(tx, [id]).get(id)


def among(tx: Tx, ids: Collection[str]) -> dict[str, Embargo]:
    """The embargoed articles of these ids."""
    rows = tx.conn.execute(select(embargoes).where(tx.dialect.among(embargoes.c.id, sorted(ids))))
    return {row.id: _embargo(row) for row in rows}


def page(tx: Tx, *, limit: int) -> list[Embargo]:
    """All embargoed articles, those whose time comes first in front."""
    statement = select(embargoes).order_by(embargoes.c.until, embargoes.c.id).limit(limit)
    return [_embargo(row) for row in tx.conn.execute(statement)]


def due(tx: Tx, limit: int) -> list[Embargo]:
    """Up to ``limit`` articles whose time has come, the longest due first."""
    return [one for one in page(tx, limit=limit) if clock.to_micros(one.until) <= tx.now]


def next_due(tx: Tx) -> float | None:
    """Seconds until the next embargo ends (0 if it has); None if no article waits."""
    until = tx.conn.execute(select(func.min(embargoes.c.until))).scalar()
    return None if until is None else max(0.0, (until - tx.now) / 1e6)


def keep(tx: Tx, changes: Iterable[ArticleChange]) -> None:
    """Store the embargoed articles of these changes, and delete those that no longer wait."""
    found = {change.article.id: change for change in changes}
    waiting = {id: change for id, change in found.items() if change.waiting is not None}
    drop(tx, found.keys() - waiting.keys())
    if not waiting:
        return
    held = among(tx, waiting)
    rows = [_row(change, held.get(id)) for id, change in sorted(waiting.items())]
    drop(tx, waiting)
    tx.conn.execute(embargoes.insert(), rows)


def drop(tx: Tx, ids: Collection[str]) -> None:
    """Delete the embargoed articles of these ids."""
    if ids:
        tx.conn.execute(delete(embargoes).where(tx.dialect.among(embargoes.c.id, sorted(ids))))


def _row(change: ArticleChange, held: Embargo | None) -> dict[str, Any]:
    assert change.waiting is not None
    data = article_json(change.waiting)
    edition = 1 if held is None else held.edition + (held.data != data)
    return {
        "id": change.waiting.id,
        "source": change.source,
        "identity": change.identity,
        "edition": edition,
        "until": micros(change.waiting.published),
        "data": dump(data),
        "provenance": dump(provenance_json(change.later or NOTHING_KNOWN)),
    }


def _embargo(row: AnyRow) -> Embargo:
    until = clock.from_micros(row.until)
    provenance = provenance_of(load(row.provenance))
    return Embargo(row.id, row.source, row.identity, row.edition, until, load(row.data), provenance)
