"""What buying costs in statements, exactly: one more costs every shopper time, and is to be explained here."""

from __future__ import annotations

import re
from collections.abc import Mapping

import httpx

from tests.bench.buyer import ADDRESS
from tests.parts.selling import FLOWERS, MOON, SellingShop
from tests.parts.shopping import BROWSER
from tests.web.test_cost_and_cache import counted

#: Every page reads the cart in one statement, and in another what delivery and tax cost where it goes.
VIEW = 2
#: A form that is sent locks and changes the cart at once, and reads it again to know which step comes next.
SAVED = 1 + VIEW
#: Countries to choose from; departments around the page.
COUNTRIES = DEPARTMENTS = 1
#: To a cart: offer, lock, lines, and two rows that change. To a browser's first: offer, and two rows that come.
ADDED, BEGUN = 5, 3
#: In this order, and the badge's number last of all.
PLACED = (
    len(("cart", "live attempt"))
    + VIEW
    + len(("attempts of late", "attempt", "its event", "levels", "stock"))
    + len(("end of the cart", "its lines", "counter", "number"))
    + len(("order", "lines", "their ids", "taxes", "event", "two mails", "two mails", "badge"))
)
ORDER = 4


class Counting:
    """A shopper's browser, and how many statements each of its requests took."""

    def __init__(self, shop: SellingShop, client: httpx.AsyncClient) -> None:
        self.shop, self.client = shop, client
        self.answer = httpx.Response(200)

    async def get(self, url: str) -> int:
        return await self._ask("GET", url)

    async def post(self, url: str, fields: Mapping[str, str]) -> int:
        taken = await self._ask("POST", url, dict(fields))
        assert self.answer.status_code == 303, self.answer.text
        return taken

    async def go_on(self) -> int:
        return await self.get(self.answer.headers["location"])

    async def _ask(self, method: str, url: str, data: dict[str, str] | None = None) -> int:
        with counted(self.shop.database) as seen:
            self.answer = await self.client.request(method, url, data=data, headers=BROWSER)
        statements = [*seen["reader"], *seen["writer"]]
        return sum(statement != "BEGIN IMMEDIATE" for statement in statements)


async def counting(selling: SellingShop) -> Counting:
    """In a shop that has sold something before: the first order of all makes the counter of numbers."""
    await selling.shopper("first").buy(await selling.variant(), payment="invoice")
    return Counting(selling, selling.shopper().client)


async def test_adding_to_a_cart(selling: SellingShop) -> None:
    me = await counting(selling)
    for sku, quantity, cost in ((FLOWERS, "1", BEGUN), (MOON, "1", ADDED), (MOON, "2", ADDED)):
        fields = {"variant": str(await selling.variant(sku)), "quantity": quantity}
        assert await me.post("/cart/lines", fields) == cost
        assert await me.go_on() == VIEW + COUNTRIES + DEPARTMENTS


async def test_the_way_from_the_cart_to_the_order(selling: SellingShop) -> None:
    me = await counting(selling)
    for sku in (FLOWERS, MOON):
        await me.post("/cart/lines", {"variant": str(await selling.variant(sku)), "quantity": "1"})
    assert await me.get("/checkout/address") == VIEW + COUNTRIES
    assert await me.post("/checkout/address", ADDRESS) == SAVED + COUNTRIES
    for field, choice in (("delivery", "standard"), ("payment", "invoice")):
        assert await me.go_on() == VIEW
        assert await me.post(f"/checkout/{field}", {field: choice}) == SAVED
    assert await me.go_on() == VIEW
    found = re.search(r'name="total" value="(\d+)"', me.answer.text)
    assert found
    assert await me.post("/checkout/orders", {"terms": "yes", "total": found[1]}) == PLACED
    assert await me.go_on() == ORDER
    assert "Thank you" in me.answer.text
