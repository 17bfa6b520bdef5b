"""Counts in the place of deliveries that were settled long ago, how far the log was pruned, and when that was done."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

OPERATIONS = "type NOT LIKE 'article.%' AND type NOT LIKE 'indicator.%'"


def upgrade() -> None:
    op.create_table(
        "folded",
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("seq", "state", name=op.f("pk_folded")),
    )
    op.create_table(
        "maintenance",
        sa.Column("job", sa.Text(), nullable=False),
        sa.Column("begun_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("node", sa.Text(), nullable=False),
        sa.Column("did", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("job", name=op.f("pk_maintenance")),
    )
    op.create_index(
        "ix_events_operations",
        "events",
        ["source", "type", "seq"],
        sqlite_where=sa.text(OPERATIONS),
        postgresql_where=sa.text(OPERATIONS),
    )
    for name in ("folded", "folded_until", "pruned"):
        op.get_bind().execute(
            sa.text("INSERT INTO cursors (name, seq, subscription) VALUES (:name, 0, 0)"), {"name": name}
        )
