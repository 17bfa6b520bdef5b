"""Parcels: the first attempts of one event for up to 448 subscriptions in a row, and what became of them."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_SEATED = 2**62


def upgrade() -> None:
    serial = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "rosters",
        sa.Column("id", serial, autoincrement=True, nullable=False),
        sa.Column("filter_id", sa.BigInteger(), nullable=False),
        sa.Column("lane", sa.Integer(), nullable=False),
        sa.Column("members", sa.LargeBinary(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("taken", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rosters")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_rosters_filter_id_lane", "rosters", ["filter_id", "lane"])
    op.create_table(
        "seats",
        sa.Column("roster", sa.BigInteger(), nullable=False),
        sa.Column("seat", sa.Integer(), nullable=False),
        sa.Column("subscription", sa.BigInteger(), nullable=False),
        sa.Column("from_seq", sa.BigInteger(), nullable=False),
        sa.Column("until_seq", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("roster", "seat", name=op.f("pk_seats")),
    )
    op.create_index("ix_seats_subscription", "seats", ["subscription"])
    op.create_table(
        "parcels",
        sa.Column("id", serial, autoincrement=True, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("roster", sa.BigInteger(), nullable=False),
        sa.Column("lane", sa.Integer(), nullable=False),
        sa.Column("filter_id", sa.BigInteger(), nullable=False),
        sa.Column("members", sa.LargeBinary(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("moved", sa.LargeBinary(), nullable=True),
        sa.Column("closed_at", sa.BigInteger(), nullable=True),
        sa.Column("sent", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("began_at", sa.BigInteger(), nullable=True),
        sa.Column("times", sa.LargeBinary(), nullable=True),
        sa.Column("statuses", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_parcels")),
        sa.UniqueConstraint("roster", "seq", name=op.f("uq_parcels_roster_seq")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_parcels_seq", "parcels", ["seq"])
    _partial("ix_parcels_open", "parcels", ["lane", "id"], "closed_at IS NULL")
    op.create_table(
        "journal",
        sa.Column("id", serial, autoincrement=True, nullable=False),
        sa.Column("lane", sa.Integer(), nullable=False),
        sa.Column("entries", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_journal")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_journal_lane", "journal", ["lane"])
    op.add_column("follows", sa.Column("rows_from", sa.BigInteger(), nullable=False, server_default="0"))
    op.drop_index("ix_follows_filter_id_subscription", "follows")
    op.create_index("ix_follows_filter_id", "follows", ["filter_id", "subscription", "from_seq", "until_seq"])
    _partial("ix_follows_rows", "follows", ["filter_id", "subscription"], f"rows_from < {_SEATED}")
    op.drop_index("ix_deliveries_subscription_id", "deliveries")
    op.create_index("ix_deliveries_subscription_seq", "deliveries", ["subscription", "seq", "run"])


def _partial(name: str, table: str, columns: list[str], which: str) -> None:
    op.create_index(name, table, columns, sqlite_where=sa.text(which), postgresql_where=sa.text(which))
