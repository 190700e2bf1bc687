"""The pages of an account in a customer's words: open one, sign in and out, orders."""

from __future__ import annotations

import re

from playwright.async_api import Locator, expect

from hypermart.qa.pages_buying import BuyingPage

PASSWORD = "purple kettle on the moon"  # noqa: S105  (of a journey)


class SignInPage(BuyingPage):
    async def open(self) -> SignInPage:
        await self.page.get_by_role("banner").get_by_role("link", name="Account").click()
        return await self.arrived()

    async def arrived(self) -> SignInPage:
        await self.has_heading("Sign in")
        return self

    async def type(self, email: str, password: str = PASSWORD) -> None:
        await self.page.get_by_label("E-mail address").fill(email)
        await self.page.get_by_label("Password", exact=True).fill(password)
        await self.press("Sign in")

    async def sign_in(self, email: str, password: str = PASSWORD) -> AccountPage:
        await self.type(email, password)
        return await AccountPage(self.page, self.scripts).arrived()

    async def go_to_register(self) -> RegisterPage:
        await self.page.get_by_role("link", name="Open one").click()
        await self.has_heading("Open an account")
        return RegisterPage(self.page, self.scripts)


class RegisterPage(BuyingPage):
    async def register(self, name: str, email: str, password: str = PASSWORD) -> SignInPage:
        """The page says the same, whether the address was new or not; the mail says which."""
        await self.page.get_by_label("Full name").fill(name)
        await self.page.get_by_label("E-mail address").fill(email)
        await self.page.get_by_label("Password", exact=True).fill(password)
        await self.press("Open an account")
        await expect(self.page.get_by_text("We have sent a mail to the address that you gave")).to_be_visible()
        return await SignInPage(self.page, self.scripts).arrived()


class AccountPage(BuyingPage):
    async def arrived(self) -> AccountPage:
        await self.has_heading("Your account")
        return self

    async def go_to(self, name: str, heading: str) -> AccountPage:
        """By the links of the account: Overview, Orders, Addresses, Password."""
        links = self.page.get_by_role("navigation", name="Account")
        await links.get_by_role("link", name=name, exact=True).click()
        await self.has_heading(heading)
        return self

    def orders(self) -> Locator:
        return self.page.get_by_role("link", name=re.compile(r"^Order \d+$"))

    async def sign_out(self) -> SignInPage:
        await self.press("Sign out")
        return await SignInPage(self.page, self.scripts).arrived()
