"""The definitions that were last taken: what a start goes on with whose files are gone.

The texts are ``catalog``'s to read. Whoever takes others does so where the log is held (:func:`keep`), so that of two
processes each judges by what the other has taken.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select

from publisher import clock
from publisher.storage.engine.database import Tx
from publisher.storage.engine.tables import definitions
from publisher.storage.engine.values import dump, load
from publisher.storage.log import events as log


@dataclass(frozen=True, slots=True)
class Known:
    """``number`` rises with each that is taken; ``standing`` and ``site`` are JSON-ready values."""

    number: int
    digest: str
    standing: Any
    site: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Kept:
    """``number`` rises with each that is taken; ``files`` is text, as ``catalog`` wrote it."""

    number: int
    digest: str
    taken_at: datetime
    files: str


def kept(tx: Tx) -> Kept | None:
    """What was taken last; None where nothing was yet."""
    row = tx.conn.execute(select(definitions).order_by(definitions.c.number.desc()).limit(1)).first()
    return None if row is None else Kept(row.number, row.digest, clock.from_micros(row.taken_at), row.files)


def standing(tx: Tx) -> Known | None:
    """What was taken last, without its files; None where nothing was yet."""
    columns = (definitions.c.number, definitions.c.digest, definitions.c.standing, definitions.c.site)
    row = tx.conn.execute(select(*columns).order_by(definitions.c.number.desc()).limit(1)).first()
    return None if row is None else Known(row.number, row.digest, load(row.standing), load(row.site))


def number(tx: Tx) -> int:
    """The number of what was taken last, 0 where nothing was yet."""
    found = tx.conn.execute(select(definitions.c.number).order_by(definitions.c.number.desc()).limit(1)).scalar()
    return int(found or 0)


def keep(tx: Tx, *, digest: str, standing: Any, site: Mapping[str, Any], files: str) -> int:
    """Keep these in the place of those that were taken before; returns their number."""
    log.lock(tx)
    before = number(tx)
    values = {
        "number": before + 1,
        "digest": digest,
        "taken_at": tx.now,
        "standing": dump(standing),
        "site": dump(site),
        "files": files,
    }
    tx.conn.execute(tx.dialect.insert(definitions), [values])
    tx.conn.execute(delete(definitions).where(definitions.c.number <= before))
    return before + 1
