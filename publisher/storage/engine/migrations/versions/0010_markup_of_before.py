"""Texts that were cleaned by an earlier rule, cleaned by the one of today: feeds carry what is stored as it stands.

The log keeps what was said at the time.
"""

import json
from collections.abc import Iterator
from html import escape

import sqlalchemy as sa
from alembic import op

from publisher.errors import ReadError

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_ROWS = 500
_PLACES = (("articles", "data"), ("articles", "held"), ("embargoes", "data"))


def upgrade() -> None:
    conn = op.get_bind()
    for name, column in _PLACES:
        table = sa.table(name, sa.column("id", sa.Text()), sa.column(column, sa.Text()))
        update = table.update().where(table.c.id == sa.bindparam("article")).values({column: sa.bindparam("given")})
        for rows in _rows(conn, table, table.c[column]):
            changed = [{"article": id, "given": new} for id, data in rows if (new := _cleaned(data)) is not None]
            if changed:
                conn.execute(update, changed)


def _rows(conn: sa.Connection, table: sa.TableClause, data: sa.ColumnElement[str]) -> Iterator[list[tuple[str, str]]]:
    """(id, JSON) of a column, a few hundred at a time, in the order of the ids."""
    every = sa.select(table.c.id, data).where(data.is_not(None)).order_by(table.c.id).limit(_ROWS)
    after = ""
    while rows := [(row[0], row[1]) for row in conn.execute(every.where(table.c.id > after))]:
        yield rows
        after = rows[-1][0]


def _cleaned(data: str) -> str | None:
    """The article with its text cleaned; None where it is as it should be."""
    from publisher.content import clean, harmless  # a new installation has no texts, and need not load the parser

    article = json.loads(data)
    body = article.get("body") or ""
    try:
        html = clean(body, article.get("url")).html
    except ReadError:  # nested more deeply than is read today
        html = harmless(body)
    if html == body:
        return None
    article["body"] = html or f"<p>{escape(article.get('title') or '', quote=False)}</p>"
    return json.dumps(article, ensure_ascii=False, separators=(",", ":"))
