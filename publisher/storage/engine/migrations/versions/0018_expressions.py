"""Which filters have an expression, and what went wrong with it."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("filters", sa.Column("expression", sa.Boolean(), nullable=False, server_default=sa.text("(false)")))
    op.add_column("filters", sa.Column("errors", sa.BigInteger(), nullable=False, server_default="0"))
    op.add_column("filters", sa.Column("last_error", sa.Text(), nullable=True))
    op.add_column("filters", sa.Column("last_error_at", sa.BigInteger(), nullable=True))
