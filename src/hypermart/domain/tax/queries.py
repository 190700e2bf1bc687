"""Reads the rates of a country. Which of them a line bears is a rule."""

from __future__ import annotations

import msgspec
from sqlalchemy import ScalarSelect, bindparam, select

from hypermart.db.dialect import json_rows
from hypermart.db.session import AnySession
from hypermart.domain.tax.models import TaxRate
from hypermart.domain.tax.rules import ZERO, Rate

_DECODER = msgspec.json.Decoder(list[tuple[str, str, int]])


def rates_in(parameter: str) -> ScalarSelect[str]:
    """The rates of the country in `parameter` as one value, to be a part of any statement; read by rates_of()."""
    rows = select(json_rows(TaxRate.tax_class, TaxRate.title, TaxRate.rate))
    return rows.where(TaxRate.country == bindparam(parameter)).scalar_subquery()


_RATES = select(rates_in("country"))


async def rates_for(db: AnySession, country: str) -> dict[str, Rate]:
    """By tax class; empty for a country that the shop collects no tax for."""
    return rates_of((await db.execute(_RATES, {"country": country.upper()})).scalar_one())


def rates_of(rows: str | None) -> dict[str, Rate]:
    """The same, of rates_in() as the database gives them."""
    return {code: Rate(title, rate, "" if rate else ZERO) for code, title, rate in _DECODER.decode(rows or "[]")}
