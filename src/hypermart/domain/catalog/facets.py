"""Which facet values a listed product has, derived from attributes and options as each facet's source says."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator

from sqlalchemy import delete, select

from hypermart.db.bulk import insert_many, update_many
from hypermart.db.session import WriteSession
from hypermart.domain.catalog import rules
from hypermart.domain.catalog.models import (
    Attribute,
    Facet,
    FacetValue,
    ListFacet,
    Listing,
    Product,
    ProductAttribute,
    Variant,
)

Stated = tuple[int, str, int]
"""product id, label, position of the value among its facet's (0: by label)."""
NEXT = -1
"""Position of an option value: after all that came before it."""


async def write_facets(db: WriteSession, ids: list[int]) -> None:
    """The facets of `ids` are what their attributes and options say; values that nobody named before are added."""
    wanted: dict[int, set[int]] = defaultdict(set)
    facets = (await db.execute(select(Facet.id, Facet.source).order_by(Facet.position, Facet.id))).all()
    for facet_id, source in facets:
        stated = await _stated(db, source, ids)
        values = await _value_ids(db, facet_id, stated)
        for product_id, label, _ in stated:
            wanted[product_id].add(values[rules.slugify(label)])
    present: dict[int, set[int]] = defaultdict(set)
    pairs = select(ListFacet.product_id, ListFacet.value_id).where(ListFacet.product_id.in_(ids))
    for product_id, value_id in await db.execute(pairs):
        present[product_id].add(value_id)
    if changed := [id_ for id_ in ids if wanted[id_] != present[id_]]:
        await db.execute(delete(ListFacet).where(ListFacet.product_id.in_(changed)))  # purged by relist
    rows = [{"product_id": id_, "value_id": value} for id_ in changed for value in sorted(wanted[id_])]
    await insert_many(db, ListFacet, rows)
    listed = await db.execute(select(Listing.product_id, Listing.facet_key).where(Listing.product_id.in_(ids)))
    keys = [(id_, facet_key(wanted[id_]), known) for id_, known in listed]
    new = [{"product_id": id_, "facet_key": key} for id_, key, known in keys if key != known]
    await update_many(db, Listing, new, key="product_id")


def facet_key(value_ids: Iterable[int]) -> int:
    """Tells sets of values apart: 63 bits of a digest, so that two sets never share one in practice. 0: no value."""
    text = ",".join(map(str, sorted(value_ids)))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest()) >> 1 if text else 0


async def _value_ids(db: WriteSession, facet_id: int, stated: list[Stated]) -> dict[str, int]:
    """slug -> id of the facet's values. Labels that fold to one slug ('Sepia', 'sepia') are one value."""
    present = select(FacetValue.slug, FacetValue.id, FacetValue.position).where(FacetValue.facet_id == facet_id)
    known = {slug: (id_, position) for slug, id_, position in await db.execute(present)}
    last = max((position for _, position in known.values()), default=0)
    new: dict[str, FacetValue] = {}
    for _, label, position in stated:
        slug = rules.slugify(label)
        if slug not in known and slug not in new:
            last += position == NEXT
            place = last if position == NEXT else position
            new[slug] = FacetValue(facet_id=facet_id, slug=slug, label=label[:255], position=place)
    db.add_all(new.values())
    await db.flush()
    return {slug: id_ for slug, (id_, _) in known.items()} | {slug: value.id for slug, value in new.items()}


async def _stated(db: WriteSession, source: str, ids: list[int]) -> list[Stated]:
    kind, _, name = source.partition(":")
    if kind == "option":
        return list(_options(name, await _option_rows(db, ids)))
    rows = await db.execute(
        select(ProductAttribute.product_id, ProductAttribute.value)
        .join(Attribute, Attribute.id == ProductAttribute.attribute_id)
        .join(Listing, Listing.product_id == ProductAttribute.product_id)
        .where(Attribute.code == name, ProductAttribute.product_id.in_(ids))
        .order_by(ProductAttribute.product_id)
    )
    if kind == "attribute":
        return [(product_id, value, 0) for product_id, value in rows]
    found = ((product_id, rules.century(value)) for product_id, value in rows)
    return [(product_id, rules.century_label(number), number) for product_id, number in found if number]


async def _option_rows(db: WriteSession, ids: list[int]) -> list[tuple[int, tuple[str, ...], tuple[str, ...]]]:
    rows = await db.execute(
        select(
            Variant.product_id,
            Product.option1_name,
            Product.option2_name,
            Product.option3_name,
            Variant.option1,
            Variant.option2,
            Variant.option3,
        )
        .join(Product, Product.id == Variant.product_id)
        .join(Listing, Listing.product_id == Product.id)
        .where(Variant.product_id.in_(ids))
        .order_by(Product.position, Variant.product_id, Variant.position, Variant.id)
    )
    return [(row[0], tuple(row[1:4]), tuple(row[4:7])) for row in rows]


def _options(name: str, rows: list[tuple[int, tuple[str, ...], tuple[str, ...]]]) -> Iterator[Stated]:
    """Values of the option called `name`, once per product, in the order of the variants."""
    seen: set[tuple[int, str]] = set()
    for product_id, names, values in rows:
        for option, value in zip(names, values, strict=True):
            if option.casefold() == name.casefold() and value and (product_id, value) not in seen:
                seen.add((product_id, value))
                yield product_id, value, NEXT
