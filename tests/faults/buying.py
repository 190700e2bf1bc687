"""A purchase in steps, by links and forms alone, and the journal of who saw what."""

from __future__ import annotations

import re

import httpx

from hypermart.qa.forms import Buyer, Page
from tests.faults.audit import Seen

ADDRESS = {
    "email": "ada@example.com",
    "name": "Ada Lovelace",
    "line1": "Torstr. 1",
    "postcode": "10119",
    "city": "Berlin",
}
NUMBER = re.compile(r"/orders/(\d+)\?")
AMOUNT = re.compile(r"[\d,]+\.\d\d")


class Shopper(Buyer):
    """Somebody who buys, and remembers what the shop said."""

    def __init__(self, client: httpx.AsyncClient, name: str = "ada") -> None:
        super().__init__(client)
        self.name = name
        self.seen: list[Seen] = []
        self.amount = 0
        """What the button said that was pressed last, in minor units."""

    async def add(self, variant_id: int, quantity: int = 1) -> Page:
        """As the form of a product page does."""
        fields = {"variant": str(variant_id), "quantity": str(quantity)}
        return Page(await self.client.post("/cart/lines", data=fields, follow_redirects=True))

    async def to_review(self, *, payment: str = "card", delivery: str = "standard", **address: str) -> Page:
        """From the cart to the last page. Each step is sent as it stands, with what a shopper must give."""
        page = await self.visit("/checkout/address")
        given = {**ADDRESS, "email": f"{self.name}@example.com", **address}
        page = await self.send(page, "/checkout/address", **given)
        page = await self.send(page, "/checkout/delivery", delivery=delivery)
        return await self.send(page, "/checkout/payment", payment=payment)

    async def place(self, review: Page) -> Page:
        """Presses 'Place order'. Gives where that leads: the bank, the order, or the review page once more."""
        form = review.form("/checkout/orders")
        self.amount = int(dict(form.fields)["total"])
        return self.note(await self.send(review, "/checkout/orders", terms="yes"))

    async def pay(self, bank: Page, outcome: str = "approve") -> Page:
        """At the bogus bank; comes back to the shop."""
        return self.note(await self.send(bank, "/pay/", outcome=outcome))

    async def buy(self, variant_id: int, quantity: int = 1, **how: str) -> Page:
        await self.add(variant_id, quantity)
        page = await self.place(await self.to_review(**how))
        return await self.pay(page) if "/pay/" in page.url else page

    def note(self, page: Page) -> Page:
        if found := NUMBER.search(page.url):
            self.seen.append(Seen(self.name, int(found[1]), self.amount))
        return page
