"""What is a customer's own: addresses and orders. Those of another are as unknown as what is not there."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from hypermart.domain.customers.actions import MOST_ADDRESSES
from hypermart.domain.customers.models import SavedAddress
from tests.faults.buying import Shopper
from tests.parts.accounts import AccountShop

ADA = {"country": "DE", "name": "Zyxadora Q", "line1": "Xylophone Alley 77", "postcode": "10119", "city": "Berlin"}
BO = {"country": "FR", "name": "Wombertus J", "line1": "Rue Vuvuzela 8", "postcode": "75001", "city": "Paris"}


async def ids(shop: AccountShop) -> list[int]:
    return [row[0] for row in await shop.rows(select(SavedAddress.id).order_by(SavedAddress.id))]


async def rows(shop: AccountShop) -> list[Any]:
    return [tuple(map(str, row)) for row in await shop.rows(select(SavedAddress.__table__).order_by(SavedAddress.id))]


@pytest.fixture
async def two(shop: AccountShop) -> tuple[httpx.AsyncClient, httpx.AsyncClient]:
    for name in ("ada", "bo"):
        await shop.account(name)
    ada, bo = await shop.signed_in("ada"), await shop.signed_in("bo")
    for browser, address in ((ada, ADA), (bo, BO)):
        assert (await browser.post("/account/addresses", data=address)).status_code == 303
    return ada, bo


async def test_addresses_are_added_changed_chosen_and_removed(shop: AccountShop) -> None:
    await shop.account()
    browser = await shop.signed_in()
    for name in ("one", "two", "three"):
        await browser.post("/account/addresses", data={**ADA, "name": name})
    first, second, third = await ids(shop)
    await browser.post(f"/account/addresses/{second}", data={**BO, "name": "moved"})
    await browser.post(f"/account/addresses/{third}/choices", data={"op": "default"})
    page = (await browser.get("/account/addresses")).text
    assert re.findall(r'data-qa="address" data-qa-id="(\d+)"', page) == [str(third), str(first), str(second)]
    assert "moved" in page
    assert page.count("Filled in at checkout") == 1
    await browser.post(f"/account/addresses/{third}/choices", data={"op": "remove"})
    default = select(SavedAddress.id).where(SavedAddress.is_default.is_(True))
    assert await shop.value(default) == first, "there is a default as long as there is an address"


async def test_what_is_wrong_with_an_address_is_said_and_what_was_typed_is_kept(shop: AccountShop) -> None:
    await shop.account()
    browser = await shop.signed_in()
    answer = await browser.post("/account/addresses", data={**ADA, "postcode": "1", "op": "save"})
    assert answer.status_code == 422
    assert "Error: Add an address" in answer.text
    assert 'value="Xylophone Alley 77"' in answer.text
    assert "Enter a postcode as they are in this country, like 26133" in answer.text
    other = await browser.post("/account/addresses", data={**ADA, "country": "US", "fields_of": "DE", "op": "country"})
    assert (other.status_code, "ZIP code" in other.text) == (200, True)
    assert await ids(shop) == []


async def test_there_is_a_most_of_addresses(shop: AccountShop) -> None:
    await shop.account()
    browser = await shop.signed_in()
    for _ in range(MOST_ADDRESSES):
        assert (await browser.post("/account/addresses", data=ADA)).status_code == 303
    answer = await browser.post("/account/addresses", data=ADA)
    assert (answer.status_code, "the most that we keep" in answer.text) == (409, True)
    assert len(await ids(shop)) == MOST_ADDRESSES


async def test_another_customer_s_addresses_are_not_there(
    shop: AccountShop, two: tuple[httpx.AsyncClient, httpx.AsyncClient]
) -> None:
    ada, bo = two
    theirs, unknown = (await ids(shop))[0], 999_999
    before = await rows(shop)
    found = []
    for id_ in (theirs, unknown):
        path = f"/account/addresses/{id_}"
        answers = [
            await bo.get(path),
            await bo.post(path, data=BO),
            await bo.post(f"{path}/choices", data={"op": "default"}),
            await bo.post(f"{path}/choices", data={"op": "remove"}),
        ]
        found.append([(answer.status_code, answer.text) for answer in answers])
    assert [status for status, _ in found[0]] == [404] * 4
    assert found[0] == found[1]
    assert await rows(shop) == before
    assert "Xylophone" in (await ada.get("/account/addresses")).text
    assert "Xylophone" not in (await bo.get("/account/addresses")).text


async def test_another_customer_s_orders_are_not_there(
    shop: AccountShop, two: tuple[httpx.AsyncClient, httpx.AsyncClient]
) -> None:
    ada, bo = two
    await Shopper(ada, "ada").buy(await shop.variant(), payment="invoice")
    await shop.shopper("guest").buy(await shop.variant(), payment="invoice")
    assert (await ada.get("/account/orders/1001")).status_code == 303
    answers = [await browser.get(f"/account/orders/{n}") for browser in (bo, ada) for n in (1001, 1002, 1003)]
    assert [answer.status_code for answer in answers] == [404, 404, 404, 303, 404, 404]
    assert len({answer.text for answer in answers if answer.status_code == 404}) == 1
    assert "1001" not in (await bo.get("/account/orders")).text


async def test_pages_of_accounts_are_nobody_s_without_a_sign_in(shop: AccountShop) -> None:
    browser = shop.browser()
    for path in ("/account", "/account/orders", "/account/orders/1001", "/account/addresses/1", "/account/password"):
        answer = await browser.get(path)
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/account/sign-in?next=%2Faccount")
        assert answer.headers["cache-control"] == "no-store"
    for path in ("/account/addresses", "/account/addresses/1", "/account/addresses/1/choices", "/account/password"):
        answer = await browser.post(path, data=ADA)
        assert answer.headers["location"] == "/account/sign-in?next=%2Faccount"


async def test_one_comes_back_to_the_page_that_asked_for_the_sign_in(shop: AccountShop) -> None:
    await shop.account()
    browser = shop.browser()
    buyer = Shopper(browser)
    page = await buyer.visit("/account/addresses")
    assert page.url.endswith("/account/sign-in?next=%2Faccount%2Faddresses")
    page = await buyer.send(page, "/sign-in", email="ada@example.com", password="purple kettle on the moon")
    assert page.url.endswith("/account/addresses")
