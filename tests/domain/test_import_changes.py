"""What a changed file changes: ids stay, prices leave history, stock that was sold stays sold, sales are respected."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from hypermart.db.outbox import Outbox
from hypermart.domain.browse.pages import Filters
from hypermart.domain.browse.queries import category_page
from hypermart.domain.catalog import actions
from hypermart.domain.catalog.models import PriceChange, Product, Variant
from hypermart.domain.imports.actions import Order, import_shopify
from hypermart.domain.imports.mapping import load
from hypermart.domain.imports.summary import Summary
from hypermart.domain.stock.models import StockLevel
from hypermart.qa.clock import QaClock
from hypermart.services import Services
from tests.parts import catalogue

pytestmark = pytest.mark.slow  # whole catalogues

HEADER = "Handle,Title,Option1 Name,Option1 Value,SKU,Price,Inventory quantity,Tags\n"
MOON = "moon,Moon,Size,S,M-S,10.00,3,night\nmoon,,,M,M-M,20.00,4,\n"


class Shop:
    def __init__(self, services: Services, folder: Path) -> None:
        self.services, self.file, self.catalogue = services, folder / "products.csv", folder / "catalogue.toml"
        self.catalogue.write_text(
            "[[categories]]\ntitle='Night'\ntag='night'\n[[categories]]\ntitle='Day'\ntag='day'\n"
        )

    async def take(self, rows: str) -> Summary:
        self.file.write_text(HEADER + rows)
        order = Order(self.file, "EUR", mapping=load(self.catalogue))
        return await import_shopify(self.services.db, self.services.blobs, order)

    async def ids(self) -> dict[str, int]:
        async with self.services.db.read() as db:
            return dict((await db.execute(select(Variant.sku, Variant.id))).all())

    async def purged(self) -> set[str]:
        """Keys of the last commit."""
        async with self.services.db.read() as db:
            args = (await db.execute(select(Outbox.args).order_by(Outbox.id.desc()).limit(1))).scalar_one()
        return set(args["keys"])


@pytest.fixture
async def shop(services: Services, tmp_path: Path) -> Shop:
    shop = Shop(services, tmp_path)
    assert not (await shop.take(MOON)).refused
    return shop


def counts(summary: Summary) -> tuple[Any, ...]:
    assert summary.problems == []
    return tuple(
        (each.created, each.changed, each.unchanged, each.removed) for each in (summary.products, summary.variants)
    )


async def test_a_new_price_keeps_ids_and_leaves_history(shop: Shop, clock: QaClock) -> None:
    ids = await shop.ids()
    clock.advance(days=1)
    assert counts(await shop.take(MOON.replace("20.00", "25.00"))) == ((0, 1, 0, 0), (0, 1, 1, 0))
    assert await shop.ids() == ids
    async with shop.services.db.read() as db:
        history = await db.execute(
            select(PriceChange.price, PriceChange.changed_at, PriceChange.reason)
            .where(PriceChange.variant_id == ids["M-M"])
            .order_by(PriceChange.id)
        )
        now = clock.now()
        assert history.all() == [(2000, now - timedelta(days=1), "import"), (2500, now, "import")]
    listing = (await catalogue.rows(shop.services.db))["listings"][0]
    assert (listing["price_from"], listing["price_to"]) == (1000, 2500)


async def test_variants_may_swap_their_options(shop: Shop) -> None:
    ids = await shop.ids()
    await shop.take(MOON.replace("S,M-S", "M,M-S").replace(",M,M-M", ",S,M-M"))
    assert await shop.ids() == ids
    options = [(row["sku"], row["option1"]) for row in (await catalogue.rows(shop.services.db))["variants"]]
    assert options == [("M-S", "M"), ("M-M", "S")]


async def test_a_new_sku_with_old_options_is_the_same_variant(shop: Shop) -> None:
    ids = await shop.ids()
    assert counts(await shop.take(MOON.replace("M-M", "NEW")))[1] == (0, 1, 1, 0)
    assert await shop.ids() == {"M-S": ids["M-S"], "NEW": ids["M-M"]}


async def test_variants_that_left_the_file_leave_the_shop(shop: Shop) -> None:
    assert counts(await shop.take(MOON.partition("\n")[0] + "\n"))[1] == (0, 0, 1, 1)
    rows = await catalogue.rows(shop.services.db)
    assert [row["sku"] for row in rows["variants"]] == ["M-S"]
    assert len(rows["stock_levels"]) == 1


async def test_what_happened_to_a_variant_that_left_is_still_known(shop: Shop) -> None:
    await shop.take(MOON.partition("\n")[0] + "\n")
    rows = await catalogue.rows(shop.services.db)
    assert [(row["sku"], row["variant_id"], row["price"]) for row in rows["price_history"]] == [
        ("M-S", 1, 1000),
        ("M-M", None, 2000),
    ]
    assert [(row["sku"], row["variant_id"], row["quantity"]) for row in rows["stock_movements"]] == [
        ("M-S", 1, 3),
        ("M-M", None, 4),
    ]


async def test_a_facet_value_that_nothing_has_any_more_is_kept_and_not_offered(shop: Shop, clock: QaClock) -> None:
    """Another transaction may be about to use it."""
    with shop.catalogue.open("a") as catalogue_file:
        catalogue_file.write("[[facets]]\ncode='size'\nname='Size'\nsource='option:Size'\n")

    async def offered() -> list[str]:
        async with shop.services.db.read() as db:
            page = await category_page(db, "night", Filters(), clock.now(), "EUR")
        return [value.label for facet in page.results.facets for value in facet.values]

    await shop.take(MOON)
    assert await offered() == ["S", "M"]
    await shop.take(MOON.replace(",M,M-M", ",L,M-M"))
    assert await offered() == ["S", "L"]
    assert [row["slug"] for row in (await catalogue.rows(shop.services.db))["facet_values"]] == ["s", "m", "l"]


async def test_sold_stock_stays_sold_until_the_file_counts_again(shop: Shop) -> None:
    ids = await shop.ids()
    async with shop.services.db.write() as db:
        await db.execute(update(StockLevel).where(StockLevel.variant_id == ids["M-S"]).values(on_hand=1))

    async def on_hand() -> int:
        async with shop.services.db.read() as db:
            left = select(StockLevel.on_hand).where(StockLevel.variant_id == ids["M-S"])
            return int((await db.execute(left)).scalar_one())

    await shop.take(MOON.replace("Moon", "Full Moon"))
    assert await on_hand() == 1
    await shop.take(MOON.replace("10.00,3", "10.00,9"))
    assert await on_hand() == 9


async def test_a_variant_that_was_sold_stays(shop: Shop) -> None:
    """Somebody waits for it: the file must keep it until it is sent."""
    sold = update(StockLevel).where(StockLevel.variant_id == (await shop.ids())["M-M"]).values(allocated=1)
    async with shop.services.db.write() as db:
        await db.execute(sold)
    summary = await shop.take(MOON.splitlines()[0] + "\n")
    reason = "M-M is missing here, but pieces are promised to shoppers: keep it until they are sent"
    assert [(problem.line, problem.column, problem.reason) for problem in summary.problems] == [(2, "SKU", reason)]
    assert set(await shop.ids()) == {"M-S", "M-M"}


async def test_less_stock_than_is_promised_is_refused(shop: Shop) -> None:
    ids = await shop.ids()
    async with shop.services.db.write() as db:
        await db.execute(update(StockLevel).where(StockLevel.variant_id == ids["M-S"]).values(reserved=2))
    summary = await shop.take(MOON.replace("10.00,3", "10.00,1"))
    assert [(each.line, each.column, each.reason) for each in summary.problems] == [
        (2, "Inventory quantity", "2 are promised to shoppers, so at least as many must be in stock")
    ]


async def test_a_price_below_a_planned_sale_is_refused(shop: Shop, clock: QaClock) -> None:
    ids, now = await shop.ids(), clock.now()
    async with shop.services.db.write() as db:
        await actions.schedule_sale(
            db, ids["M-S"], 800, starts_at=now + timedelta(days=1), ends_at=now + timedelta(days=2)
        )
    before = await catalogue.rows(shop.services.db)
    summary = await shop.take(MOON.replace("10.00", "7.00"))
    assert [(each.line, each.column) for each in summary.problems] == [(2, "Price")]
    assert await catalogue.rows(shop.services.db) == before


async def test_lists_that_a_product_left_and_joined_are_purged(shop: Shop) -> None:
    async with shop.services.db.read() as db:
        product = (await db.execute(select(Product.id))).scalar_one()
    categories = (await catalogue.rows(shop.services.db))["categories"]
    assert [row["slug"] for row in categories] == ["night", "day"]
    await shop.take(MOON.replace("night", "day"))
    keys = await shop.purged()
    assert {f"product:{product}", "home"} <= keys
    assert len([key for key in keys if key.startswith("category:")]) == 2


async def test_a_product_that_moved_is_still_the_same_product(shop: Shop) -> None:
    async with shop.services.db.write() as db:
        product = (await db.scalars(select(Product.id))).one()
        await actions.rename_slug(db, "product", product, "luna")
    assert counts(await shop.take(MOON))[0] == (0, 0, 1, 0)
    assert counts(await shop.take(MOON.replace("Moon", "Full Moon")))[0] == (0, 1, 0, 0)
    row = (await catalogue.rows(shop.services.db))["products"]
    assert [(each["slug"], each["title"]) for each in row] == [("luna", "Full Moon")]
    both = await shop.take(MOON + "luna,Luna,Size,S,L-S,10.00,3,\n")
    assert [(each.line, each.column) for each in both.problems] == [(4, "Handle")]


async def test_a_product_is_hidden_when_the_file_says_so(shop: Shop, services: Services) -> None:
    text = (
        (HEADER + MOON).replace("Tags\n", "Tags,Published\n").replace("night\n", "night,{}\n").replace("4,\n", "4,,\n")
    )
    for published, listed in (("FALSE", 0), ("FALSE", 0), ("TRUE", 1)):
        shop.file.write_text(text.format(published))
        await import_shopify(services.db, services.blobs, Order(shop.file, "EUR", mapping=load(shop.catalogue)))
        rows = await catalogue.rows(services.db)
        assert (len(rows["listings"]), len(rows["search_texts"])) == (listed, listed)
    assert rows["listings"][0]["is_in_stock"] == 1


async def test_centuries_that_cannot_be_read_are_listed(services: Services, tmp_path: Path) -> None:
    mapping = tmp_path / "catalogue.toml"
    mapping.write_text("[[facets]]\ncode='period'\nname='Period'\nsource='century:custom.year'\n")
    file = tmp_path / "years.csv"
    file.write_text("Handle,Title,Price,Year (product.metafields.custom.year)\na,A,1,Edo period\nb,B,1,1857\n")
    summary = await import_shopify(services.db, services.blobs, Order(file, "EUR", mapping=load(mapping)))
    assert summary.notes == ['a: no century can be read from custom.year "Edo period"']
    values = (await catalogue.rows(services.db))["facet_values"]
    assert [row["slug"] for row in values] == ["19th-century"]
