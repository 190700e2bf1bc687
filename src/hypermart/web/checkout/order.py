"""The page of a placed order, for whoever has its secret link, and cancelling it there."""

from __future__ import annotations

from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from hypermart.domain.orders.actions import cancel_order
from hypermart.domain.orders.links import is_order_token, order_token
from hypermart.domain.orders.queries import order_page
from hypermart.errors import NotFound, Refused
from hypermart.web.render import Answer, Shop
from hypermart.web.visit import Template, Visit

PAGE = Template("checkout/order.html")


@get("/orders/{number:int}")
async def show_order(number: FromPath[int], visit: NamedDependency[Visit], shop: NamedDependency[Shop]) -> Answer:
    asked = visit.request.query_params
    _check(shop, number, asked.get("t", ""))
    return await _page(visit, shop, number)


@post("/orders/{number:int}/cancellations")
async def cancel(number: FromPath[int], visit: NamedDependency[Visit], shop: NamedDependency[Shop]) -> Answer:
    """The secret of the link stands in the form, so no other site can have made it."""
    form = await visit.form(needs_token=False)
    token = form.text("t")
    _check(shop, number, token)
    try:
        await shop.db.retried(lambda db: cancel_order(db, number, shop.now()))
    except Refused as refusal:
        return await _page(visit, shop, number, refusal=str(refusal))
    return visit.leave(f"/orders/{number}?t={token}")


def _check(shop: Shop, number: int, token: str) -> None:
    """Before any look-up: a wrong secret and an unknown number are answered alike, at the same cost."""
    if not is_order_token(token, shop.secret, number):
        raise NotFound("order")


async def _page(visit: Visit, shop: Shop, number: int, *, refusal: str = "") -> Answer:
    asked = visit.request.query_params
    async with shop.db.fresh() as db:
        order = await order_page(db, number)
    return visit.page(
        PAGE,
        order,
        status=409 if refusal else 200,
        token=order_token(shop.secret, number),
        is_new="new" in asked,
        asks_to_cancel="cancel" in asked and order.can_cancel,
        refusal=refusal,
    )
