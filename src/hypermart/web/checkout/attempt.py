"""A payment under way: where the shopper comes back to from the gateway, waits, or tries again."""

from __future__ import annotations

import structlog
from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from hypermart.domain.cart.actions import Holder
from hypermart.domain.orders.actions import give_cart_back
from hypermart.domain.orders.queries import attempt_view
from hypermart.domain.orders.settle import finalise
from hypermart.ports import GatewayAway
from hypermart.web.checkout.review import placed_url
from hypermart.web.checkout.steps import CART_URL
from hypermart.web.render import Answer, Shop
from hypermart.web.visit import Template, Visit

log = structlog.get_logger(__name__)
PAGE = Template("checkout/attempt.html", "checkout/_attempt.html")


@get("/checkout/attempts/{key:str}")
async def show_attempt(key: FromPath[str], visit: NamedDependency[Visit], shop: NamedDependency[Shop]) -> Answer:
    """Asks the gateway first: the page says what is true now."""
    is_away = False
    try:
        await finalise(shop.till, key)
    except GatewayAway as error:
        log.warning("gateway.away", attempt=key[:8], reason=str(error))
        is_away = True
    async with shop.db.fresh() as db:
        attempt = await attempt_view(db, key)
    if attempt.order_number is not None:
        return visit.leave(placed_url(shop, attempt.order_number), count=await visit.count())
    return visit.page(PAGE, attempt, is_away=is_away)


@post("/checkout/attempts/{key:str}/retries")
async def retry(key: FromPath[str], visit: NamedDependency[Visit], shop: NamedDependency[Shop]) -> Answer:
    """The cart is this browser's and its customer's, whosever it was. Who knows the key has the right to that."""
    await visit.form(needs_token=False)
    customer = await visit.customer()
    whose = Holder(await visit.known_hash(), customer.id if customer else None)
    if not await shop.db.retried(lambda db: give_cart_back(db, key, whose, shop.now())):
        return shop.see_other(CART_URL)  # this browser keeps the cookie that it has
    return visit.leave("/checkout/payment")
