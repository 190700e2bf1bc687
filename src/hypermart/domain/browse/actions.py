"""Keeps what shoppers find in step with what the catalogue holds; makes products public and takes them back."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import select

from hypermart.db.session import WriteSession
from hypermart.domain.browse.search_index import index_products
from hypermart.domain.catalog.listing import relist
from hypermart.domain.catalog.models import ACTIVE, ARCHIVED, Product, Variant
from hypermart.domain.stock.actions import mark_in_stock
from hypermart.errors import NotFound, Refused


async def republish(db: WriteSession, product_ids: Collection[int]) -> None:
    """Lists, filters, stock flags and search show these products as they are now. After any change of a product."""
    await relist(db, product_ids)
    await mark_in_stock(db, product_ids)
    await index_products(db, product_ids)


async def publish(db: WriteSession, product_id: int, *, at: datetime) -> None:
    """The product is public from `at` on, which may lie ahead. Refuses one without a variant."""
    if not await db.scalar(select(Variant.id).where(Variant.product_id == product_id).limit(1)):
        raise Refused("A product needs at least one variant before it can be published.")
    await _set_status(db, product_id, ACTIVE, at)


async def archive(db: WriteSession, product_id: int) -> None:
    """The product is withdrawn for good: its address answers 410."""
    await _set_status(db, product_id, ARCHIVED, None)


async def unpublish(db: WriteSession, product_id: int) -> None:
    """The product stays active for staff and is hidden from shoppers."""
    await _set_status(db, product_id, ACTIVE, None)


async def _set_status(db: WriteSession, product_id: int, status: str, published_at: datetime | None) -> None:
    product = await db.get(Product, product_id, with_for_update=True)
    if product is None:
        raise NotFound("product")
    product.status, product.published_at = status, published_at
    await republish(db, [product_id])
