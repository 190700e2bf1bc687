"""How many of each variant there are. Selling them is up to cart and orders."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, false
from sqlalchemy.orm import Mapped, mapped_column

from hypermart.db.base import At, Base, Id, Label, exact


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
