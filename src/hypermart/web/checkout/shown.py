"""What the pages of the till show of a cart: rows, sums and notices, ready for a template and for an island."""

from __future__ import annotations

import msgspec

from hypermart.addresses import product_url
from hypermart.domain.cart.pages import CartView, LineView, Notice
from hypermart.money import Money
from hypermart.templating import ImageView, image, tax_label
from hypermart.web.visit import CartNews


class NoticeRow(msgspec.Struct, frozen=True):
    """Something changed since the line was put in."""

    text: str
    blocks: bool
    """The cart cannot be ordered like this."""
    was: Money | None
    """The price that the shopper last saw, where it has changed."""


class CartRow(msgspec.Struct, frozen=True):
    """A line that is bought, or set aside."""

    id: int
    variant_id: int | None
    sku: str
    """Empty when the variant is gone."""
    url: str
    """Of the product; empty when it is gone."""
    title: str
    options: str
    """The version in words, like '30 x 40 cm, black'."""
    picture: ImageView | None
    quantity: int
    left: int | None
    """How many can be had; None for as many as one likes."""
    unit_price: Money
    total: Money
    notices: tuple[NoticeRow, ...]


class TaxRow(msgspec.Struct, frozen=True):
    label: str
    amount: Money


class Sums(msgspec.Struct, frozen=True):
    """The table of totals."""

    subtotal: Money
    delivery: Money | None
    """None while no delivery is chosen: then the total is of the goods."""
    delivery_title: str
    total: Money
    taxes: tuple[TaxRow, ...]
    """Contained in the total."""


def row_of(line: LineView) -> CartRow:
    return CartRow(
        id=line.id,
        variant_id=line.variant_id,
        sku=line.sku,
        url=product_url(line.slug, line.sku) if line.slug else "",
        title=line.title,
        options=line.options,
        picture=image(line.picture) if line.picture else None,
        quantity=line.quantity,
        left=line.left,
        unit_price=line.unit_price,
        total=line.total,
        notices=tuple(_notice(notice) for notice in line.notices),
    )


def rows_of(lines: tuple[LineView, ...]) -> tuple[CartRow, ...]:
    return tuple(row_of(line) for line in lines)


def sums_of(cart: CartView, locale: str) -> Sums:
    totals = cart.totals
    return Sums(
        subtotal=totals.subtotal,
        delivery=totals.delivery if cart.delivery else None,
        delivery_title=cart.delivery.title if cart.delivery else "",
        total=totals.total,
        taxes=tuple(TaxRow(tax_label(tax, locale), Money(tax.amount, totals.currency)) for tax in totals.summary),
    )


def news_of(cart: CartView) -> CartNews:
    return CartNews(cart.id, cart.version, cart.count, cart.totals.subtotal.minor)


def _notice(notice: Notice) -> NoticeRow:
    return NoticeRow(notice.text, notice.blocks, notice.was)
