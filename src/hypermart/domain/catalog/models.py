"""What the shop sells: products, variants, prices, pictures, categories, collections. Stock is its own noun."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, false, true
from sqlalchemy.orm import Mapped, mapped_column

from hypermart.db.base import At, Base, Id, Label, LongText, Minor, Slug, UtcDateTime, big, exact

ACTIVE, DRAFT, ARCHIVED = "active", "draft", "archived"
#: Stands for all categories in the derived rows of lists.
WHOLE_SHOP = 0


class Category(Base):
    """A node of the department tree."""

    __tablename__ = "categories"

    id: Mapped[Id]
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("categories.id"))
    slug: Mapped[Slug] = mapped_column(exact(190), unique=True)
    title: Mapped[Label]
    intro: Mapped[LongText] = mapped_column(default="")
    seo_title: Mapped[Label] = mapped_column(default="")
    seo_description: Mapped[LongText] = mapped_column(default="")
    position: Mapped[int] = mapped_column(default=0)
    updated_at: Mapped[At]

    def cache_keys(self) -> Iterable[str]:
        return "menu", f"category:{self.id}"


class Collection(Base):
    """A hand-picked list, shown in the order of its members' positions."""

    __tablename__ = "collections"

    id: Mapped[Id]
    slug: Mapped[Slug] = mapped_column(exact(190), unique=True)
    title: Mapped[Label]
    intro: Mapped[LongText] = mapped_column(default="")
    seo_title: Mapped[Label] = mapped_column(default="")
    seo_description: Mapped[LongText] = mapped_column(default="")
    position: Mapped[int] = mapped_column(default=0)
    updated_at: Mapped[At]

    def cache_keys(self) -> Iterable[str]:
        return "home", "menu", f"collection:{self.id}"


class Product(Base):
    """One thing for sale. Public when `status` is active and `published_at` has come."""

    __tablename__ = "products"
    __table_args__ = (CheckConstraint(f"status IN ('{ACTIVE}', '{DRAFT}', '{ARCHIVED}')", name="status"),)

    id: Mapped[Id]
    slug: Mapped[Slug] = mapped_column(exact(190), unique=True)
    title: Mapped[Label]
    brand: Mapped[Label] = mapped_column(default="")
    kind: Mapped[Label] = mapped_column(default="")
    """The merchant's product type, like 'Art print'."""
    description: Mapped[LongText] = mapped_column(default="")
    """Sanitised HTML."""
    seo_title: Mapped[Label] = mapped_column(default="")
    seo_description: Mapped[LongText] = mapped_column(default="")
    google_category: Mapped[Label] = mapped_column(default="")
    condition: Mapped[str] = mapped_column(String(20), default="new")
    option1_name: Mapped[Label] = mapped_column(default="")
    option2_name: Mapped[Label] = mapped_column(default="")
    option3_name: Mapped[Label] = mapped_column(default="")
    status: Mapped[str] = mapped_column(String(10), default=ACTIVE)
    published_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """Null: not published. In the future: public from that moment, without a job."""
    category_id: Mapped[int | None] = mapped_column(ForeignKey("categories.id"))
    """The category of the breadcrumb; all of them are in category_products."""
    position: Mapped[int] = mapped_column(default=0)
    """Rank in the 'featured' order."""
    source: Mapped[LongText | None]
    """Who brought the product and the digest of what they brought, so that the same import changes nothing."""
    created_at: Mapped[At]
    updated_at: Mapped[At]

    def cache_keys(self) -> Iterable[str]:
        return (f"product:{self.id}",)


class Variant(Base):
    """One thing that can be put in a cart. The option values of a product's variants differ."""

    __tablename__ = "variants"
    __table_args__ = (
        UniqueConstraint("product_id", "option1", "option2", "option3"),
        CheckConstraint("price >= 0", name="price"),
        CheckConstraint("compare_at IS NULL OR compare_at >= 0", name="compare_at"),
    )

    id: Mapped[Id]
    product_id: Mapped[int] = mapped_column(ForeignKey("products.id", ondelete="CASCADE"))
    position: Mapped[int] = mapped_column(default=1)
    sku: Mapped[str] = mapped_column(exact(100), unique=True)
    barcode: Mapped[str] = mapped_column(exact(32), default="")
    option1: Mapped[str] = mapped_column(exact(190), default="")
    option2: Mapped[str] = mapped_column(exact(190), default="")
    option3: Mapped[str] = mapped_column(exact(190), default="")
    price: Mapped[Minor]
    """In minor units of the shop's currency, tax included."""
    compare_at: Mapped[Minor | None]
    cost: Mapped[Minor | None]
    weight_g: Mapped[int] = mapped_column(default=0)
    needs_delivery: Mapped[bool] = mapped_column(default=True, server_default=true())
    is_taxable: Mapped[bool] = mapped_column(default=True, server_default=true())
    tax_code: Mapped[Label] = mapped_column(default="")
    picture_id: Mapped[int | None] = mapped_column(ForeignKey("pictures.id", ondelete="SET NULL"))

    def cache_keys(self) -> Iterable[str]:
        return (f"product:{self.product_id}",)


