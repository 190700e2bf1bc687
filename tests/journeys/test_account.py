"""An account is opened and used: in Chromium with and without JavaScript, and in lynx."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.async_api import expect

from hypermart.demo.accounts import PASSWORD as KNOWN
from hypermart.demo.accounts import RETURNING, email
from hypermart.qa.client import Mailbox, QaShop
from hypermart.qa.pages import HomePage, ProductPage
from hypermart.qa.pages_account import PASSWORD, AccountPage, SignInPage
from hypermart.qa.pages_buying import AddressPage, CartPage
from tests.parts.text_browsers import Lynx


@pytest.mark.browser
@pytest.mark.usefixtures("nojs")
async def test_register_sign_out_sign_in_order_and_find_it(home: HomePage, scripts: bool, mailbox: Mailbox) -> None:
    page, ada = home.page, "ada.lovelace@example.com"
    sign_in = await SignInPage((await home.open()).page, scripts).open()
    sign_in = await (await sign_in.go_to_register()).register("Ada Lovelace", ada)
    assert "Your account is open" in (await mailbox.wait(to=ada)).text
    account = await sign_in.sign_in(ada)
    await expect(page.get_by_text(f"signed in as {ada}")).to_be_visible()
    sign_in = await account.sign_out()
    await page.goto("/account/orders")
    await SignInPage(page, scripts).arrived()
    await sign_in.type(ada, "not the one that it is")
    await expect(page.get_by_role("alert")).to_contain_text("The e-mail address or the password is wrong")
    await sign_in.type(ada)
    await sign_in.has_heading("Your orders")
    await _buy(page_of=account)
    await page.goto("/account")
    await (await account.arrived()).go_to("Orders", "Your orders")
    await expect(account.orders()).to_have_count(1)
    await account.orders().click()
    await account.has_heading(re.compile(r"^Order \d+$"))
    await page.goto("/account")
    await account.sign_out()
    await page.goto("/cart")
    await expect(page.get_by_text("Nothing is in your cart")).to_be_visible()


async def _buy(page_of: AccountPage) -> None:
    """By invoice; the address step knows the mail."""
    page, scripts = page_of.page, page_of.scripts
    product = await ProductPage(page, scripts).open("/p/summer-flowers")
    await product.add_to_cart()
    address = await (await CartPage(page, scripts).open()).check_out()
    await expect(page.get_by_label("E-mail address")).to_have_value("ada.lovelace@example.com")
    await AddressPage(page, scripts).type(
        {"Full name": "Ada", "Street address": "Torstr. 1", "Postcode": "10119", "Town or city": "Berlin"}
    )
    payment = await (await address.go_on()).choose("Standard")
    review = await payment.choose("Invoice")
    await review.place_for_later()


@pytest.mark.text_browser
async def test_signing_in_with_lynx(shop: QaShop, tmp_path: Path) -> None:
    """It says nothing of where its forms come from: the token of the form lets it in."""
    shop.need_strings("a customer who is known")
    said = []
    for password in (PASSWORD, KNOWN):
        lynx = Lynx(tmp_path)
        lynx.type("E-mail address", email(RETURNING))
        lynx.press("^J", "^U", *password, "Down Arrow", "^J")  # into the next field, and the button after it
        lynx.save()
        said += lynx.read(f"{shop.base}/account/sign-in")
    wrong, inside = said
    assert "The e-mail address or the password is wrong" in wrong
    assert f"signed in as {email(RETURNING)}" in inside
    assert "Order 1003" in inside
