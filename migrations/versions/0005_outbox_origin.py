"""outbox: the request and the trace that a row comes from"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("outbox", sa.Column("request", sa.String(length=64), nullable=True))
    op.add_column("outbox", sa.Column("trace", sa.String(length=64), nullable=True))
