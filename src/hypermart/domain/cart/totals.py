"""Totals: the one function that cart, checkout and completion call. Pure; every amount is minor units."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec

from hypermart.domain.tax.rules import Rate
from hypermart.money import Money


class Item(msgspec.Struct, frozen=True):
    """What totals() needs to know of a line."""

    unit_price: int
    """Tax included."""
    quantity: int
    rate: Rate

    @property
    def gross(self) -> int:
        return self.unit_price * self.quantity


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


def totals(items: Sequence[Item], delivery: Money | None, *, currency: str, rounding: str) -> Totals:
    """What `items` and their delivery cost, and the tax contained in it.

    Tax is rounded half up at one of three spots, which `rounding` names: at each unit, at each line, or once for each
    rate over the whole order. What is rounded over the order is handed out to its lines, so tax lines always sum.

    Delivery is ancillary to the goods (German tax law: Nebenleistung) and shares their fate: its price is split over
    the goods' rates in proportion to their gross. Where nothing is bought nothing is delivered, whatever was chosen.
    """
    parts = _split(delivery.minor, items, delivery.currency) if delivery is not None else []
    taxes = _taxes([*items, *parts], rounding, currency)
    taxed = [TaxLine(item.rate, item.gross, tax) for item, tax in zip([*items, *parts], taxes, strict=True)]
    subtotal = Money(sum(item.gross for item in items), currency)
    shipped = Money(sum(part.gross for part in parts), delivery.currency) if delivery is not None else None
    return Totals(
        currency=currency,
        lines=tuple(taxed[: len(items)]),
        delivery_lines=tuple(taxed[len(items) :]),
        subtotal=subtotal,
        delivery=shipped,
        tax=Money(sum(taxes), currency),
        total=subtotal if shipped is None else subtotal + shipped,
        summary=_summary(taxed),
    )


def _split(price: int, items: Sequence[Item], currency: str) -> list[Item]:
    """`price` over the rates of the goods by their gross; of goods that cost nothing, by their number."""
    by_gross: Counter[Rate] = Counter()
    by_number: Counter[Rate] = Counter()
    for item in items:
        by_gross[item.rate] += item.gross
        by_number[item.rate] += item.quantity
    rates = sorted(by_gross, key=_highest_first)
    if not rates:
        return []
    weights = by_gross if by_gross.total() else by_number
    shares = Money(price, currency).allocate([weights[rate] for rate in rates])
    return [Item(share.minor, 1, rate) for share, rate in zip(shares, rates, strict=True)]


def _taxes(items: Sequence[Item], rounding: str, currency: str) -> list[int]:
    match rounding:
        case "unit":
            return [_contained(item.unit_price, item.rate) * item.quantity for item in items]
        case "line":
            return [_contained(item.gross, item.rate) for item in items]
        case "order":
            return _taxes_of_order(items, currency)
    raise ValueError(f"{rounding!r} is no spot to round tax at")


def _contained(gross: int, rate: Rate) -> int:
    """The tax in `gross`, half up: gross * rate / (10000 + rate), without leaving the integers."""
    whole = 10_000 + rate.rate
    return (2 * gross * rate.rate + whole) // (2 * whole)


def _taxes_of_order(items: Sequence[Item], currency: str) -> list[int]:
    """Rounded once for each rate over all its lines, then allocated to these by largest remainder."""
    taxes = [0] * len(items)
    for rate in {item.rate for item in items}:
        places = [place for place, item in enumerate(items) if item.rate == rate]
        gross = sum(items[place].gross for place in places)
        if not gross:
            continue
        shares = Money(_contained(gross, rate), currency).allocate([items[place].gross for place in places])
        for place, share in zip(places, shares, strict=True):
            taxes[place] = share.minor
    return taxes


def _summary(lines: Iterable[TaxLine]) -> tuple[TaxLine, ...]:
    gross: Counter[Rate] = Counter()
    amount: Counter[Rate] = Counter()
    for line in lines:
        gross[line.rate] += line.gross
        amount[line.rate] += line.amount
    return tuple(TaxLine(rate, gross[rate], amount[rate]) for rate in sorted(gross, key=_highest_first))


def _highest_first(rate: Rate) -> tuple[int, str, str]:
    return -rate.rate, rate.title, rate.reason
