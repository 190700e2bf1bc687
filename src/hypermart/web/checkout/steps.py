"""The steps of checkout: which one a visitor must do first, which comes next, and how the header lists them."""

from __future__ import annotations

import msgspec

from hypermart.domain.orders.checkout import STEPS, checkout_view
from hypermart.domain.orders.pages import CheckoutView
from hypermart.web.checkout.order_summary import OrderSummary, order_summary
from hypermart.web.render import Shop
from hypermart.web.visit import Visit

CART_URL = "/cart"
TITLES = {"address": "Address", "delivery": "Delivery", "payment": "Payment", "review": "Review"}


class Step(msgspec.Struct, frozen=True):
    """One step in the header's list."""

    title: str
    url: str
    """Empty where it is the present one, or cannot be gone to yet."""
    is_here: bool
    is_done: bool


class StepPage(msgspec.Struct, frozen=True):
    """What every page of checkout shows: the cart on its way, the steps, and what is wrong with the form."""

    view: CheckoutView
    steps: tuple[Step, ...]
    order: OrderSummary

    @property
    def problems(self) -> dict[str, str]:
        return self.order.problems


def step_page(
    view: CheckoutView, here: str, shop: Shop, problems: dict[str, str] | None = None, chosen: str = ""
) -> StepPage:
    return StepPage(view, _steps(view, here), order_summary(view, here, shop.settings, problems or {}, chosen))


async def asked(visit: Visit, shop: Shop) -> CheckoutView | None:
    """This visitor's cart on its way."""
    async with shop.db.fresh() as db:
        return await checkout_view(db, visit.token_hash, shop.till.selling, shop.now())


def url_of(step: str) -> str:
    return CART_URL if step == "cart" else f"/checkout/{step}"


def first_before(view: CheckoutView | None, here: str) -> str:
    """The page that must be seen to before step `here`; empty if nothing stands in the way."""
    if view is None:
        return CART_URL
    earlier = STEPS[: STEPS.index(here)]
    return next((url_of(step) for step in earlier if view.lacks(step)), "")


def next_after(view: CheckoutView | None) -> str:
    """Where it goes on when a step is done: to the first one that lacks something, else to the review."""
    return first_before(view, "review") or url_of("review")


def _steps(view: CheckoutView, here: str) -> tuple[Step, ...]:
    rows = []
    for step, title in TITLES.items():
        can_go = step != here and not first_before(view, step)
        rows.append(
            Step(title, url_of(step) if can_go else "", step == here, step != "review" and not view.lacks(step))
        )
    return tuple(rows)
