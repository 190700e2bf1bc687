"""The public pages made of lists: home, category, collection, search. Reads only; the product page is in product.py."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, func, select

from hypermart.db.session import AnySession
from hypermart.domain.browse import search
from hypermart.domain.browse.frame import frame, trail
from hypermart.domain.browse.lists import Scope, card, picture, results
from hypermart.domain.browse.pages import (
    CategoryPage,
    CategoryRow,
    CollectionPage,
    ContentView,
    DepartmentCard,
    Filters,
    HomePage,
    LinkRow,
    RailView,
    SearchPage,
)
from hypermart.domain.browse.statements import NOW, AnySelect, card_columns, next_change, running_sales
from hypermart.domain.catalog.models import (
    WHOLE_SHOP,
    Category,
    Collection,
    CollectionProduct,
    ListEntry,
    Listing,
    OldSlug,
    Picture,
    Variant,
)
from hypermart.domain.content.models import ContentPage
from hypermart.errors import Moved, NotFound

RAIL = 4


def _about(model: type[Category | Collection]) -> AnySelect:
    return select(model.id, model.slug, model.title, model.intro, model.seo_title, model.seo_description).where(
        model.slug == bindparam("slug")
    )


_CATEGORY, _COLLECTION = _about(Category), _about(Collection)


async def category_page(db: AnySession, slug: str, filters: Filters, now: datetime, currency: str) -> CategoryPage:
    """Raises NotFound, Moved (an old slug) or PageBeyondEnd."""
    row = (await db.execute(_CATEGORY, {"slug": slug})).mappings().first() or await _moved(
        db, "category", slug, Category
    )
    around = await frame(db)
    view, until = await results(db, Scope("category", row["id"]), filters, now, currency)
    path = trail(around, row["id"])
    return CategoryPage(
        frame=around,
        **row,
        crumbs=tuple(LinkRow(node.slug, node.title) for node in path[:-1]),
        children=path[-1].children if path else (),
        results=view,
        fresh_until=until,
    )


async def collection_page(db: AnySession, slug: str, filters: Filters, now: datetime, currency: str) -> CollectionPage:
    """Raises NotFound, Moved (an old slug) or PageBeyondEnd."""
    row = (await db.execute(_COLLECTION, {"slug": slug})).mappings().first() or await _moved(
        db, "collection", slug, Collection
    )
    view, until = await results(db, Scope("collection", row["id"]), filters, now, currency)
    return CollectionPage(frame=await frame(db), **row, results=view, fresh_until=until)


async def _moved(db: AnySession, kind: str, slug: str, model: type[Category | Collection]) -> Any:
    """Never returns: raises Moved if `slug` once led somewhere, NotFound otherwise."""
    old = select(model.slug).join(OldSlug, OldSlug.target_id == model.id).where(OldSlug.kind == kind)
    new = (await db.execute(old.where(OldSlug.slug == slug))).scalar()
    raise Moved(new) if new else NotFound(slug)


_BY_SKU = (
    select(Listing.slug, Variant.sku)
    .join(Variant, Variant.product_id == Listing.product_id)
    .where(Variant.sku.in_(bindparam("skus", expanding=True)), Listing.published_at <= NOW)
)


async def product_by_sku(db: AnySession, query: str, now: datetime) -> tuple[str, str] | None:
    """(product slug, SKU) if the search words are exactly one SKU, as it is written or in capitals."""
    row = (await db.execute(_BY_SKU, {"skus": [query, query.upper()], "now": now})).first()
    return (row.slug, row.sku) if row else None


async def search_page(db: AnySession, filters: Filters, now: datetime, currency: str) -> SearchPage:
    """Raises PageBeyondEnd. A query without any word finds nothing."""
    around, words = await frame(db), search.terms(filters.query)
    scope = Scope("search" if words else "nothing", terms=words)
    view, until = await results(db, scope, filters, now, currency)
    narrowed = filters.chosen or filters.only_in_stock or filters.price_min or filters.price_max
    return SearchPage(
        frame=around,
        query=filters.query,
        results=view,
        suggestion="" if view.total or narrowed or not words else await search.did_you_mean(db, filters.query),
        categories=_matching(around.departments, {word for word, _ in words}),
        fresh_until=until,
    )


def _matching(rows: tuple[CategoryRow, ...], words: set[str]) -> tuple[LinkRow, ...]:
    """Categories whose title has all the searched words."""
    found: list[LinkRow] = []
    for row in rows:
        if words and words <= set(search.fold(row.title)):
            found.append(LinkRow(row.slug, row.title))
        found += _matching(row.children, words)
    return tuple(found)


def _rails() -> AnySelect:
    """The first RAIL cards of each collection, and the next moment at which the clock changes one."""
    sales = running_sales()
    place = func.row_number().over(
        partition_by=CollectionProduct.collection_id, order_by=(CollectionProduct.position, Listing.product_id)
    )
    ranked = (
        select(*card_columns(sales), CollectionProduct.collection_id, place.label("place"))
        .select_from(Listing.__table__.outerjoin(sales, sales.c.product_id == Listing.product_id))
        .join(CollectionProduct, CollectionProduct.product_id == Listing.product_id)
        .outerjoin(Picture, Picture.id == Listing.picture_id)
        .where(Listing.published_at <= NOW)
        .subquery()
    )
    return (
        select(
            *ranked.c,
            Collection.slug.label("collection"),
            Collection.title.label("heading"),
            Collection.intro,
            next_change().label("until"),
        )
        .join(Collection, Collection.id == ranked.c.collection_id)
        .where(ranked.c.place <= RAIL)
        .order_by(Collection.position, Collection.id, ranked.c.place)
    )


def _departments() -> AnySelect:
    """Per root category: how many products, and the picture of its first one."""
    visible = (ListEntry.category_id == Category.id, ListEntry.published_at <= NOW)
    first = (
        select(Listing.picture_id)
        .join(ListEntry, ListEntry.product_id == Listing.product_id)
        .where(*visible)
        .order_by(ListEntry.position, ListEntry.product_id)
        .limit(1)
    )
    roots = (
        select(
            Category.id,
            select(func.count()).select_from(ListEntry).where(*visible).scalar_subquery().label("products"),
            first.scalar_subquery().label("picture_id"),
        )
        .where(Category.parent_id.is_(None))
        .subquery("roots")
    )
    shown = (Picture.blob_key, Picture.alt, Picture.width, Picture.height, Picture.widths)
    return select(roots.c.id, roots.c.products, next_change(), *shown).outerjoin(
        Picture, Picture.id == roots.c.picture_id
    )


def _hero() -> AnySelect:
    """The first wide picture in the shop that no rail shows."""
    sales = running_sales()
    return (
        select(*card_columns(sales))
        .select_from(ListEntry)
        .join(Listing, Listing.product_id == ListEntry.product_id)
        .join(Picture, Picture.id == Listing.picture_id)
        .outerjoin(sales, sales.c.product_id == Listing.product_id)
        .where(
            ListEntry.category_id == WHOLE_SHOP,
            ListEntry.published_at <= NOW,
            Picture.width > 1.3 * Picture.height,
            Listing.product_id.not_in(select(CollectionProduct.product_id)),
        )
        .order_by(ListEntry.position, ListEntry.product_id)
        .limit(1)
    )


_RAILS, _DEPARTMENTS, _HERO = _rails(), _departments(), _hero()


async def home_page(db: AnySession, now: datetime, currency: str) -> HomePage:
    around = await frame(db)
    rails: dict[str, RailView] = {}
    until = None
    for *columns, _, _, slug, title, intro, moment in (await db.execute(_RAILS, {"now": now})).all():
        until = moment
        before = rails.get(slug) or RailView(slug, title, intro, ())
        rails[slug] = RailView(slug, title, intro, (*before.cards, card(columns, currency)))
    rows = (await db.execute(_DEPARTMENTS, {"now": now})).all()
    hero = (await db.execute(_HERO, {"now": now})).first()
    counted = {row.id: (row.products, picture(*row[3:]) if row.blob_key else None) for row in rows}
    return HomePage(
        frame=around,
        departments=tuple(DepartmentCard(row, *counted.get(row.id, (0, None))) for row in around.departments),
        rails=tuple(rails.values()),
        hero=card(hero, currency) if hero else None,
        fresh_until=rows[0][2] if rows else until,
    )


_CONTENT = select(
    ContentPage.slug, ContentPage.title, ContentPage.description, ContentPage.body, ContentPage.updated_at
).where(ContentPage.slug == bindparam("slug"))


async def content_page(db: AnySession, slug: str) -> ContentView:
    """A page of words. Raises NotFound."""
    row = (await db.execute(_CONTENT, {"slug": slug})).mappings().first()
    if row is None:
        raise NotFound(slug)
    return ContentView(frame=await frame(db), **row)
