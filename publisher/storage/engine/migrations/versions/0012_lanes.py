"""Lanes, each of which one process sends for; and what is open found by its subscription."""

from urllib.parse import urlsplit
from zlib import crc32

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_LANES = 8
_ROWS = 1000


def upgrade() -> None:
    op.create_table(
        "lanes",
        sa.Column("n", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("owner", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("n", name=op.f("pk_lanes")),
    )
    op.create_table(
        "senders",
        sa.Column("process", sa.Text(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("process", name=op.f("pk_senders")),
    )
    op.bulk_insert(sa.table("lanes", sa.column("n", sa.Integer())), [{"n": n} for n in range(_LANES)])
    op.add_column("subscriptions", sa.Column("lane", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("subscriptions", sa.Column("woken_at", sa.BigInteger(), nullable=True))
    woken = sa.text("woken_at IS NOT NULL")
    op.create_index(
        "ix_subscriptions_woken_at", "subscriptions", ["woken_at"], sqlite_where=woken, postgresql_where=woken
    )
    _place(op.get_bind())
    op.execute("INSERT INTO cursors (name, seq, subscription) VALUES ('changes', 0, 0)")
    op.drop_index("ix_deliveries_due", "deliveries")
    if op.get_bind().dialect.name == "sqlite":
        # Senders find what is new by its id: one that was deleted must not be given out again.
        with op.batch_alter_table("deliveries", recreate="always", table_kwargs={"sqlite_autoincrement": True}):
            pass
    due = sa.text("due_at IS NOT NULL")
    op.create_index(
        "ix_deliveries_open", "deliveries", ["subscription", "due_at"], sqlite_where=due, postgresql_where=due
    )


def _place(conn: sa.Connection) -> None:
    table = sa.table(
        "subscriptions", sa.column("n", sa.BigInteger()), sa.column("url", sa.Text()), sa.column("lane", sa.Integer())
    )
    place = table.update().where(table.c.n == sa.bindparam("one")).values(lane=sa.bindparam("its"))
    some = sa.select(table.c.n, table.c.url).order_by(table.c.n).limit(_ROWS)
    after = 0
    while rows := conn.execute(some.where(table.c.n > after)).all():
        conn.execute(place, [{"one": n, "its": _lane(url)} for n, url in rows])
        after = rows[-1].n


def _lane(url: str) -> int:
    return crc32((urlsplit(url).hostname or "").rstrip(".").encode()) % _LANES
