"""What is needed to keep texts, names and strangers' endpoints from whoever should not have them.

What was matched before stays as it was judged then, in full: an attempt that was made of it carries the same bytes when
it is repeated.
"""

from urllib.parse import urlsplit

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("matches", sa.Column("summary", sa.Boolean(), nullable=False, server_default=sa.text("false")))
    op.add_column("feed_states", sa.Column("private", sa.Boolean(), nullable=False, server_default=sa.text("false")))
    op.add_column("subscriptions", sa.Column("host", sa.Text(), nullable=False, server_default=""))
    op.create_index("ix_subscriptions_host", "subscriptions", ["host"])
    op.create_table(
        "hosts",
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("verified_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("host", name=op.f("pk_hosts")),
    )
    _fill(op.get_bind())


def _fill(conn: sa.Connection) -> None:
    """Whose host each webhook's is, and those that have taken a delivery."""
    rows = [{"number": n, "host": _host(url)} for n, url in conn.execute(sa.text("SELECT n, url FROM subscriptions"))]
    if rows:
        conn.execute(sa.text("UPDATE subscriptions SET host = :host WHERE n = :number"), rows)
    conn.execute(
        sa.text(
            "INSERT INTO hosts (host, verified_at) SELECT host, min(created_at) FROM subscriptions AS s WHERE EXISTS "
            "(SELECT 1 FROM deliveries AS d WHERE d.subscription = s.n AND d.state = 'delivered') GROUP BY host"
        )
    )


def _host(url: str) -> str:
    return (urlsplit(url).hostname or "").rstrip(".")
