"""Which ways of delivery are open for a weight, and what each costs for a value of goods. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable

import msgspec

from hypermart.domain.shipping.pages import DeliveryOption
from hypermart.money import Money

NONE = "none"


class Offer(msgspec.Struct, frozen=True):
    """A method with one of its rates."""

    code: str
    title: str
    carrier: str
    kind: str
    note: str
    max_weight_g: int | None
    price: int
    free_over: int | None
    min_days: int
    max_days: int

    @property
    def limit(self) -> float:
        return math.inf if self.max_weight_g is None else self.max_weight_g


def options(offers: Iterable[Offer], weight_g: int, value: Money) -> tuple[DeliveryOption, ...]:
    """Each method at its smallest step that carries the weight, or not at all; in the order of `offers`."""
    best: dict[str, Offer] = {}
    for offer in offers:
        if offer.limit >= weight_g:
            known = best.setdefault(offer.code, offer)
            best[offer.code] = min(known, offer, key=lambda each: (each.limit, each.price))
    return tuple(_option(offer, value) for offer in best.values())


def _option(offer: Offer, value: Money) -> DeliveryOption:
    is_free = offer.free_over is not None and value.minor >= offer.free_over
    price = 0 if is_free else offer.price
    return DeliveryOption(
        code=offer.code,
        title=offer.title,
        carrier=offer.carrier,
        kind=offer.kind,
        note=offer.note,
        price=Money(price, value.currency),
        min_days=offer.min_days,
        max_days=offer.max_days,
        free_from=Money(offer.free_over, value.currency) if price and offer.free_over is not None else None,
    )


def no_delivery(currency: str) -> DeliveryOption:
    """For what is no parcel: services, vouchers, downloads."""
    return DeliveryOption(
        code=NONE,
        title="No delivery needed",
        carrier="",
        kind=NONE,
        note="",
        price=Money(0, currency),
        min_days=0,
        max_days=0,
    )
