"""What lists say is what their products say one by one, however the database finds and counts them."""

from __future__ import annotations

from collections import Counter
from typing import Any

import msgspec
import pytest
from sqlalchemy import select, update

from hypermart.db.session import Database
from hypermart.domain.browse import search
from hypermart.domain.browse.actions import republish
from hypermart.domain.browse.lists import Scope, results
from hypermart.domain.browse.pages import PAGE_SIZE, Filters, ListView
from hypermart.domain.catalog.facets import facet_key
from hypermart.domain.catalog.models import (
    CategoryProduct,
    Facet,
    FacetValue,
    ListEntry,
    ListFacet,
    Listing,
    ProductAttribute,
)
from hypermart.qa.clock import QaClock
from hypermart.services import Services

OAK, CEZANNE = ("frame", ("oak-frame",)), ("artist", ("paul-cezanne", "vincent-van-gogh"))
#: The dearest variant of some products is cheaper.
PRICE = 13000
CHOICES = {
    "nothing chosen": Filters(),
    "one facet": Filters(chosen=(CEZANNE,)),
    "two facets": Filters(chosen=(CEZANNE, OAK)),
    "prices": Filters(price_min=PRICE),
    "two facets, prices, in stock": Filters(chosen=(CEZANNE, OAK), price_min=1500, price_max=3000, only_in_stock=True),
}


async def shown(db: Database, scope: Scope, filters: Filters, clock: QaClock) -> ListView:
    async with db.read() as session:
        return (await results(session, scope, filters, clock.now(), "EUR"))[0]


async def rows(db: Database, statement: Any) -> list[Any]:
    async with db.read() as session:
        return list((await session.execute(statement)).all())


async def one_by_one(db: Database, filters: Filters, ids: set[int]) -> tuple[int, dict[str, Counter[str]]]:
    """Total and counts per facet, product by product. A facet's own choice does not narrow its counts."""
    pairs = await rows(
        db,
        select(ListFacet.product_id, Facet.code, FacetValue.slug)
        .join(FacetValue, FacetValue.id == ListFacet.value_id)
        .join(Facet, Facet.id == FacetValue.facet_id),
    )
    has: dict[int, set[tuple[str, str]]] = {id_: set() for id_ in ids}
    for product_id, code, slug in pairs:
        if product_id in ids:
            has[product_id].add((code, slug))
    total, counts = 0, {code: Counter[str]() for _, code, _ in pairs}
    for product in await rows(db, select(Listing).where(Listing.product_id.in_(ids))):
        lowest, highest = filters.price_min or 0, filters.price_max or 10**9
        if product.price_to < lowest or product.price_from > highest:
            continue
        if filters.only_in_stock and not product.is_in_stock:
            continue
        missed = {code for code, slugs in filters.chosen if not has[product.product_id] & {(code, s) for s in slugs}}
        total += not missed
        for code, slug in has[product.product_id]:
            counts[code][slug] += missed <= {code}
    return total, counts


@pytest.mark.parametrize("filters", CHOICES.values(), ids=CHOICES)
async def test_totals_and_facet_counts_of_a_category(demo: Services, clock: QaClock, filters: Filters) -> None:
    members = await rows(demo.db, select(CategoryProduct.category_id, CategoryProduct.product_id))
    category = Counter(category_id for category_id, _ in members).most_common(1)[0][0]
    view = await shown(demo.db, Scope("category", category), filters, clock)
    ids = {product_id for category_id, product_id in members if category_id == category}
    total, counts = await one_by_one(demo.db, filters, ids)
    assert view.total == total > 0
    for facet in view.facets:
        told = {value.slug: value.count for value in facet.values if value.count}
        assert told == {slug: count for slug, count in counts[facet.code].items() if count}, facet.code


async def test_each_page_says_which_of_the_products_it_shows(demo: Services, clock: QaClock) -> None:
    shown_before, last = 0, 1
    page = 1
    while page <= last:
        filters = msgspec.structs.replace(CHOICES["nothing chosen"], page=page)
        view = await shown(demo.db, Scope("search", terms=search.terms("print")), filters, clock)
        assert (view.first_shown, view.last_shown) == (shown_before + 1, shown_before + len(view.cards))
        shown_before, last, page = view.last_shown, view.last_page, page + 1
    assert shown_before == view.total > PAGE_SIZE


@pytest.mark.parametrize(
    "query", ["print", "print a", "prin", "flowers", "the", "paul cezanne", "30 cm", "nothingofthekind"]
)
@pytest.mark.parametrize("filters", CHOICES.values(), ids=CHOICES)
async def test_both_ways_to_search_find_the_same(
    demo: Services, clock: QaClock, monkeypatch: pytest.MonkeyPatch, query: str, filters: Filters
) -> None:
    views = []
    for scans in (False, True):

        async def choose(*_: Any, scans: bool = scans) -> bool:
            return scans

        monkeypatch.setattr(search, "is_in_most", choose)
        views.append(await shown(demo.db, Scope("search", terms=search.terms(query)), filters, clock))
    assert views[0] == views[1]
    assert bool(views[0].total) == (query != "nothingofthekind")


async def test_a_word_of_every_product_is_in_most_and_a_rare_one_is_not(demo: Services) -> None:
    async with demo.db.read() as db:
        assert await search.is_in_most(db, search.terms("print"))
        assert not await search.is_in_most(db, search.terms("cezanne"))
        assert not await search.is_in_most(db, search.terms("print cezanne"))


async def test_products_with_the_same_facet_values_share_a_key_everywhere(demo_copy: Services) -> None:
    async def kept() -> None:
        values: dict[int, set[int]] = {}
        for product_id, value_id in await rows(demo_copy.db, select(ListFacet.product_id, ListFacet.value_id)):
            values.setdefault(product_id, set()).add(value_id)
        for model in (Listing, ListEntry):
            for product_id, key in await rows(demo_copy.db, select(model.product_id, model.facet_key)):
                assert key == facet_key(values.get(product_id, ())), (model, product_id)

    await kept()
    before = await rows(demo_copy.db, select(Listing.product_id, Listing.facet_key).order_by(Listing.product_id))
    changed = before[0].product_id
    async with demo_copy.db.write() as db:
        await db.execute(update(ProductAttribute).where(ProductAttribute.product_id == changed).values(value="1888"))
        await republish(db, [changed])
    await kept()
    after = await rows(demo_copy.db, select(Listing.product_id, Listing.facet_key).order_by(Listing.product_id))
    assert [old.product_id for old, new in zip(before, after, strict=True) if old != new] == [changed]


def test_a_facet_key_is_of_the_set() -> None:
    assert facet_key([1, 23]) == facet_key([23, 1]) != facet_key([12, 3])
    assert facet_key([]) == 0
    assert 0 < facet_key([7]) < 2**63
