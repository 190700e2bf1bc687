"""The second step: how the goods get to the shopper."""

from __future__ import annotations

from litestar import get, post
from litestar.di import NamedDependency

from hypermart.domain.cart.actions import choose_delivery
from hypermart.web.checkout.choice import Choice
from hypermart.web.render import Answer, Shop
from hypermart.web.visit import Template, Visit

DELIVERY = Choice(
    step="delivery",
    page=Template("checkout/delivery.html"),
    error="Select how you want it delivered",
    choose=choose_delivery,
    options=lambda view: view.cart.options,
    chosen=lambda view: view.cart.delivery,
)


@get("/checkout/delivery")
async def show_delivery(visit: NamedDependency[Visit], shop: NamedDependency[Shop]) -> Answer:
    return await DELIVERY.show(visit, shop)


@post("/checkout/delivery")
async def save_delivery(visit: NamedDependency[Visit], shop: NamedDependency[Shop]) -> Answer:
    return await DELIVERY.save(visit, shop)
