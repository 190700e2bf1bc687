"""The first page of staff: who is signed in, and what came in lately."""

from __future__ import annotations

from litestar import get
from litestar.di import NamedDependency

from hypermart.db.queue_numbers import queue_numbers
from hypermart.domain.orders.history import newest_orders, placed_since
from hypermart.domain.orders.links import order_token
from hypermart.domain.staff.queries import PersonView
from hypermart.web.render import Answer, Shop
from hypermart.web.staff.shown import shown
from hypermart.web.visit import Visit


@get("/staff")
async def show_dashboard(
    visit: NamedDependency[Visit], shop: NamedDependency[Shop], person: NamedDependency[PersonView]
) -> Answer:
    today = shop.now().replace(hour=0, minute=0, second=0, microsecond=0)
    async with shop.db.fresh() as db:
        orders, count = await newest_orders(db), await placed_since(db, today)
        queue = await queue_numbers(db, shop.now())
    links = {row.number: f"/orders/{row.number}?t={order_token(shop.secret, row.number)}" for row in orders.rows}
    return shown(visit, "staff/dashboard.html", orders, person=person, today=count, links=links, queue=queue)
