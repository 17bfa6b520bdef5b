"""What is needed to keep texts, names and strangers' endpoints from whoever should not have them.

What was matched before stays as it was judged then, in full: an attempt that was made of it carries the same bytes when
it is repeated.
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("matches", sa.Column("summary", sa.Boolean(), nullable=False, server_default=sa.text("false")))
    op.add_column("feed_states", sa.Column("private", sa.Boolean(), nullable=False, server_default=sa.text("false")))
