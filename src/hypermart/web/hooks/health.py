"""What a load balancer asks: is the process alive, may it be sent requests."""

from __future__ import annotations

from litestar import Response, get
from litestar.di import NamedDependency
from sqlalchemy import text

from hypermart.web.caching import NO_STORE
from hypermart.web.render import Answer, Shop

PLAIN = "text/plain"


@get("/livez", media_type=PLAIN)
async def show_alive() -> Answer:
    return Response(b"ok\n", media_type=PLAIN, headers={"cache-control": NO_STORE})


@get("/readyz", media_type=PLAIN)
async def show_ready(shop: NamedDependency[Shop]) -> Answer:
    """Ready when the database of the public pages answers; if not, its error goes the way of all errors: 503."""
    async with shop.read() as db:
        await db.execute(text("SELECT 1"))
    return Response(b"ready\n", media_type=PLAIN, headers={"cache-control": NO_STORE})
