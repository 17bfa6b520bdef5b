"""Writing what was decided: items, what they can be selected by, events and feed versions, in one transaction.

The number of statements does not depend on the number of items; each goes to the driver as one batch.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Insert, Table, bindparam, delete, func, insert, select, tuple_, update

from publisher.errors import Conflict
from publisher.model.article import article_json
from publisher.model.change import ArticleChange, FeedTouch, IndicatorChange, Outcome
from publisher.model.event import Event
from publisher.model.facets import item_facets
from publisher.model.indicator import indicator_json
from publisher.model.provenance import provenance_json
from publisher.storage.configuration import feeds, sources
from publisher.storage.engine.database import Tx
from publisher.storage.engine.tables import article_facets, articles, indicators
from publisher.storage.engine.values import AnyRow, dump, micros
from publisher.storage.items import embargoes, held
from publisher.storage.log import events as log

BULK = 5_000
"""A reading that made so many events is a bulk load."""

# These leave an item's content as it is stored.
_KEEPING = (Outcome.HELD, Outcome.UNCHANGED)


@dataclass(frozen=True, slots=True)
class Reading:
    """The reading of a source that all this came from: moves its bookmark. See ``storage.sources``.

    ``events`` are those that earlier transactions of the same reading appended.
    """

    source: str
    lease: str
    bookmark: Mapping[str, Any]
    profile_digest: str | None
    items: int
    events: int = 0
    next_run_at: datetime | None = None
    timing: str | None = None


def record(
    tx: Tx,
    *,
    articles: Sequence[ArticleChange] = (),
    indicators: Sequence[IndicatorChange] = (),
    holding: Sequence[IndicatorChange] = (),
    events: Sequence[Event] = (),
    touches: Sequence[FeedTouch] = (),
    seen: Collection[str] = (),
    seen_indicators: Collection[str] = (),
    reading: Reading | None = None,
) -> list[Event]:
    """Write these changes and append these events; returns the events with their sequence numbers.

    ``seen`` are ids of articles, ``seen_indicators`` symbols, that were read and are as they were: only when they
    were last seen moves. An article or a period of an indicator may be in a batch once; ``holding`` are all decisions
    about indicators in their order, which say what is held and what no longer is.

    Raises Conflict, upon which the transaction must be undone, if an article has changed since it was compared (take
    ``events.lock`` before comparing and it cannot), or if the reading's lease is no longer its own.
    """
    log.lock(tx)
    if reading is not None:
        sources.require(tx, reading.source, reading.lease)
    _record_articles(tx, [change for change in articles if change.outcome not in (*_KEEPING, Outcome.EMBARGOED)])
    _keep_articles(tx, [change for change in articles if change.outcome in _KEEPING])
    embargoes.keep(tx, articles)
    _record_indicators(tx, [change for change in indicators if change.outcome not in _KEEPING])
    held.keep(tx, holding)
    unchanged = {change.indicator.symbol for change in indicators if change.outcome is Outcome.UNCHANGED}
    _seen(tx, seen, unchanged.union(seen_indicators))
    feeds.touch(tx, touches)
    numbered = log.append(tx, events)
    if reading is not None:
        sources.succeeded(
            tx,
            reading.source,
            bookmark=reading.bookmark,
            profile_digest=reading.profile_digest,
            items=reading.items,
            events=reading.events + len(numbered),
            next_run_at=reading.next_run_at,
            timing=reading.timing,
        )
        if reading.events + len(numbered) >= BULK:
            tx.dialect.loaded(tx.conn)
    return numbered


def _record_articles(tx: Tx, changes: Sequence[ArticleChange]) -> None:
    if not changes:
        return
    stored = _stored(tx, [change.article.id for change in changes])
    content = [article_json(change.article) for change in changes]
    rows = [
        _article_row(tx, change, data, stored.get(change.article.id))
        for change, data in zip(changes, content, strict=True)
    ]
    tx.conn.execute(_upsert(tx, articles, keeping={"first_seen_at"}), rows)
    if stored:
        tx.conn.execute(delete(article_facets).where(tx.dialect.among(article_facets.c.article_id, sorted(stored))))
    selectable = [
        {"facet": facet, "value": value, "article_id": change.article.id}
        for change, data in zip(changes, content, strict=True)
        for facet, values in item_facets(data, change.source).items()
        for value in sorted(values)
    ]
    tx.conn.execute(insert(article_facets), selectable)


def _stored(tx: Tx, ids: Sequence[str]) -> dict[str, AnyRow]:
    columns = (articles.c.id, articles.c.revision, articles.c.first_seen_at)
    statement = select(*columns, articles.c.changed_at, articles.c.withdrawn_at)
    return {row.id: row for row in tx.conn.execute(statement.where(tx.dialect.among(articles.c.id, ids)))}


def _article_row(tx: Tx, change: ArticleChange, data: dict[str, Any], stored: AnyRow | None) -> dict[str, Any]:
    article = change.article
    revised = stored is None or stored.revision < change.revision
    if stored is not None and not revised and (stored.revision > change.revision or change.event):
        raise Conflict(f"article {article.id!r} was changed meanwhile (revision {stored.revision}); read it again")
    first_seen_at = tx.now if stored is None else stored.first_seen_at
    withdrawn_at = None
    if change.outcome is Outcome.WITHDRAWN:
        withdrawn_at = tx.now
    elif change.outcome is Outcome.REBASELINED and stored is not None:
        withdrawn_at = stored.withdrawn_at
    return {
        "id": article.id,
        "source": change.source,
        "identity": change.identity,
        "fingerprint": change.fingerprint,
        "revision": change.revision,
        "ordered_at": first_seen_at if article.published is None else micros(article.published),
        "first_seen_at": first_seen_at,
        "last_seen_at": tx.now,
        "changed_at": tx.now if revised or stored is None else stored.changed_at,
        "withdrawn_at": withdrawn_at,
        "held_until": None,
        "recent": _recent(change),
        "data": dump(data),
        "held": None,
        "provenance": dump(provenance_json(change.provenance)),
        "held_provenance": None,
    }


def _keep_articles(tx: Tx, changes: Sequence[ArticleChange]) -> None:
    if not changes:
        return
    statement = update(articles).where(articles.c.id == bindparam("article"))
    names = ("last_seen_at", "recent", "held", "held_until", "provenance", "held_provenance")
    statement = statement.values({name: bindparam(name) for name in names})
    rows = [
        {
            "article": change.article.id,
            "last_seen_at": tx.now,
            "recent": _recent(change),
            "held": dump(article_json(change.article)) if change.held_until else None,
            "held_until": micros(change.held_until),
            "provenance": dump(provenance_json(change.provenance)),
            "held_provenance": dump(provenance_json(change.later)) if change.held_until and change.later else None,
        }
        for change in changes
    ]
    tx.conn.execute(statement, rows)


def _recent(change: ArticleChange) -> str:
    return dump([(fingerprint, micros(at)) for fingerprint, at in change.recent])


def _record_indicators(tx: Tx, changes: Sequence[IndicatorChange]) -> None:
    if not changes:
        return
    for change in changes:
        if change.displaced is not None:
            later = (indicators.c.symbol == change.indicator.symbol) & (indicators.c.period > change.displaced)
            tx.conn.execute(delete(indicators).where(later))
    rows = [
        {
            "symbol": change.indicator.symbol,
            "period": change.period,
            "source": change.source,
            "fingerprint": change.fingerprint,
            "revision": change.revision,
            "data": dump(indicator_json(change.indicator)),
            "first_seen_at": tx.now,
            "last_seen_at": tx.now,
            "changed_at": tx.now,
        }
        for change in changes
    ]
    statement = _upsert(tx, indicators, keeping={"first_seen_at"})
    tx.conn.execute(statement, rows)


def _seen(tx: Tx, ids: Collection[str], symbols: Collection[str]) -> None:
    if ids:
        among = tx.dialect.among(articles.c.id, sorted(ids))
        tx.conn.execute(update(articles).where(among).values(last_seen_at=tx.now))
    if symbols:
        newest = select(indicators.c.symbol, func.max(indicators.c.period)).group_by(indicators.c.symbol)
        newest = newest.where(tx.dialect.among(indicators.c.symbol, sorted(symbols)))
        among = tuple_(indicators.c.symbol, indicators.c.period).in_(newest)
        tx.conn.execute(update(indicators).where(among).values(last_seen_at=tx.now))


def _upsert(tx: Tx, table: Table, *, keeping: Collection[str]) -> Insert:
    """Insert rows whole; where one is already there, put everything but its key and ``keeping`` in its place."""
    statement = tx.dialect.insert(table)
    replaced = {
        column.name: statement.excluded[column.name]
        for column in table.columns
        if not column.primary_key and column.name not in keeping
    }
    return statement.on_conflict_do_update(index_elements=table.primary_key.columns, set_=replaced)
