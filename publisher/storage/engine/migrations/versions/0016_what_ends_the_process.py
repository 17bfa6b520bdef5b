"""How often a process ended, without giving back what it had, while a lane's parcels or a delivery were under way."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_SUSPECTS = "crashes > 1"


def upgrade() -> None:
    op.add_column("lanes", sa.Column("crashes", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("lanes", sa.Column("mark", sa.BigInteger(), nullable=True))
    op.add_column("deliveries", sa.Column("crashes", sa.Integer(), nullable=False, server_default="0"))
    op.create_index(
        "ix_deliveries_suspects",
        "deliveries",
        ["crashes", "id"],
        sqlite_where=sa.text(_SUSPECTS),
        postgresql_where=sa.text(_SUSPECTS),
    )
