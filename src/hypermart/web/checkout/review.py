"""The last step: everything at a glance, the terms, and the button that places the order at the total it names."""

from __future__ import annotations

import msgspec
from litestar import get, post
from litestar.di import NamedDependency

from hypermart.domain.orders.links import order_token
from hypermart.domain.orders.pages import CheckoutView
from hypermart.domain.orders.place import Wish, place_order
from hypermart.domain.orders.till import Missing, TotalChanged
from hypermart.domain.payments.actions import TooManyAttempts
from hypermart.domain.stock.reservations import OutOfStock
from hypermart.errors import NotFound, Refused
from hypermart.money import Money
from hypermart.web.checkout.steps import CART_URL, asked, first_before, step_page, url_of
from hypermart.web.forms import Form
from hypermart.web.guards import count_try
from hypermart.web.render import Answer, Shop
from hypermart.web.visit import Template, Visit

PAGE = Template("checkout/review.html")
NOBODYS = -1


class Trouble(msgspec.Struct, frozen=True):
    """Why the order was not placed."""

    status: int = 200
    problems: dict[str, str] = {}
    changes: tuple[str, ...] = ()
    """What is different from what the shopper saw."""
    is_short: bool = False
    """Something is sold out: the cart must be changed."""
    has_accepted: bool = False


@get("/checkout/review")
async def show_review(visit: NamedDependency[Visit], shop: NamedDependency[Shop]) -> Answer:
    return _page(visit, await asked(visit, shop), Trouble())


@post("/checkout/orders")
async def place(visit: NamedDependency[Visit], shop: NamedDependency[Shop]) -> Answer:
    """The order exists, or the shopper is on the way to pay it. Sent again it leads to the same place."""
    form = await visit.form()
    if form.problems:
        return _page(visit, await asked(visit, shop), Trouble(422, form.problems, has_accepted=form.is_ticked("terms")))
    wish = Wish(visit.token_hash, _number(form, "total"), form.is_ticked("terms"), _number(form, "cart"))
    try:
        await count_try(visit.request, shop)
        placed = await place_order(shop.till, wish)
    except NotFound:
        return visit.leave(CART_URL)
    except Refused as refusal:
        return await _refused(visit, shop, wish, refusal)
    if placed.order_number is not None:
        return visit.leave(placed_url(shop, placed.order_number), count=await visit.count())
    return visit.leave(placed.pay_url or f"/checkout/attempts/{placed.attempt_key}")


def placed_url(shop: Shop, number: int) -> str:
    """The page of an order that has just been placed."""
    return f"/orders/{number}?t={order_token(shop.secret, number)}&new=1"


def _number(form: Form, name: str) -> int:
    text = form.text(name)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else NOBODYS


async def _refused(visit: Visit, shop: Shop, wish: Wish, refusal: Refused) -> Answer:
    accepted = wish.has_accepted_terms
    if isinstance(refusal, Missing):
        first = refusal.requirements[0]
        view = await asked(visit, shop)
        if first.step == "cart" and view and not view.cart.is_empty:  # sold meanwhile
            return _page(visit, view, Trouble(409, changes=_of_cart(refusal), is_short=True))
        if first.step != "review":
            return visit.leave(url_of(first.step))
        return _page(visit, view, Trouble(422, {first.field: first.message}))
    if isinstance(refusal, TotalChanged):
        changes = _changes(refusal.view, shop, wish.expected_total)
        return _page(visit, refusal.view, Trouble(409, changes=changes, has_accepted=accepted))
    view = await asked(visit, shop)
    if isinstance(refusal, OutOfStock):
        return _page(visit, view, Trouble(409, changes=_shortages(view, refusal), is_short=True))
    if isinstance(refusal, TooManyAttempts):
        answer = _page(visit, view, Trouble(429, {"": str(refusal)}, has_accepted=accepted))
        answer.headers["retry-after"] = str(refusal.seconds)
        return answer
    raise refusal


def _of_cart(refusal: Missing) -> tuple[str, ...]:
    return tuple(requirement.message for requirement in refusal.requirements if requirement.step == "cart")


def _changes(view: CheckoutView, shop: Shop, seen: int) -> tuple[str, ...]:
    def words(amount: Money) -> str:
        return amount.format(shop.settings.locale)

    total = view.cart.totals.total
    before = "" if seen == NOBODYS else f", no longer {words(Money(seen, total.currency))}"
    dearer = [
        f"{line.title}: {words(line.unit_price)} each, no longer {words(notice.was)}"
        for line in view.cart.lines
        for notice in line.notices
        if notice.was
    ]
    return (f"The total is {words(total)}{before}", *dearer)


def _shortages(view: CheckoutView | None, refusal: OutOfStock) -> tuple[str, ...]:
    return tuple(
        f"{line.title}: {f'only {left} left' if left else 'sold out'}"
        for line in (view.cart.lines if view else ())
        if (left := refusal.shortages.get(line.variant_id or 0)) is not None
    )


def _page(visit: Visit, view: CheckoutView | None, trouble: Trouble) -> Answer:
    elsewhere = first_before(view, "review")
    if view is None or (elsewhere and not trouble.changes):
        return visit.astray(elsewhere)
    page = step_page(view, "review", visit.shop, trouble.problems)
    if visit.wants_json:
        return visit.told(page.order, trouble.status, page.order.count)
    return visit.page(PAGE, page, status=trouble.status, trouble=trouble)
