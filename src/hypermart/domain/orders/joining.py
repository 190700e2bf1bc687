"""A guest's cart and a customer's own become one at sign-in: not while one of them is being paid for."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from hypermart.db.session import WriteSession
from hypermart.domain.cart.owned import both_carts, join
from hypermart.domain.payments.models import PaymentAttempt


async def join_carts(db: WriteSession, customer_id: int, hashes: tuple[str, str], now: datetime) -> str:
    """`hashes`: of the browser's cart cookie, and of the customer's own. Gives the one that the browser has now.

    A cart that is being paid for stays as it is; it is the customer's from now on all the same.
    """
    carts = await both_carts(db, customer_id, hashes, now)
    if (guest := carts[0]) and await _is_being_paid_for(db, [cart.id for cart in carts if cart]):
        guest.customer_id = customer_id
        return hashes[0]
    await join(db, customer_id, hashes[1], carts)
    return hashes[1]


async def _is_being_paid_for(db: WriteSession, cart_ids: list[int]) -> bool:
    live = select(PaymentAttempt.id).where(PaymentAttempt.live_cart_id.in_(cart_ids)).limit(1)
    return await db.scalar(live) is not None
