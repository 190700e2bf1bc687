"""A cart as its owner sees it: what their payment under way holds is not sold out to them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import bindparam, select

from hypermart.db.session import AnySession
from hypermart.domain.cart.pages import CartView, Terms
from hypermart.domain.cart.queries import cart_view
from hypermart.domain.cart.rules import with_held
from hypermart.domain.payments.models import PaymentAttempt
from hypermart.domain.stock.models import Reservation

_HELD = (
    select(Reservation.variant_id, Reservation.quantity)
    .join(PaymentAttempt, PaymentAttempt.key == Reservation.holder)
    .where(PaymentAttempt.live_cart_id == bindparam("cart_id"))
)


async def own_cart(
    db: AnySession, token_hash: str, terms: Terms, now: datetime, *, country: str = ""
) -> CartView | None:
    """cart_view(); asks what is held only where something seems to be missing."""
    cart = await cart_view(db, token_hash, terms, now, country=country)
    if cart is None or not cart.is_blocked:
        return cart
    rows = await db.execute(_HELD, {"cart_id": cart.id})
    return with_held(cart, dict(rows.all()))
