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
