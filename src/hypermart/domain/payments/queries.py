"""Reads of payment attempts."""

from __future__ import annotations

from datetime import datetime

import msgspec
from sqlalchemy import select

from hypermart.db.session import AnySession
from hypermart.domain.payments.models import PaymentAttempt
from hypermart.errors import NotFound
from hypermart.money import Money


class AttemptFacts(msgspec.Struct, frozen=True):
    """An attempt as it was a moment ago: enough to ask the gateway, not enough to change anything."""

    key: str
    state: str
    amount: Money
    gateway_ref: str | None
    created_at: datetime
    expires_at: datetime


async def attempt_facts(db: AnySession, key: str) -> AttemptFacts:
    """Raises NotFound."""
    table = PaymentAttempt.__table__.c
    columns = (table.state, table.amount, table.currency, table.gateway_ref, table.created_at, table.expires_at)
    row = (await db.execute(select(*columns).where(table.key == key))).first()
    if row is None:
        raise NotFound("payment")
    amount = Money(row.amount, row.currency)
    return AttemptFacts(key, row.state, amount, row.gateway_ref, row.created_at, row.expires_at)
