"""The product page: one product with its variants, pictures, facts and neighbours, in four statements."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import and_, bindparam, func, or_, select

from hypermart.db.dialect import json_rows
from hypermart.db.session import AnySession
from hypermart.domain.browse.frame import frame, trail
from hypermart.domain.browse.lists import card, picture
from hypermart.domain.browse.pages import (
    FactRow,
    LinkRow,
    OptionValueRow,
    OptionView,
    PictureView,
    ProductPage,
    VariantRow,
)
from hypermart.domain.browse.rules import meant_variant, price_view
from hypermart.domain.browse.statements import is_running, next_change, related
from hypermart.domain.catalog.models import (
    ACTIVE,
    ARCHIVED,
    Attribute,
    OldSlug,
    Picture,
    Product,
    ProductAttribute,
    SalePrice,
    Variant,
)
from hypermart.domain.stock.models import StockLevel
from hypermart.errors import Gone, Moved, NotFound

NEIGHBOURS = 4


class NoSuchVariant(NotFound):
    """The product has no variant with that SKU."""

    def __init__(self, title: str, slug: str) -> None:
        super().__init__(slug)
        self.title, self.slug = title, slug


_FACTS = (
    select(json_rows(Attribute.position, Attribute.name, ProductAttribute.value, Attribute.type, Attribute.is_byline))
    .select_from(ProductAttribute)
    .join(Attribute, Attribute.id == ProductAttribute.attribute_id)
    .where(ProductAttribute.product_id == Product.id)
    .scalar_subquery()
)
_PICTURES = (
    select(
        json_rows(
            Picture.position,
            Picture.id,
            Picture.blob_key,
            Picture.alt,
            Picture.width,
            Picture.height,
            Picture.widths,
        )
    )
    .where(Picture.product_id == Product.id)
    .scalar_subquery()
)
_PRODUCT = select(
    Product.id,
    Product.slug,
    Product.title,
    Product.brand,
    Product.kind,
    Product.description,
    Product.seo_title,
    Product.seo_description,
    Product.condition,
    Product.category_id,
    Product.updated_at,
    Product.status,
    Product.published_at,
    Product.option1_name,
    Product.option2_name,
    Product.option3_name,
    _FACTS.label("facts"),
    _PICTURES.label("pictures"),
).where(Product.slug == bindparam("slug"))

_VARIANTS = (
    select(
        Variant.id,
        Variant.sku,
        Variant.barcode,
        Variant.option1,
        Variant.option2,
        Variant.option3,
        Variant.price,
        select(func.min(SalePrice.price))
        .where(SalePrice.variant_id == Variant.id, is_running())
        .scalar_subquery()
        .label("sale"),
        Variant.compare_at,
        (StockLevel.on_hand - StockLevel.reserved - StockLevel.allocated).label("available"),
        StockLevel.may_oversell,
        Variant.weight_g,
        Variant.picture_id,
        next_change().label("until"),
    )
    .outerjoin(StockLevel, StockLevel.variant_id == Variant.id)
    .where(Variant.product_id == bindparam("product_id"))
    .order_by(Variant.position, Variant.id)
)
_NEIGHBOURS = related(NEIGHBOURS)


class Wanted(msgspec.Struct, frozen=True):
    """Which variant was asked for: by SKU, or by option values (None where nothing was said)."""

    sku: str = ""
    options: tuple[str | None, ...] = ()


async def product_page(db: AnySession, slug: str, wanted: Wanted, now: datetime, currency: str) -> ProductPage:
    """Raises NotFound (also: not yet published), Gone (archived), Moved (old slug) or NoSuchVariant."""
    row = (await db.execute(_PRODUCT, {"slug": slug})).first()
    if row is None:
        raise await _moved(db, slug, now)
    if row.status == ARCHIVED:
        raise Gone(row.title)
    if row.status != ACTIVE or row.published_at is None or row.published_at > now:
        raise NotFound(slug)
    shown = sorted(msgspec.json.decode(row.pictures or "[]"))
    variants, until = await _variants(db, row.id, [id_ for _, id_, *_ in shown], now, currency)
    if not variants:
        raise NotFound(slug)
    names = [name for name in (row.option1_name, row.option2_name, row.option3_name) if name]
    chosen, notice = _choose(variants, wanted, row.title, row.slug)
    near = {"product_id": row.id, "scope_id": row.category_id, "now": now}
    neighbours = (await db.execute(_NEIGHBOURS, near)).all()
    around = await frame(db)
    facts = sorted(msgspec.json.decode(row.facts or "[]"))
    return ProductPage(
        frame=around,
        **{name: getattr(row, name) for name in _PLAIN},
        byline=next((value for _, _, value, _, is_byline in facts if is_byline), ""),
        crumbs=tuple(LinkRow(node.slug, node.title) for node in trail(around, row.category_id)),
        pictures=tuple(_picture(columns, row.title) for _, _, *columns in shown),
        options=tuple(_option(name, place, variants, chosen) for place, name in enumerate(names)),
        variants=variants,
        chosen=chosen,
        facts=tuple(FactRow(name, value, type_ == "url") for _, name, value, type_, _ in facts),
        related=tuple(card(neighbour, currency) for neighbour in neighbours),
        fresh_until=until,
        notice=notice,
    )


_PLAIN = (
    *("id", "slug", "title", "brand", "kind", "description", "seo_title", "seo_description"),
    *("condition", "category_id", "updated_at"),
)


async def _moved(db: AnySession, slug: str, now: datetime) -> Exception:
    old = select(Product.slug).join(OldSlug, OldSlug.target_id == Product.id).where(OldSlug.kind == "product")
    is_public = or_(Product.status == ARCHIVED, and_(Product.status == ACTIVE, Product.published_at <= now))
    new = (await db.execute(old.where(OldSlug.slug == slug, is_public))).scalar()
    return Moved(new) if new else NotFound(slug)


async def _variants(
    db: AnySession, product_id: int, pictures: list[int], now: datetime, currency: str
) -> tuple[tuple[VariantRow, ...], datetime | None]:
    """The variants in their order, and the next moment at which the clock changes a price of the page."""
    rows = (await db.execute(_VARIANTS, {"product_id": product_id, "now": now})).all()
    variants = tuple(
        VariantRow(
            id=row.id,
            sku=row.sku,
            barcode=row.barcode,
            options=tuple(option for option in (row.option1, row.option2, row.option3) if option),
            price=price_view(row.price, row.sale, row.compare_at, 0, currency),
            available=max(0, row.available or 0),
            may_oversell=bool(row.may_oversell),
            weight_g=row.weight_g,
            picture=pictures.index(row.picture_id) if row.picture_id in pictures else None,
        )
        for row in rows
    )
    return variants, rows[0].until if rows else None


def _choose(variants: tuple[VariantRow, ...], wanted: Wanted, title: str, slug: str) -> tuple[VariantRow, str]:
    """The variant to show and, if it is not quite the wanted one, what to say about that."""
    if wanted.sku:
        for variant in variants:
            if variant.sku == wanted.sku:
                return variant, ""
        raise NoSuchVariant(title, slug)
    if not any(wanted.options):
        return next((variant for variant in variants if variant.is_available), variants[0]), ""
    variant, is_exact = meant_variant(variants, wanted.options)
    asked = ", ".join(option for option in wanted.options if option)
    return variant, "" if is_exact else f"We do not make {asked}. The nearest we have is {variant.title}."


def _option(name: str, place: int, variants: Sequence[VariantRow], chosen: VariantRow) -> OptionView:
    """The values of one option in the order of the variants, each leading to the nearest variant that has it."""
    values = dict.fromkeys(variant.options[place] for variant in variants if len(variant.options) > place)
    rows = []
    for value in values:
        wanted = [value if i == place else option for i, option in enumerate(chosen.options)]
        having = [variant for variant in variants if variant.options[place : place + 1] == (value,)]
        variant, _ = meant_variant(having, wanted)
        rows.append(OptionValueRow(value, variant.sku, value == chosen.options[place], variant.is_available))
    return OptionView(name, place + 1, tuple(rows))


def _picture(columns: Sequence[Any], title: str) -> PictureView:
    key, alt, width, height, widths = columns
    return picture(key, alt or title, width, height, widths)
