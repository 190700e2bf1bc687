"""The second step: how the goods get to the shopper."""

from __future__ import annotations

from litestar import get, post
from litestar.di import NamedDependency

from hypermart.db.session import WriteSession
from hypermart.domain.cart.actions import choose_delivery
from hypermart.domain.orders.checkout import checkout_view
from hypermart.domain.orders.pages import CheckoutView
from hypermart.web.checkout.steps import CART_URL, LONGEST, NotOffered, asked, first_before, next_after, step_page
from hypermart.web.render import Answer, Shop
from hypermart.web.visit import Template, Visit

PAGE = Template("checkout/delivery.html")


@get("/checkout/delivery")
async def show_delivery(visit: NamedDependency[Visit], shop: NamedDependency[Shop]) -> Answer:
    return _page(visit, await asked(visit, shop))


@post("/checkout/delivery")
async def save_delivery(visit: NamedDependency[Visit], shop: NamedDependency[Shop]) -> Answer:
    form = await visit.form()
    code = form.typed("delivery", limit=LONGEST)

    async def save(db: WriteSession) -> CheckoutView | None:
        await choose_delivery(db, visit.token_hash, code, shop.now())
        view = await checkout_view(db, visit.token_hash, shop.till.selling, shop.now())
        if view and view.cart.delivery is None:
            raise NotOffered
        return view

    try:
        after = None if form.problems else await shop.db.retried(save)
    except NotOffered:
        form.problems["delivery"] = "Select how you want it delivered"
    if form.problems:
        return _page(visit, await asked(visit, shop), form.problems, code)
    if after:
        visit.renew()
    return visit.leave(next_after(after))


def _page(visit: Visit, view: CheckoutView | None, found: dict[str, str] | None = None, code: str = "") -> Answer:
    if view is None or (elsewhere := first_before(view, "delivery")):
        return visit.leave(elsewhere if view else CART_URL)
    cart = view.cart
    chosen = code or (cart.delivery.code if cart.delivery else "")
    if not chosen and len(cart.options) == 1:
        chosen = cart.options[0].code
    return visit.page(PAGE, step_page(view, "delivery", found), status=422 if found else 200, chosen=chosen)
