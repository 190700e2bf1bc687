"""Tax classes and their rates by country of destination. A country without rates is an export."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from hypermart.db.base import Base, Id, Label, exact

STANDARD = "standard"


class TaxClass(Base):
    """What kind of goods a variant is to the tax office; `variants.tax_code` names it, and none means standard."""

    __tablename__ = "tax_classes"

    code: Mapped[str] = mapped_column(exact(30), primary_key=True)
    title: Mapped[Label]


class TaxRate(Base):
    """One rate: `rate` is in hundredths of a per cent, so 1900 is 19 %."""

    __tablename__ = "tax_rates"
    __table_args__ = (
        UniqueConstraint("country", "tax_class"),
        CheckConstraint("rate >= 0 AND rate < 10000", name="rate"),
    )

    id: Mapped[Id]
    country: Mapped[str] = mapped_column(exact(2))
    tax_class: Mapped[str] = mapped_column(exact(30), ForeignKey("tax_classes.code"))
    rate: Mapped[int]
    title: Mapped[str] = mapped_column(String(40))
    """In the language of the shop, as it stands in a table of totals: VAT, MwSt., TVA ..."""
