"""The reconciler: payments whose shopper never came back and whose callback never came are settled all the same."""

from __future__ import annotations

import asyncio

import structlog

from hypermart.domain.orders.settle import finalise
from hypermart.domain.payments.actions import due, take_for_check
from hypermart.domain.stock.reservations import free_lapsed
from hypermart.ports import GatewayAway
from hypermart.services import Services

log = structlog.get_logger(__name__)

BATCH, AT_ONCE = 50, 8


async def reconcile(services: Services) -> int:
    """Looks at every attempt that is due, once; gives how many. Several workers share the work."""
    now = services.clock.now()
    async with services.db.fresh() as db:
        keys = await due(db, now, BATCH)
    at_once = asyncio.Semaphore(AT_ONCE)  # a gateway that hangs holds up few

    async def look(key: str) -> bool:
        async with at_once:
            return await _look(services, key)

    return sum(await asyncio.gather(*map(look, keys)))


async def free_holds(services: Services) -> None:
    """Units whose hold has lapsed can be had again, also where nobody asks for them: pages say how many there are."""
    while await services.db.retried(lambda db: free_lapsed(db, services.clock.now())):
        pass


async def _look(services: Services, key: str) -> bool:
    """Whether it was for us to look, and we did, whatever came of it."""
    try:
        async with services.db.write() as db:
            if not await take_for_check(db, key, services.clock.now()):
                return False
        await finalise(services.till, key)
    except GatewayAway as error:
        log.warning("gateway.away", attempt=key[:8], reason=str(error))
    except Exception as error:
        log.exception("reconcile.failed", attempt=key[:8], exc_info=error)
    return True


async def watch_payments(services: Services) -> None:
    await reconcile(services)
