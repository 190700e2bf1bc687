"""A print is bought: from the home page to the mail, with a declined card on the way; and every other way to pay."""

from __future__ import annotations

import contextlib
import re
from collections.abc import AsyncIterator
from typing import NamedTuple

import pytest
from playwright.async_api import Browser, Page, expect

from hypermart.qa.browser import opened_page
from hypermart.qa.pages import HomePage, ProductPage
from hypermart.qa.pages_buying import (
    ADA,
    AddressPage,
    AttemptPage,
    CartPage,
    MailboxPage,
    OrderPage,
    PaymentPage,
    ReviewPage,
)
from tests.parts.selling_site import SellingSite

pytestmark = [pytest.mark.browser]
FLOWERS = "/p/summer-flowers"
CONFIRMATION = "Your order 1001 at Plate & Paper"
BOTH = pytest.mark.parametrize("scripts", [True, False], ids=["js", "nojs"])
WIDE = pytest.mark.parametrize("width", [390, 1280])


@contextlib.asynccontextmanager
async def shopping(
    browser: Browser, till: SellingSite, *, scripts: bool = True, width: int = 1280
) -> AsyncIterator[Page]:
    """A browser in the shop; nothing is asked for elsewhere, and nothing is complained about but refused forms."""
    async with opened_page(browser, till.base, width=width, java_script_enabled=scripts) as (page, noise):
        yield page
        assert noise.foreign == []
        assert [line for line in noise.console if "status of 4" not in line] == []


@BOTH
@WIDE
async def test_buying_a_print(browser: Browser, till: SellingSite, scripts: bool, width: int) -> None:
    async with shopping(browser, till, scripts=scripts, width=width) as page:
        address = await _fill_a_cart(await HomePage(page, scripts).open())
        await _make_two_mistakes(address)
        payment = await (await address.go_on()).choose("Standard")
        amount = await _is_declined(await payment.choose("Card"), till)
        payment = await AttemptPage(page, scripts).pay_again()
        review = await payment.choose("Card")
        assert await review.total() == amount
        bank, again = await review.place_and_pay()
        assert again == await bank.amount() == amount
        order = await bank.approve()
        assert await order.total() == amount
        assert till.taken() == [amount]
        till.wait_for_mail()
        await _follow_the_mail(page, amount, scripts=scripts)


async def _fill_a_cart(home: HomePage) -> AddressPage:
    paintings = await home.go_to_department("Paintings & Prints")
    product = await paintings.open_product("Summer Flowers")
    await product.choose(Size="30 × 40 cm", Frame="Oak frame")
    await product.page.get_by_role("button", name="Add to cart").click()
    await expect(product.page.locator("#added")).to_contain_text("Summer Flowers, 30 × 40 cm, Oak frame")
    cart = await CartPage(product.page, product.scripts).open()
    await cart.change_quantity("Summer Flowers", 2)
    assert await cart.total() == 2 * 93_00
    return await cart.check_out()


async def _make_two_mistakes(address: AddressPage) -> None:
    """They are said at once, each leads to its field, and what was right is still there."""
    page = address.page
    await address.type(ADA | {"E-mail address": "ada at home", "Town or city": ""})
    await address.continue_()
    await expect(address.problems).to_be_focused()
    await expect(page).to_have_title(re.compile("^Error: Address"))
    links = address.problems.get_by_role("link")
    await expect(links).to_have_count(2)
    assert await page.locator("[aria-invalid=true]").evaluate_all("(all) => all.map((each) => each.id)") == [
        "email",
        "city",
    ]
    await expect(address.field("E-mail address")).to_have_value("ada at home")
    await expect(address.field("Street address")).to_have_value(ADA["Street address"])
    for number, label in enumerate(("E-mail address", "Town or city")):
        await links.nth(number).click()
        await expect(address.field(label)).to_be_focused()
        await page.keyboard.press("Control+A")
        await page.keyboard.type(ADA[label])


async def _is_declined(review: ReviewPage, till: SellingSite) -> int:
    """Nothing is taken, and the cart is still there."""
    bank, amount = await review.place_and_pay()
    assert await bank.amount() == amount
    assert till.asked() == [amount]
    await bank.decide("Decline: not enough money")
    attempt = AttemptPage(review.page, review.scripts)
    await attempt.has_heading("The payment was declined")
    await expect(review.page.get_by_text("The card does not have enough money for this.")).to_be_visible()
    assert till.taken() == []
    return amount


