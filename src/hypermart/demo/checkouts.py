"""Carts on their way through checkout, payments and orders, in every state that their pages can show."""

from __future__ import annotations

from typing import Any

import msgspec

from hypermart.db.session import WriteSession
from hypermart.demo.carts import FLOWERS, MOON, Piece, put_cart, token_hash
from hypermart.domain.cart.actions import choose_delivery, choose_payment, set_address
from hypermart.domain.customers.address import Address
from hypermart.domain.orders.actions import cancel_order
from hypermart.domain.orders.checkout import checkout_view
from hypermart.domain.orders.drafts import draft_of, encode
from hypermart.domain.orders.write import write_order
from hypermart.domain.payments import models as states
from hypermart.domain.payments.actions import Opening, open_attempt
from hypermart.domain.stock.reservations import allocate_now
from hypermart.services import Services

HOME = Address(name="Zoë Ångström", line1="Musterstraße 12", postcode="10115", city="Berlin", country="DE")
ABROAD = Address(name="Zoë", line1="12 Long Way", city="Cupertino", region="CA", postcode="95014", country="US")
NO_POSTCODE = Address(name="Zoë", line1="Al Wasl Road 1", region="DU", country="AE")
LONG = Address(
    name="Wolfeschlegelsteinhausenbergerdorff " * 2,
    company="Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft",
    line1="زقاق المدق ١٢",
    line2="東京都渋谷区",
    postcode="10115",
    city="Llanfairpwllgwyngyllgogerychwyrndrobwllllantysiliogogogoch",
    country="DE",
    phone="+49 30 901820",
)
ORDINARY = (Piece(MOON, 2), Piece(FLOWERS))


class Visitor(msgspec.Struct, frozen=True):
    """A cart and how far it has come: what is empty is not given yet."""

    name: str
    address: Address | None = HOME
    billing: Address | None = None
    delivery: str = ""
    payment: str = ""
    pieces: tuple[Piece, ...] = ORDINARY
    attempt: str = ""
    """State of the payment that was tried."""
    reason: str = ""
    has_earlier: bool = False
    """Another payment was declined before."""
    is_ordered: bool = False
    is_cancelled: bool = False
    email: str = "zoe@example.com"


_READY: dict[str, Any] = {"delivery": "standard", "payment": "card"}
VISITORS = (
    Visitor("at-address", address=None),
    Visitor("at-address-again", LONG, ABROAD),
    Visitor("at-address-abroad", ABROAD),
    Visitor("at-address-without-postcode", NO_POSTCODE),
    Visitor("at-delivery"),
    Visitor("at-delivery-nowhere", ABROAD, pieces=(Piece("AP004-L-U", 99),)),
    Visitor("at-payment", delivery="pickup"),
    Visitor("at-review", **_READY),
    Visitor("at-review-changed", delivery="standard", payment="invoice", pieces=(Piece(MOON, seen=1_900),)),
    Visitor("at-review-long", LONG, ABROAD, "standard", "transfer", (*ORDINARY, Piece("ST-STATE-RIGHT-TO-LEFT"))),
    Visitor("at-review-export", ABROAD, None, "international", "card"),
    Visitor("declined", **_READY, attempt=states.DECLINED, reason="insufficient_funds"),
    Visitor("not-finished", **_READY, attempt=states.RELEASED, reason="expired"),
    Visitor("voided", **_READY, attempt=states.VOIDED, reason="out_of_stock"),
    Visitor("paying", **_READY, attempt=states.PENDING),
    Visitor("waiting", **_READY, attempt=states.PENDING),
    Visitor("superseded", **_READY, attempt=states.SUPERSEDED),
    # Orders, by number from 1001 on.
    Visitor("paid", **_READY, attempt=states.PAID, has_earlier=True, is_ordered=True),
    Visitor("transfer", HOME, ABROAD, "standard", "transfer", attempt=states.ACCEPTED, is_ordered=True),
    Visitor("invoice", LONG, None, "express", "invoice", attempt=states.ACCEPTED, is_ordered=True),
    Visitor("collecting", HOME, None, "pickup", "pickup", attempt=states.ACCEPTED, is_ordered=True),
    Visitor("export", ABROAD, None, "international", "card", attempt=states.PAID, is_ordered=True),
    Visitor(
        "cancelled", HOME, None, "standard", "transfer", attempt=states.ACCEPTED, is_ordered=True, is_cancelled=True
    ),
)


def attempt_key(name: str) -> str:
    """Of the payment that the visitor tried."""
    return name.encode().hex().zfill(32)[-32:]


async def seed_checkouts(services: Services) -> None:
    """The shop also holds every visitor of VISITORS; needs seed() and seed_states(). Runs once per shop."""
    for visitor in VISITORS:
        async with services.db.write() as db:
            await put_visitor(db, visitor, services)


async def put_visitor(db: WriteSession, visitor: Visitor, services: Services) -> int | None:
    """The visitor's cart is there, as far on its way as it has come. Gives the number of the order, if it is one."""
    now, hash_ = services.clock.now(), token_hash(visitor.name)
    await put_cart(db, visitor.name, visitor.pieces, services)
    if visitor.address:
        contact: Any = {"email": visitor.email, "address": visitor.address, "billing": visitor.billing}
        await set_address(db, hash_, now=now, wants_news=False, **contact)
    await choose_delivery(db, hash_, visitor.delivery, now)
    await choose_payment(db, hash_, visitor.payment, now)
    return await _try_to_pay(db, visitor, services) if visitor.attempt else None


async def _try_to_pay(db: WriteSession, visitor: Visitor, services: Services) -> int | None:
    now = services.clock.now()
    view = await checkout_view(db, token_hash(visitor.name), services.till.selling, now)
    if view is None or view.missing:
        raise LookupError(f"{visitor.name} lacks {view and view.missing}")
    draft = draft_of(view.cart, now)
    opening = Opening(view.cart.id, view.cart.version, draft.payment_method, draft.totals.total, encode(draft))
    if visitor.has_earlier:
        earlier = await open_attempt(db, opening, now)
        earlier.key, earlier.state, earlier.check_at = attempt_key(f"{visitor.name}-earlier"), states.DECLINED, None
        await db.flush()
    attempt = await open_attempt(db, opening, now)
    attempt.key, attempt.state, attempt.reason = attempt_key(visitor.name), visitor.attempt, visitor.reason
    attempt.check_at = None
    await db.flush()
    if not visitor.is_ordered:
        return None
    await allocate_now(db, draft.wanted, now=now)
    number = await write_order(db, attempt, draft, now)
    if visitor.is_cancelled:
        await cancel_order(db, number, now)
    return number
