"""Writes drafts into the catalogue, a chunk at a time, in the caller's transaction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import delete, select

from hypermart.db.bulk import chunks, insert_many, update_many
from hypermart.db.session import WriteSession, stale
from hypermart.domain.catalog.actions import claim_slugs
from hypermart.domain.catalog.models import (
    CategoryProduct,
    CollectionProduct,
    OldSlug,
    Product,
    ProductAttribute,
    ProductTag,
    Variant,
)
from hypermart.domain.imports.drafts import Digests, ProductDraft
from hypermart.domain.imports.problems import Problems
from hypermart.domain.imports.summary import Counts, Summary

CHUNK = 200
"""Products held in memory at once."""
COPIED = (
    *(
        "title",
        "brand",
        "kind",
        "description",
        "seo_title",
        "seo_description",
        "google_category",
        "condition",
        "status",
    ),
)


class Places(msgspec.Struct):
    """Ids of what products refer to, and where new products go."""

    attributes: dict[str, int]
    categories: dict[str, int]
    collections: dict[str, int]
    managed: frozenset[int]
    """Collections that the mapping fills; a hand-picked one is left alone."""
    position: int
    """Of the last product in the featured order."""
    taken: dict[int, int] = {}
    """product id -> line, of the products this file has spoken of."""


class Work(msgspec.Struct):
    """One draft and what it means for the shop."""

    draft: ProductDraft
    digests: Digests
    id: int = 0
    is_new: bool = True
    is_unpublished: bool = False
    facts: bool = True
    pictures: bool = True
    stock: bool = True

    @property
    def is_changed(self) -> bool:
        return self.facts or self.pictures or self.stock


class Ledger(msgspec.Struct):
    """What every step of one import shares."""

    places: Places
    summary: Summary
    problems: Problems
    at: datetime
    column: Callable[[str], str]
    """The file's own name of a column."""


async def find_work(db: WriteSession, drafts: Sequence[ProductDraft], ledger: Ledger) -> list[Work]:
    """Each draft beside the product it is about. A handle that moved still means its product."""
    work = [Work(draft, draft.digests()) for draft in drafts if draft.slug]
    slugs = [each.draft.slug for each in work]
    columns = (Product.id, Product.source, Product.published_at)
    present = {
        row[0]: row[1:] for row in await db.execute(select(Product.slug, *columns).where(Product.slug.in_(slugs)))
    }
    moved = await db.execute(
        select(OldSlug.slug, *columns)
        .join(Product, Product.id == OldSlug.target_id)
        .where(OldSlug.kind == "product", OldSlug.slug.in_(slugs))
    )
    present = {row[0]: row[1:] for row in moved} | present
    for each in work:
        if found := present.get(each.draft.slug):
            _compare(each, *found)
            first = ledger.places.taken.setdefault(each.id, each.draft.line)
            if first != each.draft.line:
                reason = f"{each.draft.slug} is a former address of the product in line {first}"
                ledger.problems.add(each.draft.line, ledger.column("handle"), reason)
    await _check_skus(db, work, ledger)
    return work


def _compare(work: Work, product_id: int, source: str | None, published_at: datetime | None) -> None:
    before, now = Digests.of(source), work.digests
    work.id, work.is_new, work.is_unpublished = product_id, False, published_at is None
    work.facts, work.stock = now.facts != before.facts, now.stock != before.stock
    work.pictures = work.draft.pictures is not None and now.pictures != before.pictures
    if work.draft.pictures is None:
        work.digests = msgspec.structs.replace(now, pictures=before.pictures)


async def _check_skus(db: WriteSession, work: list[Work], ledger: Ledger) -> None:
    stated = {variant.sku: (each, variant.line) for each in work for variant in each.draft.variants if variant.sku}
    for skus in chunks(stated):
        owners = select(Variant.sku, Variant.product_id, Product.slug).join(Product, Product.id == Variant.product_id)
        for sku, product_id, slug in await db.execute(owners.where(Variant.sku.in_(skus))):
            each, line = stated[sku]
            if each.id != product_id:
                ledger.problems.add(line, ledger.column("sku"), f'"{sku}" belongs to the product {slug}')


