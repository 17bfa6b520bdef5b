"""Reading articles. They are written by ``storage.record``."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, literal, select, tuple_

from publisher import clock
from publisher.model.known import KnownArticle
from publisher.storage.database import Tx
from publisher.storage.tables import article_facets, articles
from publisher.storage.values import AnyRow, load, moment

Position = tuple[int, str]
"""Where an article stands among the others: (``ordered_at`` in microseconds, id)."""

Narrowing = Mapping[str, Collection[str]]
"""Facet → folded values (see ``model.facets``): an article must have one of the values of every facet."""


@dataclass(frozen=True, slots=True)
class ArticleHead:
    """An article without its content: enough to know what stands where, and in which revision.

    ``ordered_at`` is when it was published, else when it was first seen; ``changed_at`` when its present revision was
    recorded.
    """

    id: str
    source: str
    revision: int
    ordered_at: datetime
    changed_at: datetime
    withdrawn_at: datetime | None

    @property
    def position(self) -> Position:
        """What ``page(before=…)`` continues from."""
        return clock.to_micros(self.ordered_at), self.id


@dataclass(frozen=True, slots=True)
class StoredArticle(ArticleHead):
    """An article as it is stored; ``data`` is its JSON form."""

    first_seen_at: datetime
    data: dict[str, Any]


_HEAD = (
    articles.c.id,
    articles.c.source,
    articles.c.revision,
    articles.c.ordered_at,
    articles.c.changed_at,
    articles.c.withdrawn_at,
)
_STORED = (*_HEAD, articles.c.first_seen_at, articles.c.data)


def known(tx: Tx, ids: Collection[str]) -> dict[str, KnownArticle]:
    """What is known of these articles, withdrawn ones too; an id that was never seen is left out."""
    rows = tx.conn.execute(select(articles).where(tx.dialect.among(articles.c.id, ids)))
    return {row.id: _known(row) for row in rows}


def get(tx: Tx, id: str) -> StoredArticle | None:
    """One article, withdrawn or not; None if it was never seen."""
    row = tx.conn.execute(select(*_STORED).where(articles.c.id == id)).first()
    return None if row is None else _stored(row)


def among(tx: Tx, ids: Collection[str]) -> dict[str, StoredArticle]:
    """These articles by id, withdrawn ones too."""
    rows = tx.conn.execute(select(*_STORED).where(tx.dialect.among(articles.c.id, ids)))
    return {row.id: _stored(row) for row in rows}


def page(
    tx: Tx,
    *,
    limit: int,
    before: Position | None = None,
    facets: Narrowing | None = None,
    include_withdrawn: bool = False,
) -> list[StoredArticle]:
    """Up to ``limit`` articles, newest first by (``ordered_at``, id), of those that stand after ``before``."""
    statement = _chosen(tx, select(*_STORED), before, facets, include_withdrawn).limit(limit)
    return [_stored(row) for row in tx.conn.execute(statement)]


def heads(
    tx: Tx,
    *,
    limit: int,
    before: Position | None = None,
    facets: Narrowing | None = None,
    include_withdrawn: bool = False,
) -> list[ArticleHead]:
    """The same as :func:`page`, without reading the articles' content."""
    statement = _chosen(tx, select(*_HEAD), before, facets, include_withdrawn).limit(limit)
    return [_head(row) for row in tx.conn.execute(statement)]


def due_held(tx: Tx) -> list[KnownArticle]:
    """The articles whose held observation has waited long enough, the longest waiting first."""
    statement = select(articles).where(articles.c.held_until <= tx.now).order_by(articles.c.held_until, articles.c.id)
    return [_known(row) for row in tx.conn.execute(statement)]


def standing(tx: Tx, source: str) -> frozenset[str]:
    """The ids of the source's articles that are not withdrawn."""
    statement = select(articles.c.id).where(articles.c.source == source, articles.c.withdrawn_at.is_(None))
    return frozenset(tx.conn.execute(statement).scalars())


def count(tx: Tx) -> int:
    """How many articles are published, that is, not withdrawn."""
    statement = select(func.count()).select_from(articles).where(articles.c.withdrawn_at.is_(None))
    return tx.conn.execute(statement).scalar_one()


def _chosen(
    tx: Tx, statement: Select[Any], before: Position | None, facets: Narrowing | None, include_withdrawn: bool
) -> Select[Any]:
    statement = statement.order_by(articles.c.ordered_at.desc(), articles.c.id.desc())
    if before is not None:
        position = tuple_(articles.c.ordered_at, articles.c.id)
        statement = statement.where(position < tuple_(literal(before[0]), literal(before[1])))
    if not include_withdrawn:
        statement = statement.where(articles.c.withdrawn_at.is_(None))
    for facet, values in sorted((facets or {}).items()):
        has_one = (
            select(literal(1))
            .where(article_facets.c.facet == facet)
            .where(tx.dialect.among(article_facets.c.value, sorted(values)))
            .where(article_facets.c.article_id == articles.c.id)
        )
        statement = statement.where(has_one.exists())
    return statement


def _head(row: AnyRow) -> ArticleHead:
    id, source, revision, ordered_at, changed_at, withdrawn_at = row
    times = clock.from_micros(ordered_at), clock.from_micros(changed_at), moment(withdrawn_at)
    return ArticleHead(id, source, revision, *times)


def _stored(row: AnyRow) -> StoredArticle:
    id, source, revision, ordered_at, changed_at, withdrawn_at, first_seen_at, data = row
    times = clock.from_micros(ordered_at), clock.from_micros(changed_at), moment(withdrawn_at)
    return StoredArticle(id, source, revision, *times, clock.from_micros(first_seen_at), load(data))


def _known(row: AnyRow) -> KnownArticle:
    return KnownArticle(
        id=row.id,
        source=row.source,
        identity=row.identity,
        fingerprint=row.fingerprint,
        revision=row.revision,
        data=load(row.data),
        first_seen_at=clock.from_micros(row.first_seen_at),
        changed_at=clock.from_micros(row.changed_at),
        withdrawn_at=moment(row.withdrawn_at),
        recent=tuple((fingerprint, clock.from_micros(at)) for fingerprint, at in load(row.recent)),
        held=None if row.held is None else load(row.held),
        held_until=moment(row.held_until),
    )
