"""A step in which one of several options is chosen: delivery and payment differ in what they offer, not in this."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from hypermart.db.session import WriteSession
from hypermart.domain.orders.checkout import checkout_view
from hypermart.domain.orders.pages import CheckoutView, PaymentOption
from hypermart.domain.shipping.pages import DeliveryOption
from hypermart.web.checkout.steps import asked, first_before, next_after, step_page
from hypermart.web.render import Answer, Shop
from hypermart.web.visit import Template, Visit

Option: TypeAlias = DeliveryOption | PaymentOption
LONGEST = 30
"""Letters of the code of an option."""


class NotOffered(Exception):
    """What was chosen is none of the options: the transaction that has chosen it is rolled back."""


@dataclass(frozen=True)
class Choice:
    step: str
    """Also the name of the field."""
    page: Template
    error: str
    choose: Callable[[WriteSession, str, str, datetime], Awaitable[bool]]
    options: Callable[[CheckoutView], Sequence[Option]]
    chosen: Callable[[CheckoutView], Option | None]

    async def show(self, visit: Visit, shop: Shop) -> Answer:
        return self._page(visit, shop, await asked(visit, shop))

    async def save(self, visit: Visit, shop: Shop) -> Answer:
        form = await visit.form()
        code = form.typed(self.step, limit=LONGEST)

        async def save(db: WriteSession) -> CheckoutView | None:
            await self.choose(db, visit.token_hash, code, shop.now())
            view = await checkout_view(db, visit.token_hash, shop.till.selling, shop.now())
            if view and self.chosen(view) is None:
                raise NotOffered
            return view

        try:
            after = None if form.problems else await shop.db.retried(save)
        except NotOffered:
            form.problems[self.step] = self.error
        if form.problems:
            return self._page(visit, shop, await asked(visit, shop), form.problems, code)
        if after:
            visit.renew()
            if visit.wants_json:  # an island saves what is chosen, and stays
                return self._page(visit, shop, after)
        return visit.leave(next_after(after))

    def _page(
        self,
        visit: Visit,
        shop: Shop,
        view: CheckoutView | None,
        found: dict[str, str] | None = None,
        code: str = "",
    ) -> Answer:
        elsewhere = first_before(view, self.step)
        if view is None or elsewhere:
            return visit.astray(elsewhere)
        options, present = self.options(view), self.chosen(view)
        chosen = code or (present.code if present else "")
        if not chosen and len(options) == 1:
            chosen = options[0].code
        page, status = step_page(view, self.step, shop, found, chosen), 422 if found else 200
        if visit.wants_json:
            return visit.told(page.order, status, page.order.count)
        return visit.page(self.page, page, status=status, chosen=chosen)
