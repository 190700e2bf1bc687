"""Orders to write mails of: structs made by hand, and rows as the shop writes them."""

from __future__ import annotations

from email.message import EmailMessage
from typing import Any

import msgspec

from hypermart.domain.cart.models import Cart
from hypermart.domain.cart.totals import Item, TaxLine, totals
from hypermart.domain.catalog.models import Product, Variant
from hypermart.domain.customers.address import Address
from hypermart.domain.orders.drafts import Draft, DraftLine, decode, encode
from hypermart.domain.orders.pages import OrderLineRow, OrderPage
from hypermart.domain.orders.write import write_order
from hypermart.domain.payments.actions import Opening, locked_attempt, move, open_attempt
from hypermart.domain.shipping.pages import DeliveryOption
from hypermart.domain.tax.rules import Rate
from hypermart.money import Money
from hypermart.ports import Mailbox
from hypermart.qa.clock import START
from hypermart.services import Services

ADDRESS = Address(name="Ada Beispiel", line1="Torstraße 1", postcode="10119", city="Berlin", country="DE")
VAT = Rate("VAT", 1900)


def eur(minor: int) -> Money:
    return Money(minor, "EUR")


def page(**changes: Any) -> OrderPage:
    """A placed order of two prints, to be paid by bank transfer."""
    lines = (
        OrderLineRow("WAVE-30", "wave", "The Great Wave", "30 × 40 cm, black frame", 2, eur(1900), eur(3800)),
        OrderLineRow("SEA-21", "sea", "The Sea", "", 1, eur(1200), eur(1200)),
    )
    order = OrderPage(
        number=1001,
        status="open",
        payment_status="pending",
        fulfilment_status="unfulfilled",
        email="ada@example.com",
        name="Ada Beispiel",
        address=ADDRESS,
        billing=ADDRESS,
        lines=lines,
        taxes=(TaxLine(VAT, 5490, 877),),
        subtotal=eur(5000),
        delivery=eur(490),
        tax=eur(877),
        total=eur(5490),
        delivery_title="Parcel",
        delivery_kind="ship",
        delivery_note="2 to 3 working days",
        payment_method="transfer",
        payment_title="Bank transfer",
        events=(),
        placed_at=START,
        can_cancel=True,
    )
    return msgspec.structs.replace(order, **changes)


async def attempt(services: Services, method: str = "card", email: str = "ada@example.com") -> str:
    """A cart of one print, and an attempt to pay it; gives its key."""
    now, price = services.clock.now(), eur(1900)
    async with services.db.write() as db:
        product = Product(slug="wave", title="The Great Wave", status="active", created_at=now, updated_at=now)
        cart = Cart(token_hash="a" * 64, created_at=now, updated_at=now, expires_at=now)
        db.add_all([product, cart])
        await db.flush()
        variant = Variant(product_id=product.id, sku="WAVE-30", price=price.minor)
        db.add(variant)
        await db.flush()
        delivery = DeliveryOption("parcel", "Parcel", "DHL", "ship", "2 to 3 working days", eur(490), 2, 3)
        draft = Draft(
            email=email,
            address=ADDRESS,
            billing=ADDRESS,
            lines=(DraftLine(variant.id, "WAVE-30", "wave", "The Great Wave", "30 × 40 cm", 1, price),),
            totals=totals([Item(1900, 1, VAT)], eur(490), currency="EUR", rounding="line"),
            delivery=delivery,
            payment_method=method,
            terms_accepted_at=now,
            wants_news_at=None,
        )
        opening = Opening(cart.id, cart.version, method, draft.totals.total, encode(draft))
        return (await open_attempt(db, opening, now)).key


async def order(services: Services, method: str = "transfer", email: str = "ada@example.com") -> int:
    """An order as the shop writes it, with its mails owed; gives its number."""
    key = await attempt(services, method, email)
    return await ordered(services, key)


async def ordered(services: Services, key: str) -> int:
    async with services.db.write() as db:
        paid = await locked_attempt(db, key)
        return await write_order(db, paid, decode(paid.draft), services.clock.now())


async def moved(services: Services, key: str, state: str, reason: str = "") -> None:
    async with services.db.write() as db:
        move(db, await locked_attempt(db, key), state, services.clock.now(), reason)


async def fine() -> None:
    """Nothing speaks against sending it."""


def box(services: Services) -> Mailbox:
    assert isinstance(services.mail, Mailbox)
    return services.mail


async def mails(services: Services) -> list[EmailMessage]:
    return [mail for _, mail in await box(services).newest(100)]