class SalePrice(Base):
    """A lower price of one variant from `starts_at` until just before `ends_at`; readers apply it, no job does."""

    __tablename__ = "sale_prices"
    __table_args__ = (
        CheckConstraint("price >= 0", name="price"),
        CheckConstraint("starts_at < ends_at", name="window"),
        Index("ix_sale_prices_window", "starts_at", "ends_at"),
        Index("ix_sale_prices_ends_at", "ends_at"),
    )

    id: Mapped[Id]
    variant_id: Mapped[int] = mapped_column(ForeignKey("variants.id", ondelete="CASCADE"), index=True)
    product_id: Mapped[int] = mapped_column(ForeignKey("products.id", ondelete="CASCADE"), index=True)
    price: Mapped[Minor]
    starts_at: Mapped[At]
    ends_at: Mapped[At]

    def cache_keys(self) -> Iterable[str]:
        return (f"product:{self.product_id}",)


class PriceChange(Base):
    """The price history: one row for each regular price a variant ever had. Only ever added to, and outlives it."""

    __tablename__ = "price_history"
    __table_args__ = (Index("ix_price_history_variant_id", "variant_id", "changed_at"),)

    id: Mapped[Id]
    variant_id: Mapped[int | None] = mapped_column(ForeignKey("variants.id", ondelete="SET NULL"))
    sku: Mapped[str] = mapped_column(exact(100))
    """As it was then: names the variant when it is gone."""
    price: Mapped[Minor]
    compare_at: Mapped[Minor | None]
    changed_at: Mapped[At]
    reason: Mapped[Label]


class Picture(Base):
    """One picture of a product. The original is under `blob_key`; renditions are WebP, `widths` px wide."""

    __tablename__ = "pictures"

    id: Mapped[Id]
    product_id: Mapped[int] = mapped_column(ForeignKey("products.id", ondelete="CASCADE"), index=True)
    position: Mapped[int] = mapped_column(default=1)
    alt: Mapped[LongText] = mapped_column(default="")
    blob_key: Mapped[str] = mapped_column(exact(190))
    """`originals/<digest>/<name>.<ext>`: immutable, named by its content."""
    source_name: Mapped[Label] = mapped_column(default="")
    width: Mapped[int]
    height: Mapped[int]
    widths: Mapped[str] = mapped_column(exact(60), default="")
    """Space-separated widths of the renditions that exist; empty until the job has made them."""

    def cache_keys(self) -> Iterable[str]:
        return (f"product:{self.product_id}",)


class CategoryProduct(Base):
    """A product in a category, or (`is_inherited`) in an ancestor of one, so that a branch is one index range."""

    __tablename__ = "category_products"
    __table_args__ = (Index("ix_category_products_product_id", "product_id"),)

    category_id: Mapped[int] = mapped_column(ForeignKey("categories.id", ondelete="CASCADE"), primary_key=True)
    product_id: Mapped[int] = mapped_column(ForeignKey("products.id", ondelete="CASCADE"), primary_key=True)
    is_inherited: Mapped[bool] = mapped_column(default=False, server_default=false())

    def cache_keys(self) -> Iterable[str]:
        return (f"category:{self.category_id}",)


class CollectionProduct(Base):
    __tablename__ = "collection_products"
    __table_args__ = (Index("ix_collection_products_product_id", "product_id"),)

    collection_id: Mapped[int] = mapped_column(ForeignKey("collections.id", ondelete="CASCADE"), primary_key=True)
    product_id: Mapped[int] = mapped_column(ForeignKey("products.id", ondelete="CASCADE"), primary_key=True)
    position: Mapped[int] = mapped_column(default=0)

    def cache_keys(self) -> Iterable[str]:
        return "home", f"collection:{self.collection_id}"


class ProductTag(Base):
    __tablename__ = "product_tags"

    product_id: Mapped[int] = mapped_column(ForeignKey("products.id", ondelete="CASCADE"), primary_key=True)
    tag: Mapped[str] = mapped_column(exact(190), primary_key=True)


