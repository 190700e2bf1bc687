"""What somebody means to buy, under the hash of an opaque cookie. An order copies a cart and never shares its rows."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column

from hypermart.db.base import At, Base, Id, Label, Minor, UtcDateTime, exact


class Cart(Base):
    """One visit to the till. `version` counts every change; a completed cart is kept for the order's sake."""

    __tablename__ = "carts"
    __table_args__ = (Index("ix_carts_expires_at", "expires_at"),)

    id: Mapped[Id]
    token_hash: Mapped[str] = mapped_column(exact(64), unique=True)
    """SHA-256 of the cookie's value, so that who reads the database cannot use it."""
    version: Mapped[int] = mapped_column(default=1)
    email: Mapped[Label] = mapped_column(default="")
    address: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    """Delivery Address as typed; {} until then."""
    billing: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    """Billing Address where it is another one; null where it is the same."""
    delivery_method: Mapped[str] = mapped_column(exact(30), default="")
    payment_method: Mapped[str] = mapped_column(exact(30), default="")
    wants_news_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When the shopper consented to marketing."""
    created_at: Mapped[At]
    updated_at: Mapped[At]
    expires_at: Mapped[At]
    completed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    heir_of: Mapped[int | None] = mapped_column(ForeignKey("carts.id", ondelete="SET NULL"), index=True)
    """The completed cart whose cookie and leftover lines it has taken over."""
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customers.id", ondelete="SET NULL"), index=True)
    """Whose it is, and so the order that it becomes; null for a guest's."""
    merged: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    """Of the two carts that became this one at sign-in, what it takes to part them again (owned.Merge)."""


class CartLine(Base):
    """A variant in a cart; `is_saved` sets it aside for later. The variant may go: then the title names what was."""

    __tablename__ = "cart_lines"
    __table_args__ = (
        UniqueConstraint("cart_id", "variant_id", "is_saved"),
        CheckConstraint("quantity > 0", name="quantity"),
    )

    id: Mapped[Id]
    cart_id: Mapped[int] = mapped_column(ForeignKey("carts.id", ondelete="CASCADE"))
    variant_id: Mapped[int | None] = mapped_column(ForeignKey("variants.id", ondelete="SET NULL"), index=True)
    title: Mapped[str] = mapped_column(String(900))
    quantity: Mapped[int]
    seen_price: Mapped[Minor]
    """Unit price that the shopper last saw and accepted; a notice names the difference to today's."""
    is_saved: Mapped[bool] = mapped_column(default=False, server_default=false())
    added_at: Mapped[At]
