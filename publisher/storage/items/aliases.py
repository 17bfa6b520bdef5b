"""Other ids of a source's articles: from an earlier address, or from the source's own key."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sqlalchemy import select

from publisher.storage.engine.database import Tx
from publisher.storage.engine.tables import aliases


def among(tx: Tx, source: str, ids: Collection[str]) -> dict[str, str]:
    """Alias → id of the article, for those of the ids that are aliases."""
    statement = select(aliases.c.alias, aliases.c.article_id).where(aliases.c.source == source)
    rows = tx.conn.execute(statement.where(tx.dialect.among(aliases.c.alias, sorted(ids))))
    return {row.alias: row.article_id for row in rows}


def keep(tx: Tx, source: str, found: Mapping[str, str]) -> None:
    """Store these aliases; one that pointed at another article now points at this one."""
    if not found:
        return
    statement = tx.dialect.insert(aliases)
    statement = statement.on_conflict_do_update(
        index_elements=[aliases.c.source, aliases.c.alias], set_={"article_id": statement.excluded.article_id}
    )
    rows = [{"source": source, "alias": alias, "article_id": id} for alias, id in sorted(found.items())]
    tx.conn.execute(statement, rows)


def of(tx: Tx, source: str, ids: Collection[str]) -> dict[str, set[str]]:
    """Id of an article → its aliases, for those of the articles that have any. Reads all aliases of the source."""
    statement = select(aliases.c.alias, aliases.c.article_id).where(aliases.c.source == source)
    found: dict[str, set[str]] = {}
    if ids:
        for row in tx.conn.execute(statement.where(tx.dialect.among(aliases.c.article_id, sorted(ids)))):
            found.setdefault(row.article_id, set()).add(row.alias)
    return found
