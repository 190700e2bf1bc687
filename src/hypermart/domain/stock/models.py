"""How many of each variant there are. Selling them is up to cart and orders."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column

from hypermart.db.base import At, Base, Id, Label, UtcDateTime, exact


class StockLevel(Base):
    """One row per variant. Available is on_hand - reserved - allocated, or anything if it may oversell."""

    __tablename__ = "stock_levels"
    __table_args__ = (
        CheckConstraint("reserved >= 0", name="reserved"),
        CheckConstraint("allocated >= 0", name="allocated"),
        CheckConstraint("may_oversell OR on_hand - reserved - allocated >= 0", name="no_oversell"),
    )

    variant_id: Mapped[int] = mapped_column(
        ForeignKey("variants.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    on_hand: Mapped[int] = mapped_column(default=0)
    reserved: Mapped[int] = mapped_column(default=0, server_default="0")
    allocated: Mapped[int] = mapped_column(default=0, server_default="0")
    may_oversell: Mapped[bool] = mapped_column(default=False, server_default=false())


class StockMovement(Base):
    """The ledger: the sum of `quantity` of a variant is its on_hand. Only ever added to, and outlives it."""

    __tablename__ = "stock_movements"
    __table_args__ = (Index("ix_stock_movements_variant_id", "variant_id", "moved_at"),)

    id: Mapped[Id]
    variant_id: Mapped[int | None] = mapped_column(ForeignKey("variants.id", ondelete="SET NULL"))
    sku: Mapped[str] = mapped_column(exact(100))
    """As it was then: names the variant when it is gone."""
    quantity: Mapped[int]
    kind: Mapped[str] = mapped_column(String(20))
    reason: Mapped[Label]
    moved_at: Mapped[At]


class Reservation(Base):
    """Units held for somebody who is about to pay: part of `reserved` until released or allocated.

    Lapses at `expires_at`; without one it is claimed (the money is authorised) and never lapses by itself.
    """

    __tablename__ = "reservations"
    __table_args__ = (
        UniqueConstraint("holder", "variant_id"),
        CheckConstraint("quantity > 0", name="quantity"),
        Index("ix_reservations_variant_id", "variant_id", "expires_at"),
        Index("ix_reservations_expires_at", "expires_at"),
    )

    id: Mapped[Id]
    holder: Mapped[str] = mapped_column(exact(32))
    """Who holds them: the key of a payment attempt."""
    variant_id: Mapped[int] = mapped_column(ForeignKey("variants.id", ondelete="CASCADE"))
    quantity: Mapped[int]
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
