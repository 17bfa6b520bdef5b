"""What a feed's documents depend on besides its definition: its version, and what left it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Case, Label, bindparam, case, delete, func, select, update

from publisher import clock
from publisher.model.change import FeedTouch
from publisher.model.event import Change
from publisher.storage.engine.database import Tx
from publisher.storage.engine.tables import feed_states, installation
from publisher.storage.engine.tables import tombstones as graves
from publisher.storage.engine.values import AnyRow
from publisher.storage.log import events as log


@dataclass(frozen=True, slots=True)
class FeedState:
    """``version`` rises with every change that the feed shows, ``changed_at`` is when it last did.

    ``digest`` is that of what the version's bytes depend on besides its items (``publish/appearance.py``), empty for a
    feed that was removed. ``private``: that there is, or was, such a feed is not for everyone to know. ``generation``
    is the log's: by it alone is a version from before a restore told from one of the same number that came after it.
    """

    digest: str
    version: int
    changed_at: datetime
    private: bool = False
    generation: str = ""


def sync(tx: Tx, digests: Mapping[str, str], private: Collection[str] = ()) -> None:
    """Take note of how the feeds look: a new or another look changes its feed. Others are left as they are.

    ``private`` are the names of those that are not public.
    """
    if not digests:
        return
    # As whoever records does: they lock several feeds too, in an order of their own, and each would wait for the other.
    log.lock(tx)
    tx.touched = True
    statement = tx.dialect.insert(feed_states)
    statement = statement.on_conflict_do_update(
        index_elements=[feed_states.c.name],
        set_={
            "digest": statement.excluded.digest,
            "version": feed_states.c.version + 1,
            "changed_at": _later(tx),
            "private": statement.excluded.private,
        },
        where=(feed_states.c.digest != statement.excluded.digest)
        | (feed_states.c.private != statement.excluded.private),
    )
    rows = [
        {"name": name, "digest": digest, "version": 1, "changed_at": tx.now, "private": name in private}
        for name, digest in sorted(digests.items())
    ]
    tx.conn.execute(statement, rows)


def define(tx: Tx, digests: Mapping[str, str], private: Collection[str] = ()) -> list[str]:
    """Take these for all feeds there are, ``private`` for those that are not public; returns which were removed since.

    A feed that comes back has changed, whatever its definition: what happened meanwhile did not touch it.
    """
    log.lock(tx)
    sync(tx, digests, private)
    gone = sorted(name for name, known in states(tx).items() if known.digest and name not in digests)
    if gone:
        tx.touched = True
        statement = update(feed_states).where(tx.dialect.among(feed_states.c.name, gone))
        tx.conn.execute(statement.values(digest=""))
    return gone


def touch(tx: Tx, touches: Sequence[FeedTouch]) -> None:
    """Raise the version of each feed that is named, once, and keep account of the articles that left it.

    Touches are taken in order: an article that leaves and comes back within them has not left.
    """
    if not touches:
        return
    tx.touched = True
    names = sorted({one.feed for one in touches})
    statement = update(feed_states).where(tx.dialect.among(feed_states.c.name, names))
    tx.conn.execute(statement.values(version=feed_states.c.version + 1, changed_at=_later(tx)))
    moved = {
        (one.feed, one.article): one.change
        for one in touches
        if one.article is not None and one.change is not Change.STAYED
    }
    rows = [{"feed_": feed, "article": article} for feed, article in sorted(moved)]
    if rows:
        at = (graves.c.feed == bindparam("feed_")) & (graves.c.article_id == bindparam("article"))
        tx.conn.execute(delete(graves).where(at), rows)
    left = [
        {"feed": feed, "article_id": article, "at": tx.now}
        for (feed, article), change in sorted(moved.items())
        if change is Change.LEFT
    ]
    if left:
        tx.conn.execute(tx.dialect.insert(graves), left)


def _later(tx: Tx) -> Case[int]:
    """Now; by a clock that was put back, a second after the change before.

    Whoever asks by date alone would otherwise be told that nothing has changed since: dates have whole seconds.
    """
    before = feed_states.c.changed_at
    return case((before > tx.now, before + 1_000_000), else_=tx.now)


def states(tx: Tx) -> dict[str, FeedState]:
    """Every feed that was ever synced, by name."""
    return {row.name: _state(row) for row in tx.conn.execute(select(feed_states, _generation()))}


def state(tx: Tx, name: str) -> FeedState | None:
    """One feed's state; None if it was never synced."""
    row = tx.conn.execute(select(feed_states, _generation()).where(feed_states.c.name == name)).first()
    return None if row is None else _state(row)


def _generation() -> Label[str]:
    return func.coalesce(select(installation.c.generation).where(installation.c.n == 1).scalar_subquery(), "").label(
        "generation"
    )


def _state(row: AnyRow) -> FeedState:
    # What was removed before definitions were kept may have been private: no one can tell any more.
    private = row.private or (not row.digest and row.definition is None)
    return FeedState(row.digest, row.version, clock.from_micros(row.changed_at), private, row.generation)


def left(tx: Tx, articles: Collection[str]) -> dict[str, set[str]]:
    """For each of these articles: the feeds that it left."""
    found: dict[str, set[str]] = {article: set() for article in articles}
    for row in tx.conn.execute(select(graves).where(tx.dialect.among(graves.c.article_id, sorted(found)))):
        found[row.article_id].add(row.feed)
    return found


def tombstones(tx: Tx, feed: str, limit: int) -> list[tuple[str, datetime]]:
    """The articles that left a feed and when, the latest first."""
    statement = (
        select(graves.c.article_id, graves.c.at)
        .where(graves.c.feed == feed)
        .order_by(graves.c.at.desc(), graves.c.article_id.desc())
        .limit(limit)
    )
    return [(row.article_id, clock.from_micros(row.at)) for row in tx.conn.execute(statement)]
