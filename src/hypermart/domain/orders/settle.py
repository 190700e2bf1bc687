"""finalise(): the one way from an attempt to an order or to nothing, whoever calls it and however often.

The return from the gateway, its callback and the reconciler all end here. No transaction is open while the gateway is
asked. Money is authorised first, then the stock is claimed, and only then is the money taken; whatever cannot be
honoured is voided. The cart's row is locked before the attempt's, everywhere.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal, TypeAlias

import structlog
from sqlalchemy import bindparam, select

from hypermart import failpoints
from hypermart.db.outbox import later
from hypermart.db.session import WriteSession
from hypermart.domain.cart.models import Cart
from hypermart.domain.orders.drafts import decode
from hypermart.domain.orders.till import Till
from hypermart.domain.orders.write import write_order
from hypermart.domain.payments.actions import know, locked_attempt, move
from hypermart.domain.payments.models import (
    CLAIMED,
    CREATED,
    DECLINED,
    OPEN,
    PAID,
    PENDING,
    RELEASED,
    SUPERSEDED,
    VOIDED,
    WAITING,
    PaymentAttempt,
)
from hypermart.domain.payments.queries import AttemptFacts, attempt_facts
from hypermart.domain.payments.rules import PATIENCE
from hypermart.domain.stock.reservations import OutOfStock, allocate, claim, release
from hypermart.ports import Gateway, GatewayAway, GatewayRefused, Intent

log = structlog.get_logger(__name__)
_CART_ID = select(PaymentAttempt.cart_id).where(PaymentAttempt.key == bindparam("key"))  # never changes
_CART_LOCKED = select(Cart.id).where(Cart.id == _CART_ID.scalar_subquery()).with_for_update()
Claim: TypeAlias = Literal["claimed", "impossible", "mismatch", "settled"]


async def finalise(till: Till, key: str) -> None:
    """The attempt is where the gateway says that its money is. Raises NotFound; GatewayAway, and then ask later."""
    async with till.db.fresh() as db:
        attempt = await attempt_facts(db, key)
    if attempt.state not in OPEN:
        return
    if till.gateway is None:
        raise GatewayAway("this shop has no gateway any more")
    failpoints.reach("finalise.begun")
    try:
        intent = await opened(till, till.gateway, attempt)
    except GatewayRefused as error:
        log.error("gateway.refused", attempt=key[:8], reason=str(error))  # noqa: TRY400  (it says all there is)
        await _settle(till, key, RELEASED, "gateway_refused")
        return
    if intent.state in ("open", "pending"):
        await _wait(till, till.gateway, attempt, intent)
    elif intent.state in ("declined", "voided"):
        await _settle(till, key, DECLINED if intent.state == "declined" else RELEASED, intent.reason)
    else:
        await _take(till, till.gateway, attempt, intent)


async def opened(till: Till, gateway: Gateway, attempt: AttemptFacts) -> Intent:
    """What the gateway says. Where we do not know that the payment was opened, it is, with the same key."""
    if attempt.gateway_ref:
        return await gateway.find(attempt.gateway_ref)
    intent = await gateway.open(attempt.key, attempt.amount, return_url=till.return_url(attempt.key))
    failpoints.reach("opened")

    async def save(db: WriteSession) -> None:
        know(db, await _locked(db, attempt.key), intent.ref, intent.pay_url, till.now())

    await till.db.retried(save)
    failpoints.reach("known")
    return intent


async def _wait(till: Till, gateway: Gateway, attempt: AttemptFacts, intent: Intent) -> None:
    """The shopper or the bank still has time; or none any more, and nothing must be taken after this."""
    limit = attempt.expires_at if intent.state == "open" else attempt.created_at + PATIENCE
    if attempt.state != SUPERSEDED and till.now() < limit:
        if intent.state == "pending":
            await till.db.retried(lambda db: _mark_waiting(db, attempt.key, till.now()))
        return
    failpoints.reach("void.begun")
    voided = await gateway.void(intent.ref, key=f"{attempt.key}:void")
    failpoints.reach("void.done")
    if voided.state in ("declined", "voided"):
        await _settle(till, attempt.key, RELEASED, "expired")


async def _mark_waiting(db: WriteSession, key: str, now: datetime) -> None:
    attempt = await _locked(db, key)
    if attempt.state in (CREATED, PENDING):
        move(db, attempt, WAITING, now)


async def _take(till: Till, gateway: Gateway, attempt: AttemptFacts, intent: Intent) -> None:
    """The money is authorised, or was already taken: the order comes, or the money goes back."""
    outcome = await _claim(till, attempt, intent)
    failpoints.reach("claim.done")
    if outcome == "claimed":
        if intent.state == "authorised":
            intent = await gateway.capture(intent.ref, key=f"{attempt.key}:capture")
            failpoints.reach("capture.done")
        if intent.state == "captured":
            await till.db.retried(lambda db: _place(db, attempt.key, till.now()))
            failpoints.reach("order.committed")
        elif intent.state in ("declined", "voided"):
            await _settle(till, attempt.key, DECLINED, intent.reason)
    elif outcome != "settled":
        failpoints.reach("void.begun")
        voided = await gateway.void(intent.ref, key=f"{attempt.key}:void")
        failpoints.reach("void.done")
        if voided.state in ("voided", "declined"):
            await _settle(till, attempt.key, VOIDED, "out_of_stock" if outcome == "impossible" else "mismatch")
        else:
            log.error("payment.cannot_be_honoured", attempt=attempt.key[:8], ref=intent.ref, state=voided.state)


async def _claim(till: Till, attempt: AttemptFacts, intent: Intent) -> Claim:
    if (intent.key, intent.amount) != (attempt.key, attempt.amount):
        log.error("payment.mismatch", attempt=attempt.key[:8], ref=intent.ref, amount=intent.amount)
        return "mismatch"

    async def work(db: WriteSession) -> Claim:
        locked = await _locked(db, attempt.key)
        if locked.state == SUPERSEDED:
            return "impossible"
        if locked.state == CLAIMED:
            return "claimed"
        if locked.state not in OPEN:
            return "settled"
        await claim(db, locked.key, decode(locked.draft).wanted, now=till.now())
        failpoints.reach("claim.held")
        move(db, locked, CLAIMED, till.now())
        return "claimed"

    try:
        return await till.db.retried(work)
    except OutOfStock:
        return "impossible"


async def _place(db: WriteSession, key: str, now: datetime) -> None:
    attempt = await _locked(db, key)
    if attempt.state != CLAIMED:
        return  # somebody else was first
    await allocate(db, attempt.key)
    failpoints.reach("order.allocated")
    move(db, attempt, PAID, now)
    await write_order(db, attempt, decode(attempt.draft), now)


async def _settle(till: Till, key: str, state: str, detail: str) -> None:
    """The attempt ended without an order; its stock is free again. A shopper who has left is told by mail."""

    async def work(db: WriteSession) -> None:
        attempt = await _locked(db, key)
        if attempt.state not in OPEN:
            return
        was = attempt.state
        await release(db, attempt.key)
        move(db, attempt, state, till.now(), SUPERSEDED if was == SUPERSEDED else detail)
        if was in (WAITING, CLAIMED) or (state == VOIDED and was != SUPERSEDED):
            later(db, "mail_payment_failed", attempt=attempt.key)
        failpoints.reach("settle.released")

    await till.db.retried(work)


async def _locked(db: WriteSession, key: str) -> PaymentAttempt:
    await db.execute(_CART_LOCKED, {"key": key})
    return await locked_attempt(db, key)
