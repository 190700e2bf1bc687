"""the catalogue"""

import sqlalchemy as sa
from alembic import op

from hypermart.db import base

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

#: SQLite's index over search_texts, kept by triggers so that no writer has to know of it.
FTS5 = (
    (
        "CREATE VIRTUAL TABLE search_fts USING fts5(words, content='search_texts', content_rowid='product_id', "
        "tokenize=\"unicode61 tokenchars '_'\", prefix='4 5')"
    ),
    (
        "CREATE TRIGGER search_texts_ai AFTER INSERT ON search_texts BEGIN "
        "INSERT INTO search_fts(rowid, words) VALUES (new.product_id, new.words); END"
    ),
    (
        "CREATE TRIGGER search_texts_ad AFTER DELETE ON search_texts BEGIN "
        "INSERT INTO search_fts(search_fts, rowid, words) VALUES ('delete', old.product_id, old.words); END"
    ),
    (
        "CREATE TRIGGER search_texts_au AFTER UPDATE ON search_texts BEGIN "
        "INSERT INTO search_fts(search_fts, rowid, words) VALUES ('delete', old.product_id, old.words); "
        "INSERT INTO search_fts(rowid, words) VALUES (new.product_id, new.words); END"
    ),
)


def upgrade() -> None:
    op.create_table(
        "attributes",
        sa.Column("id", base.big, nullable=False),
        sa.Column("code", base.exact(100), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("type", sa.String(length=10), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("is_byline", sa.Boolean(), server_default=sa.text("0"), nullable=False),
        sa.CheckConstraint("type IN ('text', 'number', 'boolean', 'url')", name=op.f("ck_attributes_type")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attributes")),
        sa.UniqueConstraint("code", name=op.f("uq_attributes_code")),
    )
    op.create_table(
        "categories",
        sa.Column("id", base.big, nullable=False),
        sa.Column("parent_id", base.big, nullable=True),
        sa.Column("slug", base.exact(190), nullable=False),
        sa.Column("title", sa.String(length=255), nullable=False),
        sa.Column("intro", base.long_text, nullable=False),
        sa.Column("seo_title", sa.String(length=255), nullable=False),
        sa.Column("seo_description", base.long_text, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("updated_at", base.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["parent_id"], ["categories.id"], name=op.f("fk_categories_parent_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_categories")),
        sa.UniqueConstraint("slug", name=op.f("uq_categories_slug")),
    )
    op.create_table(
        "collections",
        sa.Column("id", base.big, nullable=False),
        sa.Column("slug", base.exact(190), nullable=False),
        sa.Column("title", sa.String(length=255), nullable=False),
        sa.Column("intro", base.long_text, nullable=False),
        sa.Column("seo_title", sa.String(length=255), nullable=False),
        sa.Column("seo_description", base.long_text, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("updated_at", base.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_collections")),
        sa.UniqueConstraint("slug", name=op.f("uq_collections_slug")),
    )
    op.create_table(
        "content_pages",
        sa.Column("id", base.big, nullable=False),
        sa.Column("slug", base.exact(190), nullable=False),
        sa.Column("title", sa.String(length=255), nullable=False),
        sa.Column("body", base.long_text, nullable=False),
        sa.Column("description", base.long_text, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("updated_at", base.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_content_pages")),
        sa.UniqueConstraint("slug", name=op.f("uq_content_pages_slug")),
    )
    op.create_table(
        "facets",
        sa.Column("id", base.big, nullable=False),
        sa.Column("code", base.exact(60), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("source", base.exact(190), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_facets")),
        sa.UniqueConstraint("code", name=op.f("uq_facets_code")),
    )
    op.create_table(
        "old_slugs",
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("slug", base.exact(190), nullable=False),
        sa.Column("target_id", base.big, nullable=False),
        sa.PrimaryKeyConstraint("kind", "slug", name=op.f("pk_old_slugs")),
    )
    op.create_table(
        "outbox",
        sa.Column("id", base.big, nullable=False),
        sa.Column("job", sa.String(length=64), nullable=False),
        sa.Column("args", sa.JSON(), nullable=False),
        sa.Column("created_at", base.UtcDateTime(), nullable=False),
        sa.Column("due_at", base.UtcDateTime(), nullable=False),
        sa.Column("leased_until", base.UtcDateTime(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("done_at", base.UtcDateTime(), nullable=True),
        sa.Column("dead_at", base.UtcDateTime(), nullable=True),
        sa.Column("last_error", base.long_text, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
    )
    op.create_index("ix_outbox_open", "outbox", ["done_at", "dead_at", "due_at"])
    op.create_table(
        "search_words",
        sa.Column("word", base.exact(64), nullable=False),
        sa.PrimaryKeyConstraint("word", name=op.f("pk_search_words")),
    )
    op.create_table(
        "facet_values",
        sa.Column("id", base.big, nullable=False),
        sa.Column("facet_id", base.big, nullable=False),
        sa.Column("slug", base.exact(190), nullable=False),
        sa.Column("label", sa.String(length=255), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["facet_id"], ["facets.id"], name=op.f("fk_facet_values_facet_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_facet_values")),
        sa.UniqueConstraint("facet_id", "slug", name=op.f("uq_facet_values_facet_id_slug")),
    )
    op.create_table(
        "products",
        sa.Column("id", base.big, nullable=False),
        sa.Column("slug", base.exact(190), nullable=False),
        sa.Column("title", sa.String(length=255), nullable=False),
        sa.Column("brand", sa.String(length=255), nullable=False),
        sa.Column("kind", sa.String(length=255), nullable=False),
        sa.Column("description", base.long_text, nullable=False),
        sa.Column("seo_title", sa.String(length=255), nullable=False),
        sa.Column("seo_description", base.long_text, nullable=False),
        sa.Column("google_category", sa.String(length=255), nullable=False),
        sa.Column("condition", sa.String(length=20), nullable=False),
        sa.Column("option1_name", sa.String(length=255), nullable=False),
        sa.Column("option2_name", sa.String(length=255), nullable=False),
        sa.Column("option3_name", sa.String(length=255), nullable=False),
        sa.Column("status", sa.String(length=10), nullable=False),
        sa.Column("published_at", base.UtcDateTime(), nullable=True),
        sa.Column("category_id", base.big, nullable=True),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("source", base.long_text, nullable=True),
        sa.Column("created_at", base.UtcDateTime(), nullable=False),
        sa.Column("updated_at", base.UtcDateTime(), nullable=False),
        sa.CheckConstraint("status IN ('active', 'draft', 'archived')", name=op.f("ck_products_status")),
        sa.ForeignKeyConstraint(["category_id"], ["categories.id"], name=op.f("fk_products_category_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_products")),
        sa.UniqueConstraint("slug", name=op.f("uq_products_slug")),
    )
    op.create_table(
        "category_products",
        sa.Column("category_id", base.big, nullable=False),
        sa.Column("product_id", base.big, nullable=False),
        sa.Column("is_inherited", sa.Boolean(), server_default=sa.text("0"), nullable=False),
        sa.ForeignKeyConstraint(
            ["category_id"], ["categories.id"], name=op.f("fk_category_products_category_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["product_id"], ["products.id"], name=op.f("fk_category_products_product_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("category_id", "product_id", name=op.f("pk_category_products")),
    )
    op.create_index("ix_category_products_product_id", "category_products", ["product_id"])
    op.create_table(
        "collection_products",
        sa.Column("collection_id", base.big, nullable=False),
        sa.Column("product_id", base.big, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["collection_id"], ["collections.id"], name=op.f("fk_collection_products_collection_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["product_id"], ["products.id"], name=op.f("fk_collection_products_product_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("collection_id", "product_id", name=op.f("pk_collection_products")),
    )
    op.create_index("ix_collection_products_product_id", "collection_products", ["product_id"])
    op.create_table(
        "listings",
        sa.Column("product_id", base.big, autoincrement=False, nullable=False),
        sa.Column("slug", base.exact(190), nullable=False),
        sa.Column("title", sa.String(length=255), nullable=False),
        sa.Column("sort_title", base.exact(255), nullable=False),
        sa.Column("byline", sa.String(length=255), nullable=False),
        sa.Column("price_from", base.big, nullable=False),
        sa.Column("price_to", base.big, nullable=False),
        sa.Column("compare_at", base.big, nullable=True),
        sa.Column("variant_count", sa.Integer(), nullable=False),
        sa.Column("is_in_stock", sa.Boolean(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("published_at", base.UtcDateTime(), nullable=False),
        sa.Column("picture_id", base.big, nullable=True),
        sa.Column("facet_key", base.big, nullable=False),
        sa.ForeignKeyConstraint(
            ["product_id"], ["products.id"], name=op.f("fk_listings_product_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("product_id", name=op.f("pk_listings")),
    )
    op.create_index("ix_listings_published_at", "listings", ["published_at", "product_id"])
    op.create_table(
        "pictures",
        sa.Column("id", base.big, nullable=False),
        sa.Column("product_id", base.big, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("alt", base.long_text, nullable=False),
        sa.Column("blob_key", base.exact(190), nullable=False),
        sa.Column("source_name", sa.String(length=255), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("widths", base.exact(60), nullable=False),
        sa.ForeignKeyConstraint(
            ["product_id"], ["products.id"], name=op.f("fk_pictures_product_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pictures")),
    )
    op.create_index(op.f("ix_pictures_product_id"), "pictures", ["product_id"])
    op.create_table(
        "product_attributes",
        sa.Column("product_id", base.big, nullable=False),
        sa.Column("attribute_id", base.big, nullable=False),
        sa.Column("value", base.long_text, nullable=False),
        sa.ForeignKeyConstraint(
            ["attribute_id"], ["attributes.id"], name=op.f("fk_product_attributes_attribute_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["product_id"], ["products.id"], name=op.f("fk_product_attributes_product_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("product_id", "attribute_id", name=op.f("pk_product_attributes")),
    )
    op.create_table(
        "product_tags",
        sa.Column("product_id", base.big, nullable=False),
        sa.Column("tag", base.exact(190), nullable=False),
        sa.ForeignKeyConstraint(
            ["product_id"], ["products.id"], name=op.f("fk_product_tags_product_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("product_id", "tag", name=op.f("pk_product_tags")),
    )
    op.create_table(
        "list_entries",
        sa.Column("category_id", base.big, autoincrement=False, nullable=False),
        sa.Column("product_id", base.big, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("published_at", base.UtcDateTime(), nullable=False),
        sa.Column("price_from", base.big, nullable=False),
        sa.Column("price_to", base.big, nullable=False),
        sa.Column("variant_count", sa.Integer(), nullable=False),
        sa.Column("is_in_stock", sa.Boolean(), nullable=False),
        sa.Column("sort_title", base.exact(255), nullable=False),
        sa.Column("facet_key", base.big, nullable=False),
        sa.ForeignKeyConstraint(
            ["product_id"], ["listings.product_id"], name=op.f("fk_list_entries_product_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("category_id", "product_id", name=op.f("pk_list_entries")),
    )
    op.create_index("ix_list_entries_position", "list_entries", ["category_id", "position", "product_id"])
    op.create_index("ix_list_entries_product_id", "list_entries", ["product_id"])
    op.create_table(
        "list_facets",
        sa.Column("product_id", base.big, nullable=False),
        sa.Column("value_id", base.big, nullable=False),
        sa.ForeignKeyConstraint(
            ["product_id"], ["listings.product_id"], name=op.f("fk_list_facets_product_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["value_id"], ["facet_values.id"], name=op.f("fk_list_facets_value_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("product_id", "value_id", name=op.f("pk_list_facets")),
    )
    op.create_index("ix_list_facets_value_id", "list_facets", ["value_id"])
    op.create_table(
        "search_texts",
        sa.Column("product_id", base.big, autoincrement=False, nullable=False),
        sa.Column("words", base.long_text, nullable=False),
        sa.ForeignKeyConstraint(
            ["product_id"], ["listings.product_id"], name=op.f("fk_search_texts_product_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("product_id", name=op.f("pk_search_texts")),
    )
    op.create_table(
        "variants",
        sa.Column("id", base.big, nullable=False),
        sa.Column("product_id", base.big, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("sku", base.exact(100), nullable=False),
        sa.Column("barcode", base.exact(32), nullable=False),
        sa.Column("option1", base.exact(190), nullable=False),
        sa.Column("option2", base.exact(190), nullable=False),
        sa.Column("option3", base.exact(190), nullable=False),
        sa.Column("price", base.big, nullable=False),
        sa.Column("compare_at", base.big, nullable=True),
        sa.Column("cost", base.big, nullable=True),
        sa.Column("weight_g", sa.Integer(), nullable=False),
        sa.Column("needs_delivery", sa.Boolean(), server_default=sa.text("1"), nullable=False),
        sa.Column("is_taxable", sa.Boolean(), server_default=sa.text("1"), nullable=False),
        sa.Column("tax_code", sa.String(length=255), nullable=False),
        sa.Column("picture_id", base.big, nullable=True),
        sa.CheckConstraint("compare_at IS NULL OR compare_at >= 0", name=op.f("ck_variants_compare_at")),
        sa.CheckConstraint("price >= 0", name=op.f("ck_variants_price")),
        sa.ForeignKeyConstraint(
            ["picture_id"], ["pictures.id"], name=op.f("fk_variants_picture_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["product_id"], ["products.id"], name=op.f("fk_variants_product_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_variants")),
        sa.UniqueConstraint(
            "product_id", "option1", "option2", "option3", name=op.f("uq_variants_product_id_option1_option2_option3")
        ),
        sa.UniqueConstraint("sku", name=op.f("uq_variants_sku")),
    )
    op.create_table(
        "price_history",
        sa.Column("id", base.big, nullable=False),
        sa.Column("variant_id", base.big, nullable=True),
        sa.Column("sku", base.exact(100), nullable=False),
        sa.Column("price", base.big, nullable=False),
        sa.Column("compare_at", base.big, nullable=True),
        sa.Column("changed_at", base.UtcDateTime(), nullable=False),
        sa.Column("reason", sa.String(length=255), nullable=False),
        sa.ForeignKeyConstraint(
            ["variant_id"], ["variants.id"], name=op.f("fk_price_history_variant_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_price_history")),
    )
    op.create_index("ix_price_history_variant_id", "price_history", ["variant_id", "changed_at"])
    op.create_table(
        "sale_prices",
        sa.Column("id", base.big, nullable=False),
        sa.Column("variant_id", base.big, nullable=False),
        sa.Column("product_id", base.big, nullable=False),
        sa.Column("price", base.big, nullable=False),
        sa.Column("starts_at", base.UtcDateTime(), nullable=False),
        sa.Column("ends_at", base.UtcDateTime(), nullable=False),
        sa.CheckConstraint("price >= 0", name=op.f("ck_sale_prices_price")),
        sa.CheckConstraint("starts_at < ends_at", name=op.f("ck_sale_prices_window")),
        sa.ForeignKeyConstraint(
            ["product_id"], ["products.id"], name=op.f("fk_sale_prices_product_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["variant_id"], ["variants.id"], name=op.f("fk_sale_prices_variant_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sale_prices")),
    )
    op.create_index("ix_sale_prices_ends_at", "sale_prices", ["ends_at"])
    op.create_index(op.f("ix_sale_prices_product_id"), "sale_prices", ["product_id"])
    op.create_index(op.f("ix_sale_prices_variant_id"), "sale_prices", ["variant_id"])
    op.create_index("ix_sale_prices_window", "sale_prices", ["starts_at", "ends_at"])
    op.create_table(
        "stock_levels",
        sa.Column("variant_id", base.big, autoincrement=False, nullable=False),
        sa.Column("on_hand", sa.Integer(), nullable=False),
        sa.Column("reserved", sa.Integer(), server_default="0", nullable=False),
        sa.Column("allocated", sa.Integer(), server_default="0", nullable=False),
        sa.Column("may_oversell", sa.Boolean(), server_default=sa.text("0"), nullable=False),
        sa.CheckConstraint("allocated >= 0", name=op.f("ck_stock_levels_allocated")),
        sa.CheckConstraint(
            "may_oversell OR on_hand - reserved - allocated >= 0", name=op.f("ck_stock_levels_no_oversell")
        ),
        sa.CheckConstraint("reserved >= 0", name=op.f("ck_stock_levels_reserved")),
        sa.ForeignKeyConstraint(
            ["variant_id"], ["variants.id"], name=op.f("fk_stock_levels_variant_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("variant_id", name=op.f("pk_stock_levels")),
    )
    op.create_table(
        "stock_movements",
        sa.Column("id", base.big, nullable=False),
        sa.Column("variant_id", base.big, nullable=True),
        sa.Column("sku", base.exact(100), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.String(length=255), nullable=False),
        sa.Column("moved_at", base.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["variant_id"], ["variants.id"], name=op.f("fk_stock_movements_variant_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stock_movements")),
    )
    op.create_index("ix_stock_movements_variant_id", "stock_movements", ["variant_id", "moved_at"])
    if op.get_bind().dialect.name == "mysql":
        op.execute("ALTER TABLE search_texts ADD FULLTEXT INDEX ft_search_texts_words (words)")
    else:
        for statement in FTS5:
            op.execute(statement)
