"""A demo shop of a test's own that sells: its shoppers with cookies of their own, its database, its clock."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import httpx
import msgspec
from litestar import Litestar
from sqlalchemy import select, update

from hypermart.app import create_app
from hypermart.db.session import Database
from hypermart.domain.catalog.models import Variant
from hypermart.domain.orders.models import Order
from hypermart.domain.payments.models import PaymentAttempt
from hypermart.domain.stock.models import StockLevel
from hypermart.qa.clock import QaClock
from hypermart.settings import Settings
from tests.faults.buying import Shopper
from tests.parts.visitor import ORIGIN, visiting

FLOWERS, MOON = "AP004-S-U", "AP042-S-U"


class SellingShop:
    def __init__(self, app: Litestar, client: httpx.AsyncClient, clock: QaClock) -> None:
        self.app, self.clock = app, clock
        self.database: Database = app.state.shop.db
        self._transport = client._transport

    def shopper(self, name: str = "ada") -> Shopper:
        """Somebody with a browser of their own."""
        return Shopper(httpx.AsyncClient(transport=self._transport, base_url=ORIGIN), name)

    async def variant(self, sku: str = FLOWERS) -> int:
        return int(await self.value(select(Variant.id).where(Variant.sku == sku)))

    async def in_stock(self, sku: str, on_hand: int) -> None:
        """So many can be had, and not one more."""
        variant_id = await self.variant(sku)
        level = update(StockLevel).where(StockLevel.variant_id == variant_id)
        async with self.database.write() as db:
            await db.execute(level.values(on_hand=on_hand, reserved=0, allocated=0, may_oversell=False))

    async def costs(self, sku: str, price: int) -> None:
        async with self.database.write() as db:
            await db.execute(update(Variant).where(Variant.sku == sku).values(price=price))

    async def tell_bank(self, **orders: Any) -> None:
        """What the bogus gateway does next (hypermart.bogus)."""
        headers = {"authorization": f"Bearer {self.app.state.shop.settings.gateway_secret}"}
        answer = await self.shopper().client.post("/bogus/control", json=orders, headers=headers)
        assert answer.status_code == 200, answer.text

    async def value(self, statement: Any) -> Any:
        async with self.database.fresh() as db:
            return (await db.execute(statement)).scalar_one()

    async def rows(self, statement: Any) -> list[Any]:
        async with self.database.fresh() as db:
            return list((await db.execute(statement)).all())

    async def orders(self) -> list[Any]:
        return await self.rows(select(Order.__table__).order_by(Order.number))

    async def attempts(self) -> list[Any]:
        return await self.rows(select(PaymentAttempt.__table__).order_by(PaymentAttempt.id))


@contextlib.asynccontextmanager
async def selling_shop(settings: Settings, clock: QaClock) -> AsyncIterator[SellingShop]:
    app = create_app(msgspec.structs.replace(settings, base_url=ORIGIN), clock=clock)
    async with visiting(app) as client:
        yield SellingShop(app, client, clock)
