"""What tells an installation's database from a new one, and the right storage key from another."""

import secrets

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

# A database that holds none of these is a new one, and gets its id at its first start.
HELD = ("articles", "events", "embargoes", "keys", "subscriptions", "feed_states", "sources")


def upgrade() -> None:
    made = op.create_table(
        "installation",
        sa.Column("n", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("proof", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("n", name=op.f("pk_installation")),
    )
    conn = op.get_bind()
    held = [conn.execute(sa.select(sa.exists(sa.select(sa.text("1")).select_from(sa.table(name))))) for name in HELD]
    if any(found.scalar() for found in held):
        op.bulk_insert(made, [{"n": 1, "id": secrets.token_hex(8), "proof": None}])
