"""The copies of listings that each category's lists read. Everything in them stands elsewhere too."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete, insert, literal, select, union_all

from hypermart.db.base import big
from hypermart.db.session import WriteSession
from hypermart.domain.catalog.models import WHOLE_SHOP, CategoryProduct, ListEntry, Listing

_COPIED = [column.key for column in ListEntry.__table__.columns if column.key != "category_id"]


async def write_entries(db: WriteSession, product_ids: Sequence[int]) -> None:
    """The entries of these products are what their listings and categories say."""
    listing = [getattr(Listing, key) for key in _COPIED]
    everywhere = union_all(
        select(literal(WHOLE_SHOP, big), *listing).where(Listing.product_id.in_(product_ids)),
        select(CategoryProduct.category_id, *listing)
        .join(CategoryProduct, CategoryProduct.product_id == Listing.product_id)
        .where(Listing.product_id.in_(product_ids)),
    )
    await db.execute(delete(ListEntry).where(ListEntry.product_id.in_(product_ids)))  # purged by stale_lists
    await db.execute(insert(ListEntry).from_select(["category_id", *_COPIED], everywhere))
