"""Many at once: guarded updates sell what there is, and whoever must wait is told so in bounded time."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack

import pytest
from sqlalchemy import CursorResult, select, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from hypermart.db.engine import LOCK, PRIMARY
from hypermart.db.session import Database
from hypermart.domain.catalog.models import Product, Variant
from hypermart.domain.stock.models import StockLevel

pytestmark = pytest.mark.slow  # waits run out

#: Seconds that a machine under load may add to a wait.
SLACK = 5


@pytest.fixture
async def ten(database: Database) -> int:
    """A variant with ten pieces."""
    now = database.clock.now()
    async with database.write() as db:
        product = Product(slug="mug", title="Mug", created_at=now, updated_at=now)
        db.add(product)
        await db.flush()
        variant = Variant(product_id=product.id, sku="MUG", price=1900)
        db.add(variant)
        await db.flush()
        db.add(StockLevel(variant_id=variant.id, on_hand=10))
    return variant.id


async def buy(database: Database, variant: int) -> bool:
    free = StockLevel.on_hand - StockLevel.reserved - StockLevel.allocated >= 1
    async with database.write() as db:
        sold = await db.execute(
            update(StockLevel)
            .where(StockLevel.variant_id == variant, free)
            .values(allocated=StockLevel.allocated + 1)
            .execution_options(synchronize_session=False)
        )
        assert isinstance(sold, CursorResult)
        return sold.rowcount == 1


async def test_of_25_buyers_of_10_pieces_exactly_10_get_one(database: Database, ten: int) -> None:
    began = time.perf_counter()
    sold = await asyncio.gather(*(buy(database, ten) for _ in range(25)))
    assert time.perf_counter() - began < LOCK + SLACK
    assert sorted(sold) == [False] * 15 + [True] * 10
    async with database.read() as db:
        assert (await db.execute(select(StockLevel.allocated))).scalar_one() == 10


async def test_a_lock_that_is_not_released_is_an_error_and_not_a_hang(database: Database, ten: int) -> None:
    async with database.write() as db:
        await db.execute(update(StockLevel).values(on_hand=9).execution_options(synchronize_session=False))
        began = time.perf_counter()
        with pytest.raises(DBAPIError, match=r"database is locked|Lock wait timeout"):
            await buy(database, ten)
        assert LOCK - 1 < time.perf_counter() - began < LOCK + SLACK
    assert await buy(database, ten), "and the shop goes on"


async def test_an_empty_pool_is_an_error_and_not_a_hang(database: Database) -> None:
    async with AsyncExitStack() as held:
        began = time.perf_counter()
        with pytest.raises(PoolTimeout):
            for _ in range(100):
                connection = await held.enter_async_context(database.reader.connect())
                await connection.execute(text("SELECT 1"))
        assert time.perf_counter() - began < PRIMARY.pool + SLACK
