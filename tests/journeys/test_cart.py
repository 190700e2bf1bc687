"""A cart in the browser: with scripts it changes in place, without them it is the same one. Nothing is sold here."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Locator, Page, Route, expect

from hypermart.qa.browser import Noise
from hypermart.qa.client import QaShop
from hypermart.qa.live import LiveLog

pytestmark = [pytest.mark.browser]


def badge(page: Page) -> Locator:
    return page.get_by_role("banner").get_by_role("link", name=re.compile("^Cart"))


def quantity(page: Page, title: str) -> Locator:
    return page.get_by_label(f"Quantity of {title}")


async def add(page: Page, path: str, number: int = 1) -> None:
    await page.goto(path)
    await page.get_by_label("Quantity").fill(str(number))
    await page.get_by_role("button", name="Add to cart").click()


async def test_what_is_added_is_said_in_place_and_the_badge_counts_it(page: Page, shop: QaShop) -> None:
    await add(page, "/p/full-moon", 2)
    message = page.locator("#added")
    await expect(message).to_be_focused()
    await expect(message).to_contain_text("Added: Full Moon, 21 × 30 cm, Unframed. 2 pieces in your cart, €48.00.")
    assert page.url == f"{shop.base}/p/full-moon"
    await expect(badge(page)).to_have_accessible_name("Cart (2) pieces")
    await page.goto("/c/space")  # a page that is the same for everybody
    await expect(badge(page)).to_have_accessible_name("Cart (2) pieces")
    await add(page, "/p/full-moon")
    await expect(message).to_contain_text("3 pieces")
    await page.go_back()
    await expect(badge(page)).to_have_accessible_name("Cart (3) pieces")


async def test_what_is_typed_wrong_is_said_at_its_field(page: Page) -> None:
    await page.goto("/p/full-moon")
    await page.get_by_label("Quantity").fill("two")
    await page.get_by_role("button", name="Add to cart").click()
    field = page.get_by_label("Quantity")
    await expect(field).to_be_focused()
    await expect(field).to_have_value("two")
    await expect(field).to_have_accessible_description("Error: Enter a whole number from 1 to 999, in digits")


async def test_lines_change_in_place_and_the_focus_goes_on(page: Page, live_log: LiveLog) -> None:
    for path in ("/p/full-moon", "/p/earth", "/p/neptune"):
        await add(page, path)
        await expect(page.locator("#added")).to_be_focused()
    await badge(page).click()
    await quantity(page, "Full Moon").fill("3")
    await page.get_by_role("button", name="Update cart").click()
    await expect(page.get_by_role("button", name="Update cart")).to_be_focused()
    await expect(page.get_by_role("heading", name="5 pieces")).to_be_visible()
    await live_log.heard("Cart updated. Total €120.00.")
    await page.get_by_role("button", name="Remove Earth").click()
    await expect(page.get_by_role("link", name="Neptune", exact=True)).to_be_focused()
    await page.get_by_role("button", name="Remove Neptune").click()
    await expect(page.get_by_role("heading", level=1, name="Your cart")).to_be_focused()
    await expect(badge(page)).to_have_accessible_name("Cart (3) pieces")
    await quantity(page, "Full Moon").fill("-1")
    await quantity(page, "Full Moon").press("Enter")
    await expect(page.get_by_role("alert")).to_be_focused()
    await expect(quantity(page, "Full Moon")).to_have_value("-1")
    await page.get_by_role("button", name="Save for later Full Moon").click()
    await expect(page.get_by_role("heading", name="Saved for later")).to_be_visible()
    await expect(badge(page)).to_have_accessible_name("Cart")


async def test_a_change_that_cannot_be_sent_keeps_what_was_typed(page: Page, noise: Noise) -> None:
    noise.expects("status of 503|ERR_INTERNET_DISCONNECTED|htmx:error")

    async def fail(route: Route) -> None:
        await route.fulfill(status=503, content_type="text/html", body="<p>Busy")

    await add(page, "/p/full-moon")
    await expect(page.locator("#added")).to_be_focused()
    await page.goto("/cart")
    for break_ in (lambda: page.route("**/cart", fail), lambda: page.context.set_offline(True)):
        await break_()
        await quantity(page, "Full Moon").fill("4")
        await page.get_by_role("button", name="Update cart").click()
        notice = page.get_by_role("alert")
        await expect(notice).to_have_text("Not saved: the shop did not answer. Please try again in a moment.")
        await expect(quantity(page, "Full Moon")).to_have_value("4")
        await notice.evaluate("(each) => each.remove()")
        await page.unroute("**/cart")


async def test_a_refusal_is_shown_as_the_page_that_it_is(page: Page) -> None:
    await page.goto("/p/full-moon")
    await page.locator("input[name=variant]").evaluate("(field) => { field.value = '999999999'; }")
    await page.get_by_role("button", name="Add to cart").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Page not found")


async def test_the_estimate_changes_the_summary_and_leaves_the_lines_alone(page: Page, shop: QaShop) -> None:
    await add(page, "/p/full-moon")
    await expect(page.locator("#added")).to_be_focused()
    await page.goto("/cart")
    await quantity(page, "Full Moon").fill("7")
    await page.get_by_label("Delivery to").select_option("United States")
    await page.get_by_role("button", name="Show delivery").click()
    await expect(page.get_by_role("row", name="Export, no VAT")).to_be_visible()
    await expect(page).to_have_url(f"{shop.base}/cart?country=US")
    await expect(quantity(page, "Full Moon")).to_have_value("7")
    await expect(page.get_by_role("button", name="Show delivery")).to_be_focused()


@pytest.mark.parametrize("scripts", [False], ids=["nojs"])
@pytest.mark.usefixtures("viewport", "scripts")
async def test_without_scripts_it_is_the_same_cart(page: Page) -> None:
    await add(page, "/p/full-moon", 2)
    await expect(page).to_have_url(re.compile(r"/cart\?added="))
    await expect(page.locator("#added")).to_contain_text("Full Moon, 21 × 30 cm, Unframed, is in your cart.")
    await expect(badge(page)).to_have_accessible_name("Cart (2) pieces")
    await quantity(page, "Full Moon").fill("1.5")
    await page.get_by_role("button", name="Update cart").click()
    await expect(page).to_have_title(re.compile("^Error: Your cart"))
    await page.get_by_role("alert").get_by_role("link").click()
    await expect(quantity(page, "Full Moon")).to_have_value("1.5")
    await quantity(page, "Full Moon").fill("5")
    await quantity(page, "Full Moon").press("Enter")
    await expect(page.get_by_role("heading", name="5 pieces")).to_be_visible()
    await page.get_by_role("button", name="Save for later Full Moon").click()
    await page.get_by_role("button", name="Move to cart Full Moon").click()
    await page.get_by_role("button", name="Remove Full Moon").click()
    await expect(page.get_by_text("Nothing is in your cart.")).to_be_visible()
