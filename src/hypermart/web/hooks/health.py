"""What a load balancer asks: is the process alive, may it be sent requests, and of which kind."""

from __future__ import annotations

from litestar import Response, get
from litestar.di import NamedDependency

from hypermart.db.half import SAID
from hypermart.web.away import RETRY_AFTER
from hypermart.web.caching import NO_STORE
from hypermart.web.render import Answer, Shop

PLAIN = "text/plain"
SKEW = 2.0
"""Seconds that the shop's clock may be off the database's: sales, holds and leases go by it."""


@get("/livez", media_type=PLAIN)
async def show_alive() -> Answer:
    return _said("ok", 200)


@get("/readyz", media_type=PLAIN)
async def show_ready(shop: NamedDependency[Shop]) -> Answer:
    """For public pages. A lost primary must not take all replicas of the app away: browsing goes on."""
    has_replica = shop.db.replicas is not None and bool(shop.db.replicas.in_use)
    is_lost = not has_replica and await shop.db.pulse.latest() is None
    return _ready(shop, "no database answers" if is_lost else "")


@get("/readyz/write", media_type=PLAIN)
async def show_ready_to_write(shop: NamedDependency[Shop]) -> Answer:
    """For private pages and forms."""
    return _ready(shop, "the primary database does not answer" if await shop.db.pulse.latest() is None else "")


def _ready(shop: Shop, problem: str) -> Answer:
    skew = shop.db.pulse.skew
    if shop.db.pulse.is_half:
        problem = SAID
    if shop.is_leaving:
        problem = "shutting down"
    elif abs(skew) > SKEW and shop.settings.mode != "qa":  # whose time stands
        problem = f"the clock is {abs(skew):.1f} s {'ahead of' if skew > 0 else 'behind'} the database's"
    return _said(problem, 503) if problem else _said("ready", 200)


def _said(words: str, status: int) -> Answer:
    headers = {"cache-control": NO_STORE} | ({"retry-after": RETRY_AFTER} if status == 503 else {})
    return Response(f"{words}\n".encode(), media_type=PLAIN, status_code=status, headers=headers)
