"""What nobody needs any more goes: done rows of the outbox, attempts to pay that came to nothing, old carts."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime

from hypermart.db.session import WriteSession
from hypermart.domain.cart import expiry
from hypermart.domain.payments import actions as payments
from hypermart.jobs import delivery
from hypermart.services import Services


async def sweep_outbox(services: Services) -> str:
    return f"{await delivery.sweep(services)} forgotten"


async def sweep_attempts(services: Services) -> str:
    return await _all(services, payments.forget_attempts, payments.BATCH)


async def sweep_carts(services: Services) -> str:
    return await _all(services, expiry.expire_carts, expiry.BATCH)


async def _all(services: Services, forget: Callable[[WriteSession, datetime], Awaitable[int]], batch: int) -> str:
    """In transactions of bounded size, until none is left."""
    count, forgotten = 0, batch
    while forgotten == batch:
        async with services.db.write() as db:
            forgotten = await forget(db, services.clock.now())
        count += forgotten
    return f"{count} forgotten"
