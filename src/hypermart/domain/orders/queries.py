"""Reads of placed orders and of payments under way, for their pages and mails."""

from __future__ import annotations

from collections import defaultdict

import msgspec
from sqlalchemy import BindParameter, bindparam, select

from hypermart.db.session import AnySession
from hypermart.domain.browse.statements import AnySelect
from hypermart.domain.cart.totals import TaxLine
from hypermart.domain.customers.address import Address
from hypermart.domain.orders.drafts import decode
from hypermart.domain.orders.models import Order, OrderEvent, OrderLine, OrderTaxLine
from hypermart.domain.orders.pages import AttemptView, OrderEventRow, OrderLineRow, OrderPage
from hypermart.domain.orders.rules import EVENTS, Statuses, can_cancel
from hypermart.domain.payments.models import (
    ACCEPTED,
    CLAIMED,
    DECLINED,
    PAID,
    PENDING,
    RELEASED,
    SUPERSEDED,
    VOIDED,
    PaymentAttempt,
)
from hypermart.domain.payments.rules import METHODS, reason_in_words
from hypermart.domain.shipping.models import SHIP, DeliveryMethod
from hypermart.domain.tax.rules import Rate
from hypermart.errors import NotFound
from hypermart.money import Money

#: States of attempts as their page knows them; what is missing here is being checked: pending.
_SHOWN = {
    PENDING: "open",
    PAID: "placed",
    ACCEPTED: "placed",
    DECLINED: "declined",
    RELEASED: "expired",
    VOIDED: "voided",
    SUPERSEDED: "superseded",
    CLAIMED: "pending",
}

_ATTEMPT: AnySelect = (
    select(*PaymentAttempt.__table__.c, Order.number.label("order_number"))
    .outerjoin(Order, Order.attempt_id == PaymentAttempt.id)
    .where(PaymentAttempt.key == bindparam("key"))
)
_ORDER: AnySelect = (
    select(*Order.__table__.c, DeliveryMethod.kind, DeliveryMethod.note)
    .outerjoin(DeliveryMethod, DeliveryMethod.code == Order.delivery_method)
    .where(Order.number == bindparam("number"))
)
_ITS_OWN: BindParameter[int] = bindparam("order_id")
_LINES = select(OrderLine.__table__).where(OrderLine.order_id == _ITS_OWN).order_by(OrderLine.position)
_TAXES = select(
    OrderTaxLine.title, OrderTaxLine.rate, OrderTaxLine.reason, OrderTaxLine.gross, OrderTaxLine.amount
).where(OrderTaxLine.order_id == _ITS_OWN)
_EVENTS = select(OrderEvent.kind, OrderEvent.happened_at).where(OrderEvent.order_id == _ITS_OWN).order_by(OrderEvent.id)


async def attempt_view(db: AnySession, key: str) -> AttemptView:
    """Raises NotFound."""
    row = (await db.execute(_ATTEMPT, {"key": key})).first()
    if row is None:
        raise NotFound("payment")
    is_refused = row.state in (DECLINED, RELEASED, VOIDED)
    return AttemptView(
        key=row.key,
        state=_SHOWN.get(row.state, "pending"),
        amount=Money(row.amount, row.currency),
        method=row.method,
        pay_url=row.pay_url,
        reason=reason_in_words(row.reason) if is_refused and row.reason else "",
        order_number=row.order_number,
    )


async def attempt_email(db: AnySession, key: str) -> str:
    """To whom a mail about this attempt goes. Raises NotFound."""
    draft = (await db.execute(select(PaymentAttempt.draft).where(PaymentAttempt.key == key))).scalar_one_or_none()
    if draft is None:
        raise NotFound("payment")
    return decode(draft).email


async def order_page(db: AnySession, number: int) -> OrderPage:
    """Raises NotFound. Four statements."""
    row = (await db.execute(_ORDER, {"number": number})).first()
    if row is None:
        raise NotFound("order")

    def money(minor: int) -> Money:
        return Money(minor, row.currency)

    return OrderPage(
        number=row.number,
        status=row.status,
        payment_status=row.payment_status,
        fulfilment_status=row.fulfilment_status,
        email=row.email,
        name=row.name,
        address=msgspec.convert(row.address, Address),
        billing=msgspec.convert(row.billing, Address),
        lines=await _lines(db, row.id, row.currency),
        taxes=await _taxes(db, row.id),
        subtotal=money(row.subtotal),
        delivery=money(row.delivery),
        tax=money(row.tax),
        total=money(row.total),
        delivery_title=row.delivery_title,
        delivery_kind=row.kind or SHIP,
        delivery_note=row.note or "",
        payment_method=row.payment_method,
        payment_title=METHODS[row.payment_method].title,
        events=await _events(db, row.id),
        placed_at=row.placed_at,
        can_cancel=can_cancel(Statuses(row.status, row.payment_status, row.fulfilment_status)),
    )


async def _lines(db: AnySession, order_id: int, currency: str) -> tuple[OrderLineRow, ...]:
    return tuple(
        OrderLineRow(
            row.sku,
            row.product_slug,
            row.title,
            row.options,
            row.quantity,
            Money(row.unit_price, currency),
            Money(row.total, currency),
        )
        for row in await db.execute(_LINES, {"order_id": order_id})
    )


async def _taxes(db: AnySession, order_id: int) -> tuple[TaxLine, ...]:
    sums: dict[Rate, list[int]] = defaultdict(lambda: [0, 0])
    for title, rate, reason, gross, amount in await db.execute(_TAXES, {"order_id": order_id}):
        entry = sums[Rate(title, rate, reason)]
        entry[0] += gross
        entry[1] += amount
    return tuple(
        TaxLine(rate, gross, amount) for rate, (gross, amount) in sorted(sums.items(), key=lambda sum_: -sum_[0].rate)
    )


async def _events(db: AnySession, order_id: int) -> tuple[OrderEventRow, ...]:
    rows = await db.execute(_EVENTS, {"order_id": order_id})
    return tuple(OrderEventRow(kind, EVENTS[kind], happened_at) for kind, happened_at in rows)
