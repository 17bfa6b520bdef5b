"""Offers of files to a running service, and its responses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, select, update

from publisher.storage.engine.database import Tx
from publisher.storage.engine.tables import offers
from publisher.storage.engine.values import dump, load

KEPT_MICROS = 3_600_000_000
"""How long an offer is kept if its caller never fetched the response."""


@dataclass(frozen=True, slots=True)
class Offer:
    """``digest`` is that of the files as the caller read them; ``force``: take them whatever they remove."""

    id: str
    digest: str
    force: bool


def make(tx: Tx, id: str, *, service: str, digest: str, force: bool) -> None:
    """Offer files to a service; offers that were left behind long ago are deleted."""
    tx.conn.execute(delete(offers).where(offers.c.at < tx.now - KEPT_MICROS))
    values = {"id": id, "service": service, "digest": digest, "force": force, "at": tx.now, "answer": None}
    tx.conn.execute(tx.dialect.insert(offers), [values])


def waiting(tx: Tx, service: str) -> list[Offer]:
    """The offers to a service that it has not responded to, the oldest first."""
    statement = select(offers.c.id, offers.c.digest, offers.c.force)
    statement = statement.where(offers.c.service == service, offers.c.answer.is_(None)).order_by(offers.c.at)
    return [Offer(row.id, row.digest, row.force) for row in tx.conn.execute(statement)]


def answer(tx: Tx, id: str, answer: Mapping[str, Any]) -> None:
    """Answer; an offer that was withdrawn meanwhile stays so, and one that another process of the service answered."""
    unanswered = (offers.c.id == id) & offers.c.answer.is_(None)
    tx.conn.execute(update(offers).where(unanswered).values(answer=dump(answer)))


def answered(tx: Tx, id: str) -> dict[str, Any] | None:
    """The response, None before there is one."""
    text = tx.conn.execute(select(offers.c.answer).where(offers.c.id == id)).scalar()
    return None if text is None else dict(load(text))


def withdraw(tx: Tx, id: str) -> dict[str, Any] | None:
    """Delete an offer; returns the response, if there was one."""
    found = answered(tx, id)
    tx.conn.execute(delete(offers).where(offers.c.id == id))
    return found
