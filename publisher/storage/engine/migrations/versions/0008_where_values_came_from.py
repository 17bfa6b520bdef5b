"""Where an article's values came from, and languages in their one form, so that each is found by its ranges.

What was stored of a language by an earlier release is written as this one writes it: ``in`` was what it had read, and
``id`` is what it is selected by.
"""

import json

import sqlalchemy as sa
from alembic import op

from publisher.model.languages import canonical_tag, language_ranges

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("articles", sa.Column("provenance", sa.Text(), nullable=False, server_default="{}"))
    op.add_column("articles", sa.Column("held_provenance", sa.Text(), nullable=True))
    op.add_column("embargoes", sa.Column("provenance", sa.Text(), nullable=False, server_default="{}"))
    conn = op.get_bind()
    found = sa.text("SELECT DISTINCT value FROM article_facets WHERE facet = 'languages'")
    for value in list(conn.execute(found).scalars()):
        tag = canonical_tag(value)
        if tag is None or tag.lower() != value:
            _rewrite(conn, value, tag)
        _range(conn, value)


def _rewrite(conn: sa.Connection, value: str, tag: str | None) -> None:
    """Put the canonical tag into the articles of this language."""
    stored = sa.text(
        "SELECT id, data FROM articles WHERE id IN "
        "(SELECT article_id FROM article_facets WHERE facet = 'languages' AND value = :value)"
    )
    rows = [
        {"article": id, "data": _dump({**json.loads(data), "language": tag})}
        for id, data in conn.execute(stored, {"value": value})
    ]
    if rows:
        conn.execute(sa.text("UPDATE articles SET data = :data WHERE id = :article"), rows)


def _range(conn: sa.Connection, value: str) -> None:
    """Let the articles of this language be found by every range that it is in."""
    ranges = language_ranges(value)
    copied = sa.text(
        "INSERT INTO article_facets (facet, value, article_id) SELECT facet, :range, article_id FROM article_facets "
        "WHERE facet = 'languages' AND value = :value ON CONFLICT (facet, value, article_id) DO NOTHING"
    )
    for one in sorted(ranges - {value}):
        conn.execute(copied, {"range": one, "value": value})
    if value not in ranges:
        conn.execute(
            sa.text("DELETE FROM article_facets WHERE facet = 'languages' AND value = :value"), {"value": value}
        )


def _dump(data: object) -> str:
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"))
