"""Reading articles. They are written by ``storage/items/record.py``."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select, and_, false, func, literal, or_, select, tuple_

from publisher import clock
from publisher.model.known import KnownArticle
from publisher.model.provenance import Provenance, provenance_of
from publisher.storage.engine.database import Tx
from publisher.storage.engine.tables import article_facets, articles
from publisher.storage.engine.values import AnyRow, load, moment

T = TypeVar("T")

Position = tuple[int, str]
"""The position of an article among the others: (``ordered_at`` in microseconds, id)."""

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
        """The ``before`` of the page that follows this article."""
        return clock.to_micros(self.ordered_at), self.id


@dataclass(frozen=True, slots=True)
class StoredArticle(ArticleHead):
    """An article as it is stored; ``data`` is its JSON form."""

    first_seen_at: datetime
    data: dict[str, Any]


SCANNED = 20_000
"""Articles among which one listing looks for those that may be seen: some 50 ms of the database's time."""


@dataclass(frozen=True, slots=True)
class Place:
    """An article in a listing: where it stands, and how many bytes its content takes."""

    position: Position
    size: int


def listing(
    tx: Tx,
    *,
    limit: int,
    before: Position | None = None,
    facets: Narrowing | None = None,
    seen: Sequence[Narrowing] | None = None,
    scanned: int = SCANNED,
) -> tuple[list[Place], Position | None]:
    """Up to ``limit`` articles as :func:`page` finds them, without their content, and where to go on; None at the end.

    An article must meet at least one of ``seen``, if given. Where few do, there may be fewer than ``limit`` though more
    follow: at most ``scanned`` are looked at. Two statements, or three.
    """
    looked_at = _chosen(tx, select(articles.c.id, articles.c.ordered_at), before, facets, False).limit(scanned)
    among = looked_at.subquery()
    found = select(among.c.ordered_at, among.c.id)
    if seen is not None:
        found = found.where(or_(false(), *(and_(*_having(tx, one, among.c.id)) for one in seen)))
    found = found.order_by(among.c.ordered_at.desc(), among.c.id.desc()).limit(limit + 1)
    rows = [tuple(row) for row in tx.conn.execute(found)]
    known = sizes(tx, [id for _, id in rows])
    places = [Place((at, id), known[id]) for at, id in rows[:limit]]
    if len(rows) > limit:
        return places, places[-1].position
    # Everything looked at was visible: the next page begins at its last one.
    row = tx.conn.execute(looked_at.limit(1).offset(scanned - 1)).first() if seen is not None else None
    return places, None if row is None else (row.ordered_at, row.id)


def sizes(tx: Tx, ids: Collection[str]) -> dict[str, int]:
    """How many bytes the content of each of these articles, and what is stored beside it, takes."""
    size = tx.dialect.size(articles.c.data) + tx.dialect.size(articles.c.provenance)
    measured = select(articles.c.id, size).where(tx.dialect.among(articles.c.id, ids))
    return {row[0]: row[1] for row in tx.conn.execute(measured)}


def batches(tx: Tx, ids: Sequence[str], size: int) -> Iterator[list[StoredArticle]]:
    """These articles in their order, read in batches of up to ``size`` bytes each, or one article that is larger."""
    sized = _in_order(ids, sizes(tx, ids)) if len(ids) > 1 else [(id, 0) for id in ids]
    for batch in split(sized, size):
        yield [one for _, one in _in_order(batch, among(tx, batch))]


def split(sized: Sequence[tuple[str, int]], size: int) -> Iterator[list[str]]:
    """Ids and the bytes of each, as lists of ids that together have up to ``size`` bytes."""
    batch: list[str] = []
    held = 0
    for id, own in sized:
        if batch and held + own > size:
            yield batch
            batch, held = [], 0
        batch.append(id)
        held += own
    if batch:
        yield batch


def _in_order(ids: Sequence[str], found: Mapping[str, T]) -> list[tuple[str, T]]:
    return [(id, found[id]) for id in ids if id in found]


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
    """The stored state of these articles, withdrawn ones too; unknown ids are left out."""
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


def accounted(tx: Tx, ids: Collection[str]) -> dict[str, tuple[StoredArticle, Provenance]]:
    """These articles by id, each with where its values came from; withdrawn ones too."""
    statement = select(*_STORED, articles.c.provenance).where(tx.dialect.among(articles.c.id, ids))
    return {row[0]: (_stored(row[:-1]), provenance_of(load(row[-1]))) for row in tx.conn.execute(statement)}


def provenance(tx: Tx, ids: Collection[str]) -> dict[str, Provenance]:
    """Where the values of each of these articles came from."""
    statement = select(articles.c.id, articles.c.provenance).where(tx.dialect.among(articles.c.id, ids))
    return {id: provenance_of(load(text)) for id, text in tx.conn.execute(statement)}


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
    return statement.where(*_having(tx, facets or {}, articles.c.id))


def _having(tx: Tx, facets: Narrowing, id: ColumnElement[str]) -> list[ColumnElement[bool]]:
    """The condition that the article ``id`` has one of the values of every facet."""
    return [
        select(literal(1))
        .where(article_facets.c.facet == facet)
        .where(tx.dialect.among(article_facets.c.value, sorted(values)))
        .where(article_facets.c.article_id == id)
        .exists()
        for facet, values in sorted(facets.items())
    ]


def _head(row: AnyRow) -> ArticleHead:
    id, source, revision, ordered_at, changed_at, withdrawn_at = row
    times = clock.from_micros(ordered_at), clock.from_micros(changed_at), moment(withdrawn_at)
    return ArticleHead(id, source, revision, *times)


def _stored(row: Sequence[Any]) -> StoredArticle:
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
        provenance=provenance_of(load(row.provenance)),
        held_provenance=None if row.held_provenance is None else provenance_of(load(row.held_provenance)),
    )
