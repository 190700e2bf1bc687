"""What the pages of checkout and of placed orders show, in frozen structs."""

from __future__ import annotations

from datetime import datetime

import msgspec

from hypermart.domain.cart.pages import CartView
from hypermart.domain.cart.totals import TaxLine
from hypermart.domain.customers.address import Address
from hypermart.money import Money


class PaymentOption(msgspec.Struct, frozen=True):
    code: str
    """card, transfer, invoice, pickup or free."""
    title: str
    note: str
    is_offline: bool
    after: str
    """What happens next, once it is chosen."""


class Requirement(msgspec.Struct, frozen=True):
    """Something that must be given before an order can be placed: the pages show it, and placing refuses by it."""

    step: str
    """cart, address, delivery, payment or review: the page on which it is given."""
    field: str
    message: str


class CheckoutView(msgspec.Struct, frozen=True):
    """A cart on its way: what may be chosen, and what is still missing, in the order of the steps."""

    cart: CartView
    payments: tuple[PaymentOption, ...]
    missing: tuple[Requirement, ...]

    @property
    def payment(self) -> PaymentOption | None:
        return next((option for option in self.payments if option.code == self.cart.payment_method), None)

    def lacks(self, step: str) -> bool:
        return any(requirement.step == step for requirement in self.missing)


class AttemptView(msgspec.Struct, frozen=True):
    """The page of a payment under way."""

    key: str
    state: str
    """open (the shopper must pay), pending (the bank takes its time), placed, declined, expired, voided, superseded."""
    amount: Money
    method: str
    pay_url: str
    reason: str
    """In words for the shopper, when it was declined."""
    order_number: int | None = None


class OrderLineRow(msgspec.Struct, frozen=True):
    sku: str
    slug: str
    title: str
    options: str
    quantity: int
    unit_price: Money
    total: Money


class OrderEventRow(msgspec.Struct, frozen=True):
    kind: str
    text: str
    happened_at: datetime


class OrderPage(msgspec.Struct, frozen=True):
    """A placed order, for its page and its mails."""

    number: int
    status: str
    """open, cancelled or completed."""
    payment_status: str
    """pending, paid or void."""
    fulfilment_status: str
    """unfulfilled, fulfilled or void."""
    email: str
    name: str
    address: Address
    billing: Address
    lines: tuple[OrderLineRow, ...]
    taxes: tuple[TaxLine, ...]
    """One for each rate."""
    subtotal: Money
    delivery: Money
    tax: Money
    total: Money
    delivery_title: str
    delivery_kind: str
    delivery_note: str
    payment_method: str
    payment_title: str
    events: tuple[OrderEventRow, ...]
    placed_at: datetime
    can_cancel: bool