async def write_products(db: WriteSession, work: list[Work], ledger: Ledger) -> None:
    """Product rows and what hangs on them without an id of its own. Sets the ids of new ones."""
    new = [each for each in work if each.is_new]
    await claim_slugs(db, "product", [each.draft.slug for each in new])
    rows = []
    for each in new:
        ledger.places.position += 1
        published_at = ledger.at if each.draft.is_published else None
        first = {"slug": each.draft.slug, "position": ledger.places.position, "created_at": ledger.at}
        rows.append({**_values(each, ledger), **first, "published_at": published_at})
    await insert_many(db, Product, rows)
    slugs = [each.draft.slug for each in new]
    rows_ = await db.execute(select(Product.slug, Product.id).where(Product.slug.in_(slugs)))
    ids = dict(rows_.all())
    for each in new:
        each.id = ids[each.draft.slug]
    old = [each for each in work if not each.is_new and each.is_changed]
    await update_many(db, Product, [{"id": each.id, **_values(each, ledger)} for each in old])
    for is_published in (True, False):
        turned = [each.id for each in old if each.draft.is_published is is_published is each.is_unpublished]
        published_at = ledger.at if is_published else None
        await update_many(db, Product, [{"id": id_, "published_at": published_at} for id_ in turned])
    await _write_memberships(db, [each for each in work if each.facts], ledger)


def _values(work: Work, ledger: Ledger) -> dict[str, Any]:
    draft = work.draft
    categories = [ledger.places.categories[slug] for slug in draft.categories]
    names = dict(zip(("option1_name", "option2_name", "option3_name"), draft.option_names, strict=True))
    return {
        **{key: getattr(draft, key) for key in COPIED},
        **names,
        "category_id": categories[0] if categories else None,
        "source": work.digests.kept(),
        "updated_at": ledger.at,
    }


async def _write_memberships(db: WriteSession, work: list[Work], ledger: Ledger) -> None:
    if not work:
        return
    places = ledger.places
    ids = [each.id for each in work]
    before = await db.execute(select(CategoryProduct.category_id).where(CategoryProduct.product_id.in_(ids)).distinct())
    stale(db, *(f"category:{id_}" for (id_,) in before))
    stale(db, *(f"collection:{id_}" for id_ in places.managed))
    old = [each.id for each in work if not each.is_new]
    for statement in (
        delete(ProductTag).where(ProductTag.product_id.in_(old)),
        delete(CategoryProduct).where(CategoryProduct.product_id.in_(old)),
        delete(CollectionProduct).where(
            CollectionProduct.product_id.in_(old), CollectionProduct.collection_id.in_(places.managed)
        ),
        delete(ProductAttribute).where(
            ProductAttribute.product_id.in_(old), ProductAttribute.attribute_id.in_(places.attributes.values())
        ),
    ):
        if old:
            await db.execute(statement)
    rows = await db.execute(select(Product.id, Product.position).where(Product.id.in_(ids)))
    positions = dict(rows.all())
    tags, categories, collections, attributes = [], [], [], []
    for each in work:
        own = {"product_id": each.id}
        tags += [{**own, "tag": tag} for tag in each.draft.tags]
        categories += [{**own, "category_id": places.categories[slug]} for slug in each.draft.categories]
        collections += [
            {**own, "collection_id": places.collections[slug], "position": positions[each.id]}
            for slug in each.draft.collections
        ]
        attributes += [
            {**own, "attribute_id": places.attributes[code], "value": value} for code, value in each.draft.attributes
        ]
    await insert_many(db, ProductTag, tags)
    await insert_many(db, CategoryProduct, categories)
    await insert_many(db, CollectionProduct, collections)
    await insert_many(db, ProductAttribute, attributes)


def count_products(work: list[Work], counts: Counts) -> None:
    for each in work:
        if each.is_new:
            counts.created += 1
        elif each.is_changed:
            counts.changed += 1
        else:
            counts.unchanged += 1
