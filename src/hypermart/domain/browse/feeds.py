"""Everything that is for sale, in pieces: for sitemaps and product feeds. Memory stays bounded for any catalogue."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import bindparam, func, select

from hypermart.db.session import AnySession, Read
from hypermart.domain.browse.pages import PriceView
from hypermart.domain.browse.rules import price_view
from hypermart.domain.browse.statements import NOW, is_running, next_change
from hypermart.domain.catalog.models import Listing, Picture, Product, SalePrice, Variant
from hypermart.domain.stock.models import StockLevel

#: Rows read at a time.
CHUNK = 500


class SitemapRow(msgspec.Struct, frozen=True):
    slug: str
    updated_at: datetime


class OfferRow(msgspec.Struct, frozen=True):
    """One variant as a price comparer wants it."""

    product_id: int
    slug: str
    title: str
    description: str
    brand: str
    condition: str
    google_category: str
    sku: str
    barcode: str
    options: tuple[str, ...]
    price: PriceView
    available: int
    may_oversell: bool
    picture: str | None
    """Blob key."""


_SHARDS = select(func.count()).select_from(Listing).where(Listing.published_at <= NOW)
_PRODUCTS = (
    select(Listing.slug, Product.updated_at)
    .join(Product, Product.id == Listing.product_id)
    .where(Listing.published_at <= NOW)
    .order_by(Listing.product_id)
    .limit(bindparam("limit"))
    .offset(bindparam("offset"))
)
_SALE = select(func.min(SalePrice.price)).where(SalePrice.variant_id == Variant.id, is_running()).scalar_subquery()
_OFFERS = (
    select(
        Variant.id,
        Product.id,
        Product.slug,
        Product.title,
        Product.seo_description,
        Product.brand,
        Product.condition,
        Product.google_category,
        Variant.sku,
        Variant.barcode,
        Variant.option1,
        Variant.option2,
        Variant.option3,
        Variant.price,
        _SALE,
        Variant.compare_at,
        StockLevel.on_hand - StockLevel.reserved - StockLevel.allocated,
        StockLevel.may_oversell,
        Picture.blob_key,
    )
    .join(Listing, Listing.product_id == Variant.product_id)
    .join(Product, Product.id == Variant.product_id)
    .outerjoin(StockLevel, StockLevel.variant_id == Variant.id)
    .outerjoin(Picture, Picture.id == func.coalesce(Variant.picture_id, Listing.picture_id))
    .where(Listing.published_at <= NOW, Variant.id > bindparam("after"))
    .order_by(Variant.id)
    .limit(CHUNK)
)


async def product_count(db: AnySession, now: datetime) -> int:
    return int((await db.execute(_SHARDS, {"now": now})).scalar_one())


async def sitemap_rows(db: AnySession, now: datetime, shard: int, size: int) -> list[SitemapRow]:
    """The products of sitemap number `shard` (from 1)."""
    rows = await db.execute(_PRODUCTS, {"now": now, "limit": size, "offset": (shard - 1) * size})
    return [SitemapRow(*row) for row in rows.all()]


async def offers(read: Read, now: datetime, currency: str) -> AsyncIterator[list[OfferRow]]:
    """All variants on sale, CHUNK at a time. Whoever reads slowly keeps no connection meanwhile."""
    after = 0
    while True:
        async with read() as db:
            rows = (await db.execute(_OFFERS, {"now": now, "after": after})).all()
        if not rows:
            return
        after = rows[-1][0]
        yield [_offer(row, currency) for row in rows]


async def next_price_change(db: AnySession, now: datetime) -> datetime | None:
    """The next moment at which a sale or a publication begins or ends."""
    moment: datetime | None = (await db.execute(select(next_change()), {"now": now})).scalar()
    return moment


def _offer(row: Sequence[Any], currency: str) -> OfferRow:
    """From the columns of _OFFERS."""
    _, *about, option1, option2, option3, price, sale, compare_at, available, may_oversell, picture = row
    options = tuple(option for option in (option1, option2, option3) if option)
    shown = price_view(price, sale, compare_at, 0, currency)
    return OfferRow(*(*about, options, shown, max(0, available or 0), bool(may_oversell), picture))
