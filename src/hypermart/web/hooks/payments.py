"""The gateway's callbacks: signed, taken once each, and only ever a reason to look what the gateway says itself."""

from __future__ import annotations

import structlog
from litestar import Response, post
from litestar.di import NamedDependency

from hypermart import failpoints
from hypermart.domain.orders.settle import finalise
from hypermart.domain.payments.actions import take_event
from hypermart.errors import NotFound
from hypermart.ports import Forged, GatewayAway
from hypermart.web.render import AnyRequest, Shop

log = structlog.get_logger(__name__)
PLAIN = "text/plain"


@post("/hooks/payments", media_type=PLAIN, request_max_body_size=64_000)
async def take_callback(request: AnyRequest, shop: NamedDependency[Shop]) -> Response[str]:
    """200 once the callback is kept, also where the payment itself must wait: the reconciler comes back to it."""
    gateway = shop.gateway
    if gateway is None:
        return _said(404, "no gateway")
    try:
        event = gateway.event(dict(request.headers), await request.body())
    except Forged as error:
        log.warning("callback.refused", reason=str(error))
        return _said(400, "refused")
    async with shop.db.write() as db:
        key = await take_event(db, event.id, event.ref, shop.now())
    failpoints.reach("callback.taken")
    if key is None:
        return _said(200, "known")
    try:
        key = key or (await gateway.find(event.ref)).key
        await finalise(shop.till, key)
    except (GatewayAway, NotFound) as error:
        log.warning("callback.later", ref=event.ref, reason=str(error))
    return _said(200, "taken")


def _said(status: int, text: str) -> Response[str]:
    return Response(text, media_type=PLAIN, status_code=status, headers={"cache-control": "no-store"})
