"""The responses to requests that name an ``Idempotency-Key`` (draft-ietf-httpapi-idempotency-key-header-07).

:func:`begin`, the request's effect and :func:`finish` run in one transaction. So the response is stored exactly if the
effect is, and a process killed at any moment leaves both or neither: a repeated request either finds the response, or
is the first. Of two requests with one key at once, the second waits at :func:`begin` until the first has ended.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import orjson
from sqlalchemy import delete, select, update

from publisher.errors import KeyReused
from publisher.storage.engine.database import Tx
from publisher.storage.engine.tables import idempotency as table
from publisher.storage.engine.values import dump, load

RETENTION = timedelta(hours=24)

ERASED = {
    "type": "about:blank",
    "title": "Gone",
    "status": 410,
    "detail": "what this request published was erased since; send it with another key to publish it again",
}


@dataclass(frozen=True, slots=True)
class Slot:
    """A request that may be repeated: whose, which, under what key, and the SHA-256 of its body in hex."""

    owner: str
    method: str
    path: str
    key: str
    digest: str


@dataclass(frozen=True, slots=True)
class Answer:
    """The response that was sent. ``body`` is sealed where ``sealed`` says so."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    sealed: bool = False


def begin(tx: Tx, slot: Slot) -> Answer | None:
    """Take the slot: None if it is free, else the response that was sent before.

    Waits for a transaction that holds the slot. Raises KeyReused if it was taken with another body.
    """
    place = {"owner": slot.owner, "method": slot.method, "path": slot.path, "key": slot.key}
    statement = tx.dialect.insert(table).values(**place, digest=slot.digest, at=tx.now)
    fresh = {"digest": slot.digest, "at": tx.now, "status": None, "sealed": False, "headers": "{}", "body": None}
    statement = statement.on_conflict_do_update(
        index_elements=list(table.primary_key.columns), set_=fresh, where=table.c.at < _oldest(tx)
    )
    if tx.conn.execute(statement.returning(table.c.at)).first() is not None:
        return None
    row = tx.conn.execute(select(table).where(_at(slot))).one()
    if row.digest != slot.digest:
        raise KeyReused()
    return Answer(row.status, load(row.headers), bytes(row.body), row.sealed)


def finish(tx: Tx, slot: Slot, answer: Answer) -> None:
    """Keep the response in the slot that this transaction took."""
    values = {"status": answer.status, "sealed": answer.sealed, "headers": dump(dict(answer.headers))}
    tx.conn.execute(update(table).where(_at(slot)).values(**values, body=answer.body))


def outdated(tx: Tx) -> bool:
    """Whether there is anything to :func:`prune`."""
    return tx.conn.execute(select(table.c.at).where(table.c.at < _oldest(tx)).limit(1)).first() is not None


def prune(tx: Tx) -> int:
    """Delete the responses that are older than :data:`RETENTION`; returns how many."""
    return tx.conn.execute(delete(table).where(table.c.at < _oldest(tx))).rowcount


def erase(tx: Tx, article: str, path: str) -> None:
    """Remove an article from the responses: from those to requests for itself (``path``), and from those to batches.

    The slots stay taken, so that a late repeat does not publish the erased article again.
    """
    gone = {"status": 410, "headers": dump({"Content-Type": "application/problem+json"}), "body": orjson.dumps(ERASED)}
    tx.conn.execute(update(table).where(table.c.path == path, table.c.body.is_not(None)).values(**gone))
    named = f'"{article}"'.encode()
    rows = tx.conn.execute(
        select(table).where(
            table.c.path == path.rpartition("/")[0], table.c.sealed.is_(False), table.c.method == "POST"
        )
    )
    for row in rows.all():
        if named in bytes(row.body):
            place = Slot(row.owner, row.method, row.path, row.key, row.digest)
            body = _without(orjson.loads(row.body), article)
            tx.conn.execute(update(table).where(_at(place)).values(body=orjson.dumps(body)))


def _without(body: Any, article: str) -> Any:
    """A batch's response, in which the article is named but nothing of it is quoted."""
    listed = body.get("articles", [])
    kept = [one if one.get("id") != article else {"id": article, "outcome": "erased"} for one in listed]
    return {**body, "articles": kept}


def _at(slot: Slot) -> Any:
    place = (table.c.owner == slot.owner) & (table.c.method == slot.method) & (table.c.path == slot.path)
    return place & (table.c.key == slot.key)


def _oldest(tx: Tx) -> int:
    return tx.now - round(RETENTION.total_seconds() * 1e6)
