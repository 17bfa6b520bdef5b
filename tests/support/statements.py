"""What is sent to a database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event

from publisher.storage.engine.database import Database

Statements = list[tuple[str, Any]]


@contextmanager
def counting(db: Database) -> Iterator[Statements]:
    """Collects (statement, parameters) sent meanwhile; a batch of parameters counts once."""
    sent: Statements = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        sent.append((statement, parameters))

    engines = [engine.sync_engine for engine in {id(e): e for e in (db._writer, db._loose, db._reader)}.values()]
    for engine in engines:
        event.listen(engine, "before_cursor_execute", note)
    yield sent
    for engine in engines:
        event.remove(engine, "before_cursor_execute", note)
