"""The demo shop: art prints imported like any merchant's file, how they are sold, and the pages of words."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from sqlalchemy import select

from hypermart.demo.selling import write_selling
from hypermart.domain.catalog.models import Product
from hypermart.domain.content.actions import write_pages
from hypermart.domain.content.files import read_pages
from hypermart.domain.imports.actions import Order, import_shopify
from hypermart.domain.imports.mapping import load
from hypermart.domain.imports.summary import Summary
from hypermart.services import Services

HERE = Path(__file__).parent
ART_PRINTS = HERE / "art-prints"


async def seed(services: Services, say: Callable[[str], None] = lambda _: None) -> Summary:
    """The shop holds the demo catalogue, sells it, and has its pages of words. A second run changes nothing."""
    order = Order(
        file=ART_PRINTS / "products.csv",
        currency=services.settings.currency,
        pictures=ART_PRINTS / "images",
        mapping=load(ART_PRINTS / "catalogue.toml"),
    )
    # Both before the products: a shop that has some is not seeded again.
    await _write_content(services)
    async with services.db.write() as db:
        await write_selling(db, services.settings.shop_name)
    say("Filling the shop with art prints ...")
    summary = await import_shopify(services.db, services.blobs, order)
    for line in summary.lines():
        say(line)
    return summary


async def seed_if_empty(services: Services, say: Callable[[str], None] = lambda _: None) -> None:
    """A shop that has a product already is the merchant's own; if it knows no delivery yet, it is given the demo's."""
    async with services.db.fresh() as db:
        has_products = (await db.execute(select(Product.id).limit(1))).first()
    if not has_products:
        await seed(services, say)
        return
    async with services.db.write() as write:
        await write_selling(write, services.settings.shop_name)


async def _write_content(services: Services) -> None:
    pages = read_pages(HERE / "content", services.settings.shop_name)
    async with services.db.write() as db:
        await write_pages(db, pages, services.clock.now())
