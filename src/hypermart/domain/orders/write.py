"""An order is born: its rows are copied from the draft, the cart is completed, the number is the next one."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.exc import IntegrityError

from hypermart import failpoints
from hypermart.db.bulk import insert_many
from hypermart.db.outbox import later
from hypermart.db.session import WriteSession, count
from hypermart.domain.cart.actions import complete
from hypermart.domain.cart.totals import TaxLine
from hypermart.domain.orders.drafts import Draft
from hypermart.domain.orders.models import Counter, Order, OrderEvent, OrderLine, OrderTaxLine
from hypermart.domain.orders.rules import statuses
from hypermart.domain.payments.models import PaymentAttempt
from hypermart.domain.payments.rules import CARD, FREE, METHODS
from hypermart.metrics import ORDERS

FIRST = 1001
_COUNTERS = Counter.metadata.tables["counters"]
_RAISED = update(_COUNTERS).where(_COUNTERS.c.name == "order").values(value=_COUNTERS.c.value + 1)
_RAISED_TO = select(_COUNTERS.c.value).where(_COUNTERS.c.name == "order")
_LINE_IDS = select(OrderLine.id).where(OrderLine.order_id == bindparam("order_id")).order_by(OrderLine.position)


async def write_order(db: WriteSession, attempt: PaymentAttempt, draft: Draft, now: datetime) -> int:
    """The order of `attempt` exists, with its mail owed; gives its number. Its stock is the caller's business."""
    await complete(db, attempt.cart_id, draft.wanted, now)
    number = await _next_number(db)  # last of all that is shared: other orders wait for it until the commit
    order_id = await _insert(db, _order(attempt, draft, number, now))
    await insert_many(db, OrderLine, _lines(order_id, draft))
    line_ids = list(await db.scalars(_LINE_IDS, {"order_id": order_id}))
    await insert_many(db, OrderTaxLine, _tax_lines(order_id, draft, line_ids))
    kinds = ["placed", "paid"] if _is_paid(attempt) else ["placed"]
    await insert_many(db, OrderEvent, [_event(order_id, kind, now) for kind in kinds])
    later(db, "mail_order_confirmation", order=number)
    if remind_after := METHODS[attempt.method].remind_after:
        later(db, "mail_payment_reminder", due_at=now + remind_after, order=number)
    count(db, ORDERS.labels(attempt.method))
    failpoints.reach("order.written")
    return number


def _is_paid(attempt: PaymentAttempt) -> bool:
    return attempt.method in (CARD, FREE)


def _order(attempt: PaymentAttempt, draft: Draft, number: int, now: datetime) -> dict[str, Any]:
    totals, delivery = draft.totals, draft.delivery
    paid_at = now if _is_paid(attempt) else None
    return {
        "number": number,
        "cart_id": attempt.cart_id,
        "attempt_id": attempt.id,
        **msgspec.structs.asdict(statuses(paid_at=paid_at, cancelled_at=None)),
        "email": draft.email,
        "name": draft.address.name,
        "country": draft.address.country,
        "address": msgspec.to_builtins(draft.address),
        "billing": msgspec.to_builtins(draft.billing),
        "currency": totals.currency,
        "subtotal": totals.subtotal.minor,
        "delivery": delivery.price.minor,
        "tax": totals.tax.minor,
        "total": totals.total.minor,
        "delivery_method": delivery.code,
        "delivery_title": delivery.title,
        "payment_method": draft.payment_method,
        "terms_accepted_at": draft.terms_accepted_at,
        "wants_news_at": draft.wants_news_at,
        "placed_at": now,
        "paid_at": paid_at,
    }


async def _insert(db: WriteSession, order: dict[str, Any]) -> int:
    inserted: Any = await (await db.connection()).execute(insert(Order.metadata.tables["orders"]), order)
    return int(inserted.inserted_primary_key[0])


def _event(order_id: int, kind: str, now: datetime) -> dict[str, Any]:
    return {"order_id": order_id, "kind": kind, "detail": "", "happened_at": now}


async def _next_number(db: WriteSession) -> int:
    for _ in range(2):
        raised: Any = await db.execute(_RAISED)  # no page shows this
        if raised.rowcount == 1:
            return int((await db.execute(_RAISED_TO)).scalar_one())
        try:  # the first order of the shop
            async with db.begin_nested():
                await db.execute(insert(Counter).values(name="order", value=FIRST - 1))
        except IntegrityError:
            continue  # another one is the first
    raise AssertionError("the counter is there by now")


def _lines(order_id: int, draft: Draft) -> list[dict[str, Any]]:
    return [
        {
            "order_id": order_id,
            "position": position,
            "variant_id": line.variant_id,
            "sku": line.sku,
            "product_slug": line.slug,
            "title": line.title,
            "options": line.options,
            "quantity": line.quantity,
            "unit_price": line.unit_price.minor,
            "total": line.unit_price.minor * line.quantity,
        }
        for position, line in enumerate(draft.lines, start=1)
    ]


def _tax_lines(order_id: int, draft: Draft, line_ids: list[int]) -> list[dict[str, Any]]:
    def row(line_id: int | None, tax: TaxLine) -> dict[str, Any]:
        rate = tax.rate
        return {
            "order_id": order_id,
            "line_id": line_id,
            "title": rate.title,
            "rate": rate.rate,
            "gross": tax.gross,
            "amount": tax.amount,
            "reason": rate.reason,
        }

    of_lines = [row(line_id, tax) for line_id, tax in zip(line_ids, draft.totals.lines, strict=True)]
    return of_lines + [row(None, tax) for tax in draft.totals.delivery_lines]
