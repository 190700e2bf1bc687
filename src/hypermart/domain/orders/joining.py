"""A guest's cart and a customer's own become one at sign-in, and are parted: not while one is being paid for."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from hypermart.db.session import WriteSession
from hypermart.domain.cart.actions import open_cart
from hypermart.domain.cart.owned import both_carts, join, part
from hypermart.domain.payments.models import PaymentAttempt


async def join_carts(db: WriteSession, customer_id: int, hashes: tuple[str, str], now: datetime) -> str:
    """`hashes`: of the browser's cart cookie, and of the customer's own. Gives the one that the browser has now.

    A cart that is being paid for stays as it is, under its cookie; it is the customer's from now on all the same.
    """
    carts = await both_carts(db, customer_id, hashes, now)
    if await _is_being_paid_for(db, [cart.id for cart in carts if cart]):
        if carts[0] is None:
            return hashes[1]
        carts[0].customer_id = customer_id
        return hashes[0]
    await join(db, customer_id, hashes[1], carts)
    return hashes[1]


async def part_carts(db: WriteSession, token_hash: str, new_hash: str, now: datetime) -> bool:
    """Undoes it for the cart under `token_hash` (cart.owned.part). False if that cannot be done any more."""
    cart = await open_cart(db, token_hash, now)
    if cart is None or await _is_being_paid_for(db, [cart.id]):
        return False
    return await part(db, cart, new_hash, now)


async def _is_being_paid_for(db: WriteSession, cart_ids: list[int]) -> bool:
    live = select(PaymentAttempt.id).where(PaymentAttempt.live_cart_id.in_(cart_ids)).limit(1)
    return await db.scalar(live) is not None
