"""The way from the cart to the mail in a shopper's words: cart, checkout, bank, order, mailbox."""

from __future__ import annotations

import re

from playwright.async_api import Locator, Page, expect

from hypermart.qa.pages import HomePage, ListPage, ProductPage, ShopPage
from hypermart.qa.states import State

ADA = {
    "E-mail address": "ada@example.com",
    "Full name": "Ada Lovelace",
    "Street address": "Torstr. 1",
    "Postcode": "10119",
    "Town or city": "Berlin",
}
TRIES, MOMENT = 40, 250
"""Looks into the mailbox, and milliseconds between two of them."""
AMOUNT = re.compile(r"€([\d,]+\.\d\d)")


def minor(words: str) -> int:
    """2790 of "Place order and pay €27.90"."""
    found = AMOUNT.search(words)
    assert found, words
    return int(re.sub(r"\D", "", found[1]))


class BuyingPage(ShopPage):
    """A page of the way. Each knows its heading."""

    async def has_heading(self, words: str | re.Pattern[str]) -> None:
        await expect(self.page.get_by_role("heading", level=1)).to_have_text(words)

    async def press(self, button: str | re.Pattern[str]) -> None:
        await self.page.get_by_role("button", name=button, exact=True).click()

    async def total(self) -> int:
        """The bottom line of the sums on this page."""
        return minor(await self.page.get_by_role("row", name=re.compile("^Total")).inner_text())


class CartPage(BuyingPage):
    async def open(self) -> CartPage:
        await self.page.get_by_role("banner").get_by_role("link", name=re.compile("^Cart")).click()
        return await self.arrived()

    async def arrived(self) -> CartPage:
        await self.has_heading("Your cart")
        return self

    def quantity(self, title: str) -> Locator:
        return self.page.get_by_label(f"Quantity of {title}")

    async def change_quantity(self, title: str, number: int) -> None:
        await self.quantity(title).fill(str(number))
        await self.press("Update cart")
        await expect(self.page.get_by_role("heading", level=2, name=f"{number} piece")).to_be_visible()

    async def check_out(self) -> AddressPage:
        await self.page.get_by_role("region", name="Summary").get_by_role("link", name="Check out").click()
        return await AddressPage(self.page, self.scripts).arrived()


class Step(BuyingPage):
    """A page of checkout with a form: it goes on, or says what is wrong."""

    async def continue_(self) -> None:
        await self.press("Continue")

    @property
    def problems(self) -> Locator:
        """The summary of what is wrong, at the top."""
        return self.page.get_by_role("alert", name="There is a problem")


class AddressPage(Step):
    async def arrived(self) -> AddressPage:
        await self.has_heading("Address")
        return self

    def field(self, label: str) -> Locator:
        return self.page.get_by_label(label, exact=True)

    async def type(self, values: dict[str, str]) -> None:
        for label, value in values.items():
            await self.field(label).fill(value)

    async def go_on(self) -> DeliveryPage:
        await self.continue_()
        return await DeliveryPage(self.page, self.scripts).arrived()


class DeliveryPage(Step):
    async def arrived(self) -> DeliveryPage:
        await self.has_heading("Delivery")
        return self

    async def choose(self, way: str) -> PaymentPage:
        await self.page.get_by_role("radio", name=re.compile(f"^{way}")).check()
        await self.continue_()
        return await PaymentPage(self.page, self.scripts).arrived()


class PaymentPage(Step):
    async def arrived(self) -> PaymentPage:
        await self.has_heading("Payment")
        return self

    async def choose(self, way: str) -> ReviewPage:
        await self.page.get_by_role("radio", name=re.compile(f"^{way}")).check()
        await self.continue_()
        return await ReviewPage(self.page, self.scripts).arrived()


class ReviewPage(Step):
    async def arrived(self) -> ReviewPage:
        await self.has_heading("Check your order")
        return self

    @property
    def button(self) -> Locator:
        return self.page.get_by_role("button", name=re.compile("^Place order"))

    async def place(self) -> int:
        """Accepts the terms and presses the button. Gives the amount that it names."""
        await self.page.get_by_role("checkbox", name="I have read the terms").check()
        amount = minor(await self.button.inner_text())
        await self.button.click()
        return amount

    async def place_and_pay(self) -> tuple[BankPage, int]:
        amount = await self.place()
        return await BankPage(self.page, self.scripts).arrived(), amount

    async def place_for_later(self) -> tuple[OrderPage, int]:
        amount = await self.place()
        return await OrderPage(self.page, self.scripts).thanks(), amount


class BankPage(BuyingPage):
    """The bogus bank: one form, on which one chooses what happens."""

    async def arrived(self) -> BankPage:
        await self.has_heading(re.compile(r"^Pay €"))
        return self

    async def amount(self) -> int:
        return minor(await self.page.get_by_role("heading", level=1).inner_text())

    async def decide(self, outcome: str) -> None:
        await self.page.get_by_role("radio", name=outcome, exact=True).check()
        await self.press("Do this")

    async def approve(self) -> OrderPage:
        await self.decide("Approve")
        return await OrderPage(self.page, self.scripts).thanks()

    async def answer_challenge(self, answer: str) -> None:
        await self.has_heading(re.compile("^Is it you who pays"))
        await self.page.get_by_role("radio", name=re.compile(f"^{answer}")).check()
        await self.press("Do this")


class AttemptPage(BuyingPage):
    """Back from the bank without an order."""

    async def pay_again(self) -> PaymentPage:
        await self.press("Pay again")
        return await PaymentPage(self.page, self.scripts).arrived()


class OrderPage(BuyingPage):
    async def thanks(self) -> OrderPage:
        await self.has_heading("Thank you, your order is placed")
        return self

    async def number(self) -> int:
        words = await self.page.get_by_text(re.compile(r"^Order \d+ of ")).inner_text()
        return int(words.split()[1])


class MailboxPage(BuyingPage):
    async def open(self) -> MailboxPage:
        await self.page.goto("/mail")
        await self.has_heading("Mailbox")
        return self

    async def read(self, subject: str) -> MailboxPage:
        """The mail, once it has come: it is sent a moment after the answer to the shopper."""
        mail = self.page.get_by_role("link", name=subject, exact=True)
        for _ in range(TRIES):
            if await mail.count():
                break
            await self.page.wait_for_timeout(MOMENT)
            await self.page.reload()
        await mail.click()
        await self.has_heading(subject)
        return self

    async def follow(self, words: str) -> OrderPage:
        """The mail's link with these words."""
        row = self.page.get_by_role("term").filter(has_text=re.compile(f"^{words}$")).locator("..")
        await row.get_by_role("link").click()
        return OrderPage(self.page, self.scripts)


def page_of(where: State | str, page: Page, scripts: bool) -> ShopPage:
    """The page at a seed or a path in a shopper's words."""
    path = where.path if isinstance(where, State) else where
    kinds: dict[str, type[ShopPage]] = {
        "/p/": ProductPage,
        "/c/": ListPage,
        "/collections/": ListPage,
        "/search": ListPage,
        "/cart": CartPage,
        "/checkout/address": AddressPage,
        "/checkout/delivery": DeliveryPage,
        "/checkout/payment": PaymentPage,
        "/checkout/review": ReviewPage,
        "/checkout/attempts": AttemptPage,
        "/orders/": OrderPage,
        "/mail": MailboxPage,
    }
    kind = next((kind for beginning, kind in kinds.items() if path.startswith(beginning)), HomePage)
    return kind(page, scripts)
