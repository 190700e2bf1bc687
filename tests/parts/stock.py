"""Shelves for tests of stock: variants with so many units, what is left of them, and who holds what."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import select

from hypermart.db.session import Database, WriteSession
from hypermart.domain.catalog.models import Product, Variant
from hypermart.domain.stock.models import Reservation, StockLevel
from tests.parts.databases import is_mysql

T = TypeVar("T")
#: Transactions at a time: as many as the pool gives without a wait.
AT_ONCE = 20 if is_mysql() else 4


class Count(NamedTuple):
    on_hand: int
    reserved: int = 0
    allocated: int = 0


async def put(database: Database, *on_hand: int | None, may_oversell: bool = False) -> list[int]:
    """Variants, each of a product of its own, in the order of their ids. None: there is no row of its stock."""
    now = database.clock.now()
    async with database.write() as db:
        products = [Product(slug=f"p{n}", title=f"P{n}", created_at=now, updated_at=now) for n in range(len(on_hand))]
        db.add_all(products)
        await db.flush()
        variants = [Variant(product_id=each.id, sku=each.slug, price=1900) for each in products]
        db.add_all(variants)
        await db.flush()
        for variant, count in zip(variants, on_hand, strict=True):
            if count is not None:
                db.add(StockLevel(variant_id=variant.id, on_hand=count, may_oversell=may_oversell))
    return sorted(variant.id for variant in variants)


async def counts(database: Database) -> dict[int, Count]:
    """variant id -> its level. Whatever happened, `reserved` is the sum of what is held, and no more than there is."""
    async with database.read() as db:
        rows = (await db.execute(select(*StockLevel.__table__.c))).all()
    sums: Counter[int] = Counter()
    for (_, variant_id), (quantity, _) in (await held(database)).items():
        sums[variant_id] += quantity
    for row in rows:
        assert row.reserved == sums[row.variant_id], "reserved is what is held"
        assert row.may_oversell or row.on_hand >= row.reserved + row.allocated, "no unit is promised twice"
    return {row.variant_id: Count(row.on_hand, row.reserved, row.allocated) for row in rows}


async def held(database: Database) -> dict[tuple[str, int], tuple[int, datetime | None]]:
    """(holder, variant id) -> how many, until when."""
    columns = (Reservation.holder, Reservation.variant_id, Reservation.quantity, Reservation.expires_at)
    async with database.read() as db:
        return {(row[0], row[1]): (row[2], row[3]) for row in await db.execute(select(*columns))}


async def together(
    database: Database, works: Iterable[Callable[[WriteSession], Awaitable[T]]]
) -> list[T | BaseException]:
    """Each work in a transaction of its own, all at the same time, run again after a deadlock. In order of `works`."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(work: Callable[[WriteSession], Awaitable[T]]) -> T:
        async with gate:
            return await database.retried(work)

    return await asyncio.gather(*map(one, works), return_exceptions=True)


def kinds(outcomes: Iterable[Any]) -> Counter[str]:
    """How many there are of each exception; `done` is none."""
    return Counter(type(each).__name__ if isinstance(each, BaseException) else "done" for each in outcomes)
