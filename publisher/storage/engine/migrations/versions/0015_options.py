"""How a subscription is told, where that is not as for everyone."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("subscriptions", sa.Column("options", sa.Text(), nullable=False, server_default="{}"))
    op.add_column("subscriptions", sa.Column("alone", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("subscriptions", sa.Column("history", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.drop_index("ix_events_subject", "events")
    op.create_index("ix_events_subject_seq", "events", ["subject", "seq"])
    op.add_column("deliveries", sa.Column("batch", sa.BigInteger(), nullable=True))
    replayed = sa.text("run > 0 AND due_at IS NOT NULL")
    columns = ["subscription", "run", "seq"]
    op.create_index("ix_deliveries_replayed", "deliveries", columns, sqlite_where=replayed, postgresql_where=replayed)
