"""The account at a glance, and the orders of its customer."""

from __future__ import annotations

from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromPath

from hypermart.domain.customers.queries import CustomerView, addresses
from hypermart.domain.orders.history import is_order_of, orders_of
from hypermart.domain.orders.links import order_token
from hypermart.errors import NotFound
from hypermart.web.account.shown import shown
from hypermart.web.forms import whole
from hypermart.web.render import Answer, Shop
from hypermart.web.visit import Visit

NEWEST = 3


@get("/account")
async def show_account(
    visit: NamedDependency[Visit], shop: NamedDependency[Shop], customer: NamedDependency[CustomerView]
) -> Answer:
    async with shop.db.fresh() as db:
        orders = await orders_of(db, customer.id, limit=NEWEST)
        saved = await addresses(db, customer.id)
    return await shown(visit, "account/overview.html", orders, customer=customer, addresses=saved)


@get("/account/orders")
async def show_orders(
    visit: NamedDependency[Visit], shop: NamedDependency[Shop], customer: NamedDependency[CustomerView]
) -> Answer:
    number = whole(visit.request.query_params.get("page", "1"), 1, 9_999) or 1
    async with shop.db.fresh() as db:
        orders = await orders_of(db, customer.id, page=number)
    if number > 1 and not orders.rows:
        raise NotFound("page")
    return await shown(visit, "account/orders.html", orders, customer=customer)


@get("/account/orders/{number:int}")
async def open_order(
    number: FromPath[int],
    visit: NamedDependency[Visit],
    shop: NamedDependency[Shop],
    customer: NamedDependency[CustomerView],
) -> Answer:
    """To the order's own page, by its secret. Another customer's is as unknown as one that is not there."""
    async with shop.db.fresh() as db:
        if not await is_order_of(db, customer.id, number):
            raise NotFound("order")
    return visit.leave(f"/orders/{number}?t={order_token(shop.secret, number)}")
