"""A cart on its way through checkout: what may be chosen, and the one list of what is still missing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import msgspec

from hypermart.db.session import AnySession
from hypermart.domain.cart.pages import CartView, Terms
from hypermart.domain.customers.address_rules import problems
from hypermart.domain.orders.own_cart import own_cart
from hypermart.domain.orders.pages import CheckoutView, PaymentOption, Requirement
from hypermart.domain.payments.rules import open_methods
from hypermart.domain.shipping.models import PICKUP
from hypermart.emails import is_email

STEPS = ("cart", "address", "delivery", "payment", "review")


class Selling(msgspec.Struct, frozen=True):
    """How this shop sells, and by what it can be paid: a gateway for cards, an account for transfers."""

    terms: Terms
    has_gateway: bool
    has_account: bool


async def checkout_view(
    db: AnySession, token_hash: str, selling: Selling, now: datetime, *, country: str = ""
) -> CheckoutView | None:
    """None if there is no open cart. `country`: asked about, before it is chosen."""
    cart = await own_cart(db, token_hash, selling.terms, now, country=country)
    return checkout(cart, selling) if cart else None


def checkout(cart: CartView, selling: Selling) -> CheckoutView:
    payments = payment_options(cart, selling)
    return CheckoutView(cart, payments, tuple(requirements(cart, payments)))


def payment_options(cart: CartView, selling: Selling) -> tuple[PaymentOption, ...]:
    methods = open_methods(
        cart.totals.total.minor,
        is_pickup=cart.delivery is not None and cart.delivery.kind == PICKUP,
        is_home=cart.country == selling.terms.country,
        has_gateway=selling.has_gateway,
        has_account=selling.has_account,
    )
    return tuple(
        PaymentOption(method.code, method.title, method.note, method.is_offline, method.after) for method in methods
    )


def requirements(cart: CartView, payments: tuple[PaymentOption, ...]) -> Iterator[Requirement]:
    """What must still be given, in the order of the steps: pages lead by it, and placing an order refuses by it."""
    yield from _of_cart(cart)
    yield from _of_address(cart)
    if not cart.options:
        yield Requirement("delivery", "delivery", "We cannot deliver this to that address.")
    elif cart.delivery is None:
        yield Requirement("delivery", "delivery", "Choose how you want it delivered")
    if cart.payment_method not in {option.code for option in payments}:
        yield Requirement("payment", "payment", "Choose how you want to pay")


def _of_cart(cart: CartView) -> Iterator[Requirement]:
    if cart.is_empty:
        yield Requirement("cart", "", "Your cart is empty.")
    for line in cart.lines:
        for notice in line.notices:
            if notice.blocks:
                yield Requirement("cart", f"q-{line.id}", f"{line.title}: {notice.text}")


def _of_address(cart: CartView) -> Iterator[Requirement]:
    if not is_email(cart.email):
        yield Requirement("address", "email", "Enter an e-mail address, like name@example.com")
    for field, sentence in problems(cart.address).items():
        yield Requirement("address", field, sentence)
    for field, sentence in (problems(cart.billing) if cart.billing else {}).items():
        yield Requirement("address", f"billing-{field}", sentence)
