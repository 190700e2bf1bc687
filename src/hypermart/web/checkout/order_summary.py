"""The order beside the form of a step, as one struct: page, seed of the island and JSON answers are made of it."""

from __future__ import annotations

import msgspec

from hypermart.domain.customers.address_rules import country_name
from hypermart.domain.orders.pages import CheckoutView, PaymentOption
from hypermart.domain.shipping.pages import DeliveryOption
from hypermart.money import MoneyPattern, money_pattern
from hypermart.settings import Settings
from hypermart.web.checkout.shown import CartRow, Sums, rows_of, sums_of


class OrderSummary(msgspec.Struct, frozen=True):
    """No name, address or mail of anybody is in here."""

    step: str
    cart: int
    version: int
    count: int
    country: str
    country_name: str
    lines: tuple[CartRow, ...]
    totals: Sums
    options: tuple[DeliveryOption, ...]
    payments: tuple[PaymentOption, ...]
    chosen: str
    """Code of the option that this step has."""
    problems: dict[str, str]
    money: MoneyPattern

    @property
    def after(self) -> str:
        """What happens next with the payment that is chosen."""
        return next((option.after for option in self.payments if option.code == self.chosen), "")


def order_summary(
    view: CheckoutView, step: str, settings: Settings, problems: dict[str, str], chosen: str
) -> OrderSummary:
    cart = view.cart
    return OrderSummary(
        step=step,
        cart=cart.id,
        version=cart.version,
        count=cart.count,
        country=cart.country,
        country_name=country_name(settings.locale, cart.country),
        lines=rows_of(cart.lines),
        totals=sums_of(cart, settings.locale),
        options=cart.options,
        payments=view.payments,
        chosen=chosen,
        problems=problems,
        money=money_pattern(settings.currency, settings.locale),
    )
