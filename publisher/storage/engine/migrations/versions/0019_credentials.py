"""What webhooks send with besides their secret, rights and last use of keys, classes of errors, and mail to be sent."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    serial = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.add_column("subscriptions", sa.Column("credentials", sa.Text(), nullable=True))
    op.add_column("subscriptions", sa.Column("verification", sa.Text(), nullable=True))
    op.add_column("attempts", sa.Column("error_class", sa.Text(), nullable=True))
    op.add_column("keys", sa.Column("webhook", sa.Text(), nullable=True))
    op.add_column("keys", sa.Column("private_networks", sa.Boolean(), nullable=False, server_default=sa.text("false")))
    op.add_column("keys", sa.Column("last_used_at", sa.BigInteger(), nullable=True))
    op.add_column("keys", sa.Column("previous_hash", sa.Text(), nullable=True))
    op.add_column("keys", sa.Column("previous_prefix", sa.Text(), nullable=True))
    op.add_column("keys", sa.Column("previous_until", sa.BigInteger(), nullable=True))
    # Every key could register webhooks in the networks that an operator had opened; those that are there go on.
    op.execute("UPDATE keys SET private_networks = true")
    op.create_index("ix_keys_previous_hash", "keys", ["previous_hash"])
    op.create_table(
        "mails",
        sa.Column("id", serial, autoincrement=True, nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mails")),
        sa.UniqueConstraint("event", name=op.f("uq_mails_event")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_mails_state_due_at", "mails", ["state", "due_at"])
