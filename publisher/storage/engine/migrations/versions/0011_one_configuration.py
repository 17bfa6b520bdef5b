"""Definitions as versions, the nodes that go by them, and the log's generation."""

import secrets

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("definitions") as table:
        table.add_column(sa.Column("settings", sa.Text(), nullable=False, server_default="{}"))
        table.add_column(sa.Column("needs", sa.Text(), nullable=False, server_default=""))
        table.add_column(sa.Column("node", sa.Text(), nullable=False, server_default=""))
        table.add_column(sa.Column("seq", sa.BigInteger(), nullable=False, server_default="0"))
    op.create_index("ix_definitions_digest", "definitions", ["digest"])
    op.create_table(
        "nodes",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("roles", sa.Text(), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("definitions", sa.BigInteger(), nullable=False),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("clock_offset", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_nodes")),
    )
    op.add_column("sources", sa.Column("node", sa.Text(), nullable=True))
    op.add_column("sources", sa.Column("timing", sa.Text(), nullable=True))
    looked_at = ["next_run_at", "lease_until", "name", "timing"]
    op.create_index("ix_sources_next_run_at_lease_until_name_timing", "sources", looked_at)
    op.add_column("installation", sa.Column("generation", sa.Text(), nullable=False, server_default=""))
    op.add_column("installation", sa.Column("earlier", sa.Text(), nullable=False, server_default="[]"))
    op.execute("INSERT INTO cursors (name, seq, subscription) VALUES ('erasures', 0, 0)")
    op.get_bind().execute(
        sa.text("UPDATE installation SET generation = :generation"), {"generation": secrets.token_hex(8)}
    )
