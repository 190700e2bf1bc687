"""What can be done to a placed order. Placing one is place.py, and its payment settle.py."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

import msgspec
from sqlalchemy import select

from hypermart.db.session import WriteSession
from hypermart.domain.cart.actions import Holder, hand_over
from hypermart.domain.orders.models import Order, OrderEvent, OrderLine
from hypermart.domain.orders.rules import Statuses, can_cancel, statuses
from hypermart.domain.payments.models import PaymentAttempt
from hypermart.domain.stock.reservations import deallocate
from hypermart.errors import NotFound, Refused


async def cancel_order(db: WriteSession, number: int, now: datetime) -> None:
    """The order is cancelled and its units can be had again. Refused once it is paid; a second time changes nothing."""
    order = await db.scalar(select(Order).where(Order.number == number).with_for_update())
    if order is None:
        raise NotFound("order")
    if order.cancelled_at:
        return
    if not can_cancel(Statuses(order.status, order.payment_status, order.fulfilment_status)):
        raise Refused("This order is paid or on its way. Write to us, and we find a way.")
    order.cancelled_at = now
    for name, value in msgspec.structs.asdict(statuses(paid_at=None, cancelled_at=now)).items():
        setattr(order, name, value)
    db.add(OrderEvent(order_id=order.id, kind="cancelled", happened_at=now))
    units: Counter[int] = Counter()
    lines = await db.execute(select(OrderLine.variant_id, OrderLine.quantity).where(OrderLine.order_id == order.id))
    for variant_id, quantity in lines:
        if variant_id is not None:
            units[variant_id] += quantity
    await deallocate(db, dict(units))


async def give_cart_back(db: WriteSession, key: str, whose: Holder, now: datetime) -> bool:
    """The cart that the attempt `key` was to pay is theirs, so that it can be paid again.

    False if it is an order by now, or has expired: then nothing is given. Raises NotFound.
    """
    cart_id = await db.scalar(select(PaymentAttempt.cart_id).where(PaymentAttempt.key == key))
    if cart_id is None:
        raise NotFound("payment")
    return await hand_over(db, cart_id, whose, now)
