"""What stands in the mails: both parts of each, for every way to pay, and whatever people are called."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from email import message_from_bytes, policy
from email.message import EmailMessage
from html import unescape
from typing import Any

import msgspec
import pytest

from hypermart.domain.cart.totals import TaxLine
from hypermart.domain.customers.address import Address
from hypermart.domain.orders.pages import AttemptView, OrderLineRow
from hypermart.domain.tax.rules import Rate
from hypermart.jobs.letters import Letter, written
from hypermart.jobs.task import Task
from hypermart.qa.clock import START
from hypermart.services import Services
from tests.jobs.mails import ADDRESS, eur, page

ORIGIN = "https://shop.example"
LINK = f"{ORIGIN}/orders/1001?t=abc_-123"
ABOUT_ORDERS = ("mail_order_confirmation", "mail_payment_reminder")
IBAN = "IBAN DE02 1203 0000 0000 2020 51"


@pytest.fixture
def shop(services: Services) -> Services:
    return replace(services, settings=msgspec.structs.replace(services.settings, base_url=ORIGIN))


def mail(shop: Services, template: str, view: Any, link: str = LINK) -> EmailMessage:
    """As it is read after it was sent."""
    sent = written(shop, Task(7, START), Letter(template, "Ada Beispiel", "ada@example.com", view, link))
    return message_from_bytes(sent.as_bytes(), policy=policy.default)


def text(mail: EmailMessage) -> str:
    part = mail.get_body(("plain",))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


def html(mail: EmailMessage) -> str:
    part = mail.get_body(("html",))
    assert part is not None
    return str(part.get_content())


def seen(mail: EmailMessage) -> Iterator[str]:
    """What one reads in each part, blanks made one."""
    for content in (text(mail), unescape(re.sub(r"<[^>]*>", " ", html(mail)))):
        yield " ".join(content.split())


def attempt(state: str, reason: str = "") -> AttemptView:
    return AttemptView("k" * 32, state, eur(5490), "card", "", reason)


METHODS = {
    "transfer": ["Bank transfer", "Please transfer", IBAN, "Amount: €54.90", "Reference: Order 1001"],
    "invoice": ["Invoice", "within 14 days after the goods have arrived", IBAN, "Reference: Order 1001"],
    "pickup": ["Pay at pickup", "You pay €54.90 when you collect your order, in cash or by card."],
    "card": ["Card", "Paid. Nothing is left to do."],
}


@pytest.mark.parametrize("method", METHODS)
async def test_a_confirmation_says_how_to_pay(shop: Services, method: str) -> None:
    titles = {"transfer": "Bank transfer", "invoice": "Invoice", "pickup": "Pay at pickup", "card": "Card"}
    status = "paid" if method == "card" else "pending"
    sent = mail(
        shop,
        "mail_order_confirmation",
        page(payment_method=method, payment_title=titles[method], payment_status=status),
    )
    assert sent["Subject"] == "Your order 1001 at Plate & Paper"
    for part in seen(sent):
        for words in [*METHODS[method], "order 1001 of November 2, 2026", "The Great Wave", "30 × 40 cm, black frame"]:
            assert words in part
        assert "an order at Plate & Paper. Questions? Reply to this mail." in part
        for words in ["2 × €19.00", "€38.00", "Parcel", "€4.90", "Total", "of which 19 % VAT", "€8.77", "Torstraße 1"]:
            assert words in part
        assert re.search(r"Total:? €54\.90", part), "with the delivery"
        assert ("IBAN" in part) == (method in ("transfer", "invoice"))


async def test_an_order_that_costs_nothing(shop: Services) -> None:
    free = page(payment_method="free", payment_title="Nothing to pay", payment_status="paid", total=eur(0))
    for part in seen(mail(shop, "mail_order_confirmation", free)):
        assert "There is nothing to pay." in part


async def test_a_shop_without_an_account_shows_none(shop: Services) -> None:
    bare = replace(shop, settings=msgspec.structs.replace(shop.settings, shop_bank=()))
    for part in seen(mail(bare, "mail_order_confirmation", page())):
        assert "IBAN" not in part
        assert "Reply to this mail, and we send you our account." in part


async def test_taxes_have_their_rates_and_reasons(shop: Services) -> None:
    taxes = (TaxLine(Rate("MwSt.", 550), 100, 5), TaxLine(Rate("VAT", 0, "export"), 100, 0))
    for part in seen(mail(shop, "mail_order_confirmation", page(taxes=taxes))):
        assert "of which 5.5 % MwSt." in part
        assert "of which 0 % VAT (export)" in part


async def test_addresses_where_they_matter(shop: Services) -> None:
    office = Address(name="Office", line1="1 High Street", city="London", postcode="SW1A 1AA", country="GB")
    for part in seen(mail(shop, "mail_order_confirmation", page(billing=office))):
        assert "Torstraße 1 10119 Berlin Germany" in part
        assert "Billing address" in part
        assert "London SW1A 1AA United Kingdom" in part
    for part in seen(mail(shop, "mail_order_confirmation", page())):
        assert "Billing address" not in part
    for part in seen(mail(shop, "mail_order_confirmation", page(delivery_kind="pickup", delivery_title="Pickup"))):
        assert part.index("Pickup") < part.index("Billing address") < part.index("Torstraße 1")


@pytest.mark.parametrize(
    ("view", "words"),
    [
        (attempt("declined", "The card has expired."), "The card has expired."),
        (attempt("expired"), "It was not finished in time."),
        (attempt("voided"), "Something in your cart sold out"),
    ],
    ids=lambda value: getattr(value, "state", ""),
)
async def test_a_failed_payment_says_why_and_what_now(shop: Services, view: AttemptView, words: str) -> None:
    link = f"{ORIGIN}/checkout/attempts/{view.key}"
    sent = mail(shop, "mail_payment_failed", view, link)
    assert sent["Subject"] == "Your payment at Plate & Paper did not go through"
    for part in seen(sent):
        assert words in part
        assert "€54.90 was not taken" in part
    assert link in text(sent)
    assert f'href="{link}"' in html(sent)


async def test_a_reminder_says_what_is_owed(shop: Services) -> None:
    sent = mail(shop, "mail_payment_reminder", page())
    assert sent["Subject"] == "Order 1001 is not paid yet"
    for part in seen(sent):
        for words in ["your order 1001 of November 2, 2026", IBAN, "Amount: €54.90", "cancel it", "The Great Wave"]:
            assert words in part


NAMES = {
    "long": "A" * 200 + " " + "Interior of the Oude Kerk, Delft, seen from the north transept " * 4,
    "rtl": "הגל הגדול של קנגאווה",
    "emoji": "👩🏽‍🎨 Kunst & Café – “Größe” ½ 漢字",
    "markup": "<script>alert(1)</script><b>\"x\"</b> & {{ 7 * 7 }} {% raw %} 'y'",
    "leading dots and From": ".From me =3D to you",
}


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
@pytest.mark.parametrize("template", ABOUT_ORDERS)
async def test_names_of_any_kind_stay_text(shop: Services, template: str, name: str) -> None:
    line = OrderLineRow("S", "s", name, name, 1, eur(100), eur(100))
    person = msgspec.structs.replace(ADDRESS, name=name, line1=name)
    sent = mail(shop, template, page(lines=(line,), address=person, billing=person, delivery_title=name))
    for part in seen(sent):
        assert " ".join(name.split()) in part or "<" in name
    assert " ".join(name.split()) in text(sent)  # also what looks like markup: nothing is escaped in plain text
    assert "<script" not in html(sent)
    assert "{{ 7 * 7 }}" in html(sent) or "{{" not in name


async def test_a_line_of_text_stays_one(shop: Services) -> None:
    """Nobody writes a paragraph of their own into our mail, nor turns round what follows."""
    odd = "Wave\r\n\r\nYour account was closed.\u202egniht\u2066\x00"
    line = OrderLineRow("S", "s", odd, "", 1, eur(100), eur(100))
    sent = mail(shop, "mail_order_confirmation", page(lines=(line,)))
    assert "\nWave Your account was closed.gniht\n" in text(sent)


@pytest.mark.parametrize("template", ABOUT_ORDERS)
@pytest.mark.parametrize("method", METHODS)
async def test_nothing_unset_shows(shop: Services, template: str, method: str) -> None:
    status = "paid" if method == "card" else "pending"
    sent = mail(shop, template, page(payment_method=method, payment_status=status, delivery_note=""))
    for part in seen(sent):
        assert not re.search(r"None|ndefined|\{|\}|Money\(|Address\(", part)
    assert not re.search(r"\n{3,}| +\n", text(sent))


@pytest.mark.parametrize("template", ABOUT_ORDERS)
async def test_all_links_lead_to_the_shop(shop: Services, template: str) -> None:
    sent = mail(shop, template, page())
    urls = re.findall(r"""(?:href|src|action)\s*=\s*["']?([^"'\s>]*)""", html(sent)) + re.findall(
        r"\w+://\S+", text(sent)
    )
    assert LINK in {unescape(url) for url in urls}
    assert all(url.startswith(f"{ORIGIN}/") for url in urls), urls
    assert not re.search(r"<(img|script|link|iframe|style|form)\b|url\(|@import", html(sent))


@pytest.mark.parametrize("template", ABOUT_ORDERS)
async def test_a_mail_is_read_on_light_paper_and_on_dark(shop: Services, template: str) -> None:
    """Mail programs turn colours round as they like: only the button has its own, of ground and of text together."""
    content = html(mail(shop, template, page()))
    assert '<meta name="color-scheme" content="light dark">' in content
    styles = re.findall(r'style="([^"]*)"', content)
    coloured = [style for style in styles if re.search(r"(^|;)\s*(color|background[a-z-]*):(?!inherit)", style)]
    assert len(coloured) == 1
    assert "background:#0e5a4e;color:#fff" in coloured[0]
    assert not re.search(r"\b(bgcolor|color|background|class)=", content)


@pytest.mark.parametrize("template", ABOUT_ORDERS)
async def test_nobody_signs_off_from_a_confirmation(shop: Services, template: str) -> None:
    sent = mail(shop, template, page())
    assert not [name for name in sent if name.lower().startswith(("list-", "precedence"))]
    assert sent["Auto-Submitted"] == "auto-generated"
