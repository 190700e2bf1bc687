"""accounts: customers with their addresses, staff, and carts that belong to a customer"""

import sqlalchemy as sa
from alembic import op

from hypermart.db import base

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "customers",
        sa.Column("id", base.big, nullable=False),
        sa.Column("email", sa.String(length=255), nullable=False),
        sa.Column("email_key", base.exact(320), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("password_hash", base.exact(255), nullable=False),
        sa.Column("epoch", sa.Integer(), server_default="1", nullable=False),
        sa.Column("wants_news_at", base.UtcDateTime(), nullable=True),
        sa.Column("created_at", base.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customers")),
        sa.UniqueConstraint("email_key", name=op.f("uq_customers_email_key")),
    )
    op.create_table(
        "saved_addresses",
        sa.Column("id", base.big, nullable=False),
        sa.Column("customer_id", base.big, nullable=False),
        sa.Column("address", sa.JSON(), nullable=False),
        sa.Column("is_default", sa.Boolean(), server_default=sa.text("0"), nullable=False),
        sa.Column("created_at", base.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customers.id"], name=op.f("fk_saved_addresses_customer_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_addresses")),
    )
    op.create_index(op.f("ix_saved_addresses_customer_id"), "saved_addresses", ["customer_id"], unique=False)
    op.create_table(
        "people",
        sa.Column("id", base.big, nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("email", sa.String(length=255), nullable=False),
        sa.Column("email_key", base.exact(320), nullable=False),
        sa.Column("password_hash", base.exact(255), nullable=False),
        sa.Column("epoch", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", base.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_people")),
        sa.UniqueConstraint("email_key", name=op.f("uq_people_email_key")),
    )
    with op.batch_alter_table("carts") as carts:
        carts.add_column(sa.Column("customer_id", base.big, nullable=True))
        carts.add_column(sa.Column("merged", sa.JSON(), nullable=True))
        carts.create_foreign_key(
            op.f("fk_carts_customer_id"), "customers", ["customer_id"], ["id"], ondelete="SET NULL"
        )
        carts.create_index(op.f("ix_carts_customer_id"), ["customer_id"], unique=False)
