"""One sample of every mail and of every way it can read, made of data that stands here alone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec

from hypermart.domain.cart.totals import TaxLine
from hypermart.domain.customers.address import Address
from hypermart.domain.customers.queries import CustomerView
from hypermart.domain.orders.pages import AttemptView, OrderLineRow, OrderPage
from hypermart.domain.tax.rules import Rate
from hypermart.money import Money
from hypermart.settings import Settings

ADDRESS = Address(name="Ada Beispiel", line1="Torstraße 1", postcode="10119", city="Berlin", country="DE")
TO = "Ada Beispiel <ada@example.com>"
PAYMENTS = {
    "card": ("Card", "paid"),
    "transfer": ("Bank transfer", "pending"),
    "invoice": ("Invoice", "pending"),
    "pickup": ("Pay at pickup", "pending"),
}
CUSTOMER = CustomerView(1, "ada@example.com", "Ada Beispiel", 1, None, datetime(2026, 11, 2, 12, tzinfo=UTC))
ACCOUNT_MAILS = {
    "mail_welcome": "/account",
    "mail_account_exists": "/account",
    "mail_reset": "/account/resets/a-sample",
    "mail_password_changed": "/account",
}
FAILURES = {"declined": "The card has expired.", "expired": "", "voided": ""}


class Sample(msgspec.Struct, frozen=True):
    id: str
    """The template, and where it can read in several ways, which."""
    template: str
    view: Any
    link: str


def samples(settings: Settings) -> Iterator[Sample]:
    order, attempt = f"{settings.base_url}/orders/1001?t=a-sample", f"{settings.base_url}/checkout/attempts/a-sample"
    for method in PAYMENTS:
        page = _order(settings.currency, method)
        yield Sample(f"mail_order_confirmation.{method}", "mail_order_confirmation", page, order)
        if page.payment_status == "pending" and method != "invoice":
            yield Sample(f"mail_payment_reminder.{method}", "mail_payment_reminder", page, order)
    for state, reason in FAILURES.items():
        view = AttemptView("a-sample", state, Money(5490, settings.currency), "card", "", reason)
        yield Sample(f"mail_payment_failed.{state}", "mail_payment_failed", view, attempt)
    for template, link in ACCOUNT_MAILS.items():
        yield Sample(template, template, CUSTOMER, settings.base_url + link)


def _order(currency: str, method: str) -> OrderPage:
    def money(minor: int) -> Money:
        return Money(minor, currency)

    title, payment_status = PAYMENTS[method]
    is_pickup = method == "pickup"
    lines = (
        OrderLineRow("WAVE-30", "wave", "The Great Wave", "30 × 40 cm, black frame", 2, money(1900), money(3800)),
        OrderLineRow("SEA-21", "sea", "The Sea", "", 1, money(1200), money(1200)),
    )
    return OrderPage(
        number=1001,
        status="open",
        payment_status=payment_status,
        fulfilment_status="unfulfilled",
        email="ada@example.com",
        name="Ada Beispiel",
        address=ADDRESS,
        billing=ADDRESS,
        lines=lines,
        taxes=(TaxLine(Rate("VAT", 1900), 5490, 877),),
        subtotal=money(5000),
        delivery=money(490),
        tax=money(877),
        total=money(5490),
        delivery_title="Pickup in the shop" if is_pickup else "Parcel",
        delivery_kind="pickup" if is_pickup else "ship",
        delivery_note="2 to 3 working days",
        payment_method=method,
        payment_title=title,
        events=(),
        placed_at=datetime(2026, 11, 2, 12, tzinfo=UTC),
        can_cancel=True,
    )
