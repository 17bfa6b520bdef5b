"""The feeds' definitions in force, as far as followers depend on them.

They are stored here too, beside the feed's version, so that every process judges alike, a removed feed is still known,
and who may follow what can be decided without reading a file.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from sqlalchemy import and_, or_, select, update

from publisher.model import FeedDefinition
from publisher.storage.engine.database import Tx
from publisher.storage.engine.tables import feed_states as table
from publisher.storage.log import events as log

KEPT_SECONDS = 86_400
"""For how long events are still judged by a removed definition."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What the database knows beside the definitions that a process holds.

    ``removed``: those of the last day. ``closed``: feeds that only operators may follow. ``opened``: by feed, the first
    event that everyone may be told of, where what came before it is not all done.
    """

    removed: Mapping[str, FeedDefinition] = field(default_factory=dict)
    closed: frozenset[str] = frozenset()
    opened: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Moved:
    """What new definitions mean to followers: feeds that only operators may follow now, that everyone may follow
    again, that are gone, and that are there.
    """

    closed: frozenset[str]
    opened: frozenset[str]
    removed: frozenset[str]
    added: frozenset[str]
    rewritten: bool
    """Whether any definition is another, whatever that means to followers."""

    @property
    def names(self) -> frozenset[str]:
        """All of them."""
        return self.closed | self.opened | self.removed | self.added

    def __bool__(self) -> bool:
        return bool(self.names)


def describe(tx: Tx, feeds: Mapping[str, FeedDefinition]) -> Moved:
    """Make these all the definitions there are; ``storage/configuration/feeds.py`` has their digests already."""
    log.lock(tx)
    last = log.last_seq(tx)
    known = {row.name: row for row in tx.conn.execute(select(table))}
    closed, opened, added, rewritten = set(), set(), set(), False
    for name, feed in sorted(feeds.items()):
        row, text = known[name], feed.model_dump_json()
        if row.open_from is not None and not feed.public:
            closed.add(name)
        elif row.open_from is None and feed.public:
            opened.add(name)
        if row.definition is None or row.removed_at is not None:
            added.add(name)
        if row.definition != text or row.removed_at is not None or name in closed | opened:
            rewritten = True
            start = None if not feed.public else last + 1 if name in opened else row.open_from
            fields = {"definition": text, "removed_at": None, "open_from": start}
            tx.conn.execute(update(table).where(table.c.name == name).values(fields))
    gone = {name for name, row in known.items() if name not in feeds and row.removed_at is None}
    if gone:
        tx.conn.execute(update(table).where(tx.dialect.among(table.c.name, sorted(gone))).values(removed_at=tx.now))
    return Moved(frozenset(closed), frozenset(opened), frozenset(gone), frozenset(added), rewritten or bool(gone))


def present(tx: Tx) -> dict[str, FeedDefinition]:
    """The definitions that were taken last, by name."""
    statement = select(table.c.definition).where(table.c.removed_at.is_(None), table.c.definition.is_not(None))
    feeds = [read(text) for text in tx.conn.execute(statement).scalars()]
    return {feed.name: feed for feed in feeds}


def lately(tx: Tx) -> dict[str, FeedDefinition]:
    """The definitions that were removed within :data:`KEPT_SECONDS`, by name: they may come back."""
    since = tx.now - KEPT_SECONDS * 1_000_000
    statement = select(table.c.definition).where(table.c.removed_at > since, table.c.definition.is_not(None))
    feeds = [read(text) for text in tx.conn.execute(statement).scalars()]
    return {feed.name: feed for feed in feeds}


def complete(tx: Tx) -> bool:
    """Whether :func:`present` returns all there are: not after an upgrade, until definitions are taken again."""
    undescribed = select(table.c.name).where(table.c.digest != "", table.c.definition.is_(None))
    return tx.conn.execute(undescribed.limit(1)).first() is None


def closed(tx: Tx, *, removed: bool = False) -> set[str]:
    """The feeds that only operators may follow, as far as they are published; with ``removed``, all there ever were."""
    statement = select(table.c.name).where(table.c.open_from.is_(None))
    if not removed:
        statement = statement.where(table.c.removed_at.is_(None))
    return set(tx.conn.execute(statement).scalars())


def standing(tx: Tx, after: int) -> Standing:
    """What is needed to judge events above ``after``."""
    since = tx.now - KEPT_SECONDS * 1_000_000
    lately = and_(table.c.removed_at > since, table.c.definition.is_not(None))
    statement = select(table.c.name, table.c.definition, table.c.removed_at, table.c.open_from)
    rows = tx.conn.execute(statement.where(or_(lately, table.c.open_from.is_(None), table.c.open_from > after + 1)))
    removed, closed, opened = {}, set(), {}
    for name, definition, removed_at, open_from in rows:
        if removed_at is not None and removed_at > since and definition is not None:
            removed[name] = read(definition)
        if open_from is None:
            closed.add(name)
        elif open_from > after + 1:
            opened[name] = open_from
    return Standing(removed, frozenset(closed), opened)


@lru_cache(maxsize=4096)
def read(text: str) -> FeedDefinition:
    """A stored definition."""
    return FeedDefinition.model_validate_json(text)


def names(feeds: Collection[str]) -> str:
    """Feeds as they are named in sentences."""
    return ", ".join(f'"{name}"' for name in feeds)
