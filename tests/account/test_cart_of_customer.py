"""A cart at sign-in and sign-out: two become one and are parted again, and nobody gets what is another's."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from hypermart.domain.cart.models import Cart, CartLine
from hypermart.domain.cart.rules import together
from hypermart.domain.catalog.models import Variant
from tests.faults.buying import Shopper
from tests.parts.accounts import AccountShop, sign_in
from tests.parts.selling import FLOWERS, MOON

BLUE = "AP039-S-U"


async def put(shop: AccountShop, browser: httpx.AsyncClient, **quantities: int) -> None:
    skus = {"flowers": FLOWERS, "moon": MOON, "blue": BLUE}
    for name, quantity in quantities.items():
        fields = {"variant": str(await shop.variant(skus[name])), "quantity": str(quantity)}
        assert (await browser.post("/cart/lines", data=fields)).status_code == 303


async def lines(browser: httpx.AsyncClient) -> dict[str, int]:
    """As the page of the cart has them: bought lines by SKU."""
    page = (await browser.get("/cart")).text
    found = re.findall(r'data-qa="cart-line" data-qa-id="([^"]+)".*?name="q-\d+"[^>]*value="(\d+)"', page, re.DOTALL)
    return {sku: int(quantity) for sku, quantity in found}


async def stored(shop: AccountShop) -> list[Any]:
    """Every line of every cart, without its ids."""
    rows = select(Variant.sku, CartLine.quantity, CartLine.seen_price, CartLine.is_saved, CartLine.title)
    return sorted(map(tuple, await shop.rows(rows.join(Variant, Variant.id == CartLine.variant_id))))


async def with_two_carts(shop: AccountShop) -> httpx.AsyncClient:
    """An earlier cart on the laptop; the phone has one of its own and is not signed in yet."""
    await shop.account()
    laptop = await shop.signed_in()
    await put(shop, laptop, flowers=3, moon=1)
    phone = shop.browser()
    await put(shop, phone, moon=2, blue=1)
    return phone


async def test_a_guest_s_cart_becomes_the_customer_s(shop: AccountShop) -> None:
    await shop.account()
    browser = shop.browser()
    await put(shop, browser, moon=2)
    before = browser.cookies["cart"]
    await shop.signed_in(browser=browser)
    assert await lines(browser) == {MOON: 2}
    assert "earlier cart" not in (await browser.get("/cart")).text
    assert browser.cookies["cart_n"] == "2"
    thief = shop.browser()
    thief.cookies.set("cart", before, domain="shop.test")
    assert await lines(thief) == {}, "who planted the old cookie has nothing"


async def test_two_carts_become_one_and_it_is_said(shop: AccountShop) -> None:
    phone = await with_two_carts(shop)
    await shop.signed_in(browser=phone)
    assert await lines(phone) == {FLOWERS: 3, MOON: 3, BLUE: 1}
    page = (await phone.get("/cart")).text
    assert "4 pieces from your earlier cart were added." in page
    assert "instead of" not in page
    laptop = await shop.signed_in()
    assert await lines(laptop) == {FLOWERS: 3, MOON: 3, BLUE: 1}, "all browsers of a customer have one cart"


async def test_undone_both_have_the_lines_that_they_had(shop: AccountShop) -> None:
    phone = await with_two_carts(shop)
    before = await stored(shop)
    await shop.signed_in(browser=phone)
    assert await stored(shop) != before
    answer = await phone.post("/cart/partings")
    assert (answer.status_code, answer.headers["location"]) == (303, "/cart")
    assert await stored(shop) == before
    assert await lines(phone) == {MOON: 2, BLUE: 1}
    assert phone.cookies["cart_n"] == "3"
    assert await lines(await shop.signed_in()) == {FLOWERS: 3, MOON: 1}
    await phone.post("/cart/partings")
    assert await stored(shop) == before, "a second time does nothing"


async def test_what_was_changed_since_is_not_undone(shop: AccountShop) -> None:
    phone = await with_two_carts(shop)
    await shop.signed_in(browser=phone)
    await put(shop, phone, blue=4)
    assert "earlier cart" not in (await phone.get("/cart")).text
    await phone.post("/cart/partings")
    assert await lines(phone) == {FLOWERS: 3, MOON: 3, BLUE: 5}


async def test_no_more_than_can_be_had_and_undone_all_the_same(shop: AccountShop) -> None:
    await shop.in_stock(MOON, 4)
    await shop.account()
    laptop, phone = await shop.signed_in(), shop.browser()
    await put(shop, laptop, moon=3)
    await put(shop, phone, moon=2)
    await shop.signed_in(browser=phone)
    assert await lines(phone) == {MOON: 4}
    page = (await phone.get("/cart")).text
    assert "3 pieces from your earlier cart were added." in page
    assert "4 instead of 5, because no more can be had." in page
    await phone.post("/cart/partings")
    assert await lines(phone) == {MOON: 2}
    assert await lines(await shop.signed_in()) == {MOON: 3}


@pytest.mark.parametrize(
    ("one", "other", "left", "both"),
    [(1, 2, None, 3), (1, 2, 3, 3), (1, 2, 2, 2), (3, 2, 0, 3), (3, 2, 1, 3), (998, 2, None, 999), (5, 5, 7, 7)],
)
def test_how_many_of_two_lines(one: int, other: int, left: int | None, both: int) -> None:
    assert together(one, other, left) == both


async def test_the_contact_that_was_typed_last_counts(shop: AccountShop) -> None:
    await shop.account()
    browser = shop.browser()
    guest = Shopper(browser, "guest")
    await put(shop, browser, moon=1)
    await guest.to_review(payment="invoice", email="typed@example.com")
    await put(shop, await shop.signed_in(), flowers=1)
    await shop.signed_in(browser=browser)
    assert 'value="typed@example.com"' in (await browser.get("/checkout/address")).text


async def test_after_signing_out_the_browser_has_no_cart_and_the_customer_has_it(shop: AccountShop) -> None:
    await shop.account()
    browser = await shop.signed_in()
    await put(shop, browser, moon=2)
    await browser.post("/account/sign-out")
    assert "cart" not in browser.cookies
    assert browser.cookies["cart_n"] == "0"
    assert await lines(browser) == {}
    await put(shop, browser, blue=1)
    assert await lines(browser) == {BLUE: 1}
    await shop.signed_in(browser=browser)
    assert await lines(browser) == {MOON: 2, BLUE: 1}


async def test_the_next_customer_at_the_same_browser_gets_nothing_of_the_last(shop: AccountShop) -> None:
    """Also where Valkey forgot the sign-in, so that nobody signed out."""
    await shop.account("ada")
    await shop.account("bo")
    browser = await shop.signed_in("ada")
    await put(shop, browser, moon=2)
    shop.valkey.wipe()
    await shop.signed_in("bo", browser)
    assert await lines(browser) == {}
    await put(shop, browser, blue=1)
    assert await lines(await shop.signed_in("ada")) == {MOON: 2}
    assert await lines(await shop.signed_in("bo")) == {BLUE: 1}


async def test_a_new_password_takes_the_cart_along_and_shuts_out_old_cookies(shop: AccountShop) -> None:
    await shop.account()
    browser, phone = await shop.signed_in(), await shop.signed_in()
    await put(shop, browser, moon=2)
    fields = {"current": "purple kettle on the moon", "password": "green bottle under a tree"}
    assert (await browser.post("/account/password", data=fields)).status_code == 303
    assert await lines(browser) == {MOON: 2}
    assert await lines(phone) == {}


async def test_orders_placed_while_signed_in_are_the_customer_s(shop: AccountShop) -> None:
    await shop.account()
    browser = await shop.signed_in()
    buyer = Shopper(browser)
    first = await buyer.buy(await shop.variant(MOON), payment="invoice")
    second = await buyer.buy(await shop.variant(BLUE), payment="invoice")
    await put(shop, browser, flowers=1)
    shop.valkey.wipe()
    third = await buyer.place(await buyer.to_review(payment="invoice"))
    await shop.shopper("guest").buy(await shop.variant(FLOWERS), payment="invoice")
    assert all("/orders/" in page.url for page in (first, second, third))
    await shop.signed_in(browser=browser)
    page = await browser.get("/account/orders")
    assert re.findall(r'data-qa="order" data-qa-id="(\d+)"', page.text) == ["1003", "1002", "1001"]
    order = await browser.get("/account/orders/1001", follow_redirects=True)
    assert (order.status_code, order.url.path) == (200, "/orders/1001")
    assert await lines(browser) == {}, "what is bought is in no cart"


async def test_a_part_that_was_set_aside_stays_the_customer_s_after_the_order(shop: AccountShop) -> None:
    await shop.account()
    browser = await shop.signed_in()
    await put(shop, browser, moon=1, blue=1)
    row = await shop.value(select(CartLine.id).join(Variant).where(Variant.sku == BLUE))
    await browser.post("/cart", data={"op": f"save-{row}"})
    buyer = Shopper(browser)
    await buyer.place(await buyer.to_review(payment="invoice"))
    owners = await shop.rows(select(Cart.customer_id, Cart.completed_at.is_not(None)).order_by(Cart.id))
    assert [bool(row[0]) for row in owners] == [True, True]
    await put(shop, browser, moon=1)
    assert await lines(await shop.signed_in()) == {MOON: 1}


async def test_a_cart_that_is_being_paid_for_is_left_alone_and_is_the_customer_s(shop: AccountShop) -> None:
    await shop.account()
    await put(shop, await shop.signed_in(), flowers=1)
    browser = shop.browser()
    buyer = Shopper(browser)
    await put(shop, browser, moon=1)
    bank = await buyer.place(await buyer.to_review())
    await shop.signed_in(browser=browser)
    assert await lines(browser) == {MOON: 1}
    done = await buyer.pay(bank)
    assert "/orders/" in done.url
    page = await browser.get("/account/orders")
    assert re.findall(r'data-qa="order" data-qa-id="(\d+)"', page.text) == ["1001"]
    assert await lines(await shop.signed_in()) == {FLOWERS: 1}


async def test_signing_in_from_many_browsers_at_once_loses_no_piece(shop: AccountShop) -> None:
    await shop.account()
    await put(shop, await shop.signed_in(), moon=1)
    browsers = [shop.browser() for _ in range(5)]
    for browser in browsers:
        await put(shop, browser, moon=1, blue=1)
    answers = await asyncio.gather(*(sign_in(browser, "ada@example.com") for browser in browsers))
    assert {answer.status_code for answer in answers} == {303}
    for browser in browsers:
        assert await lines(browser) == {MOON: 6, BLUE: 5}


async def test_checkout_knows_who_is_signed_in(shop: AccountShop) -> None:
    await shop.account()
    browser = await shop.signed_in()
    saved = {"country": "DE", "name": "Ada L", "line1": "Allee 77", "postcode": "10115", "city": "Berlin"}
    assert (await browser.post("/account/addresses", data=saved)).status_code == 303
    await put(shop, browser, moon=1)
    page = (await browser.get("/checkout/address")).text
    for value in ("ada@example.com", "Allee 77", "10115"):
        assert f'value="{value}"' in page
    assert "as a guest" not in page
    guest = shop.browser()
    await put(shop, guest, moon=1)
    page = (await guest.get("/checkout/address")).text
    assert "You are ordering as a guest" in page
    assert "Allee" not in page
