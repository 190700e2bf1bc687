"""Lists of products: the results region of category, collection and search pages, and short rails of cards."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import and_, bindparam, select

from hypermart.db.session import AnySession
from hypermart.domain.browse import search
from hypermart.domain.browse.pages import (
    PAGE_SIZE,
    CardRow,
    ChipView,
    FacetValueRow,
    FacetView,
    Filters,
    ListView,
    PictureView,
)
from hypermart.domain.browse.rules import BEST_MATCH, SORTS, price_view
from hypermart.domain.browse.statements import AnySelect, Shape, cards_by_id, list_statement
from hypermart.domain.catalog.models import Facet, FacetValue
from hypermart.errors import PageBeyondEnd
from hypermart.money import Money

#: A facet with more values than this shows the ones with most products.
MAX_VALUES = 60


class Scope(msgspec.Struct, frozen=True):
    """Which products a list is about: a category or collection by id, or what matches `terms`."""

    kind: str
    id: int = 0
    terms: search.Terms = ()


class _Facet(msgspec.Struct, frozen=True):
    id: int
    code: str
    name: str
    chosen: tuple[tuple[int, str, str], ...] = ()
    """(value id, slug, label)"""


_FACETS = (
    select(Facet.id, Facet.code, Facet.name, FacetValue.id, FacetValue.slug, FacetValue.label)
    .outerjoin(
        FacetValue, and_(FacetValue.facet_id == Facet.id, FacetValue.slug.in_(bindparam("slugs", expanding=True)))
    )
    .order_by(Facet.position, Facet.id)
)


async def results(
    db: AnySession, scope: Scope, filters: Filters, now: datetime, currency: str
) -> tuple[ListView, datetime | None]:
    """The results region, and the next moment at which the clock alone changes it. Raises PageBeyondEnd."""
    facets, unknown = await _resolve(db, filters)
    chosen = [facet for facet in facets if facet.chosen]
    known = sorted((facet.code, tuple(sorted(slug for _, slug, _ in facet.chosen))) for facet in chosen)
    filters = msgspec.structs.replace(filters, chosen=tuple(known))
    scanned = len(scope.terms) if scope.terms and await search.is_in_most(db, scope.terms) else 0
    statement, params = _prepared(scope, filters, chosen, now, scanned)
    total, in_stock, low, high, until, counts, page = (await db.execute(statement, params)).one()
    last_page = max(1, -(-int(total) // PAGE_SIZE))
    if not 1 <= filters.page <= last_page:
        raise PageBeyondEnd(last_page)
    view = ListView(
        filters=filters,
        cards=await _cards(db, [id_ for _, id_ in sorted(_rows(page))], now, currency),
        total=int(total),
        last_page=last_page,
        facets=_facet_views(_rows(counts), facets, chosen),
        chips=tuple(ChipView(f.code, slug, f"{f.name}: {label}") for f in chosen for _, slug, label in f.chosen),
        sorts=tuple(((BEST_MATCH if scope.kind == "search" else {}) | SORTS).items()),
        in_stock_count=int(in_stock),
        price_low=None if low is None else Money(int(low), currency),
        price_high=None if high is None else Money(int(high), currency),
        unknown=unknown,
    )
    return view, until


def _rows(text: str | None) -> list[list[Any]]:
    """json_rows, of which an empty set is NULL on MySQL."""
    rows: list[list[Any]] = msgspec.json.decode(text or "[]")
    return rows


_CARDS = cards_by_id()


async def _cards(db: AnySession, ids: list[int], now: datetime, currency: str) -> tuple[CardRow, ...]:
    rows = (await db.execute(_CARDS, {"ids": ids, "now": now})).all() if ids else ()
    return tuple(card(row, currency) for row in sorted(rows, key=lambda row: ids.index(row.product_id)))


async def _resolve(db: AnySession, filters: Filters) -> tuple[list[_Facet], tuple[str, ...]]:
    """All facets with what is chosen in them, and the asked-for values that do not exist. Other keys do not count."""
    asked = dict(filters.chosen)
    rows = (await db.execute(_FACETS, {"slugs": [slug for slugs in asked.values() for slug in slugs] or [""]})).all()
    facets: dict[str, _Facet] = {}
    for id_, code, name, value_id, slug, label in rows:
        facet = facets.get(code) or _Facet(id_, code, name)
        if value_id is not None and slug in asked.get(code, ()):
            facet = msgspec.structs.replace(facet, chosen=(*facet.chosen, (value_id, slug, label)))
        facets[code] = facet
    unknown = [
        slug
        for code, slugs in filters.chosen
        if code in facets
        for slug in slugs
        if slug not in {known for _, known, _ in facets[code].chosen}
    ]
    return list(facets.values()), (*filters.unread, *unknown)


def _prepared(
    scope: Scope, filters: Filters, chosen: Sequence[_Facet], now: datetime, scanned: int
) -> tuple[AnySelect, dict[str, Any]]:
    shape = Shape(
        scope=scope.kind,
        facets=len(chosen),
        has_low=filters.price_min is not None,
        has_high=filters.price_max is not None,
        in_stock=filters.only_in_stock,
        sort=filters.sort,
        scanned=scanned,
    )
    params: dict[str, Any] = {
        "now": now,
        "scope_id": scope.id,
        "terms": scope.terms,
        "price_min": filters.price_min,
        "price_max": filters.price_max,
        "limit": PAGE_SIZE,
        "offset": max(0, filters.page - 1) * PAGE_SIZE,
    }
    for number, facet in enumerate(chosen):
        params |= {f"facet{number}": facet.id, f"values{number}": [id_ for id_, _, _ in facet.chosen]}
    words = [word for word, _ in scope.terms]
    params |= {"title_prefix": " ".join(words) + "%", "title_words": "%" + "%".join(words) + "%"}
    return list_statement(shape), params | search.patterns(scope.terms)


def _facet_views(
    counts: Sequence[Sequence[Any]], facets: Sequence[_Facet], chosen: Sequence[_Facet]
) -> tuple[FacetView, ...]:
    values: dict[int, list[tuple[int, FacetValueRow]]] = defaultdict(list)
    numbers = {facet.id: number + 1 for number, facet in enumerate(chosen)}
    chosen_ids = {id_ for facet in chosen for id_, _, _ in facet.chosen}
    for number, facet_id, value_id, position, slug, label, count in counts:
        if numbers.get(facet_id, 0) == number:
            values[facet_id].append((position, FacetValueRow(slug, label, count, value_id in chosen_ids)))
    views = []
    for facet in facets:
        rows = values.get(facet.id, [])
        found = {row.slug for _, row in rows}
        rows += [(0, FacetValueRow(slug, label, 0, True)) for _, slug, label in facet.chosen if slug not in found]
        most = sorted(rows, key=lambda row: (not row[1].is_chosen, -row[1].count))[:MAX_VALUES]
        ordered = sorted(most, key=lambda row: (row[0], row[1].label))
        if ordered:
            views.append(FacetView(facet.code, facet.name, tuple(row for _, row in ordered)))
    return tuple(views)


def card(row: Sequence[Any], currency: str) -> CardRow:
    """A card from statements.card_columns()."""
    (
        id_, slug, title, byline, price_from, price_to, compare_at, variants, is_in_stock,
        sale_low, sale_high, on_sale, key, alt, width, height, widths,
    ) = row  # fmt: skip
    highest = sale_high if on_sale == variants else price_to
    price = price_view(price_from, sale_low, compare_at, highest, currency)
    if price.now.minor < price_from < price_to:  # the variant on sale need not be the one that sets price_from
        price = msgspec.structs.replace(price, was=None)
    return CardRow(
        id=id_,
        slug=slug,
        title=title,
        byline=byline,
        price=price,
        is_in_stock=bool(is_in_stock),
        variant_count=variants,
        picture=picture(key, alt, width, height, widths) if key else None,
    )


def picture(key: str, alt: str, width: int, height: int, widths: str) -> PictureView:
    return PictureView(key, alt, width, height, tuple(map(int, widths.split())))
