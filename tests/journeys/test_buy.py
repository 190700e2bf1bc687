"""A print is bought: from the home page to the mail, with a declined card on the way; and every other way to pay."""

from __future__ import annotations

import re
from typing import NamedTuple

import pytest
from playwright.async_api import Page, expect

from hypermart.qa.client import Bank
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

pytestmark = [pytest.mark.browser]
FLOWERS = "/p/summer-flowers"


def confirmation(number: int) -> str:
    return f"Your order {number} at Plate & Paper"


@pytest.mark.usefixtures("nojs", "viewport")
async def test_buying_a_print(home: HomePage, scripts: bool, bank: Bank) -> None:
    page = home.page
    address = await _fill_a_cart(await home.open())
    await _make_two_mistakes(address)
    payment = await (await address.go_on()).choose("Standard")
    amount = await _is_declined(await payment.choose("Card"), bank)
    payment = await AttemptPage(page, scripts).pay_again()
    review = await payment.choose("Card")
    assert await review.total() == amount
    desk, again = await review.place_and_pay()
    assert again == await desk.amount() == amount
    order = await desk.approve()
    assert await order.total() == amount
    assert await bank.taken() == [amount]
    await _follow_the_mail(order, amount)


async def _fill_a_cart(home: HomePage) -> AddressPage:
    paintings = await home.go_to_department("Paintings & Prints")
    product = await paintings.open_product("Summer Flowers")
    await product.choose(Size="50 × 70 cm", Frame="Oak frame")
    await product.add_to_cart()
    await expect(product.added).to_contain_text("Summer Flowers, 50 × 70 cm, Oak frame")
    cart = await CartPage(product.page, product.scripts).open()
    await cart.change_quantity("Summer Flowers", 2)
    assert await cart.total() == 2 * 158_00
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


async def _is_declined(review: ReviewPage, bank: Bank) -> int:
    """Nothing is taken, and the cart is still there."""
    desk, amount = await review.place_and_pay()
    assert await desk.amount() == amount
    assert await bank.asked() == [amount]
    await desk.decide("Decline: not enough money")
    attempt = AttemptPage(review.page, review.scripts)
    await attempt.has_heading("The payment was declined")
    await expect(review.page.get_by_text("The card does not have enough money for this.")).to_be_visible()
    assert await bank.taken() == []
    return amount


async def _follow_the_mail(order: OrderPage, amount: int) -> None:
    number = await order.number()
    mail = await (await MailboxPage(order.page, order.scripts).open()).read(confirmation(number))
    order = await mail.follow("See your order")
    await order.has_heading(f"Order {number}")
    assert await order.total() == amount
    await expect(order.page.get_by_role("main")).to_contain_text("Paid, being prepared.")


async def _at_payment(page: Page, delivery: str = "Standard", *, scripts: bool = True) -> PaymentPage:
    """Somebody with a print in the cart who has said where it goes."""
    product = await ProductPage(page, scripts).open(FLOWERS)
    await product.add_to_cart()
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
async def test_paying_later(page: Page, way: Later) -> None:
    review = await (await _at_payment(page, way.delivery)).choose(way.payment)
    order, amount = await review.place_for_later()
    assert amount == await order.total() == way.price
    await expect(page.get_by_role("main")).to_contain_text(way.promise)
    number = await order.number()
    mail = await (await MailboxPage(page).open()).read(confirmation(number))
    await expect(page.get_by_role("main")).to_contain_text(way.promise)
    await mail.follow("See your order")
    await expect(page.get_by_role("main")).to_contain_text("Not paid yet")


@pytest.mark.usefixtures("nojs")
async def test_an_unpaid_order_is_cancelled(page: Page, scripts: bool) -> None:
    review = await (await _at_payment(page, scripts=scripts)).choose("Bank transfer")
    order, _ = await review.place_for_later()
    await page.get_by_role("link", name="Cancel this order").click()
    await expect(page.get_by_role("heading", name="Cancel this order?")).to_be_visible()
    await order.press("Cancel the order")
    await expect(page.get_by_role("main")).to_contain_text("It was cancelled.")
    await expect(page.get_by_role("main")).to_contain_text("Order cancelled")


@pytest.mark.usefixtures("nojs")
async def test_the_bank_asks_who_it_is(page: Page, scripts: bool, bank: Bank) -> None:
    """3-D Secure: the code is wrong, then one walks away, then it is right."""
    payment = await _at_payment(page, scripts=scripts)
    desk, _ = await (await payment.choose("Card")).place_and_pay()
    await desk.decide("Ask for 3-D Secure first")
    await desk.answer_challenge("Fail")
    attempt = AttemptPage(page, scripts)
    await attempt.has_heading("The payment was declined")
    await expect(page.get_by_text("The bank could not confirm that it was you.")).to_be_visible()
    payment = await attempt.pay_again()
    desk, amount = await (await payment.choose("Card")).place_and_pay()
    await desk.decide("Ask for 3-D Secure first")
    await desk.answer_challenge("Walk away")
    await attempt.has_heading("Not paid yet")
    await page.get_by_role("link", name="Continue paying").click()
    await desk.decide("Ask for 3-D Secure first")
    await desk.answer_challenge("Pass")
    await OrderPage(page, scripts).thanks()
    assert await bank.taken() == [amount]


@pytest.mark.usefixtures("nojs")
async def test_the_bank_takes_its_time(page: Page, scripts: bool, bank: Bank) -> None:
    """The page asks by itself, too: tests/pages/test_waiting.py."""
    desk, amount = await (await (await _at_payment(page, scripts=scripts)).choose("Card")).place_and_pay()
    await desk.decide("Pending, paid after ten seconds")
    await AttemptPage(page, scripts).has_heading("We are waiting for the payment")
    assert await bank.taken() == []
    await bank.settle()
    await page.get_by_role("link", name="Check again").click()
    await OrderPage(page, scripts).thanks()
    assert await bank.taken() == [amount]