async def _follow_the_mail(page: Page, amount: int, *, scripts: bool) -> None:
    mail = await (await MailboxPage(page, scripts).open()).read(CONFIRMATION)
    order = await mail.follow("See your order")
    await order.has_heading("Order 1001")
    assert await order.total() == amount
    await expect(page.get_by_role("main")).to_contain_text("Paid, being prepared.")


async def _at_payment(page: Page, delivery: str = "Standard", *, scripts: bool = True) -> PaymentPage:
    """Somebody with a print in the cart who has said where it goes."""
    product = await ProductPage(page, scripts).open(FLOWERS)
    await product.page.get_by_role("button", name="Add to cart").click()
    await expect(page.locator("#added")).to_be_visible()
    await page.goto("/checkout/address")
    address = AddressPage(page, scripts)
    await address.type(ADA)
    return await (await address.go_on()).choose(delivery)


class Later(NamedTuple):
    """A way to pay that takes no money now."""

    delivery: str
    payment: str
    price: int
    promise: str


LATER = {
    "invoice": Later("Standard", "Invoice", 27_90, "Please pay within 14 days after the goods have arrived"),
    "pickup": Later("Pick up in Berlin", "Pay at pickup", 24_00, "You pay €24.00 when you collect your order"),
    "transfer": Later("Express", "Bank transfer", 43_90, "Please transfer the amount to this account."),
}


@pytest.mark.parametrize("way", LATER.values(), ids=LATER)
async def test_paying_later(browser: Browser, till: SellingSite, way: Later) -> None:
    async with shopping(browser, till) as page:
        review = await (await _at_payment(page, way.delivery)).choose(way.payment)
        order, amount = await review.place_for_later()
        assert amount == await order.total() == way.price
        await expect(page.get_by_role("main")).to_contain_text(way.promise)
        till.wait_for_mail()
        mail = await (await MailboxPage(page).open()).read(CONFIRMATION)
        await expect(page.get_by_role("main")).to_contain_text(way.promise)
        await mail.follow("See your order")
        await expect(page.get_by_role("main")).to_contain_text("Not paid yet")


@BOTH
async def test_an_unpaid_order_is_cancelled(browser: Browser, till: SellingSite, scripts: bool) -> None:
    async with shopping(browser, till, scripts=scripts) as page:
        review = await (await _at_payment(page, scripts=scripts)).choose("Bank transfer")
        order, _ = await review.place_for_later()
        await page.get_by_role("link", name="Cancel this order").click()
        await expect(page.get_by_role("heading", name="Cancel this order?")).to_be_visible()
        await order.press("Cancel the order")
        await expect(page.get_by_role("main")).to_contain_text("It was cancelled.")
        await expect(page.get_by_role("main")).to_contain_text("Order cancelled")


@BOTH
async def test_the_bank_asks_who_it_is(browser: Browser, till: SellingSite, scripts: bool) -> None:
    """3-D Secure: the code is wrong, then one walks away, then it is right."""
    async with shopping(browser, till, scripts=scripts) as page:
        payment = await _at_payment(page, scripts=scripts)
        bank, _ = await (await payment.choose("Card")).place_and_pay()
        await bank.decide("Ask for 3-D Secure first")
        await bank.answer_challenge("Fail")
        attempt = AttemptPage(page, scripts)
        await attempt.has_heading("The payment was declined")
        await expect(page.get_by_text("The bank could not confirm that it was you.")).to_be_visible()
        payment = await attempt.pay_again()
        bank, amount = await (await payment.choose("Card")).place_and_pay()
        await bank.decide("Ask for 3-D Secure first")
        await bank.answer_challenge("Walk away")
        await attempt.has_heading("Not paid yet")
        await page.get_by_role("link", name="Continue paying").click()
        await bank.decide("Ask for 3-D Secure first")
        await bank.answer_challenge("Pass")
        await OrderPage(page, scripts).thanks()
        assert till.taken() == [amount]


@BOTH
async def test_the_bank_takes_its_time(browser: Browser, till: SellingSite, scripts: bool) -> None:
    """The page asks by itself, too: tests/pages/test_waiting.py."""
    async with shopping(browser, till, scripts=scripts) as page:
        bank, amount = await (await (await _at_payment(page, scripts=scripts)).choose("Card")).place_and_pay()
        await bank.decide("Pending, paid after ten seconds")
        await AttemptPage(page, scripts).has_heading("We are waiting for the payment")
        assert till.taken() == []
        till.let_bank_decide()
        await page.get_by_role("link", name="Check again").click()
        await OrderPage(page, scripts).thanks()
        assert till.taken() == [amount]
