"""Mail that is due to operators: one for an event at most, also where a process is killed while it sends.

::

    waiting ──claim──▶ waiting, due later ──begin──▶ sending ──▶ sent
       ▲                     │                          │
       └──── put back ───────┴──── refused for now ─────┤
                                                        └──▶ failed (refused for good, or nobody knows)

What is ``sending`` may have been taken by the server: it is never sent again. Before that a mail that was claimed is
due again once its claim has run out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, delete, select, update

from publisher.storage.engine.database import Tx
from publisher.storage.engine.tables import mails as table
from publisher.storage.engine.values import dump, load

WAITS = (60.0, 300.0, 1800.0, 7200.0, 18_000.0, 36_000.0)
"""Seconds before each further try; after the last a mail is given up."""

CLAIM_SECONDS = 300.0
"""How long a mail that was claimed is nobody else's."""

STALE_SECONDS = 2 * 86_400.0
"""How old what a mail tells may be: what happened while none could be sent is in the log."""

KEPT_SECONDS = 30 * 86_400.0

BATCH = 20


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail. ``event`` is the id of what it tells, ``about`` the data of that; ``attempts`` counts this one."""

    id: int
    event: str
    about: Mapping[str, Any]
    attempts: int


def add(tx: Tx, event: str, about: Mapping[str, Any]) -> None:
    """Have a mail sent of this event; nothing happens where there is one already."""
    row = {"event": event, "body": dump(dict(about)), "state": "waiting", "due_at": tx.now, "created_at": tx.now}
    tx.conn.execute(tx.dialect.insert(table).values(row).on_conflict_do_nothing())


def is_due(tx: Tx) -> bool:
    """Whether there is anything to :func:`claim`."""
    return tx.conn.execute(select(table.c.id).where(_due(tx)).limit(1)).first() is not None


def claim(tx: Tx) -> list[Mail]:
    """Some mails that are due, the oldest first, which are this process's for a while."""
    ids = select(table.c.id).where(_due(tx)).order_by(table.c.id).limit(BATCH).with_for_update(skip_locked=True)
    found = list(tx.conn.execute(ids).scalars())
    if not found:
        return []
    values = {"due_at": tx.now + round(CLAIM_SECONDS * 1e6), "attempts": table.c.attempts + 1}
    taken = update(table).where(table.c.id.in_(found)).values(values).returning(table)
    rows = sorted(tx.conn.execute(taken), key=lambda row: row.id)
    return [Mail(row.id, row.event, load(row.body), row.attempts) for row in rows]


def begin(tx: Tx, mail: Mail) -> bool:
    """Note that it is given to the server now; False where it is another process's by now."""
    own = (table.c.id == mail.id) & (table.c.state == "waiting") & (table.c.attempts == mail.attempts)
    return tx.conn.execute(update(table).where(own).values(state="sending")).rowcount == 1


def sent(tx: Tx, mail: Mail) -> None:
    """The server has taken it."""
    tx.conn.execute(update(table).where(table.c.id == mail.id).values(state="sent", error=None))


def failed(tx: Tx, mail: Mail, error: str) -> None:
    """It is not sent again."""
    tx.conn.execute(update(table).where(table.c.id == mail.id).values(state="failed", error=error))


def put_back(tx: Tx, mail: Mail, error: str) -> float | None:
    """It was not taken, and is tried again; returns in how many seconds, None where it is given up."""
    if mail.attempts > len(WAITS):
        failed(tx, mail, error)
        return None
    wait = WAITS[mail.attempts - 1]
    again = {"state": "waiting", "due_at": tx.now + round(wait * 1e6), "error": error}
    own = (table.c.id == mail.id) & (table.c.attempts == mail.attempts)
    tx.conn.execute(update(table).where(own).values(again))
    return wait


def outdated(tx: Tx) -> bool:
    """Whether there is anything to :func:`prune`."""
    return tx.conn.execute(select(table.c.id).where(_old(tx)).limit(1)).first() is not None


def prune(tx: Tx) -> int:
    """Delete what is older than a month; returns how many."""
    return tx.conn.execute(delete(table).where(_old(tx))).rowcount


def _due(tx: Tx) -> ColumnElement[bool]:
    fresh = table.c.created_at > tx.now - round(STALE_SECONDS * 1e6)
    return (table.c.state == "waiting") & (table.c.due_at <= tx.now) & fresh


def _old(tx: Tx) -> ColumnElement[bool]:
    return table.c.created_at < tx.now - round(KEPT_SECONDS * 1e6)
