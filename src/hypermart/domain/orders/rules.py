"""What an order's statuses are. Pure: derived from facts here and nowhere else, then stored."""

from __future__ import annotations

from datetime import datetime

import msgspec

OPEN, CANCELLED, COMPLETED = "open", "cancelled", "completed"
PENDING, PAID, VOID = "pending", "paid", "void"
UNFULFILLED, FULFILLED = "unfulfilled", "fulfilled"


class Statuses(msgspec.Struct, frozen=True):
    status: str
    payment_status: str
    fulfilment_status: str


def statuses(*, paid_at: datetime | None, cancelled_at: datetime | None, is_fulfilled: bool = False) -> Statuses:
    if cancelled_at:
        return Statuses(CANCELLED, VOID, VOID)
    payment = PAID if paid_at else PENDING
    fulfilment = FULFILLED if is_fulfilled else UNFULFILLED
    return Statuses(COMPLETED if paid_at and is_fulfilled else OPEN, payment, fulfilment)


def can_cancel(now: Statuses) -> bool:
    """By the shopper: while nothing is paid and nothing sent. Refunds and returns are for staff."""
    return (now.status, now.payment_status, now.fulfilment_status) == (OPEN, PENDING, UNFULFILLED)


def in_words(status: str, payment_status: str, fulfilment_status: str) -> str:
    """For lists: 'Paid, being prepared'."""
    if status == CANCELLED:
        return "Cancelled"
    payment = "Paid" if payment_status == PAID else "Not paid yet"
    return f"{payment}, {'sent' if fulfilment_status == FULFILLED else 'being prepared'}"


#: The timeline in words.
EVENTS = {
    "placed": "Order placed",
    "paid": "Payment received",
    "cancelled": "Order cancelled",
}
