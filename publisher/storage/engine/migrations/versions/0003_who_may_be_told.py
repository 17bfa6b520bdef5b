"""Who may be told: roles of subscriptions, private feeds in the log, paused and failing webhooks."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("feed_states", sa.Column("definition", sa.Text()))
    op.add_column("feed_states", sa.Column("removed_at", sa.BigInteger()))
    op.add_column("feed_states", sa.Column("open_from", sa.BigInteger(), server_default=sa.text("0")))
    op.add_column("matches", sa.Column("reason", sa.Text()))
    op.add_column("matches", sa.Column("held", sa.Text()))
    held = sa.text("held IS NOT NULL")
    op.create_index("ix_matches_held", "matches", ["held"], sqlite_where=held, postgresql_where=held)
    for column in (
        sa.Column("granted", sa.Text()),
        sa.Column("cause", sa.Text()),
        sa.Column("paused_at", sa.BigInteger()),
        sa.Column("owed", sa.Text()),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("first_failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("failing_since", sa.BigInteger()),
        sa.Column("last_error", sa.Text()),
        sa.Column("last_error_at", sa.BigInteger()),
    ):
        op.add_column("subscriptions", column)
    owed = sa.text("owed IS NOT NULL")
    op.create_index("ix_subscriptions_owed", "subscriptions", ["owed"], sqlite_where=owed, postgresql_where=owed)
    op.execute("INSERT INTO cursors (name, seq, subscription) VALUES ('access', 0, 0)")
    # Those whose owner never had a key were made at the command line, by an operator.
    op.execute("UPDATE subscriptions SET granted = 'operator' WHERE owner NOT IN (SELECT owner FROM keys)")