class Attribute(Base):
    """A typed fact that products may state, like Artist (text) or Pages (number)."""

    __tablename__ = "attributes"
    __table_args__ = (CheckConstraint("type IN ('text', 'number', 'boolean', 'url')", name="type"),)

    id: Mapped[Id]
    code: Mapped[str] = mapped_column(exact(100), unique=True)
    """Stable name, `namespace.key` as in Shopify metafields."""
    name: Mapped[Label]
    type: Mapped[str] = mapped_column(String(10))
    position: Mapped[int] = mapped_column(default=0)
    is_byline: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Shown under the title in lists (the artist of a print, the author of a book)."""

    def cache_keys(self) -> Iterable[str]:
        return ("menu",)


class ProductAttribute(Base):
    __tablename__ = "product_attributes"

    product_id: Mapped[int] = mapped_column(ForeignKey("products.id", ondelete="CASCADE"), primary_key=True)
    attribute_id: Mapped[int] = mapped_column(ForeignKey("attributes.id", ondelete="CASCADE"), primary_key=True)
    value: Mapped[LongText]
    """Canonical text of the typed value: '12.5', 'true', a URL, or the words themselves."""

    def cache_keys(self) -> Iterable[str]:
        return (f"product:{self.product_id}",)


class Facet(Base):
    """A filter of lists. `source` says where its values come from: attribute:CODE, century:CODE or option:NAME."""

    __tablename__ = "facets"

    id: Mapped[Id]
    code: Mapped[str] = mapped_column(exact(60), unique=True)
    """The key in list URLs."""
    name: Mapped[Label]
    source: Mapped[str] = mapped_column(exact(190))
    position: Mapped[int] = mapped_column(default=0)

    def cache_keys(self) -> Iterable[str]:
        return ("menu",)


class FacetValue(Base):
    __tablename__ = "facet_values"
    __table_args__ = (UniqueConstraint("facet_id", "slug"),)

    id: Mapped[Id]
    facet_id: Mapped[int] = mapped_column(ForeignKey("facets.id", ondelete="CASCADE"))
    slug: Mapped[Slug]
    label: Mapped[Label]
    position: Mapped[int] = mapped_column(default=0)


class Listing(Base):
    """Derived by listing.relist(): what lists need of one active product, in one narrow row."""

    __tablename__ = "listings"
    __table_args__ = (Index("ix_listings_published_at", "published_at", "product_id"),)

    product_id: Mapped[int] = mapped_column(
        ForeignKey("products.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    slug: Mapped[Slug]
    title: Mapped[Label]
    sort_title: Mapped[str] = mapped_column(exact(255))
    """Title without case and accents, so that both dialects sort alike."""
    byline: Mapped[Label] = mapped_column(default="")
    price_from: Mapped[Minor]
    """Lowest regular price. A running sale price is always lower than the regular one of its variant."""
    price_to: Mapped[Minor]
    compare_at: Mapped[Minor | None]
    """Of the variant that sets `price_from`."""
    variant_count: Mapped[int]
    is_in_stock: Mapped[bool]
    position: Mapped[int]
    published_at: Mapped[At]
    picture_id: Mapped[int | None] = mapped_column(big)
    facet_key: Mapped[int] = mapped_column(big, default=0)
    """By facets.write_facets(): the same for listings with the same facet values, and only for them."""


class ListEntry(Base):
    """Derived: a listing once for the whole shop (`category_id` WHOLE_SHOP) and once for each category it is in.

    What lists filter, count and sort by stands together here, so that a list of any length is one index range.
    """

    __tablename__ = "list_entries"
    __table_args__ = (
        Index("ix_list_entries_position", "category_id", "position", "product_id"),
        Index("ix_list_entries_product_id", "product_id"),
    )

    category_id: Mapped[int] = mapped_column(big, primary_key=True, autoincrement=False)
    product_id: Mapped[int] = mapped_column(ForeignKey("listings.product_id", ondelete="CASCADE"), primary_key=True)
    position: Mapped[int]
    published_at: Mapped[At]
    price_from: Mapped[Minor]
    price_to: Mapped[Minor]
    variant_count: Mapped[int]
    is_in_stock: Mapped[bool]
    sort_title: Mapped[str] = mapped_column(exact(255))
    facet_key: Mapped[int] = mapped_column(big)


class ListFacet(Base):
    """Derived: the facet values of a listing."""

    __tablename__ = "list_facets"
    __table_args__ = (Index("ix_list_facets_value_id", "value_id"),)

    product_id: Mapped[int] = mapped_column(ForeignKey("listings.product_id", ondelete="CASCADE"), primary_key=True)
    value_id: Mapped[int] = mapped_column(ForeignKey("facet_values.id", ondelete="CASCADE"), primary_key=True)


class OldSlug(Base):
    """An address that moved: answered with 301 to the present slug of `target_id`."""

    __tablename__ = "old_slugs"

    kind: Mapped[str] = mapped_column(String(10), primary_key=True)
    """product, category or collection."""
    slug: Mapped[str] = mapped_column(exact(190), primary_key=True)
    target_id: Mapped[int] = mapped_column(big)
