"""The SQL of lists: built once per shape of a list and then only given values. Running it is up to lists.py."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, TypeAlias

import msgspec
from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Integer,
    Select,
    Subquery,
    and_,
    bindparam,
    case,
    distinct,
    false,
    func,
    literal_column,
    select,
    true,
    union_all,
)
from sqlalchemy.sql.selectable import CompoundSelect

from hypermart.db.base import UtcDateTime
from hypermart.domain.browse.search import Matches
from hypermart.domain.catalog.models import (
    WHOLE_SHOP,
    CollectionProduct,
    FacetValue,
    ListEntry,
    ListFacet,
    Listing,
    Picture,
    SalePrice,
)

AnySelect: TypeAlias = Select[*tuple[Any, ...]]
Compound: TypeAlias = CompoundSelect[*tuple[Any, ...]]
NOW = bindparam("now", type_=UtcDateTime())


class Shape(msgspec.Struct, frozen=True):
    """What decides the SQL of a list; the values do not."""

    scope: str
    """category, collection, search, or nothing (a search without words)."""
    sort: str
    facets: int = 0
    has_low: bool = False
    has_high: bool = False
    in_stock: bool = False


class Statements(msgspec.Struct, frozen=True):
    summary: AnySelect
    """One row: total, in stock, lowest, highest price, next moment at which the clock changes a list."""
    counts: Compound
    """Rows (number of the chosen facet or 0, facet id, value id, position, slug, label, products)."""
    cards: AnySelect


def is_running() -> ColumnElement[bool]:
    """Whether a sale price holds now: from its first moment until just before its last."""
    return and_(SalePrice.starts_at <= NOW, SalePrice.ends_at > NOW)


def running_sales() -> Subquery:
    """Per product: lowest and highest running sale price, and how many variants have one."""
    return (
        select(
            SalePrice.product_id,
            func.min(SalePrice.price).label("low"),
            func.max(SalePrice.price).label("high"),
            func.count(distinct(SalePrice.variant_id)).label("variants"),
        )
        .where(is_running())
        .group_by(SalePrice.product_id)
        .subquery("sales")
    )


def next_change() -> ColumnElement[Any]:
    """The next moment at which a sale or a publication alters some list: at most three index look-ups."""
    moments = union_all(
        select(func.min(SalePrice.starts_at).label("moment")).where(SalePrice.starts_at > NOW),
        select(func.min(SalePrice.ends_at)).where(SalePrice.ends_at > NOW),
        select(func.min(Listing.published_at)).where(Listing.published_at > NOW),
    ).subquery("moments")
    return select(func.min(moments.c.moment, type_=UtcDateTime())).scalar_subquery()


def card_columns(sales: Subquery) -> tuple[Any, ...]:
    """What lists.card() takes, in its order."""
    return (
        Listing.product_id,
        Listing.slug,
        Listing.title,
        Listing.byline,
        Listing.price_from,
        Listing.price_to,
        Listing.compare_at,
        Listing.variant_count,
        Listing.is_in_stock,
        sales.c.low,
        sales.c.high,
        sales.c.variants,
        Picture.blob_key,
        Picture.alt,
        Picture.width,
        Picture.height,
        Picture.widths,
    )


@lru_cache(maxsize=512)
def list_statements(shape: Shape) -> Statements:
    sales = running_sales()
    joined = ListEntry.__table__.outerjoin(sales, sales.c.product_id == ListEntry.product_id)
    price = case((sales.c.low < ListEntry.price_from, sales.c.low), else_=ListEntry.price_from)
    dearest = case((sales.c.variants == ListEntry.variant_count, sales.c.high), else_=ListEntry.price_to)
    scope = _scope(shape.scope)
    facets = [_facet(shape.scope, number) for number in range(shape.facets)]
    # A product is in a price range if some of its variants are: from its cheapest to its dearest.
    low = dearest >= bindparam("price_min") if shape.has_low else true()
    high = price <= bindparam("price_max") if shape.has_high else true()
    in_price = and_(low, high)
    in_stock: ColumnElement[bool] = ListEntry.is_in_stock.expression if shape.in_stock else true()

    def count_if(condition: ColumnElement[bool]) -> ColumnElement[int]:
        return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)

    summary = (
        select(
            count_if(and_(in_price, in_stock)),
            count_if(and_(in_price, ListEntry.is_in_stock)),
            func.min(case((in_stock, price))),
            func.max(case((in_stock, dearest))),
            next_change(),
        )
        .select_from(joined)
        .where(*scope, *facets)
    )
    found = (
        select(ListEntry.product_id, _order(shape, price).label("place"))
        .select_from(joined)
        .where(*scope, *facets, in_price, in_stock)
    )
    counts = [_counts(shape, 0, [*scope, *facets, in_price, in_stock], joined)]
    for number in range(shape.facets):
        others = facets[:number] + facets[number + 1 :]
        counts.append(_counts(shape, number + 1, [*scope, *others, in_price, in_stock], joined))
    return Statements(summary, union_all(*counts), _cards(found, is_down=shape.sort in ("price-down", "new")))


def _cards(found: AnySelect, *, is_down: bool) -> AnySelect:
    """One page of `found`, and only then what its cards show."""

    def ordered(columns: Any) -> tuple[Any, ...]:
        return columns.place.desc() if is_down else columns.place, columns.product_id

    shown = (
        found.order_by(*ordered(found.selected_columns))
        .limit(bindparam("limit", type_=Integer))
        .offset(bindparam("offset", type_=Integer))
        .subquery("shown")
    )
    return _cards_of(shown).order_by(*ordered(shown.c))


def _cards_of(ids: Subquery) -> AnySelect:
    sales = running_sales()
    return (
        select(*card_columns(sales))
        .select_from(ids)
        .join(Listing, Listing.product_id == ids.c.product_id)
        .outerjoin(sales, sales.c.product_id == ids.c.product_id)
        .outerjoin(Picture, Picture.id == Listing.picture_id)
    )


def _category(scope: str) -> Any:
    """Whose derived rows the list reads."""
    return bindparam("scope_id") if scope == "category" else WHOLE_SHOP


def _scope(scope: str) -> list[ColumnElement[bool]]:
    conditions = [ListEntry.category_id == _category(scope), ListEntry.published_at <= NOW]
    if scope == "collection":
        members = select(CollectionProduct.product_id).where(CollectionProduct.collection_id == bindparam("scope_id"))
        return [*conditions, ListEntry.product_id.in_(members)]
    if scope == "search":
        return [*conditions, Matches(ListEntry.product_id, "terms")]
    return conditions if scope == "category" else [*conditions, false()]


def _facet(scope: str, number: int) -> ColumnElement[bool]:
    values: BindParameter[int] = bindparam(f"values{number}", expanding=True)
    having = select(ListFacet.product_id).where(
        ListFacet.category_id == _category(scope), ListFacet.value_id.in_(values)
    )
    return ListEntry.product_id.in_(having)


def _counts(shape: Shape, number: int, conditions: list[ColumnElement[bool]], joined: Any) -> AnySelect:
    """Products per facet value; for the chosen facet `number`, as if nothing of that facet were chosen."""
    counted = select(ListFacet.value_id, func.count().label("products")).group_by(ListFacet.value_id)
    counted = counted.where(ListFacet.category_id == _category(shape.scope))
    if shape == Shape("category", shape.sort):  # a plain category: one range of one index
        hidden = select(ListEntry.product_id).where(ListEntry.category_id == WHOLE_SHOP, ListEntry.published_at > NOW)
        counted = counted.where(ListFacet.product_id.not_in(hidden))
    else:
        counted = counted.select_from(
            joined.join(ListFacet.__table__, ListFacet.product_id == ListEntry.product_id)
        ).where(*conditions)
    if number:
        facet: BindParameter[int] = bindparam(f"facet{number - 1}")
        counted = counted.where(ListFacet.value_id.in_(select(FacetValue.id).where(FacetValue.facet_id == facet)))
    values = counted.subquery()
    return select(
        literal_column(str(number)),
        FacetValue.facet_id,
        FacetValue.id,
        FacetValue.position,
        FacetValue.slug,
        FacetValue.label,
        values.c.products,
    ).join(values, values.c.value_id == FacetValue.id)


def _order(shape: Shape, price: ColumnElement[int]) -> Any:
    chosen = {
        "price": price,
        "price-down": price,
        "new": ListEntry.published_at,
        "title": ListEntry.sort_title,
    }
    return chosen[shape.sort] if shape.sort in chosen else _own_order(shape.scope)


def _own_order(scope: str) -> Any:
    """The default of each list; for a search the rank: title begins so, title has the words, the rest."""
    if scope == "search":
        prefix = ListEntry.sort_title.like(bindparam("title_prefix"), escape="/")
        words = ListEntry.sort_title.like(bindparam("title_words"), escape="/")
        return case((prefix, 0), (words, 1), else_=2)
    if scope == "collection":
        place = select(CollectionProduct.position).where(
            CollectionProduct.collection_id == bindparam("scope_id"),
            CollectionProduct.product_id == ListEntry.product_id,
        )
        return place.scalar_subquery()
    return ListEntry.position


def related(limit: int) -> AnySelect:
    """Cards of the products that follow product `product_id` in category `scope_id`, beginning anew after the last."""
    place = select(Listing.position).where(Listing.product_id == bindparam("product_id")).scalar_subquery()
    is_before = case((ListEntry.position > place, 0), else_=1)
    near = (
        select(ListEntry.product_id, is_before.label("is_before"), ListEntry.position)
        .where(*_scope("category"), ListEntry.product_id != bindparam("product_id"))
        .order_by(is_before, ListEntry.position, ListEntry.product_id)
        .limit(limit)
        .subquery("near")
    )
    return _cards_of(near).order_by(near.c.is_before, near.c.position, near.c.product_id)
