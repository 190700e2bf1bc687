"""Lists of placed orders: of one customer, and of the shop for its staff."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Row, func, select

from hypermart.db.session import AnySession
from hypermart.domain.browse.statements import AnySelect
from hypermart.domain.cart.models import Cart
from hypermart.domain.orders.models import Order
from hypermart.domain.orders.rules import in_words
from hypermart.money import Money

PAGE = 20


class OrderRow(msgspec.Struct, frozen=True):
    number: int
    placed_at: datetime
    name: str
    total: Money
    status: str
    """In words."""


class OrderList(msgspec.Struct, frozen=True):
    rows: tuple[OrderRow, ...]
    page: int = 1
    has_more: bool = False


_ROWS: AnySelect = select(
    Order.number,
    Order.placed_at,
    Order.name,
    Order.total,
    Order.currency,
    Order.status,
    Order.payment_status,
    Order.fulfilment_status,
).order_by(Order.number.desc())


async def orders_of(db: AnySession, customer_id: int, *, page: int = 1, limit: int = PAGE) -> OrderList:
    """Those placed while signed in; the newest first."""
    found = _ROWS.join(Cart, Cart.id == Order.cart_id).where(Cart.customer_id == customer_id)
    rows = (await db.execute(found.limit(limit + 1).offset((page - 1) * limit))).all()
    return OrderList(tuple(map(_row, rows[:limit])), page, has_more=len(rows) > limit)


async def is_order_of(db: AnySession, customer_id: int, number: int) -> bool:
    found = select(Order.id).join(Cart, Cart.id == Order.cart_id)
    return (await db.execute(found.where(Order.number == number, Cart.customer_id == customer_id))).first() is not None


async def newest_orders(db: AnySession, limit: int = PAGE) -> OrderList:
    return OrderList(tuple(map(_row, (await db.execute(_ROWS.limit(limit))).all())))


async def placed_since(db: AnySession, moment: datetime) -> int:
    """How many orders."""
    found = select(func.count()).select_from(Order).where(Order.placed_at >= moment)
    return int((await db.execute(found)).scalar_one())


def _row(row: Row[Any]) -> OrderRow:
    words = in_words(row.status, row.payment_status, row.fulfilment_status)
    return OrderRow(row.number, row.placed_at, row.name, Money(row.total, row.currency), words)
