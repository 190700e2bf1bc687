"""Placed orders: frozen copies of what was bought, with stored statuses and a timeline. Payments are attempts."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from hypermart.db.base import At, Base, Id, Label, Minor, UtcDateTime, exact


class Order(Base):
    """One sale. Amounts are minor units, tax included, and never computed again."""

    __tablename__ = "orders"
    __table_args__ = (
        CheckConstraint("total = subtotal + delivery", name="total"),
        Index("ix_orders_placed_at", "placed_at"),
        Index("ix_orders_status", "status", "placed_at"),
        Index("ix_orders_payment_status", "payment_status", "placed_at"),
        Index("ix_orders_fulfilment_status", "fulfilment_status", "placed_at"),
        Index("ix_orders_email", "email"),
    )

    id: Mapped[Id]
    number: Mapped[int] = mapped_column(unique=True)
    """Gapless from 1001 on."""
    cart_id: Mapped[int] = mapped_column(ForeignKey("carts.id"), unique=True)
    attempt_id: Mapped[int] = mapped_column(ForeignKey("payment_attempts.id"), unique=True)
    status: Mapped[str] = mapped_column(exact(12))
    payment_status: Mapped[str] = mapped_column(exact(12))
    fulfilment_status: Mapped[str] = mapped_column(exact(12))
    """The three are derived from facts by rules.statuses() and stored, so that lists can be filtered by them."""
    email: Mapped[Label]
    name: Mapped[Label]
    country: Mapped[str] = mapped_column(exact(2))
    address: Mapped[dict[str, Any]] = mapped_column(JSON)
    billing: Mapped[dict[str, Any]] = mapped_column(JSON)
    currency: Mapped[str] = mapped_column(exact(3))
    subtotal: Mapped[Minor]
    delivery: Mapped[Minor]
    tax: Mapped[Minor]
    """Contained in the total."""
    total: Mapped[Minor]
    delivery_method: Mapped[str] = mapped_column(exact(30))
    delivery_title: Mapped[Label]
    payment_method: Mapped[str] = mapped_column(exact(30))
    terms_accepted_at: Mapped[At]
    wants_news_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    placed_at: Mapped[At]
    paid_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    cancelled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class OrderLine(Base):
    """One variant of an order, as it was then."""

    __tablename__ = "order_lines"
    __table_args__ = (
        CheckConstraint("quantity > 0", name="quantity"),
        CheckConstraint("total = unit_price * quantity", name="total"),
        Index("ix_order_lines_order_id", "order_id", "position"),
    )

    id: Mapped[Id]
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"))
    position: Mapped[int]
    variant_id: Mapped[int | None] = mapped_column(ForeignKey("variants.id", ondelete="SET NULL"), index=True)
    sku: Mapped[str] = mapped_column(exact(100))
    product_slug: Mapped[str] = mapped_column(exact(190))
    title: Mapped[Label]
    options: Mapped[str] = mapped_column(String(600), default="")
    """The chosen version in words, like '30 x 40 cm, black'."""
    quantity: Mapped[int]
    unit_price: Mapped[Minor]
    total: Mapped[Minor]


class OrderTaxLine(Base):
    """The tax contained in one line, or in the delivery where `line_id` is null. 0 % is a line too, with its reason."""

    __tablename__ = "order_tax_lines"
    __table_args__ = (Index("ix_order_tax_lines_order_id", "order_id"),)

    id: Mapped[Id]
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"))
    line_id: Mapped[int | None] = mapped_column(ForeignKey("order_lines.id"))
    title: Mapped[str] = mapped_column(String(40))
    rate: Mapped[int]
    """In hundredths of a per cent."""
    gross: Mapped[Minor]
    amount: Mapped[Minor]
    reason: Mapped[str] = mapped_column(exact(20), default="")
    """Why the rate is 0: export, exempt or zero (domain/tax/rules.py)."""


class OrderEvent(Base):
    """The timeline. Only ever added to."""

    __tablename__ = "order_events"
    __table_args__ = (Index("ix_order_events_order_id", "order_id", "id"),)

    id: Mapped[Id]
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"))
    kind: Mapped[str] = mapped_column(exact(20))
    detail: Mapped[Label] = mapped_column(default="")
    happened_at: Mapped[At]


class Counter(Base):
    """The last number given out. Raised in the transaction that uses the number, so that none is ever skipped."""

    __tablename__ = "counters"

    name: Mapped[str] = mapped_column(exact(20), primary_key=True)
    value: Mapped[int]
