"""What staff can do to prices, slugs and publication, and what lists, stock flags, search and purges make of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, select

from hypermart.db.outbox import Outbox
from hypermart.db.session import WriteSession
from hypermart.domain.browse.actions import archive, publish, unpublish
from hypermart.domain.catalog import actions
from hypermart.domain.catalog.models import Category, Collection, OldSlug, PriceChange, Product, SalePrice, Variant
from hypermart.domain.imports.actions import Order, import_shopify
from hypermart.domain.imports.mapping import load
from hypermart.domain.stock.actions import Level, set_on_hand
from hypermart.domain.stock.models import StockLevel, StockMovement
from hypermart.errors import NotFound, Refused
from hypermart.qa.clock import QaClock
from hypermart.services import Services
from tests.parts import catalogue

CATALOGUE = """
[[categories]]
title = "Space"
[[categories.children]]
title = "Moon"
[[collections]]
title = "Picks"
"""
PRODUCTS = """Handle,Title,Tags,Option1 Name,Option1 Value,SKU,Price,Compare-at price,Inventory quantity
moon,Moon,"Moon, Space, Picks",Size,S,M-S,10.00,15.00,3
moon,,,,M,M-M,20.00,,0
sun,Sun,Space,,,SUN,5.00,,1
"""


@pytest.fixture
async def shop(services: Services, tmp_path: Path) -> Services:
    (tmp_path / "products.csv").write_text(PRODUCTS)
    (tmp_path / "catalogue.toml").write_text(CATALOGUE)
    order = Order(tmp_path / "products.csv", "EUR", mapping=load(tmp_path / "catalogue.toml"))
    assert not (await import_shopify(services.db, services.blobs, order)).refused
    return services


async def changed(shop: Services, act: Callable[[WriteSession, dict[str, int]], Awaitable[Any]]) -> set[str]:
    """Does `act` in one transaction; gives the cache keys it purges, with names in place of ids."""
    async with shop.db.read() as db:
        ids: dict[str, int] = dict((await db.execute(select(Variant.sku, Variant.id))).all())
        ids |= dict((await db.execute(select(Product.slug, Product.id))).all())
        names = {f"product:{id_}": f"product:{slug}" for slug, id_ in ids.items()}
        for kind, model in (("category", Category), ("collection", Collection)):
            rows = await db.execute(select(model.slug, model.id))
            names |= {f"{kind}:{id_}": f"{kind}:{slug}" for slug, id_ in rows}
        last = (await db.execute(select(Outbox.id).order_by(Outbox.id.desc()).limit(1))).scalar_one()
    async with shop.db.write() as db:
        await act(db, ids)
    async with shop.db.read() as db:
        found = (await db.execute(select(Outbox.args).where(Outbox.id > last, Outbox.job == "purge_pages"))).scalars()
        return {names.get(key, key) for args in found for key in args["keys"]}


async def listing(shop: Services, place: int = 0) -> dict[str, Any]:
    return (await catalogue.rows(shop.db))["listings"][place]


MOON_KEYS = {"home", "search", "feeds", "product:moon", "category:moon", "category:space", "collection:picks"}


async def test_a_new_price_is_noted_listed_and_purged(shop: Services, clock: QaClock) -> None:
    first = await listing(shop)
    assert [first[key] for key in ("price_from", "price_to", "compare_at", "variant_count")] == [1000, 2000, 1500, 2]
    clock.advance(hours=1)
    keys = await changed(
        shop,
        lambda db, ids: actions.change_price(
            db, ids["M-S"], 2500, compare_at=None, at=clock.now(), reason="dearer paper"
        ),
    )
    assert keys == MOON_KEYS
    after = await listing(shop)
    assert [after[key] for key in ("price_from", "price_to", "compare_at")] == [2000, 2500, None]
    assert after["is_in_stock"] == 1
    async with shop.db.read() as db:
        history = await db.execute(
            select(PriceChange.price, PriceChange.compare_at, PriceChange.changed_at, PriceChange.reason)
            .join(Variant, Variant.id == PriceChange.variant_id)
            .where(Variant.sku == "M-S")
            .order_by(PriceChange.id)
        )
        start = clock.now() - timedelta(hours=1)
        assert history.all() == [(1000, 1500, start, "import"), (2500, None, clock.now(), "dearer paper")]


async def test_the_same_price_is_no_change(shop: Services, clock: QaClock) -> None:
    assert not await changed(
        shop, lambda db, ids: actions.change_price(db, ids["SUN"], 500, compare_at=None, at=clock.now(), reason="none")
    )


async def test_a_compare_at_price_is_never_lost_by_saying_nothing(shop: Services, clock: QaClock) -> None:
    with pytest.raises(TypeError, match="compare_at"):
        await changed(
            shop,
            lambda db, ids: actions.change_price(db, ids["M-S"], 900, at=clock.now(), reason=""),  # type: ignore[call-arg]
        )
    assert (await listing(shop))["compare_at"] == 1500


async def test_prices_that_cannot_be(shop: Services, clock: QaClock) -> None:
    now = clock.now()

    async def sale(db: WriteSession, ids: dict[str, int]) -> None:
        await actions.schedule_sale(db, ids["M-S"], 800, starts_at=now, ends_at=now + timedelta(days=1))

    assert await changed(shop, sale) == MOON_KEYS
    with pytest.raises(Refused, match="Another sale"):
        await changed(shop, sale)
    with pytest.raises(Refused, match="Change the sale first"):
        await changed(
            shop, lambda db, ids: actions.change_price(db, ids["M-S"], 800, compare_at=None, at=now, reason="")
        )
    with pytest.raises(Refused, match="negative"):
        await changed(
            shop, lambda db, ids: actions.change_price(db, ids["SUN"], -1, compare_at=None, at=now, reason="")
        )
    with pytest.raises(NotFound):
        await changed(shop, lambda db, _: actions.change_price(db, 10**9, 1, compare_at=None, at=now, reason=""))
    later = now + timedelta(days=1)  # the sale is over at that very moment
    await changed(shop, lambda db, ids: actions.change_price(db, ids["M-S"], 800, compare_at=None, at=later, reason=""))
    async with shop.db.read() as db:
        assert len((await db.execute(select(SalePrice.id))).all()) == 1


async def test_old_addresses_lead_to_the_newest(shop: Services) -> None:
    async def rename(slug: str) -> None:
        product = (await catalogue.rows(shop.db))["products"][0]["slug"]
        await changed(shop, lambda db, ids: actions.rename_slug(db, "product", ids[product], slug))

    async def old() -> dict[str, int]:
        async with shop.db.read() as db:
            rows = await db.execute(select(OldSlug.slug, OldSlug.target_id))
            return dict(rows.all())

    await rename("luna")
    await rename("la-luna")
    assert sorted(await old()) == ["luna", "moon"]
    assert len(set((await old()).values())) == 1
    assert (await listing(shop))["slug"] == "la-luna"
    await rename("moon")  # a former address may be taken again: then nothing leads away from it
    assert sorted(await old()) == ["la-luna", "luna"]
    for taken in ("sun", "Not A Slug", ""):
        with pytest.raises(Refused):
            await rename(taken)
    assert sorted(await old()) == ["la-luna", "luna"]


@pytest.mark.parametrize("withdraw", [archive, unpublish])
async def test_a_withdrawn_product_leaves_lists_and_search_and_comes_back_whole(
    shop: Services, clock: QaClock, withdraw: Callable[[WriteSession, int], Awaitable[None]]
) -> None:
    assert await changed(shop, lambda db, ids: withdraw(db, ids["moon"])) == MOON_KEYS
    rows = await catalogue.rows(shop.db)
    assert [row["slug"] for row in rows["listings"]] == ["sun"]
    assert len(rows["search_texts"]) == 1
    at = clock.now() + timedelta(days=7)
    assert await changed(shop, lambda db, ids: publish(db, ids["moon"], at=at)) == MOON_KEYS
    rows = await catalogue.rows(shop.db)
    assert [(row["slug"], row["is_in_stock"]) for row in rows["listings"]] == [("moon", 1), ("sun", 1)]
    assert "zqmoon" in rows["search_texts"][0]["words"].split()


async def test_what_cannot_be_published(shop: Services, clock: QaClock) -> None:
    async with shop.db.write() as db:
        await db.execute(delete(Variant).where(Variant.sku == "SUN"))
    with pytest.raises(Refused, match="at least one variant"):
        await changed(shop, lambda db, ids: publish(db, ids["sun"], at=clock.now()))
    with pytest.raises(NotFound):
        await changed(shop, lambda db, _: archive(db, 10**9))


async def test_a_renamed_collection_is_stale_wherever_it_is_linked(shop: Services) -> None:
    async def rename(db: WriteSession, _: dict[str, int]) -> None:
        await actions.rename_slug(db, "collection", (await db.scalars(select(Collection.id))).one(), "best")

    assert await changed(shop, rename) == {"home", "menu", "collection:picks"}


async def test_only_what_shoppers_are_told_purges(shop: Services, clock: QaClock) -> None:
    def count(
        on_hand: int, may_oversell: bool | None = None
    ) -> Callable[[WriteSession, dict[str, int]], Awaitable[None]]:
        return lambda db, ids: set_on_hand(
            db, [Level(ids["M-S"], on_hand, may_oversell)], at=clock.now(), reason="stocktaking"
        )

    assert await changed(shop, count(2)) == {"feeds", "product:moon"}  # the page says how few are left
    assert await changed(shop, count(0)) == MOON_KEYS
    assert (await listing(shop))["is_in_stock"] == 0
    assert await changed(shop, count(0, may_oversell=True)) == MOON_KEYS
    assert not await changed(shop, count(-5))
    with pytest.raises(Refused):
        await changed(shop, count(-5, may_oversell=False))
    async with shop.db.read() as db:
        moves = await db.execute(
            select(StockMovement.quantity, StockMovement.kind, StockMovement.reason)
            .join(Variant, Variant.id == StockMovement.variant_id)
            .where(Variant.sku == "M-S")
            .order_by(StockMovement.id)
        )
        ledger = moves.all()
        level = (await db.execute(select(StockLevel.on_hand).join(Variant).where(Variant.sku == "M-S"))).scalar_one()
    assert [row.quantity for row in ledger] == [3, -1, -2, -5]
    assert sum(row.quantity for row in ledger) == level
    assert [row.kind for row in ledger] == ["import", "count", "count", "count"]


@pytest.mark.parametrize(
    ("on_hand", "may_oversell", "is_told"),
    [(1, False, True), (3, False, True), (4, False, True), (0, True, True), (0, False, False)],
)
async def test_a_variant_beside_one_in_stock_purges_what_tells_of_it(
    shop: Services, clock: QaClock, on_hand: int, may_oversell: bool, is_told: bool
) -> None:
    """M-M is sold out at first, M-S is not: no list changes."""
    keys = await changed(
        shop, lambda db, ids: set_on_hand(db, [Level(ids["M-M"], on_hand, may_oversell)], at=clock.now(), reason="")
    )
    assert keys == ({"product:moon", "feeds"} if is_told else set())


async def test_crossing_the_line_of_the_last_few_purges(shop: Services, clock: QaClock) -> None:
    async def count(on_hand: int) -> set[str]:
        return await changed(
            shop, lambda db, ids: set_on_hand(db, [Level(ids["M-S"], on_hand)], at=clock.now(), reason="")
        )

    told = [bool(await count(on_hand)) for on_hand in (20, 4, 3, 1, 1, 4)]
    assert told == [True, False, True, True, False, True]


async def test_stock_of_no_variant(shop: Services, clock: QaClock) -> None:
    with pytest.raises(NotFound):
        await changed(shop, lambda db, _: set_on_hand(db, [Level(10**9, 1)], at=clock.now(), reason=""))


async def test_search_words_of_a_product(shop: Services) -> None:
    rows = await catalogue.rows(shop.db)
    words = rows["search_texts"][0]["words"].split()
    assert words == [f"zq{word}" for word in ("moon", "space", "picks", "m", "s")]
    assert [row["word"] for row in rows["search_words"]] == ["moon", "picks", "space", "sun"]
