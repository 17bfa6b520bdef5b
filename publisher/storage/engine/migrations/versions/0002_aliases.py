"""Other ids under which a source's articles are met."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

Code = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "aliases",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("alias", Code, nullable=False),
        sa.Column("article_id", Code, nullable=False),
        sa.PrimaryKeyConstraint("source", "alias", name=op.f("pk_aliases")),
    )
