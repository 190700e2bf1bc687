"""selling: carts, delivery, tax, reservations, payment attempts, orders"""

import sqlalchemy as sa
from alembic import op

from hypermart.db import base

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:

    op.create_table(
        "carts",
        sa.Column("id", base.big, nullable=False),
        sa.Column("token_hash", base.exact(64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("email", sa.String(length=255), nullable=False),
        sa.Column("address", sa.JSON(), nullable=False),
        sa.Column("billing", sa.JSON(), nullable=True),
        sa.Column("delivery_method", base.exact(30), nullable=False),
        sa.Column("payment_method", base.exact(30), nullable=False),
        sa.Column("wants_news_at", base.UtcDateTime(), nullable=True),
        sa.Column("created_at", base.UtcDateTime(), nullable=False),
        sa.Column("updated_at", base.UtcDateTime(), nullable=False),
        sa.Column("expires_at", base.UtcDateTime(), nullable=False),
        sa.Column("completed_at", base.UtcDateTime(), nullable=True),
        sa.Column("heir_of", base.big, nullable=True),
        sa.ForeignKeyConstraint(["heir_of"], ["carts.id"], name=op.f("fk_carts_heir_of"), ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_carts")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_carts_token_hash")),
    )
    op.create_index("ix_carts_expires_at", "carts", ["expires_at"], unique=False)
    op.create_index(op.f("ix_carts_heir_of"), "carts", ["heir_of"], unique=False)
    op.create_table(
        "counters",
        sa.Column("name", base.exact(20), nullable=False),
        sa.Column("value", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_counters")),
    )
    op.create_table(
        "delivery_methods",
        sa.Column("id", base.big, nullable=False),
        sa.Column("code", base.exact(30), nullable=False),
        sa.Column("title", sa.String(length=255), nullable=False),
        sa.Column("carrier", sa.String(length=255), nullable=False),
        sa.Column("kind", base.exact(10), nullable=False),
        sa.Column("note", base.long_text, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("is_active", sa.Boolean(), server_default=sa.text("1"), nullable=False),
        sa.CheckConstraint("kind IN ('ship', 'pickup')", name=op.f("ck_delivery_methods_kind")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery_methods")),
        sa.UniqueConstraint("code", name=op.f("uq_delivery_methods_code")),
    )
    op.create_table(
        "gateway_events",
        sa.Column("id", base.big, nullable=False),
        sa.Column("event_id", base.exact(100), nullable=False),
        sa.Column("gateway_ref", base.exact(100), nullable=False),
        sa.Column("received_at", base.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gateway_events")),
        sa.UniqueConstraint("event_id", name=op.f("uq_gateway_events_event_id")),
    )
    op.create_table(
        "tax_classes",
        sa.Column("code", base.exact(30), nullable=False),
        sa.Column("title", sa.String(length=255), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_tax_classes")),
    )
    op.create_table(
        "zones",
        sa.Column("id", base.big, nullable=False),
        sa.Column("code", base.exact(20), nullable=False),
        sa.Column("title", sa.String(length=255), nullable=False),
        sa.Column("is_rest", sa.Boolean(), server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_zones")),
        sa.UniqueConstraint("code", name=op.f("uq_zones_code")),
    )
    op.create_table(
        "delivery_rates",
        sa.Column("id", base.big, nullable=False),
        sa.Column("method_id", base.big, nullable=False),
        sa.Column("zone_id", base.big, nullable=False),
        sa.Column("max_weight_g", sa.Integer(), nullable=True),
        sa.Column("price", base.big, nullable=False),
        sa.Column("free_over", base.big, nullable=True),
        sa.Column("min_days", sa.Integer(), nullable=False),
        sa.Column("max_days", sa.Integer(), nullable=False),
        sa.CheckConstraint("min_days >= 0 AND max_days >= min_days", name=op.f("ck_delivery_rates_days")),
        sa.CheckConstraint("price >= 0", name=op.f("ck_delivery_rates_price")),
        sa.ForeignKeyConstraint(
            ["method_id"], ["delivery_methods.id"], name=op.f("fk_delivery_rates_method_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["zone_id"], ["zones.id"], name=op.f("fk_delivery_rates_zone_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery_rates")),
        sa.UniqueConstraint(
            "method_id", "zone_id", "max_weight_g", name=op.f("uq_delivery_rates_method_id_zone_id_max_weight_g")
        ),
    )
    op.create_table(
        "payment_attempts",
        sa.Column("id", base.big, nullable=False),
        sa.Column("key", base.exact(32), nullable=False),
        sa.Column("cart_id", base.big, nullable=False),
        sa.Column("cart_version", sa.Integer(), nullable=False),
        sa.Column("method", base.exact(30), nullable=False),
        sa.Column("amount", base.big, nullable=False),
        sa.Column("currency", base.exact(3), nullable=False),
        sa.Column("state", base.exact(12), nullable=False),
        sa.Column("draft", base.long_text, nullable=False),
        sa.Column("gateway_ref", base.exact(100), nullable=True),
        sa.Column("pay_url", sa.String(length=500), nullable=False),
        sa.Column("reason", sa.String(length=255), nullable=False),
        sa.Column("created_at", base.UtcDateTime(), nullable=False),
        sa.Column("expires_at", base.UtcDateTime(), nullable=False),
        sa.Column("check_at", base.UtcDateTime(), nullable=True),
        sa.Column("settled_at", base.UtcDateTime(), nullable=True),
        sa.Column(
            "live_cart_id",
            base.big,
            sa.Computed(
                "CASE WHEN state IN ('created', 'pending', 'waiting', 'claimed') THEN cart_id END", persisted=False
            ),
            nullable=True,
        ),
        sa.CheckConstraint(
            "state IN ('created', 'pending', 'waiting', 'claimed', 'superseded', 'paid', 'accepted', 'declined', 'released', 'voided')",
            name=op.f("ck_payment_attempts_state"),
        ),
        sa.CheckConstraint("amount >= 0", name=op.f("ck_payment_attempts_amount")),
        sa.ForeignKeyConstraint(["cart_id"], ["carts.id"], name=op.f("fk_payment_attempts_cart_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_attempts")),
        sa.UniqueConstraint("gateway_ref", name=op.f("uq_payment_attempts_gateway_ref")),
        sa.UniqueConstraint("key", name=op.f("uq_payment_attempts_key")),
        sa.UniqueConstraint("live_cart_id", name=op.f("uq_payment_attempts_live_cart_id")),
    )
    op.create_index("ix_payment_attempts_cart_id", "payment_attempts", ["cart_id", "created_at"], unique=False)
    op.create_index("ix_payment_attempts_check_at", "payment_attempts", ["check_at"], unique=False)
    op.create_table(
        "tax_rates",
        sa.Column("id", base.big, nullable=False),
        sa.Column("country", base.exact(2), nullable=False),
        sa.Column("tax_class", base.exact(30), nullable=False),
        sa.Column("rate", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(length=40), nullable=False),
        sa.CheckConstraint("rate >= 0 AND rate < 10000", name=op.f("ck_tax_rates_rate")),
        sa.ForeignKeyConstraint(["tax_class"], ["tax_classes.code"], name=op.f("fk_tax_rates_tax_class")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tax_rates")),
        sa.UniqueConstraint("country", "tax_class", name=op.f("uq_tax_rates_country_tax_class")),
    )
    op.create_table(
        "zone_countries",
        sa.Column("country", base.exact(2), nullable=False),
        sa.Column("zone_id", base.big, nullable=False),
        sa.ForeignKeyConstraint(["zone_id"], ["zones.id"], name=op.f("fk_zone_countries_zone_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("country", name=op.f("pk_zone_countries")),
    )
    op.create_index(op.f("ix_zone_countries_zone_id"), "zone_countries", ["zone_id"], unique=False)
    op.create_table(
        "orders",
        sa.Column("id", base.big, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("cart_id", base.big, nullable=False),
        sa.Column("attempt_id", base.big, nullable=False),
        sa.Column("status", base.exact(12), nullable=False),
        sa.Column("payment_status", base.exact(12), nullable=False),
        sa.Column("fulfilment_status", base.exact(12), nullable=False),
        sa.Column("email", sa.String(length=255), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("country", base.exact(2), nullable=False),
        sa.Column("address", sa.JSON(), nullable=False),
        sa.Column("billing", sa.JSON(), nullable=False),
        sa.Column("currency", base.exact(3), nullable=False),
        sa.Column("subtotal", base.big, nullable=False),
        sa.Column("delivery", base.big, nullable=False),
        sa.Column("tax", base.big, nullable=False),
        sa.Column("total", base.big, nullable=False),
        sa.Column("delivery_method", base.exact(30), nullable=False),
        sa.Column("delivery_title", sa.String(length=255), nullable=False),
        sa.Column("payment_method", base.exact(30), nullable=False),
        sa.Column("terms_accepted_at", base.UtcDateTime(), nullable=False),
        sa.Column("wants_news_at", base.UtcDateTime(), nullable=True),
        sa.Column("placed_at", base.UtcDateTime(), nullable=False),
        sa.Column("paid_at", base.UtcDateTime(), nullable=True),
        sa.Column("cancelled_at", base.UtcDateTime(), nullable=True),
        sa.CheckConstraint("total = subtotal + delivery", name=op.f("ck_orders_total")),
        sa.ForeignKeyConstraint(["attempt_id"], ["payment_attempts.id"], name=op.f("fk_orders_attempt_id")),
        sa.ForeignKeyConstraint(["cart_id"], ["carts.id"], name=op.f("fk_orders_cart_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_orders")),
        sa.UniqueConstraint("attempt_id", name=op.f("uq_orders_attempt_id")),
        sa.UniqueConstraint("cart_id", name=op.f("uq_orders_cart_id")),
        sa.UniqueConstraint("number", name=op.f("uq_orders_number")),
    )
    op.create_index("ix_orders_email", "orders", ["email"], unique=False)
    op.create_index("ix_orders_fulfilment_status", "orders", ["fulfilment_status", "placed_at"], unique=False)
    op.create_index("ix_orders_payment_status", "orders", ["payment_status", "placed_at"], unique=False)
    op.create_index("ix_orders_placed_at", "orders", ["placed_at"], unique=False)
    op.create_index("ix_orders_status", "orders", ["status", "placed_at"], unique=False)
    op.create_table(
        "payment_events",
        sa.Column("id", base.big, nullable=False),
        sa.Column("attempt_id", base.big, nullable=False),
        sa.Column("kind", base.exact(20), nullable=False),
        sa.Column("amount", base.big, nullable=False),
        sa.Column("detail", sa.String(length=255), nullable=False),
        sa.Column("happened_at", base.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["attempt_id"], ["payment_attempts.id"], name=op.f("fk_payment_events_attempt_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_events")),
    )
    op.create_index("ix_payment_events_attempt_id", "payment_events", ["attempt_id", "id"], unique=False)
    op.create_table(
        "order_events",
        sa.Column("id", base.big, nullable=False),
        sa.Column("order_id", base.big, nullable=False),
        sa.Column("kind", base.exact(20), nullable=False),
        sa.Column("detail", sa.String(length=255), nullable=False),
        sa.Column("happened_at", base.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_order_events_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_events")),
    )
    op.create_index("ix_order_events_order_id", "order_events", ["order_id", "id"], unique=False)
    op.create_table(
        "cart_lines",
        sa.Column("id", base.big, nullable=False),
        sa.Column("cart_id", base.big, nullable=False),
        sa.Column("variant_id", base.big, nullable=True),
        sa.Column("title", sa.String(length=900), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("seen_price", base.big, nullable=False),
        sa.Column("is_saved", sa.Boolean(), server_default=sa.text("0"), nullable=False),
        sa.Column("added_at", base.UtcDateTime(), nullable=False),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_cart_lines_quantity")),
        sa.ForeignKeyConstraint(["cart_id"], ["carts.id"], name=op.f("fk_cart_lines_cart_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["variant_id"], ["variants.id"], name=op.f("fk_cart_lines_variant_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cart_lines")),
        sa.UniqueConstraint(
            "cart_id", "variant_id", "is_saved", name=op.f("uq_cart_lines_cart_id_variant_id_is_saved")
        ),
    )
    op.create_index(op.f("ix_cart_lines_variant_id"), "cart_lines", ["variant_id"], unique=False)
    op.create_table(
        "order_lines",
        sa.Column("id", base.big, nullable=False),
        sa.Column("order_id", base.big, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("variant_id", base.big, nullable=True),
        sa.Column("sku", base.exact(100), nullable=False),
        sa.Column("product_slug", base.exact(190), nullable=False),
        sa.Column("title", sa.String(length=255), nullable=False),
        sa.Column("options", sa.String(length=600), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("unit_price", base.big, nullable=False),
        sa.Column("total", base.big, nullable=False),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_order_lines_quantity")),
        sa.CheckConstraint("total = unit_price * quantity", name=op.f("ck_order_lines_total")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_order_lines_order_id")),
        sa.ForeignKeyConstraint(
            ["variant_id"], ["variants.id"], name=op.f("fk_order_lines_variant_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_lines")),
    )
    op.create_index("ix_order_lines_order_id", "order_lines", ["order_id", "position"], unique=False)
    op.create_index(op.f("ix_order_lines_variant_id"), "order_lines", ["variant_id"], unique=False)
    op.create_table(
        "reservations",
        sa.Column("id", base.big, nullable=False),
        sa.Column("holder", base.exact(32), nullable=False),
        sa.Column("variant_id", base.big, nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("expires_at", base.UtcDateTime(), nullable=True),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_reservations_quantity")),
        sa.ForeignKeyConstraint(
            ["variant_id"], ["variants.id"], name=op.f("fk_reservations_variant_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reservations")),
        sa.UniqueConstraint("holder", "variant_id", name=op.f("uq_reservations_holder_variant_id")),
    )
    op.create_index("ix_reservations_expires_at", "reservations", ["expires_at"], unique=False)
    op.create_index("ix_reservations_variant_id", "reservations", ["variant_id", "expires_at"], unique=False)
    op.create_table(
        "order_tax_lines",
        sa.Column("id", base.big, nullable=False),
        sa.Column("order_id", base.big, nullable=False),
        sa.Column("line_id", base.big, nullable=True),
        sa.Column("title", sa.String(length=40), nullable=False),
        sa.Column("rate", sa.Integer(), nullable=False),
        sa.Column("gross", base.big, nullable=False),
        sa.Column("amount", base.big, nullable=False),
        sa.Column("reason", base.exact(20), nullable=False),
        sa.ForeignKeyConstraint(["line_id"], ["order_lines.id"], name=op.f("fk_order_tax_lines_line_id")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_order_tax_lines_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_tax_lines")),
    )
    op.create_index("ix_order_tax_lines_order_id", "order_tax_lines", ["order_id"], unique=False)
