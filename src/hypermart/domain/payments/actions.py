"""What happens to a payment attempt, each step in the ledger. The gateway itself is called elsewhere."""

from __future__ import annotations

import math
import secrets
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import bindparam, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from hypermart.db.session import ReadSession, WriteSession, count
from hypermart.domain.payments import rules
from hypermart.domain.payments.models import (
    ACCEPTED,
    CREATED,
    DECLINED,
    OPEN,
    PENDING,
    RELEASED,
    VOIDED,
    GatewayEvent,
    PaymentAttempt,
    PaymentEvent,
)
from hypermart.errors import NotFound, Refused
from hypermart.metrics import PAYMENTS
from hypermart.money import Money

_EVENTS = GatewayEvent.metadata.tables["gateway_events"]
_OF_LATE = select(func.count(), func.min(PaymentAttempt.created_at)).where(
    PaymentAttempt.cart_id == bindparam("cart_id"), PaymentAttempt.created_at > bindparam("since")
)
_LIVE = select(PaymentAttempt).where(PaymentAttempt.live_cart_id == bindparam("cart_id")).with_for_update()
_LOCKED = (
    select(PaymentAttempt)
    .where(PaymentAttempt.key == bindparam("key"))
    .with_for_update()
    .execution_options(populate_existing=True)
)
BATCH = 500


class TooManyAttempts(Refused):
    """A cart was tried to be paid, or an address tried to pay, too often of late; in `seconds` it may again."""

    def __init__(self, seconds: int) -> None:
        super().__init__("This was tried too often. Please wait a while and try again.")
        self.seconds = seconds


class Opening(msgspec.Struct, frozen=True):
    """What an attempt is opened for."""

    cart_id: int
    cart_version: int
    method: str
    amount: Money
    draft: str


async def open_attempt(db: WriteSession, opening: Opening, now: datetime) -> PaymentAttempt:
    """A new attempt with its amount frozen: accepted at once if it is paid offline. Refuses one too many."""
    since = {"cart_id": opening.cart_id, "since": now - rules.WITHIN}
    tried, first_at = (await db.execute(_OF_LATE, since)).one()
    if tried >= rules.ATTEMPTS:
        raise TooManyAttempts(max(1, math.ceil((first_at + rules.WITHIN - now).total_seconds())))
    is_offline = rules.METHODS[opening.method].is_offline
    attempt = PaymentAttempt(
        key=secrets.token_hex(16),
        cart_id=opening.cart_id,
        cart_version=opening.cart_version,
        method=opening.method,
        amount=opening.amount.minor,
        currency=opening.amount.currency,
        state=ACCEPTED if is_offline else CREATED,
        draft=opening.draft,
        created_at=now,
        expires_at=now + rules.HOLD,
        check_at=None if is_offline else now + rules.FIRST_CHECK,
        settled_at=now if is_offline else None,
    )
    db.add(attempt)
    await db.flush()
    _note(db, attempt, now)
    return attempt


async def live_attempt(db: WriteSession, cart_id: int) -> PaymentAttempt | None:
    return await db.scalar(_LIVE, {"cart_id": cart_id})


async def locked_attempt(db: WriteSession, key: str) -> PaymentAttempt:
    attempt = await db.scalar(_LOCKED, {"key": key})
    if attempt is None:
        raise NotFound("payment")
    return attempt


def move(db: WriteSession, attempt: PaymentAttempt, state: str, now: datetime, detail: str = "") -> None:
    """The attempt is in `state`. One that needs looking after is looked at again soon; others are settled."""
    attempt.state, attempt.reason = state, detail
    attempt.check_at = now + rules.next_check(now - attempt.created_at) if state in OPEN else None
    attempt.settled_at = None if state in OPEN else now
    _note(db, attempt, now, detail)


def know(db: WriteSession, attempt: PaymentAttempt, ref: str, pay_url: str, now: datetime) -> None:
    """The gateway knows of the attempt, under `ref`."""
    attempt.gateway_ref, attempt.pay_url = ref, pay_url
    if attempt.state == CREATED:
        move(db, attempt, PENDING, now)


def _note(db: WriteSession, attempt: PaymentAttempt, now: datetime, detail: str = "") -> None:
    if attempt.state not in OPEN:
        count(db, PAYMENTS.labels(attempt.method, attempt.state))
    db.add(
        PaymentEvent(attempt_id=attempt.id, kind=attempt.state, amount=attempt.amount, detail=detail, happened_at=now)
    )


async def take_event(db: WriteSession, event_id: str, ref: str, now: datetime) -> str | None:
    """Notes a callback and has its attempt looked at. Gives its key; None if the callback had come before.

    An attempt that does not know `ref` yet is left to the caller: ''.
    """
    event = {"event_id": event_id, "gateway_ref": ref, "received_at": now}
    try:  # without a savepoint: of a row that is refused nothing remains, and nothing was written before it
        await (await db.connection()).execute(insert(_EVENTS), event)
    except IntegrityError:
        return None
    await db.execute(  # no page shows this
        update(PaymentAttempt)
        .where(PaymentAttempt.gateway_ref == ref, PaymentAttempt.state.in_(OPEN))
        .values(check_at=now)
        .execution_options(synchronize_session=False)
    )
    return await db.scalar(select(PaymentAttempt.key).where(PaymentAttempt.gateway_ref == ref)) or ""


async def due(db: ReadSession, now: datetime, limit: int) -> list[str]:
    """Keys of attempts that nobody looked at for too long."""
    statement = (
        select(PaymentAttempt.key)
        .where(PaymentAttempt.check_at <= now)
        .order_by(PaymentAttempt.check_at, PaymentAttempt.id)
        .limit(limit)
    )
    return list((await db.execute(statement)).scalars())


async def take_for_check(db: WriteSession, key: str, now: datetime) -> bool:
    """Whether it is for the caller to look at this attempt: of several who ask at once, one is told yes."""
    created_at = await db.scalar(select(PaymentAttempt.created_at).where(PaymentAttempt.key == key))
    if created_at is None:
        return False
    taken: Any = await db.execute(  # no page shows this
        update(PaymentAttempt)
        .where(PaymentAttempt.key == key, PaymentAttempt.check_at <= now)
        .values(check_at=now + rules.next_check(now - created_at))
        .execution_options(synchronize_session=False)
    )
    return bool(taken.rowcount == 1)


async def forget_attempts(db: WriteSession, now: datetime) -> int:
    """What came to nothing long ago is gone, and old callbacks; of attempts up to BATCH. Gives how many."""
    old = now - rules.KEPT
    nothing = PaymentAttempt.state.in_((DECLINED, RELEASED, VOIDED)), PaymentAttempt.settled_at < old
    ids = (await db.scalars(select(PaymentAttempt.id).where(*nothing).limit(BATCH))).all()
    if ids:
        await db.execute(delete(PaymentEvent).where(PaymentEvent.attempt_id.in_(ids)))  # no page shows this
        await db.execute(delete(PaymentAttempt).where(PaymentAttempt.id.in_(ids)))  # no page shows this
    await db.execute(delete(GatewayEvent).where(GatewayEvent.received_at < old))  # no page shows this
    return len(ids)
