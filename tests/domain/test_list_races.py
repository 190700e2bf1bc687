"""Two changes of one product at the same time: what lists derive from both is right after the second commit."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from hypermart.db.session import WriteSession
from hypermart.domain.catalog.actions import change_price
from hypermart.domain.catalog.models import Variant
from hypermart.domain.imports.actions import Order, import_shopify
from hypermart.domain.stock.actions import Level, set_on_hand
from hypermart.qa.clock import QaClock
from hypermart.services import Services
from tests.parts import catalogue

pytestmark = pytest.mark.slow  # many at once

PRODUCTS = """Handle,Title,Option1 Name,Option1 Value,SKU,Price,Inventory quantity
moon,Moon,Size,S,M-S,10.00,1
moon,,,M,M-M,20.00,1
"""
#: Seconds that each transaction stays open after its change: far longer than the other one needs to read.
OPEN = 0.3


@pytest.fixture
async def variants(services: Services, tmp_path: Path) -> list[int]:
    """Two of one product, with one piece each."""
    (tmp_path / "products.csv").write_text(PRODUCTS)
    assert not (await import_shopify(services.db, services.blobs, Order(tmp_path / "products.csv", "EUR"))).refused
    async with services.db.read() as db:
        return [row.id for row in await db.execute(select(Variant.id).order_by(Variant.price))]


async def both(services: Services, *acts: Callable[[WriteSession], Awaitable[None]]) -> None:
    async def transaction(act: Callable[[WriteSession], Awaitable[None]]) -> None:
        async with services.db.write() as db:
            await act(db)
            await asyncio.sleep(OPEN)

    await asyncio.gather(*map(transaction, acts))


async def listed(services: Services, key: str) -> list[Any]:
    """What the listing and the entry of each list say."""
    rows = await catalogue.rows(services.db)
    return [row[key] for row in (*rows["listings"], *rows["list_entries"])]


async def test_the_last_pieces_of_two_variants_leave_the_product_sold_out(
    services: Services, variants: list[int], clock: QaClock
) -> None:
    assert set(await listed(services, "is_in_stock")) == {1}
    first, second = variants
    await both(
        services,
        lambda db: set_on_hand(db, [Level(first, 0)], at=clock.now(), reason="sold"),
        lambda db: set_on_hand(db, [Level(second, 0)], at=clock.now(), reason="sold"),
    )
    assert set(await listed(services, "is_in_stock")) == {0}


async def test_two_new_prices_are_both_listed(services: Services, variants: list[int], clock: QaClock) -> None:
    first, second = variants
    await both(
        services,
        lambda db: change_price(db, first, 3000, compare_at=None, at=clock.now(), reason="dearer"),
        lambda db: change_price(db, second, 4000, compare_at=None, at=clock.now(), reason="dearer"),
    )
    assert set(await listed(services, "price_from")) == {3000}
    assert set(await listed(services, "price_to")) == {4000}
