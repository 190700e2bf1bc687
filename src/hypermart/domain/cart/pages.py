"""What the pages of the till show: a cart with its lines, its delivery and its totals, in frozen structs."""

from __future__ import annotations

from datetime import datetime

import msgspec

from hypermart.domain.browse.pages import PictureView
from hypermart.domain.cart.totals import Totals
from hypermart.domain.customers.address import Address
from hypermart.domain.shipping.pages import DeliveryOption
from hypermart.domain.tax.rules import Rate
from hypermart.money import Money


class Notice(msgspec.Struct, frozen=True):
    """Something changed since the line was put in."""

    code: str
    """price, reduced (fewer left than wanted), sold_out, or gone (no longer for sale)."""
    text: str
    was: Money | None = None
    """The price that the shopper last saw, where it has changed."""

    @property
    def blocks(self) -> bool:
        """Whether the cart cannot be ordered like this."""
        return self.code != "price"


class LineView(msgspec.Struct, frozen=True):
    id: int
    variant_id: int | None
    sku: str
    slug: str
    """Of the product; empty when it is gone."""
    title: str
    options: str
    """The version in words, like '30 x 40 cm, black'."""
    picture: PictureView | None
    quantity: int
    left: int | None
    """How many can be had; None for as many as one likes."""
    unit_price: Money
    total: Money
    weight_g: int
    needs_delivery: bool
    rate: Rate
    notices: tuple[Notice, ...] = ()


class CartView(msgspec.Struct, frozen=True):
    """An open cart with today's prices. `lines` are bought, `saved` are set aside."""

    id: int
    version: int
    lines: tuple[LineView, ...]
    saved: tuple[LineView, ...]
    email: str
    address: Address
    billing: Address | None
    wants_news_at: datetime | None
    """When the shopper said yes to marketing."""
    payment_method: str
    country: str
    """Where it would be delivered: the country asked about, else of the address, else the shop's."""
    options: tuple[DeliveryOption, ...]
    delivery: DeliveryOption | None
    """The chosen one, while it is still among the options."""
    totals: Totals
    """With the chosen delivery; without one `totals.delivery` is None and the total is of the goods."""

    @property
    def wants_news(self) -> bool:
        return self.wants_news_at is not None

    @property
    def count(self) -> int:
        return sum(line.quantity for line in self.lines)

    @property
    def is_empty(self) -> bool:
        return not self.lines

    @property
    def is_blocked(self) -> bool:
        """A line must be changed or removed before this can be ordered."""
        return any(notice.blocks for line in self.lines for notice in line.notices)


class Added(msgspec.Struct, frozen=True):
    """What has just been put in a cart, and what is in there now."""

    sku: str
    slug: str
    title: str
    options: str
    wanted: int
    added: int
    """Fewer than wanted where no more are left, or no more fit in a line."""
    quantity: int
    """Of this variant in the cart."""
    left: int | None
    """How many can be had altogether; None for as many as one likes."""
    count: int
    """Pieces in the cart."""
    subtotal: int
    """Of the cart's goods, in minor units."""
    cart: int
    version: int
    """Of that cart, after this change."""


class Terms(msgspec.Struct, frozen=True):
    """How this shop sells; of the settings."""

    currency: str
    country: str
    rounding: str
    """unit, line or order: where tax is rounded (cart/totals.py)."""
