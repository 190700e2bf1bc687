"""Reads of payment attempts."""

from __future__ import annotations

from datetime import datetime

import msgspec
from sqlalchemy import bindparam, func, select

from hypermart.db.session import AnySession
from hypermart.domain.payments.models import OPEN, PaymentAttempt
from hypermart.errors import NotFound
from hypermart.money import Money

_TABLE = PaymentAttempt.metadata.tables["payment_attempts"].c
_FACTS = select(
    _TABLE.state, _TABLE.amount, _TABLE.currency, _TABLE.gateway_ref, _TABLE.created_at, _TABLE.expires_at
).where(_TABLE.key == bindparam("key"))


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
    row = (await db.execute(_FACTS, {"key": key})).first()
    if row is None:
        raise NotFound("payment")
    amount = Money(row.amount, row.currency)
    return AttemptFacts(key, row.state, amount, row.gateway_ref, row.created_at, row.expires_at)


async def under_way(db: AnySession) -> dict[str, tuple[int, datetime | None]]:
    """By state: how many the reconciler looks after, and when the oldest of them began."""
    statement = (
        select(PaymentAttempt.state, func.count(), func.min(PaymentAttempt.created_at))
        .where(PaymentAttempt.check_at.is_not(None))
        .group_by(PaymentAttempt.state)
    )
    found = {state: (number, oldest_at) for state, number, oldest_at in await db.execute(statement)}
    return {state: found.get(state, (0, None)) for state in OPEN}
