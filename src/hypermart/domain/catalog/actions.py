"""What can be done to prices, sales and slugs: relist() is all that follows. Publication is in browse/actions.py."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import delete, select

from hypermart.db.session import WriteSession
from hypermart.domain.catalog import rules
from hypermart.domain.catalog.listing import lock_products, relist
from hypermart.domain.catalog.models import (
    Category,
    Collection,
    OldSlug,
    PriceChange,
    Product,
    SalePrice,
    Variant,
)
from hypermart.errors import NotFound, Refused

SLUGGED: dict[str, type[Product | Category | Collection]] = {
    "product": Product,
    "category": Category,
    "collection": Collection,
}


async def change_price(  # noqa: PLR0913  (a price change is these five facts)
    db: WriteSession, variant_id: int, price: int, *, compare_at: int | None, at: datetime, reason: str
) -> None:
    """The regular price is `price` (minor units). Refuses a negative one, and one that a sale would not undercut."""
    variant = await _variant(db, variant_id)
    if price < 0:
        raise Refused("A price cannot be negative.")
    lowest_sale = select(SalePrice.id).where(
        SalePrice.variant_id == variant_id, SalePrice.ends_at > at, SalePrice.price >= price
    )
    if await db.scalar(lowest_sale.limit(1)):
        raise Refused("A running or planned sale price is not lower than this. Change the sale first.")
    if (variant.price, variant.compare_at) == (price, compare_at):
        return
    variant.price, variant.compare_at = price, compare_at
    facts = {"price": price, "compare_at": compare_at, "changed_at": at, "reason": reason}
    db.add(PriceChange(variant_id=variant_id, sku=variant.sku, **facts))
    await db.flush()
    await relist(db, [variant.product_id])


async def schedule_sale(
    db: WriteSession, variant_id: int, price: int, *, starts_at: datetime, ends_at: datetime
) -> SalePrice:
    """The variant costs `price` from `starts_at` until just before `ends_at`. Refuses what rules.check_sale() does."""
    variant = await _variant(db, variant_id)
    windows = await db.execute(select(SalePrice.starts_at, SalePrice.ends_at).where(SalePrice.variant_id == variant_id))
    rules.check_sale(price, variant.price, (starts_at, ends_at), [(start, end) for start, end in windows])
    sale = SalePrice(
        variant_id=variant_id, product_id=variant.product_id, price=price, starts_at=starts_at, ends_at=ends_at
    )
    db.add(sale)
    await db.flush()
    await relist(db, [variant.product_id])  # lists are stale: they now expire with the sale
    return sale


async def _variant(db: WriteSession, variant_id: int) -> Variant:
    """Locked, so that price and sales of one variant change one after the other."""
    if product_id := await db.scalar(select(Variant.product_id).where(Variant.id == variant_id)):
        await lock_products(db, [product_id])
    variant = await db.scalar(select(Variant).where(Variant.id == variant_id).with_for_update())
    if variant is None:
        raise NotFound("variant")
    return variant


async def rename_slug(db: WriteSession, kind: str, target_id: int, slug: str) -> None:
    """The product, category or collection lives at `slug`; every earlier address leads there. Refuses a taken one."""
    model: Any = SLUGGED[kind]
    row = await db.get(model, target_id, with_for_update=True)
    if row is None:
        raise NotFound(kind)
    if slug != rules.slugify(slug):
        raise Refused(f"An address has small letters, digits and dashes: {rules.slugify(slug)}, for example.")
    if slug == row.slug:
        return
    if await db.scalar(select(model.id).where(model.slug == slug)):
        raise Refused(f"The address {slug} is taken.")
    await claim_slugs(db, kind, [slug, row.slug])
    db.add(OldSlug(kind=kind, slug=row.slug, target_id=target_id))
    row.slug = slug
    await db.flush()
    if kind == "product":
        await relist(db, [target_id])


async def claim_slugs(db: WriteSession, kind: str, slugs: list[str]) -> None:
    """`slugs` belong to something living: no redirect leads away from them any more."""
    # no page shows this: a redirect is not kept
    await db.execute(delete(OldSlug).where(OldSlug.kind == kind, OldSlug.slug.in_(slugs)))
