"""Carts and payments under way: whose a cart is that changes hands, and what sign-in and Undo leave alone."""

from __future__ import annotations

import re

import httpx
import pytest

from hypermart.qa.forms import Page
from tests.account.test_cart_of_customer import put
from tests.faults.buying import Shopper
from tests.parts.accounts import AccountShop


async def orders(browser: httpx.AsyncClient) -> list[str]:
    return re.findall(r'data-qa="order" data-qa-id="(\d+)"', (await browser.get("/account/orders")).text)


async def declined(shop: AccountShop, browser: httpx.AsyncClient) -> Page:
    """A payment that came to nothing, with the link to try again."""
    buyer = Shopper(browser)
    await put(shop, browser, moon=1)
    return await buyer.pay(await buyer.place(await buyer.to_review()), "expired_card")


async def pay_again(browser: httpx.AsyncClient, link: str, name: str) -> None:
    buyer = Shopper(browser, name)
    await buyer.send(await buyer.visit(link), "/retries")
    await buyer.send(await buyer.visit("/checkout/address"), "/checkout/address", email=f"{name}@example.com")
    review = await buyer.send(await buyer.visit("/checkout/payment"), "/checkout/payment", payment="invoice")
    assert "/orders/1001" in (await buyer.place(review)).url


@pytest.mark.parametrize("is_signed_in", [True, False])
async def test_a_customer_s_cart_paid_by_somebody_else_is_theirs(shop: AccountShop, is_signed_in: bool) -> None:
    await shop.account("ada")
    await shop.account("bo")
    ada = await shop.signed_in("ada")
    link = (await declined(shop, ada)).url
    bo = await shop.signed_in("bo") if is_signed_in else shop.browser()
    await pay_again(bo, link, "bo")
    assert await orders(ada) == []
    assert await orders(await shop.signed_in("bo")) == (["1001"] if is_signed_in else [])


async def test_a_guest_s_cart_paid_by_a_customer_is_the_customer_s(shop: AccountShop) -> None:
    await shop.account("bo")
    link = (await declined(shop, shop.browser())).url
    bo = await shop.signed_in("bo")
    await put(shop, bo, blue=1)
    await pay_again(bo, link, "bo")
    assert await orders(bo) == ["1001"]
