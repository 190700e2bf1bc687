"""The cart's island: what is changed shows at once, is saved, and can be undone; focus and words as without it."""

from __future__ import annotations

import asyncio

import pytest
from playwright.async_api import Browser, Route, expect

from hypermart.qa.checks import layout_complaints
from tests.islands.shopping import (
    EARTH,
    MOON,
    NEPTUNE,
    badge,
    cart_with,
    fewer,
    heard,
    more,
    quantity,
    saved,
    shopping,
    shows,
)
from tests.islands.watching import ready
from tests.parts.selling_site import SellingSite

pytestmark = [pytest.mark.browser]
PLACE = "(each) => [each.getBoundingClientRect().x, each.getBoundingClientRect().y + scrollY]"


async def test_steppers_change_sums_before_the_server_answers(browser: Browser, till: SellingSite) -> None:
    async with shopping(browser, till.base) as page:
        await cart_with(page, MOON, EARTH)
        go = asyncio.Event()
        sent: list[str] = []

        async def wait(route: Route) -> None:
            sent.append(route.request.post_data or "")
            await go.wait()
            await route.continue_()

        await page.route("**/cart", wait)
        for _ in range(3):
            await more(page, "Full Moon").click()
        await expect(quantity(page, "Full Moon")).to_have_value("4")
        await shows(page, 5, "€120.00")
        await expect(page.locator(".sum").first).to_have_text("Together €96.00")
        await fewer(page, "Full Moon").click()
        await shows(page, 4, "€96.00")
        assert await saved(page) == {"Full Moon": 1, "Earth": 1}
        go.set()
        await ready(page)
        assert await saved(page) == {"Full Moon": 3, "Earth": 1}
        assert ["=2&" in sent[0], "=3&" in sent[1]] == [True, True], "one on its way, and then only the latest"
        assert len(sent) == 2
        await expect(badge(page)).to_have_accessible_name("Cart (4) pieces")
        await expect(fewer(page, "Full Moon")).to_be_focused()
        await heard(page, "Cart updated. Total €96.00.")


async def test_a_typed_quantity_counts_at_once_and_is_saved_when_its_field_is_left(
    browser: Browser, till: SellingSite
) -> None:
    async with shopping(browser, till.base) as page:
        await cart_with(page, MOON, EARTH)
        await quantity(page, "Earth").fill("10")
        await shows(page, 11, "€264.00")
        assert (await saved(page))["Earth"] == 1
        await page.keyboard.press("Tab")
        await expect(fewer(page, "Earth")).to_be_focused()
        await ready(page)
        assert (await saved(page))["Earth"] == 10
        await quantity(page, "Earth").fill("many")
        await page.keyboard.press("Tab")
        await ready(page)
        await expect(quantity(page, "Earth")).to_have_value("many")
        await expect(page.get_by_role("alert")).to_have_count(0)
        await shows(page, 11, "€264.00")


async def test_what_is_refused_is_said_as_the_server_says_it(browser: Browser, till: SellingSite) -> None:
    async with shopping(browser, till.base) as page:
        await cart_with(page, MOON, EARTH)
        await quantity(page, "Earth").fill("1.5")
        await page.keyboard.press("Enter")
        summary = page.get_by_role("alert", name="There is a problem")
        await expect(summary).to_be_focused()
        await expect(summary).to_contain_text("Earth: Enter a whole number from 0 to 999, in digits")
        field = quantity(page, "Earth")
        await expect(field).to_have_value("1.5")
        await expect(field).to_have_accessible_description("Error: Enter a whole number from 0 to 999, in digits")
        await summary.get_by_role("link").click()
        await expect(field).to_be_focused()
        await field.fill("2")
        await page.keyboard.press("Enter")
        await expect(summary).to_have_count(0)
        await expect(field).to_be_focused()
        await shows(page, 3, "€72.00")


async def test_a_removed_line_comes_back_by_undo(browser: Browser, till: SellingSite) -> None:
    async with shopping(browser, till.base) as page:
        await cart_with(page, MOON, EARTH, NEPTUNE, quantity=2)
        await page.get_by_role("button", name="Remove Earth").click()
        await expect(page.get_by_role("link", name="Neptune", exact=True)).to_be_focused()
        undo = page.get_by_role("button", name="Undo removing Earth")
        await expect(page.locator("#said")).to_contain_text("removed. Total €96.00.")
        await ready(page)
        assert await saved(page) == {"Full Moon": 2, "Neptune": 2}
        await page.wait_for_function("() => window.said.length === 1")
        await undo.click()
        await expect(page.get_by_role("link", name="Earth", exact=True)).to_be_focused()
        await ready(page)
        assert await saved(page) == {"Full Moon": 2, "Neptune": 2, "Earth": 2}
        await shows(page, 6, "€144.00")
        await expect(badge(page)).to_have_accessible_name("Cart (6) pieces")
        await expect(undo).to_have_count(0)
        await page.wait_for_function("() => window.said.length === 2")
        said = await page.evaluate("() => window.said")
        assert [words.rpartition(" ")[2] for words in said] == ["€96.00.", "€144.00."]
        assert said[1].startswith("Earth is back in your cart.")


