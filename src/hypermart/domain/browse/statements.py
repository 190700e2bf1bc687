"""The SQL of lists: built once per shape of a list and then only given values. Running it is up to lists.py."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, TypeAlias

import msgspec
from sqlalchemy import (
    CTE,
    BindParameter,
    ColumnElement,
    Integer,
    ScalarSelect,
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
from hypermart.db.dialect import json_rows
from hypermart.domain.browse import search
from hypermart.domain.browse.models import SearchText
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
#: MySQL would put the text of `listed` wherever it is named, and find everything each time.
KEEP = "/*+ NO_MERGE(listed) */"


class Shape(msgspec.Struct, frozen=True):
    """What decides the SQL of a list; the values do not."""

    scope: str
    """category, collection, search, or nothing (a search without words)."""
    sort: str
    facets: int = 0
    has_low: bool = False
    has_high: bool = False
    in_stock: bool = False
    scanned: int = 0
    """How many search terms are looked for by reading all words; 0: the search engine is asked."""


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
def list_statement(shape: Shape) -> AnySelect:
    """One row: total, in stock, lowest, highest price, next moment at which the clock changes a list, counts, page.

    Counts are json_rows (number of the chosen facet or 0, facet id, value id, position, slug, label, products), the
    page (place, product id). What is listed is found once and counted per facet key, of which there are few;
    the facets are looked at only then, by one example of each key.
    """
    listed = _listed(shape)
    in_stock: ColumnElement[bool] = listed.c.is_in_stock if shape.in_stock else true()
    # A product is in a price range if some of its variants are: from its cheapest to its dearest.
    low = listed.c.dearest >= bindparam("price_min") if shape.has_low else true()
    high = listed.c.price <= bindparam("price_max") if shape.has_high else true()
    kinds = _kinds(listed, and_(low, high), in_stock)
    chosen = [_has_chosen(kinds.c.example, number) for number in range(shape.facets)]
    others = [chosen, *(chosen[:number] + chosen[number + 1 :] for number in range(shape.facets))]
    counts = union_all(*(_counts(kinds, number, conditions) for number, conditions in enumerate(others))).subquery()
    # By product: asked for listed.facet_key, MySQL indexes it and then groups by it without sorting (slow, not wrong).
    wanted = [low, high, in_stock, *(_has_chosen(listed.c.product_id, number) for number in range(shape.facets))]
    return select(
        func.coalesce(func.sum(kinds.c.products), 0),
        func.coalesce(func.sum(kinds.c.in_stock), 0),
        func.min(kinds.c.low),
        func.max(kinds.c.high),
        next_change(),
        select(json_rows(*counts.c)).scalar_subquery(),
        _page(listed, wanted, is_down=shape.sort in ("price-down", "new")),
    ).where(*chosen)


def _listed(shape: Shape) -> CTE:
    """What the scope holds, whatever is chosen."""
    sales = running_sales()
    price = case((sales.c.low < ListEntry.price_from, sales.c.low), else_=ListEntry.price_from)
    dearest = case((sales.c.variants == ListEntry.variant_count, sales.c.high), else_=ListEntry.price_to)
    entries: Any = ListEntry.__table__
    if shape.scope == "search":
        entries = entries.join(SearchText, SearchText.product_id == ListEntry.product_id)
    return (
        select(
            ListEntry.product_id,
            ListEntry.facet_key,
            ListEntry.is_in_stock,
            price.label("price"),
            dearest.label("dearest"),
            _order(shape, price).label("place"),
        )
        .select_from(entries.outerjoin(sales, sales.c.product_id == ListEntry.product_id))
        .where(*_scope(shape.scope, shape.scanned))
        .cte("listed")
    )


def _kinds(listed: CTE, in_price: ColumnElement[bool], in_stock: ColumnElement[bool]) -> CTE:
    """`listed` by facet key: how many are wanted, how many can be had, an example. Prices are those of any range."""

    def count_if(*conditions: ColumnElement[bool]) -> ColumnElement[int]:
        return func.sum(case((and_(*conditions), 1), else_=0))

    return (
        select(
            listed.c.facet_key,
            func.min(listed.c.product_id).label("example"),
            count_if(in_price, in_stock).label("products"),
            count_if(in_price, listed.c.is_in_stock).label("in_stock"),
            func.min(case((in_stock, listed.c.price))).label("low"),
            func.max(case((in_stock, listed.c.dearest))).label("high"),
        )
        .prefix_with(KEEP, dialect="mysql")
        .group_by(listed.c.facet_key)
        .cte("kinds")
    )


def _page(listed: CTE, wanted: Sequence[ColumnElement[bool]], *, is_down: bool) -> ScalarSelect[Any]:
    def ordered(columns: Any) -> tuple[Any, ...]:
        return columns.place.desc() if is_down else columns.place, columns.product_id

    shown = (
        select(listed.c.place, listed.c.product_id)
        .prefix_with(KEEP, dialect="mysql")
        .where(*wanted)
        .order_by(*ordered(listed.c))
        .limit(bindparam("limit", type_=Integer))
        .offset(bindparam("offset", type_=Integer))
        .subquery("shown")
    )
    place = func.row_number().over(order_by=ordered(shown.c)).label("place")
    numbered = select(place, shown.c.product_id).subquery("numbered")
    return select(json_rows(*numbered.c)).scalar_subquery()


def cards_by_id() -> AnySelect:
    """Cards of the products `ids`, in no promised order."""
    shown = select(Listing.product_id).where(Listing.product_id.in_(bindparam("ids", expanding=True)))
    return _cards_of(shown.subquery("shown"))


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


def _scope(scope: str, scanned: int = 0) -> list[ColumnElement[bool]]:
    conditions = [ListEntry.category_id == _category(scope), ListEntry.published_at <= NOW]
    if scope == "collection":
        members = select(CollectionProduct.product_id).where(CollectionProduct.collection_id == bindparam("scope_id"))
        return [*conditions, ListEntry.product_id.in_(members)]
    if scope == "search":
        return [*conditions, *(search.contains(scanned) if scanned else [search.matches()])]
    return conditions if scope == "category" else [*conditions, false()]


def _has_chosen(product_id: ColumnElement[int], number: int) -> ColumnElement[bool]:
    values: BindParameter[int] = bindparam(f"values{number}", expanding=True)
    return product_id.in_(select(ListFacet.product_id).where(ListFacet.value_id.in_(values)))


def _counts(kinds: CTE, number: int, conditions: list[ColumnElement[bool]]) -> AnySelect:
    """Products per facet value; for the chosen facet `number`, as if nothing of that facet were chosen."""
    counted = (
        select(ListFacet.value_id, func.sum(kinds.c.products).label("products"))
        .join(kinds, kinds.c.example == ListFacet.product_id)
        .where(kinds.c.products > 0, *conditions)
        .group_by(ListFacet.value_id)
    )
    if number:
        facet: BindParameter[int] = bindparam(f"facet{number - 1}")
        counted = counted.where(ListFacet.value_id.in_(select(FacetValue.id).where(FacetValue.facet_id == facet)))
    values = counted.subquery()
    return select(
        literal_column(str(number)).label("number"),
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
