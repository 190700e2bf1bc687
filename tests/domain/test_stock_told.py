"""What shoppers are told of stock follows sales by a job: only when the words change, and then everywhere."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from hypermart.db.session import WriteSession
from hypermart.domain.catalog.models import ListEntry, Listing, Product, Variant
from hypermart.domain.imports.actions import Order, import_shopify
from hypermart.domain.stock.actions import Level, set_on_hand
from hypermart.domain.stock.reservations import allocate, allocate_now, claim, deallocate, free_lapsed, release, reserve
from hypermart.jobs.delivery import deliver
from hypermart.qa.clock import START
from hypermart.services import Services
from tests.jobs.rows import rows

PRODUCTS = """Handle,Title,Option1 Name,Option1 Value,SKU,Price,Inventory quantity
moon,Moon,Size,S,M-S,10.00,6
moon,,,M,M-M,20.00,0
sun,Sun,,,SUN,5.00,9
"""
QUARTER = timedelta(minutes=15)
Act = Callable[[WriteSession], Awaitable[Any]]


class Told:
    """A shop of three variants. `by` gives the products of which something else is told once `act` is committed."""

    def __init__(self, services: Services, variants: dict[str, int], products: dict[int, str]) -> None:
        self.services, self.variants, self.products = services, variants, products
        self.seen = 0

    async def new(self) -> list[Any]:
        found = [row for row in await rows(self.services) if row.id > self.seen]
        self.seen = max([self.seen, *(row.id for row in found)])
        return found

    async def by(self, act: Act) -> list[str]:
        await self.services.db.retried(act)
        asked = [row.args["product_ids"] for row in await self.new() if row.job == "restate_stock"]
        assert len(asked) <= 1, "one row, however many variants"
        return [self.products[id_] for ids in asked for id_ in ids]

    async def flags(self) -> dict[str, bool]:
        """By product, as its listing and all of its list entries say."""
        async with self.services.db.read() as db:
            flags = {row[0]: row[1] for row in await db.execute(select(Listing.product_id, Listing.is_in_stock))}
            for id_, is_in_stock in await db.execute(select(ListEntry.product_id, ListEntry.is_in_stock)):
                assert flags[id_] == is_in_stock
        return {self.products[id_]: flag for id_, flag in flags.items()}


@pytest.fixture
async def told(services: Services, tmp_path: Path) -> Told:
    (tmp_path / "products.csv").write_text(PRODUCTS)
    assert not (await import_shopify(services.db, services.blobs, Order(tmp_path / "products.csv", "EUR"))).refused
    async with services.db.read() as db:
        variants = {row[0]: row[1] for row in await db.execute(select(Variant.sku, Variant.id))}
        products = {row[0]: row[1] for row in await db.execute(select(Product.id, Product.slug))}
    told = Told(services, variants, products)
    await told.new()
    return told


async def test_only_when_the_words_change(told: Told) -> None:
    moon, sun = told.variants["M-S"], told.variants["SUN"]
    until = START + QUARTER

    def reserving(holder: str, wanted: dict[int, int]) -> Act:
        return lambda db: reserve(db, holder, wanted, now=START, until=until)

    steps: list[tuple[Act, list[str]]] = [
        (reserving("ada", {moon: 2, sun: 1}), []),  # 4 and 8 left: in stock
        (reserving("ada", {moon: 3, sun: 6}), ["moon", "sun"]),  # 3 left of each
        (reserving("ada", {moon: 3, sun: 6}), []),
        (lambda db: claim(db, "ada", {moon: 3, sun: 6}, now=START), []),
        (lambda db: allocate(db, "ada"), []),
        (lambda db: allocate_now(db, {moon: 3}, now=START), ["moon"]),  # sold out
        (reserving("bo", {sun: 1}), ["sun"]),
        (lambda db: release(db, "bo"), ["sun"]),
        (lambda db: release(db, "bo"), []),
        (lambda db: deallocate(db, {moon: 1}), ["moon"]),
        (reserving("cy", {moon: 1}), ["moon"]),
        (lambda db: allocate_now(db, {moon: 1}, now=until), []),  # in place of cy's, which lapsed
        (lambda db: deallocate(db, {moon: 1, sun: 3}), ["moon", "sun"]),
        (reserving("cy", {moon: 1}), ["moon"]),
        (lambda db: free_lapsed(db, START), []),
        (lambda db: free_lapsed(db, until), ["moon"]),
    ]
    for place, (act, expected) in enumerate(steps):
        assert await told.by(act) == expected, f"step {place}"


async def test_what_may_oversell_is_made_to_order_once(told: Told) -> None:
    moon = told.variants["M-M"]
    await told.services.db.retried(
        lambda db: set_on_hand(db, [Level(moon, 1, may_oversell=True)], at=START, reason="count")
    )
    await told.new()
    asked = [await told.by(lambda db: allocate_now(db, {moon: 1}, now=START)) for _ in range(3)]
    assert asked == [["moon"], [], []]


async def test_the_job_tells_it_everywhere(told: Told) -> None:
    """Pages, feeds and lists; and once more comes to the same end."""
    moon, sun = told.variants["M-S"], told.variants["SUN"]
    assert await told.flags() == {"moon": True, "sun": True}
    for act, flags, keys in (
        (lambda db: allocate_now(db, {moon: 6, sun: 6}, now=START), {"moon": False, "sun": True}, {"home", "search"}),
        (lambda db: deallocate(db, {moon: 6, sun: 6}), {"moon": True, "sun": True}, {"home", "search"}),
        (lambda db: allocate_now(db, {moon: 5, sun: 6}, now=START), {"moon": True, "sun": True}, set()),
    ):
        await told.services.db.retried(act)
        (row,) = await told.new()
        assert row.job == "restate_stock"
        assert await deliver(told.services, row.id, "quick")
        purges = [set(row.args["keys"]) for row in await told.new()]
        assert purges == [{f"product:{id_}" for id_ in told.products} | {"feeds"} | keys]
        assert await told.flags() == flags
