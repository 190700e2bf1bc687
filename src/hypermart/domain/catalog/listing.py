"""The derived rows of lists: listings, and inherited category_products. Stock sets listings.is_in_stock."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import delete, select

from hypermart.db.bulk import chunks, insert_many, update_many
from hypermart.db.session import WriteSession, stale
from hypermart.domain.catalog import rules
from hypermart.domain.catalog.entries import write_entries
from hypermart.domain.catalog.facets import write_facets
from hypermart.domain.catalog.models import (
    ACTIVE,
    Attribute,
    Category,
    CategoryProduct,
    CollectionProduct,
    Listing,
    Picture,
    Product,
    ProductAttribute,
    Variant,
)


async def relist(db: WriteSession, product_ids: Iterable[int]) -> None:
    """What lists show of these products is right again, and every page that shows or showed them is stale.

    A product that is new to the lists counts as sold out until stock.actions.mark_in_stock() has looked at it.
    """
    await db.flush()
    parents = {row.id: row.parent_id for row in await db.execute(select(Category.id, Category.parent_id))}
    for ids in chunks(sorted(set(product_ids))):
        await lock_products(db, ids)
        await _inherit_categories(db, ids, parents)
        await _write_listings(db, ids)
        await write_facets(db, ids)
        await write_entries(db, ids)
        await stale_lists(db, ids)


async def lock_products(db: WriteSession, product_ids: Iterable[int]) -> None:
    """Whoever derives rows from these products waits for others who do, and then sees what they committed.

    Taken before the rows of variants and stock are locked, in the order of ids: so nobody waits in a circle.
    """
    ids = sorted(set(product_ids))
    await db.execute(select(Product.id).where(Product.id.in_(ids)).order_by(Product.id).with_for_update())


async def stale_lists(db: WriteSession, product_ids: Sequence[int]) -> None:
    """The pages of these products, and of every list they are in, are purged after the commit."""
    stale(db, "home", "search", "feeds", *(f"product:{id_}" for id_ in product_ids))
    for column, members in (
        (CategoryProduct.category_id, CategoryProduct.product_id),
        (CollectionProduct.collection_id, CollectionProduct.product_id),
    ):
        kind = column.key.removesuffix("_id")
        found = await db.scalars(select(column).where(members.in_(product_ids)).distinct())
        stale(db, *(f"{kind}:{id_}" for id_ in found))


async def _inherit_categories(db: WriteSession, ids: list[int], parents: dict[int, int | None]) -> None:
    direct: dict[int, set[int]] = defaultdict(set)
    inherited: dict[int, set[int]] = defaultdict(set)
    members = select(CategoryProduct.product_id, CategoryProduct.category_id, CategoryProduct.is_inherited)
    for product_id, category_id, is_inherited in await db.execute(members.where(CategoryProduct.product_id.in_(ids))):
        (inherited if is_inherited else direct)[product_id].add(category_id)
    changed, rows = [], []
    for product_id in ids:
        wanted = {above for own in direct[product_id] for above in rules.ancestors(parents, own)} - direct[product_id]
        if wanted != inherited[product_id]:
            stale(db, *(f"category:{id_}" for id_ in inherited[product_id]))
            changed.append(product_id)
            rows += [{"category_id": id_, "product_id": product_id, "is_inherited": True} for id_ in sorted(wanted)]
    if changed:
        await db.execute(
            delete(CategoryProduct).where(CategoryProduct.product_id.in_(changed), CategoryProduct.is_inherited)
        )
    await insert_many(db, CategoryProduct, rows)


#: What _write_listings() writes; stock and facets are derived elsewhere.
_FACTS = {column.key for column in Listing.__table__.columns} - {"product_id", "is_in_stock", "facet_key"}


async def _write_listings(db: WriteSession, ids: list[int]) -> None:
    """Writes only what differs: a listing that is deleted takes its search text along."""
    wanted = await _listings(db, ids)
    table = Listing.__table__
    present = {
        row["product_id"]: {key: row[key] for key in _FACTS}
        for row in (await db.execute(select(table).where(table.c.product_id.in_(ids)))).mappings()
    }
    if gone := [id_ for id_ in present if id_ not in wanted]:
        await db.execute(delete(Listing).where(Listing.product_id.in_(gone)))  # purged by relist
    new = [{"product_id": id_, "is_in_stock": False, **facts} for id_, facts in wanted.items() if id_ not in present]
    await insert_many(db, Listing, new)
    changed = [{"product_id": id_, **wanted[id_]} for id_ in present if id_ in wanted and wanted[id_] != present[id_]]
    await update_many(db, Listing, changed, key="product_id")


async def _listings(db: WriteSession, ids: list[int]) -> dict[int, dict[str, Any]]:
    """product id -> facts of its listing, for those of `ids` that have one."""
    variants = await _prices(db, ids)
    bylines = dict(
        (
            await db.execute(
                select(ProductAttribute.product_id, ProductAttribute.value)
                .join(Attribute, Attribute.id == ProductAttribute.attribute_id)
                .where(Attribute.is_byline, ProductAttribute.product_id.in_(ids))
            )
        ).all()
    )
    pictures: dict[int, int] = {}
    ordered = select(Picture.product_id, Picture.id).order_by(Picture.product_id, Picture.position, Picture.id)
    for product_id, picture_id in await db.execute(ordered.where(Picture.product_id.in_(ids))):
        pictures.setdefault(product_id, picture_id)
    products = await db.execute(
        select(Product.id, Product.slug, Product.title, Product.position, Product.published_at)
        .where(Product.id.in_(ids), Product.status == ACTIVE, Product.published_at.is_not(None))
        .order_by(Product.id)
    )
    return {
        row.id: {
            "slug": row.slug,
            "title": row.title,
            "sort_title": rules.sort_key(row.title),
            "byline": bylines.get(row.id, "")[:255],
            **variants[row.id],
            "position": row.position,
            "published_at": row.published_at,
            "picture_id": pictures.get(row.id),
        }
        for row in products
        if row.id in variants
    }


async def _prices(db: WriteSession, ids: list[int]) -> dict[int, dict[str, Any]]:
    """The cheapest variant comes first, so it sets price_from and compare_at."""
    ordered = select(Variant.product_id, Variant.price, Variant.compare_at).order_by(
        Variant.product_id, Variant.price, Variant.position
    )
    found: dict[int, dict[str, Any]] = {}
    for product_id, price, compare_at in await db.execute(ordered.where(Variant.product_id.in_(ids))):
        facts = found.setdefault(
            product_id, {"price_from": price, "price_to": price, "compare_at": compare_at, "variant_count": 0}
        )
        facts["price_to"] = price
        facts["variant_count"] += 1
    return found
