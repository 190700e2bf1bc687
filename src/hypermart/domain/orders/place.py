"""Placing an order: what the shopper confirmed is frozen and its stock held, before any money is asked for."""

from __future__ import annotations

from datetime import datetime

import msgspec
import structlog
from sqlalchemy import select

from hypermart import failpoints
from hypermart.db.session import WriteSession
from hypermart.domain.cart.actions import bought_before, locked_cart
from hypermart.domain.cart.models import Cart
from hypermart.domain.orders.checkout import checkout_view
from hypermart.domain.orders.drafts import draft_of, encode
from hypermart.domain.orders.models import Order
from hypermart.domain.orders.pages import CheckoutView, Requirement
from hypermart.domain.orders.settle import opened
from hypermart.domain.orders.till import Missing, Till, TotalChanged
from hypermart.domain.orders.write import write_order
from hypermart.domain.payments.actions import Opening, live_attempt, move, open_attempt
from hypermart.domain.payments.models import CLAIMED, CREATED, PENDING, SUPERSEDED, WAITING, PaymentAttempt
from hypermart.domain.payments.queries import attempt_facts
from hypermart.domain.payments.rules import METHODS
from hypermart.domain.stock.reservations import allocate_now, release, reserve
from hypermart.errors import NotFound
from hypermart.money import Money
from hypermart.ports import GatewayAway, GatewayRefused

log = structlog.get_logger(__name__)
TERMS = Requirement("review", "terms", "Accept the terms to place your order")


class Wish(msgspec.Struct, frozen=True):
    """What the shopper sends with 'Place order'."""

    token_hash: str
    expected_total: int
    """Minor units, as the button said."""
    has_accepted_terms: bool
    cart_id: int = 0
    """The cart that the page showed, if it says so: after an order the cookie may stand for another one."""


class Placed(msgspec.Struct, frozen=True):
    """Where it goes on: with the order, else at `pay_url`, else on the page of the attempt."""

    attempt_key: str = ""
    order_number: int | None = None
    pay_url: str = ""


async def place_order(till: Till, wish: Wish) -> Placed:
    """An order if it is paid offline; else an attempt that the shopper pays. The same again gives the same again.

    Raises NotFound (no cart), Missing, TotalChanged, OutOfStock, TooManyAttempts: then nothing was changed.
    """
    placed = await till.db.retried(lambda db: _open(db, till, wish))
    failpoints.reach("place.committed")
    if placed.order_number is not None or placed.pay_url:
        return placed
    return await _started(till, placed.attempt_key)


async def _open(db: WriteSession, till: Till, wish: Wish) -> Placed:
    cart = await locked_cart(db, wish.token_hash)
    if cart is None:
        raise NotFound("cart")
    if cart.completed_at or (wish.cart_id not in (0, cart.id) and await bought_before(db, cart, wish.cart_id)):
        completed = cart.id if cart.completed_at else wish.cart_id
        return Placed(order_number=await db.scalar(select(Order.number).where(Order.cart_id == completed)))
    under_way = await live_attempt(db, cart.id)
    if under_way and _is_same(under_way, cart, wish, till.now()):
        return Placed(under_way.key, pay_url=under_way.pay_url if under_way.state == PENDING else "")
    if under_way:
        if under_way.state == CLAIMED:  # the bank has said yes: that order comes
            return Placed(under_way.key)
        move(db, under_way, SUPERSEDED, till.now())
        under_way.check_at = till.now()
        await release(db, under_way.key)
        await db.flush()
    return await _new_attempt(db, till, cart, await _confirmed(db, till, wish))


def _is_same(attempt: PaymentAttempt, cart: Cart, wish: Wish, now: datetime) -> bool:
    """A double click, the back button or a retry: the same cart, the same total, and the stock still held."""
    is_held = attempt.state in (WAITING, CLAIMED) or now < attempt.expires_at
    return is_held and (attempt.cart_version, attempt.amount) == (cart.version, wish.expected_total)


async def _confirmed(db: WriteSession, till: Till, wish: Wish) -> CheckoutView:
    view = await checkout_view(db, wish.token_hash, till.selling, till.now())
    if view is None:
        raise NotFound("cart")  # it expired
    if missing := (*view.missing, *(() if wish.has_accepted_terms else (TERMS,))):
        raise Missing(missing)
    if view.cart.totals.total.minor != wish.expected_total:
        raise TotalChanged(view)
    return view


async def _new_attempt(db: WriteSession, till: Till, cart: Cart, view: CheckoutView) -> Placed:
    now = till.now()
    draft = draft_of(view.cart, now)
    amount: Money = draft.totals.total
    opening = Opening(cart.id, cart.version, draft.payment_method, amount, encode(draft))
    attempt = await open_attempt(db, opening, now)
    failpoints.reach("place.attempt")
    if METHODS[attempt.method].is_offline:
        await allocate_now(db, draft.wanted, now=now)
        failpoints.reach("place.allocated")
        return Placed(attempt.key, await write_order(db, attempt, draft, now))
    await reserve(db, attempt.key, draft.wanted, now=now, until=attempt.expires_at)
    failpoints.reach("place.reserved")
    return Placed(attempt.key)


async def _started(till: Till, key: str) -> Placed:
    """The gateway knows of the attempt. Should it not answer, the attempt's page and the reconciler ask again."""
    async with till.db.fresh() as db:
        attempt = await attempt_facts(db, key)
    if till.gateway is None or attempt.state not in (CREATED, PENDING):
        return Placed(key)
    try:
        intent = await opened(till, till.gateway, attempt)
    except (GatewayAway, GatewayRefused) as error:  # the page of the attempt asks again, and says what came of it
        log.warning("gateway.away", attempt=key[:8], reason=str(error))
        return Placed(key)
    return Placed(key, pay_url=intent.pay_url if intent.state == "open" else "")
