"""The third step: how the shopper pays. Cards are typed on the gateway's page, never here."""

from __future__ import annotations

from litestar import get, post
from litestar.di import NamedDependency

from hypermart.db.session import WriteSession
from hypermart.domain.cart.actions import choose_payment
from hypermart.domain.orders.checkout import checkout_view
from hypermart.domain.orders.pages import CheckoutView
from hypermart.web.checkout.steps import CART_URL, LONGEST, NotOffered, asked, first_before, next_after, step_page
from hypermart.web.render import Answer, Shop
from hypermart.web.visit import Template, Visit

PAGE = Template("checkout/payment.html")


@get("/checkout/payment")
async def show_payment(visit: NamedDependency[Visit], shop: NamedDependency[Shop]) -> Answer:
    return _page(visit, await asked(visit, shop))


@post("/checkout/payment")
async def save_payment(visit: NamedDependency[Visit], shop: NamedDependency[Shop]) -> Answer:
    form = await visit.form()
    code = form.typed("payment", limit=LONGEST)

    async def save(db: WriteSession) -> CheckoutView | None:
        await choose_payment(db, visit.token_hash, code, shop.now())
        view = await checkout_view(db, visit.token_hash, shop.till.selling, shop.now())
        if view and view.payment is None:
            raise NotOffered
        return view

    try:
        after = None if form.problems else await shop.db.retried(save)
    except NotOffered:
        form.problems["payment"] = "Select how you want to pay"
    if form.problems:
        return _page(visit, await asked(visit, shop), form.problems, code)
    if after:
        visit.renew()
    return visit.leave(next_after(after))


def _page(visit: Visit, view: CheckoutView | None, found: dict[str, str] | None = None, code: str = "") -> Answer:
    if view is None or (elsewhere := first_before(view, "payment")):
        return visit.leave(elsewhere if view else CART_URL)
    chosen = code or (view.payment.code if view.payment else "")
    if not chosen and len(view.payments) == 1:
        chosen = view.payments[0].code
    return visit.page(PAGE, step_page(view, "payment", found), status=422 if found else 200, chosen=chosen)
