"""Carts and payments under way: whose a cart is that changes hands, and what sign-in and Undo leave alone."""

from __future__ import annotations

import re

import httpx
import pytest

from hypermart.qa.forms import Page
from tests.account.test_cart_of_customer import BLUE, lines, put, with_two_carts
from tests.faults.buying import Shopper
from tests.parts.accounts import AccountShop
from tests.parts.selling import FLOWERS, MOON


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


async def test_a_cart_that_another_browser_pays_for_keeps_its_cookie(shop: AccountShop) -> None:
    await shop.account()
    phone = shop.browser()
    buyer = Shopper(phone)
    await put(shop, phone, moon=1)
    bank = await buyer.place(await buyer.to_review())
    await shop.signed_in(browser=phone)
    laptop = await shop.signed_in()
    assert await lines(phone) == {MOON: 1}
    await put(shop, laptop, blue=1)
    assert "/orders/" in (await buyer.pay(bank)).url
    assert await orders(laptop) == ["1001"]
    assert await lines(await shop.signed_in(browser=phone)) == {BLUE: 1}


async def test_what_is_being_paid_for_is_not_undone(shop: AccountShop) -> None:
    phone = await with_two_carts(shop)
    await Shopper(phone).to_review()
    laptop = await shop.signed_in()
    buyer = Shopper(laptop)
    await shop.signed_in(browser=phone)
    bank = await buyer.place(await buyer.visit("/checkout/review"))
    await phone.post("/cart/partings")
    assert await lines(phone) == {FLOWERS: 3, MOON: 3, BLUE: 1}
    assert "/orders/" in (await buyer.pay(bank)).url
    assert await lines(phone) == {}


@pytest.mark.parametrize("step", ["address", "delivery", "payment"])
async def test_a_step_of_checkout_is_a_change_too(shop: AccountShop, step: str) -> None:
    phone = await with_two_carts(shop)
    await Shopper(phone).to_review()
    await shop.signed_in(browser=phone)
    assert "earlier cart" in (await phone.get("/cart")).text
    buyer = Shopper(phone)
    page = await buyer.visit(f"/checkout/{step}")
    await buyer.send(page, f"/checkout/{step}")
    assert "earlier cart" not in (await phone.get("/cart")).text
    await phone.post("/cart/partings")
    assert await lines(phone) == {FLOWERS: 3, MOON: 3, BLUE: 1}


async def test_undo_takes_no_cart_that_went_to_another_browser(shop: AccountShop) -> None:
    await shop.account()
    await put(shop, await shop.signed_in(), flowers=1)
    phone, guest = shop.browser(), Shopper(shop.browser())
    link = (await declined(shop, phone)).url
    await shop.signed_in(browser=phone)
    shop.clock.advance(minutes=1)
    await guest.send(await guest.visit(link), "/retries")
    await put(shop, guest.client, blue=1)
    await phone.post("/cart/partings")
    assert await lines(phone) == {MOON: 1}
    assert await lines(guest.client) == {BLUE: 1}
