"""Where the shop delivers to, by what methods, and what each costs. Carriers' own services are not known here."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint, false, true
from sqlalchemy.orm import Mapped, mapped_column

from hypermart.db.base import Base, Id, Label, LongText, Minor, exact

SHIP, PICKUP = "ship", "pickup"


class Zone(Base):
    """Countries that cost the same. The one zone with `is_rest` holds every country that no other names."""

    __tablename__ = "zones"

    id: Mapped[Id]
    code: Mapped[str] = mapped_column(exact(20), unique=True)
    title: Mapped[Label]
    is_rest: Mapped[bool] = mapped_column(default=False, server_default=false())


class ZoneCountry(Base):
    __tablename__ = "zone_countries"

    country: Mapped[str] = mapped_column(exact(2), primary_key=True)
    zone_id: Mapped[int] = mapped_column(ForeignKey("zones.id", ondelete="CASCADE"), index=True)


class DeliveryMethod(Base):
    """A way to get the goods: shipped by a carrier, or picked up."""

    __tablename__ = "delivery_methods"
    __table_args__ = (CheckConstraint(f"kind IN ('{SHIP}', '{PICKUP}')", name="kind"),)

    id: Mapped[Id]
    code: Mapped[str] = mapped_column(exact(30), unique=True)
    title: Mapped[Label]
    carrier: Mapped[Label] = mapped_column(default="")
    kind: Mapped[str] = mapped_column(exact(10), default=SHIP)
    note: Mapped[LongText] = mapped_column(default="")
    """Plain words for the shopper: where to pick up, what to bring."""
    position: Mapped[int] = mapped_column(default=0)
    is_active: Mapped[bool] = mapped_column(default=True, server_default=true())


class DeliveryRate(Base):
    """What a method costs in a zone up to a weight. Without `max_weight_g` it is flat."""

    __tablename__ = "delivery_rates"
    __table_args__ = (
        UniqueConstraint("method_id", "zone_id", "max_weight_g"),
        CheckConstraint("price >= 0", name="price"),
        CheckConstraint("min_days >= 0 AND max_days >= min_days", name="days"),
    )

    id: Mapped[Id]
    method_id: Mapped[int] = mapped_column(ForeignKey("delivery_methods.id", ondelete="CASCADE"))
    zone_id: Mapped[int] = mapped_column(ForeignKey("zones.id", ondelete="CASCADE"))
    max_weight_g: Mapped[int | None]
    price: Mapped[Minor]
    """In minor units of the shop's currency, tax included."""
    free_over: Mapped[Minor | None]
    """Free from this value of goods on."""
    min_days: Mapped[int] = mapped_column(default=1)
    max_days: Mapped[int] = mapped_column(default=3)
    """Working days until the goods arrive."""
