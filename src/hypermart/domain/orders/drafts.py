"""The order to be: everything that the shopper confirmed, frozen in the payment attempt as JSON. Pure."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

import msgspec

from hypermart.domain.cart.pages import CartView
from hypermart.domain.cart.totals import Totals
from hypermart.domain.customers.address import Address
from hypermart.domain.shipping.pages import DeliveryOption
from hypermart.money import Money


class DraftLine(msgspec.Struct, frozen=True):
    variant_id: int
    sku: str
    slug: str
    title: str
    options: str
    quantity: int
    unit_price: Money


class Draft(msgspec.Struct, frozen=True):
    email: str
    address: Address
    billing: Address
    lines: tuple[DraftLine, ...]
    totals: Totals
    """`totals.lines` are in the order of `lines`."""
    delivery: DeliveryOption
    payment_method: str
    terms_accepted_at: datetime
    wants_news_at: datetime | None

    @property
    def wanted(self) -> dict[int, int]:
        """Units by variant, lines of the same variant summed."""
        units: Counter[int] = Counter()
        for line in self.lines:
            units[line.variant_id] += line.quantity
        return dict(sorted(units.items()))


def draft_of(cart: CartView, now: datetime) -> Draft:
    """For a cart of which nothing is missing (checkout.requirements)."""
    if cart.delivery is None:
        raise ValueError("a cart without delivery is not ready")
    lines = tuple(
        DraftLine(line.variant_id, line.sku, line.slug, line.title, line.options, line.quantity, line.unit_price)
        for line in cart.lines
        if line.variant_id is not None
    )
    return Draft(
        email=cart.email,
        address=cart.address,
        billing=cart.billing or cart.address,
        lines=lines,
        totals=cart.totals,
        delivery=cart.delivery,
        payment_method=cart.payment_method,
        terms_accepted_at=now,
        wants_news_at=cart.wants_news_at,
    )


def encode(draft: Draft) -> str:
    return msgspec.json.encode(draft).decode()


def decode(text: str) -> Draft:
    return msgspec.json.decode(text, type=Draft)
