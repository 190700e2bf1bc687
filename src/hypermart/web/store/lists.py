"""Category, collection and search pages: one list, three ways in. A list's address holds all of its state."""

from __future__ import annotations

from urllib.parse import parse_qsl

from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromPath

from hypermart.addresses import list_url, product_url
from hypermart.domain.browse.pages import Filters, ListView
from hypermart.domain.browse.queries import category_page, collection_page, product_by_sku, search_page
from hypermart.domain.browse.rules import BEST_MATCH, SORTS, read_filters
from hypermart.web.caching import Public, listed
from hypermart.web.render import HTML, Answer, AnyRequest, Shop


@get("/c/{slug:str}", media_type=HTML)
async def show_category(request: AnyRequest, slug: FromPath[str], shop: NamedDependency[Shop]) -> Answer:
    filters, is_tidy = _asked(request, shop, tuple(SORTS))
    if not is_tidy:
        return shop.see_other(list_url(request.scope["path"], filters, shop.currency))
    async with shop.read() as db:
        page = await category_page(db, slug, filters, shop.now(), shop.currency)
    cache = Public(("menu", f"category:{page.id}", *_shown(page.results)), page.fresh_until)
    return shop.page(request, "store/category.html", page, cache)


@get("/collections/{slug:str}", media_type=HTML)
async def show_collection(request: AnyRequest, slug: FromPath[str], shop: NamedDependency[Shop]) -> Answer:
    filters, is_tidy = _asked(request, shop, tuple(SORTS))
    if not is_tidy:
        return shop.see_other(list_url(request.scope["path"], filters, shop.currency))
    async with shop.read() as db:
        page = await collection_page(db, slug, filters, shop.now(), shop.currency)
    cache = Public(("menu", f"collection:{page.id}", *_shown(page.results)), page.fresh_until)
    return shop.page(request, "store/collection.html", page, cache)


@get("/search", media_type=HTML)
async def show_search(request: AnyRequest, shop: NamedDependency[Shop]) -> Answer:
    filters, is_tidy = _asked(request, shop, (*BEST_MATCH, *SORTS))
    if not is_tidy:
        return shop.see_other(list_url("/search", filters, shop.currency))
    async with shop.read() as db:
        if found := await product_by_sku(db, filters.query, shop.now()):
            return shop.see_other(product_url(*found))
        page = await search_page(db, filters, shop.now(), shop.currency)
    cache = Public(("menu", "search", *_shown(page.results)), page.fresh_until)
    return shop.page(request, "store/search.html", page, cache)


def _asked(request: AnyRequest, shop: Shop, sorts: tuple[str, ...]) -> tuple[Filters, bool]:
    """The filters of the address, and whether it is free of the empty fields that plain forms send."""
    pairs = parse_qsl(request.scope["query_string"].decode("latin-1"), keep_blank_values=True, errors="replace")
    filters = read_filters(pairs, shop.currency, sorts)
    request.state.filters = filters  # a page beyond the end keeps the rest of its address
    return filters, all(value.strip() for _, value in pairs)


def _shown(results: ListView) -> tuple[str, ...]:
    return listed("product", (card.id for card in results.cards))
