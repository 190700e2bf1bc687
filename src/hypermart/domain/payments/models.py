"""Attempts to pay, everything that happened to them, and the gateway's messages. Orders are another noun."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, Computed, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from hypermart.db.base import At, Base, Id, Label, LongText, Minor, UtcDateTime, big, exact

#: Stock is held; the gateway knows of it; the bank takes its time; the money is authorised and the stock claimed.
CREATED, PENDING, WAITING, CLAIMED = "created", "pending", "waiting", "claimed"
#: The shopper changed the cart: to be voided at the gateway.
SUPERSEDED = "superseded"
#: Captured; or an offline method, whose money comes later. Both have an order.
PAID, ACCEPTED = "paid", "accepted"
#: Refused by the gateway; nobody acted in time; authorised, but it could not be honoured.
DECLINED, RELEASED, VOIDED = "declined", "released", "voided"
#: A cart has one of these at most.
LIVE = (CREATED, PENDING, WAITING, CLAIMED)
#: Still to be looked after by the reconciler.
OPEN = (*LIVE, SUPERSEDED)
STATES = (*OPEN, PAID, ACCEPTED, DECLINED, RELEASED, VOIDED)


def _quoted(states: tuple[str, ...]) -> str:
    return ", ".join(f"'{state}'" for state in states)


class PaymentAttempt(Base):
    """One try to pay one state of a cart. Written, with its amount frozen, before the gateway is first called."""

    __tablename__ = "payment_attempts"
    __table_args__ = (
        CheckConstraint(f"state IN ({_quoted(STATES)})", name="state"),
        CheckConstraint("amount >= 0", name="amount"),
        UniqueConstraint("live_cart_id"),
        Index("ix_payment_attempts_check_at", "check_at"),
        Index("ix_payment_attempts_cart_id", "cart_id", "created_at"),
    )

    id: Mapped[Id]
    key: Mapped[str] = mapped_column(exact(32), unique=True)
    """128 random bits in hex: in the address of its page, and the root of the gateway's idempotency keys."""
    cart_id: Mapped[int] = mapped_column(ForeignKey("carts.id"))
    cart_version: Mapped[int]
    method: Mapped[str] = mapped_column(exact(30))
    amount: Mapped[Minor]
    currency: Mapped[str] = mapped_column(exact(3))
    state: Mapped[str] = mapped_column(exact(12), default=CREATED)
    draft: Mapped[LongText]
    """The order to be, as JSON: what the shopper confirmed, frozen."""
    gateway_ref: Mapped[str | None] = mapped_column(exact(100), unique=True)
    pay_url: Mapped[str] = mapped_column(String(500), default="")
    """Where the shopper pays."""
    reason: Mapped[Label] = mapped_column(default="")
    """Why it was declined, as the gateway's code."""
    created_at: Mapped[At]
    expires_at: Mapped[At]
    """Until when the stock is held for it."""
    check_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When the reconciler looks at it next; null once it is settled."""
    settled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    live_cart_id: Mapped[int | None] = mapped_column(
        big, Computed(f"CASE WHEN state IN ({_quoted(LIVE)}) THEN cart_id END", persisted=False)
    )
    """Unique: one live attempt per cart. (MySQL has no partial unique index.)"""


class PaymentEvent(Base):
    """The payment ledger: what happened to an attempt's money. Only ever added to."""

    __tablename__ = "payment_events"
    __table_args__ = (Index("ix_payment_events_attempt_id", "attempt_id", "id"),)

    id: Mapped[Id]
    attempt_id: Mapped[int] = mapped_column(ForeignKey("payment_attempts.id"))
    kind: Mapped[str] = mapped_column(exact(20))
    """The state that the attempt came into."""
    amount: Mapped[Minor]
    detail: Mapped[Label] = mapped_column(default="")
    happened_at: Mapped[At]


class GatewayEvent(Base):
    """The inbox of the gateway's callbacks: each has its effect once, however often it comes."""

    __tablename__ = "gateway_events"

    id: Mapped[Id]
    event_id: Mapped[str] = mapped_column(exact(100), unique=True)
    gateway_ref: Mapped[str] = mapped_column(exact(100))
    received_at: Mapped[At]
