"""Tombstones that are kept no longer: of articles whose events are gone, and that no document shows any more."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import ColumnElement, delete, exists, select, tuple_

from publisher.storage.engine.database import Tx
from publisher.storage.engine.tables import articles, events
from publisher.storage.engine.tables import tombstones as table

_PLACE = tuple_(table.c.at, table.c.article_id)


class Place(NamedTuple):
    """Where a tombstone stands among those of its feed, the oldest first."""

    at: int
    article: str


BEGIN = Place(-1, "")


def feeds(tx: Tx) -> list[str]:
    """The feeds that anything ever left."""
    return list(tx.conn.execute(select(table.c.feed).distinct().order_by(table.c.feed)).scalars())


def old(tx: Tx, feed: str, before: int, *, shown: int, after: Place, limit: int) -> tuple[list[str], Place | None]:
    """The articles of up to ``limit`` tombstones of a feed above ``after``, from before a time (microseconds), that may
    go; and where the next ones begin, None if none are left.

    The ``shown`` newest of the feed stay, those of an article that has an event in the log, and those of an erased one:
    they are what still tells who may know that it is gone.
    """
    own = table.c.feed == feed
    newest = select(table.c.at, table.c.article_id).where(own).order_by(table.c.at.desc(), table.c.article_id.desc())
    last_shown = tx.conn.execute(newest.offset(shown - 1).limit(1)).first()
    if last_shown is None:
        return [], None
    old = own & (table.c.at <= before) & _PLACE.between(tuple_(*after), tuple_(*last_shown))
    ends = _PLACE.in_([tuple(after), tuple(last_shown)])
    statement = select(table.c.at, table.c.article_id, _stays().label("stays")).where(old, ~ends)
    rows = tx.conn.execute(statement.order_by(table.c.at, table.c.article_id).limit(limit)).all()
    ids = [row.article_id for row in rows if not row.stays]
    return ids, Place(rows[-1].at, rows[-1].article_id) if len(rows) == limit else None


def drop(tx: Tx, feed: str, articles: list[str], before: int) -> int:
    """Delete these tombstones of a feed as far as they are from before this time; returns how many."""
    own = (table.c.feed == feed) & tx.dialect.among(table.c.article_id, articles) & (table.c.at <= before)
    own &= ~_stays()
    return tx.conn.execute(delete(table).where(own)).rowcount


def _stays() -> ColumnElement[bool]:
    told = exists().where(events.c.subject == table.c.article_id)
    return told | exists().where(articles.c.id == table.c.article_id, articles.c.fingerprint == "")