async def test_the_last_line_goes_and_comes_back(browser: Browser, till: SellingSite) -> None:
    async with shopping(browser, till.base) as page:
        await cart_with(page, MOON, quantity=3)
        await quantity(page, "Full Moon").fill("0")
        await page.keyboard.press("Tab")
        await expect(page.get_by_text("Nothing is in your cart. Look round:")).to_be_visible()
        await expect(page.get_by_role("main").get_by_role("link", name="Paintings & Prints")).to_be_visible()
        await ready(page)
        assert await saved(page) == {}
        await page.get_by_role("button", name="Undo removing Full Moon").click()
        await shows(page, 3, "€72.00")
        await expect(page.get_by_role("link", name="Full Moon", exact=True)).to_be_focused()


async def test_lines_are_set_aside_and_moved_back(browser: Browser, till: SellingSite) -> None:
    async with shopping(browser, till.base) as page:
        await cart_with(page, MOON, EARTH)
        await page.get_by_role("button", name="Save for later Full Moon").click()
        await expect(page.get_by_role("heading", name="Saved for later")).to_be_visible()
        await shows(page, 1, "€24.00")
        await expect(page.get_by_role("link", name="Earth", exact=True)).to_be_focused()
        await ready(page)
        await page.get_by_role("button", name="Move to cart Full Moon").click()
        await shows(page, 2, "€48.00")
        await ready(page)
        await expect(page.get_by_role("heading", level=1)).to_be_focused()
        assert await saved(page) == {"Full Moon": 1, "Earth": 1}


async def test_the_estimate_is_asked_for_in_place(browser: Browser, till: SellingSite) -> None:
    async with shopping(browser, till.base) as page:
        await cart_with(page, MOON)
        await page.get_by_label("Delivery to").select_option("United States")
        await page.get_by_role("button", name="Show delivery").click()
        await expect(page.get_by_role("row", name="Export, no VAT")).to_be_visible()
        await expect(page).to_have_url(f"{till.base}/cart?country=US")
        await expect(page.get_by_role("button", name="Show delivery")).to_be_focused()
        await more(page, "Full Moon").click()
        await ready(page)
        await expect(page.get_by_role("row", name="Export, no VAT")).to_be_visible()
        await shows(page, 2, "€48.00")


async def test_keys_alone_do_it_all(browser: Browser, till: SellingSite) -> None:
    async with shopping(browser, till.base) as page:
        await cart_with(page, MOON, EARTH)
        await quantity(page, "Full Moon").focus()
        for key in ("Tab", "Tab", "Enter", "Space"):
            await page.keyboard.press(key)
        await expect(quantity(page, "Full Moon")).to_have_value("3")
        await expect(more(page, "Full Moon")).to_be_focused()
        await page.keyboard.press("Shift+Tab")
        await page.keyboard.press("Space")
        await page.keyboard.press("Space")
        await page.keyboard.press("Space")
        await expect(quantity(page, "Full Moon")).to_have_value("1")
        await expect(fewer(page, "Full Moon")).to_be_focused()
        await expect(fewer(page, "Full Moon")).to_have_attribute("aria-disabled", "true")
        await ready(page)
        assert await saved(page) == {"Full Moon": 1, "Earth": 1}


@pytest.mark.parametrize("width", [320, 360, 1280])
async def test_it_fits(browser: Browser, till: SellingSite, width: int) -> None:
    async with shopping(browser, till.base, width) as page:
        await cart_with(page, MOON, EARTH, quantity=999)
        assert await layout_complaints(page) == []
        before = await more(page, "Full Moon").evaluate(PLACE)
        await fewer(page, "Full Moon").click()
        await ready(page)
        assert await more(page, "Full Moon").evaluate(PLACE) == before, "the stepper is still under the finger"
        await page.get_by_role("button", name="Remove Earth").click()
        await expect(page.get_by_role("button", name="Undo removing Earth")).to_be_visible()
        assert await layout_complaints(page) == []
