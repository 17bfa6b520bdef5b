"""The definitions of an installation as versions: what runs is the one with the highest number.

Only ``catalog`` reads the texts. A new version is written while the log is locked (:func:`keep`), so that of two
processes each judges by what the other has taken; and recording compares the number there (:func:`check`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, exists, select, update

from publisher import clock
from publisher.errors import DefinitionsMoved
from publisher.storage.engine.database import Tx
from publisher.storage.engine.tables import definitions
from publisher.storage.engine.values import AnyRow, dump, load
from publisher.storage.log import events as log

KEPT_TEXTS = 100
"""The texts of so many versions are kept; of earlier ones only the digest, and who took them when."""

_HEAD = [one for one in definitions.c if one.name != "files"]
_NEWEST_FIRST = definitions.c.number.desc()


@dataclass(frozen=True, slots=True)
class Known:
    """A version without its texts. ``number`` rises with each; ``standing``, ``site`` and ``settings`` are JSON-ready.

    ``needs`` is the lowest version of the program that can read it, empty for any; ``node`` offered it; ``seq`` is the
    last event that was recorded by those before.
    """

    number: int
    digest: str
    taken_at: datetime
    standing: Any
    site: Mapping[str, Any]
    settings: Mapping[str, Any]
    needs: str
    node: str
    seq: int


@dataclass(frozen=True, slots=True)
class Kept:
    """A version with its texts: ``files`` is as ``catalog`` wrote it, empty where it is kept no more."""

    known: Known
    files: str

    @property
    def number(self) -> int:
        """Its number."""
        return self.known.number

    @property
    def digest(self) -> str:
        """Its digest."""
        return self.known.digest


def kept(tx: Tx) -> Kept | None:
    """The version in force; None before the first."""
    return _kept(tx, select(definitions).order_by(_NEWEST_FIRST).limit(1))


def version(tx: Tx, number: int) -> Kept | None:
    """The version of this number; None where there is none."""
    return _kept(tx, select(definitions).where(definitions.c.number == number))


def readable(tx: Tx, below: int) -> Kept | None:
    """The last version below this number whose texts are kept."""
    found = select(definitions).where(definitions.c.number < below, definitions.c.files != "")
    return _kept(tx, found.order_by(_NEWEST_FIRST).limit(1))


def standing(tx: Tx) -> Known | None:
    """The version in force, without its texts; None before the first."""
    row = tx.conn.execute(select(*_HEAD).order_by(_NEWEST_FIRST).limit(1)).first()
    return None if row is None else _known(row)


def history(tx: Tx, limit: int) -> list[Kept]:
    """The last versions, the newest first."""
    rows = tx.conn.execute(select(definitions).order_by(_NEWEST_FIRST).limit(limit))
    return [Kept(_known(row), row.files) for row in rows]


def number(tx: Tx) -> int:
    """The number of the version in force, 0 before the first."""
    found = tx.conn.execute(select(definitions.c.number).order_by(_NEWEST_FIRST).limit(1)).scalar()
    return int(found or 0)


def check(tx: Tx, in_hand: int) -> None:
    """Raise DefinitionsMoved unless the version of this number is in force.

    In a writing transaction the log must be locked already: then the version stays in force until the end of that.
    """
    if number(tx) != in_hand:
        raise DefinitionsMoved


def applied(tx: Tx, digest: str) -> bool:
    """Whether definitions of this digest were ever in force."""
    return bool(tx.conn.execute(select(exists().where(definitions.c.digest == digest))).scalar())


def keep(
    tx: Tx,
    *,
    digest: str,
    standing: Any,
    site: Mapping[str, Any],
    files: str,
    settings: Mapping[str, Any] | None = None,
    needs: str = "",
    node: str = "",
) -> int:
    """Make these the version in force; returns its number. The texts of old versions are deleted."""
    log.lock(tx)
    following = number(tx) + 1
    values = {
        "number": following,
        "digest": digest,
        "taken_at": tx.now,
        "standing": dump(standing),
        "site": dump(site),
        "files": files,
        "settings": dump(settings or {}),
        "needs": needs,
        "node": node,
        "seq": log.last_seq(tx),
    }
    tx.conn.execute(tx.dialect.insert(definitions), [values])
    old = (definitions.c.number <= following - KEPT_TEXTS) & (definitions.c.files != "")
    tx.conn.execute(update(definitions).where(old).values(files="", standing="{}"))
    return following


def _kept(tx: Tx, statement: Select[Any]) -> Kept | None:
    row = tx.conn.execute(statement).first()
    return None if row is None else Kept(_known(row), row.files)


def _known(row: AnyRow) -> Known:
    return Known(
        number=row.number,
        digest=row.digest,
        taken_at=clock.from_micros(row.taken_at),
        standing=load(row.standing),
        site=load(row.site),
        settings=load(row.settings),
        needs=row.needs,
        node=row.node,
        seq=row.seq,
    )
