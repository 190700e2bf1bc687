"""Totals: the one function that cart, checkout and completion call. Pure; every amount is minor units."""

from __future__ import annotations

import msgspec

from hypermart.domain.tax.rules import Rate
from hypermart.money import Money


class Item(msgspec.Struct, frozen=True):
    """What totals() needs to know of a line."""

    unit_price: int
    """Tax included."""
    quantity: int
    rate: Rate


class TaxLine(msgspec.Struct, frozen=True):
    """The tax contained in `gross`. A rate of 0 % is a tax line too, with its reason."""

    rate: Rate
    gross: int
    amount: int


class Totals(msgspec.Struct, frozen=True):
    currency: str
    lines: tuple[TaxLine, ...]
    """One for each item, in their order: `gross` is the line's total."""
    delivery_lines: tuple[TaxLine, ...]
    """The delivery's price, split over the rates of the goods."""
    subtotal: Money
    delivery: Money | None
    tax: Money
    """Contained in the total."""
    total: Money
    summary: tuple[TaxLine, ...]
    """One for each rate, highest first: sums of the above."""
