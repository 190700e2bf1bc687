"""Keeps what shoppers find in step with what the catalogue holds."""

from __future__ import annotations

from collections.abc import Collection

from hypermart.db.session import WriteSession
from hypermart.domain.browse.search_index import index_products
from hypermart.domain.catalog.listing import relist
from hypermart.domain.stock.actions import mark_in_stock


async def republish(db: WriteSession, product_ids: Collection[int]) -> None:
    """Lists, filters, stock flags and search show these products as they are now. After any change of a product."""
    await relist(db, product_ids)
    await mark_in_stock(db, product_ids)
    await index_products(db, product_ids)
