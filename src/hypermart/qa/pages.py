"""The pages of the shop in shoppers' words. Everything is found by its role and name; nothing sleeps."""

from __future__ import annotations

import re
from dataclasses import dataclass

from playwright.async_api import Locator, Page, expect


@dataclass(frozen=True)
class ShopPage:
    """What every page has. `scripts` is whether the browser runs JavaScript."""

    page: Page
    scripts: bool = True

    async def unfold(self, summary: str) -> None:
        """On narrow screens some parts are folded."""
        fold = self.page.get_by_text(summary, exact=True)
        if await fold.is_visible() and not await fold.locator("..").evaluate("(fold) => fold.open"):
            await fold.click()

    async def go_to_department(self, name: str) -> ListPage:
        await self.unfold("Departments")
        departments = self.page.get_by_role("navigation", name="Departments")
        await departments.get_by_role("link", name=name, exact=True).click()
        await expect(self.page.get_by_role("heading", level=1, name=name)).to_be_visible()
        return ListPage(self.page, self.scripts)

    async def search_for(self, words: str) -> ListPage:
        await self.page.get_by_role("searchbox", name="Search the shop").fill(words)
        await self.page.get_by_role("button", name="Search", exact=True).click()
        await expect(self.page.get_by_role("heading", level=1)).to_contain_text(words)
        return ListPage(self.page, self.scripts)


class HomePage(ShopPage):
    async def open(self) -> HomePage:
        await self.page.goto("/")
        return self


class ListPage(ShopPage):
    async def open(self, path: str) -> ListPage:
        await self.page.goto(path)
        return self

    @property
    def count(self) -> Locator:
        """The heading of the results: "38 products"."""
        return self.page.get_by_role("heading", level=2, name=re.compile(r"^(\d+|No) products?$"))

    @property
    def region(self) -> Locator:
        return self.page.locator("#results")

    def box(self, value: str) -> Locator:
        return self.page.get_by_role("checkbox", name=re.compile(rf"^{re.escape(value)} \(\d+\)$"))

    def chip(self, label: str) -> Locator:
        chips = self.page.get_by_role("list", name="Applied filters")
        return chips.get_by_role("link", name=re.compile(rf"^Remove {re.escape(label)}"))

    async def tick(self, group: str, value: str) -> None:
        """The list shows only `value`, and says so with a chip. Without JavaScript the button is pressed."""
        await self.unfold("Filter and sort")
        await self.box(value).check()
        if not self.scripts:
            await self.page.get_by_role("button", name="Apply filters").click()
        await expect(self.chip(f"{group}: {value}")).to_be_visible()

    async def take_off(self, label: str) -> None:
        await self.chip(label).click()
        await expect(self.chip(label)).to_have_count(0)

    async def go_to_page(self, number: int) -> None:
        pages = self.page.get_by_role("navigation", name="Pages")
        await pages.get_by_role("link", name=f"Page {number}", exact=True).click()
        await expect(pages.get_by_text(f"Page {number}", exact=True)).to_have_attribute("aria-current", "page")

    def products(self) -> Locator:
        return self.region.get_by_role("heading", level=3)

    async def open_product(self, title: str) -> ProductPage:
        await self.region.get_by_role("link", name=title, exact=True).click()
        await expect(self.page.get_by_role("heading", level=1, name=title)).to_be_visible()
        return ProductPage(self.page, self.scripts)


class ProductPage(ShopPage):
    async def open(self, path: str) -> ProductPage:
        await self.page.goto(path)
        return self

    def option(self, group: str, value: str) -> Locator:
        return self.page.get_by_role("group", name=group).get_by_role("radio", name=value)

    async def choose(self, **values: str) -> None:
        """choose(Size="30 × 40 cm", Frame="Oak frame"): price and stock are of that variant."""
        for group, value in values.items():
            await self.option(group, value).check()
            if self.scripts:
                await expect(self.version).to_contain_text(value)
        if not self.scripts:
            await self.page.get_by_role("button", name="Update").click()
        for value in values.values():
            await expect(self.version).to_contain_text(value)

    async def add_to_cart(self, quantity: int = 1) -> None:
        """Of the chosen version. With JavaScript the page stays; without, the cart says what was added."""
        await self.page.get_by_label("Quantity").fill(str(quantity))
        await self.page.get_by_role("button", name="Add to cart").click()
        await expect(self.added).to_be_visible()

    @property
    def added(self) -> Locator:
        """The message that says what is in the cart now."""
        return self.page.locator("#added")

    @property
    def version(self) -> Locator:
        return self.page.locator("#version")

    @property
    def price(self) -> Locator:
        return self.page.locator("#price")
