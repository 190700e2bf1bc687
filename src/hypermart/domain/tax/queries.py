"""Reads the rates of a country. Which of them a line bears is a rule."""

from __future__ import annotations

from sqlalchemy import bindparam, select

from hypermart.db.session import AnySession
from hypermart.domain.tax.models import TaxRate
from hypermart.domain.tax.rules import ZERO, Rate

_RATES = select(TaxRate.tax_class, TaxRate.title, TaxRate.rate).where(TaxRate.country == bindparam("country"))


async def rates_for(db: AnySession, country: str) -> dict[str, Rate]:
    """By tax class; empty for a country that the shop collects no tax for."""
    rows = (await db.execute(_RATES, {"country": country.upper()})).all()
    return {code: Rate(title, rate, "" if rate else ZERO) for code, title, rate in rows}
