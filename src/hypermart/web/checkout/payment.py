"""The third step: how the shopper pays. Cards are typed on the gateway's page, never here."""

from __future__ import annotations

from litestar import get, post
from litestar.di import NamedDependency

from hypermart.domain.cart.actions import choose_payment
from hypermart.web.checkout.choice import Choice
from hypermart.web.render import Answer, Shop
from hypermart.web.visit import Template, Visit

PAYMENT = Choice(
    step="payment",
    page=Template("checkout/payment.html"),
    error="Select how you want to pay",
    choose=choose_payment,
    options=lambda view: view.payments,
    chosen=lambda view: view.payment,
)


@get("/checkout/payment")
async def show_payment(visit: NamedDependency[Visit], shop: NamedDependency[Shop]) -> Answer:
    return await PAYMENT.show(visit, shop)


@post("/checkout/payment")
async def save_payment(visit: NamedDependency[Visit], shop: NamedDependency[Shop]) -> Answer:
    return await PAYMENT.save(visit, shop)
