"""The island of checkout: totals, delivery and what happens next are live beside a form that works without it."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Browser, Locator, Page, Route, expect

from hypermart.qa.browser import opened_page
from hypermart.qa.checks import layout_complaints, violations
from hypermart.qa.pages_buying import ADA, AddressPage
from tests.islands.shopping import EARTH, MOON, NOT_SAVED, put, shopping
from tests.islands.watching import mounted, ready
from tests.parts.selling_site import SellingSite

pytestmark = [pytest.mark.browser]


def total(page: Page) -> Locator:
    return page.locator(".totals .total td")


def way(page: Page, name: str) -> Locator:
    return page.get_by_role("radio", name=re.compile(f"^{name}"))


async def at_address(page: Page) -> AddressPage:
    await put(page, MOON)
    await page.goto("/checkout/address")
    await mounted(page)
    return AddressPage(page)


async def at_delivery(page: Page) -> None:
    address = await at_address(page)
    await address.type(ADA)
    await address.go_on()
    await mounted(page)


async def chosen(page: Page, step: str) -> str:
    """What the shop has saved."""
    answer = await page.request.get(f"/checkout/{step}", headers={"accept": "application/json"})
    return str((await answer.json())["chosen"])


async def test_a_way_of_delivery_shows_in_the_total_at_once_and_is_saved(browser: Browser, till: SellingSite) -> None:
    async with shopping(browser, till.base) as page:
        await at_delivery(page)
        await expect(total(page)).to_have_text("€24.00")
        await way(page, "Standard").check()
        await expect(total(page)).to_have_text("€27.90")
        await ready(page)
        assert await chosen(page, "delivery") == "standard"
        await way(page, "Express").check()
        await expect(total(page)).to_have_text("€43.90")
        await way(page, "Pick up").check()
        await expect(total(page)).to_have_text("€24.00")
        await expect(page.get_by_role("row", name=re.compile("^Delivery"))).to_contain_text("free")
        await ready(page)
        assert await chosen(page, "delivery") == "pickup"
        await page.get_by_role("button", name="Continue").click()
        await expect(page.get_by_role("heading", level=1)).to_have_text("Payment")


async def test_what_cannot_be_saved_is_taken_back_and_continue_still_sends_it(
    browser: Browser, till: SellingSite
) -> None:
    async def fail(route: Route) -> None:
        await route.fulfill(status=503, body="busy")

    async with shopping(browser, till.base) as page:
        await at_delivery(page)
        await page.route("**/checkout/delivery", fail)
        await way(page, "Standard").check()
        await expect(page.get_by_role("alert")).to_have_text(NOT_SAVED)
        await expect(total(page)).to_have_text("€24.00")
        await expect(way(page, "Standard")).to_be_checked()
        await page.unroute("**/checkout/delivery")
        await page.get_by_role("button", name="Continue").click()
        await expect(page.get_by_role("heading", level=1)).to_have_text("Payment")
        await expect(total(page)).to_have_text("€27.90")


async def test_what_happens_next_follows_the_payment_and_moves_nothing(browser: Browser, till: SellingSite) -> None:
    async with shopping(browser, till.base) as page:
        await at_delivery(page)
        await way(page, "Standard").check()
        await page.get_by_role("button", name="Continue").click()
        await expect(page.get_by_role("heading", level=1)).to_have_text("Payment")
        await mounted(page)
        slot, button = page.locator("#payment-slot"), page.get_by_role("button", name="Continue")
        await expect(slot).to_have_text("You pay nothing yet: first you see your whole order.")
        places = []
        for name, words in {
            "Card": "Our payment provider's page opens when you place it.",
            "Bank transfer": "Our account is shown when you have placed it.",
            "Invoice": "The invoice comes when you have placed it.",
        }.items():
            await way(page, name).check()
            await expect(slot).to_contain_text(words)
            places.append(await button.bounding_box())
        assert all(place == places[0] for place in places)
        await ready(page)
        assert await chosen(page, "payment") == "invoice"
        await page.reload()
        await expect(slot).to_contain_text("The invoice comes when you have placed it.")


async def test_another_country_shows_what_delivery_costs_there(browser: Browser, till: SellingSite) -> None:
    async with shopping(browser, till.base) as page:
        await at_address(page)
        order = page.get_by_role("complementary", name="Your order")
        await expect(order.get_by_role("heading", name="Delivery to Germany")).to_be_visible()
        await expect(order.get_by_text("Standard: €3.90")).to_be_visible()
        await page.get_by_label("Full name").fill("Zoë")
        await page.get_by_label("Country").select_option("United States")
        await expect(order.get_by_role("heading", name="Delivery to United States")).to_be_visible()
        await expect(order.get_by_text("International parcel: €19.90")).to_be_visible()
        await expect(order.get_by_role("row", name="Export, no VAT")).to_be_visible()
        await expect(page.get_by_label("State")).to_be_visible()
        await expect(page.get_by_label("Full name")).to_have_value("Zoë")


async def test_slips_in_an_address_are_asked_about_and_never_forbidden(browser: Browser, till: SellingSite) -> None:
    async with shopping(browser, till.base, 320) as page:
        address = await at_address(page)
        email, postcode = address.field("E-mail address"), address.field("Postcode")
        below = page.get_by_label("Write to me about news")
        before = await below.evaluate("(each) => each.getBoundingClientRect().y + scrollY")
        await email.fill("ada@gmial.com")
        await postcode.focus()
        ask = page.get_by_role("button", name="Did you mean ada@gmail.com?")
        await expect(email).to_have_accessible_description(re.compile("Did you mean ada@gmail.com?"))
        await postcode.fill("123")
        await address.field("Town or city").focus()
        hint = page.locator("p.help")
        await expect(hint).to_have_text("Postcodes in Germany look like 26133")
        assert await layout_complaints(page) == []
        assert await below.evaluate("(each) => each.getBoundingClientRect().y + scrollY") == before
        assert await page.locator("[aria-invalid]").count() == 0
        await ask.click()
        await expect(email).to_have_value("ada@gmail.com")
        await expect(email).to_be_focused()
        await expect(ask).to_have_count(0)
        await postcode.fill("10 119")
        await address.field("Town or city").focus()
        await expect(hint).to_have_count(0)


async def test_help_survives_another_country(browser: Browser, till: SellingSite) -> None:
    async with shopping(browser, till.base) as page:
        address = await at_address(page)
        await address.field("Postcode").fill("10119")
        await address.field("Town or city").focus()
        await page.get_by_label("Country").select_option("Netherlands")
        await expect(page.locator("p.help")).to_contain_text("Postcodes in Netherlands look like")
        await address.field("Postcode").fill("1012 AB")
        await address.field("Town or city").focus()
        await expect(page.locator("p.help")).to_have_count(0)


async def test_it_is_accessible_with_its_hints(browser: Browser, till: SellingSite) -> None:
    async with opened_page(browser, till.base, width=360, bypass_csp=True) as (page, _):
        address = await at_address(page)
        await address.type({"E-mail address": "ada@gmial.com", "Postcode": "1"})
        await address.field("Town or city").focus()
        await expect(page.get_by_role("button", name=re.compile("^Did you mean"))).to_be_visible()
        for theme in ("light", "dark"):
            await page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
            assert await violations(page) == []


async def test_another_tab_changes_the_order(browser: Browser, till: SellingSite) -> None:
    async with opened_page(browser, till.base) as (page, _):
        await at_delivery(page)
        await way(page, "Standard").check()
        await ready(page)
        other = await page.context.new_page()
        await other.goto(EARTH)
        await other.get_by_role("button", name="Add to cart").click()
        await expect(total(page)).to_have_text("€51.90")
        await expect(page.locator(".bought-lines > li")).to_have_count(2)
        await other.goto("/cart")
        await mounted(other)
        await expect(other.locator(".totals .total td")).to_have_text("€51.90")
        await way(page, "Express").check()
        await expect(other.locator(".totals .total td")).to_have_text("€67.90")
        for name in ("Remove Earth", "Remove Full Moon"):
            await other.get_by_role("button", name=name).click()
        await expect(page.get_by_text("Your order has changed meanwhile.")).to_be_visible()
        await page.get_by_role("link", name="Show this page anew").click()
        await expect(page.get_by_role("heading", level=1)).to_have_text("Your cart")


@pytest.mark.parametrize("file", ["checkout.js", "react.js"])
async def test_without_the_script_the_steps_are_as_ever(browser: Browser, till: SellingSite, file: str) -> None:
    async with opened_page(browser, till.base) as (page, _):
        await page.route(f"**/dist/{file}", lambda route: route.abort())
        await put(page, MOON)
        await page.goto("/checkout/address")
        await ready(page)
        address = AddressPage(page)
        await address.type(ADA)
        payment = await (await address.go_on()).choose("Standard")
        review = await payment.choose("Invoice")
        assert await review.total() == 27_90


async def test_a_bad_seed_leaves_the_servers_page(browser: Browser, till: SellingSite) -> None:
    async with opened_page(browser, till.base) as (page, noise):
        await put(page, MOON)
        await page.add_init_script(
            "addEventListener('DOMContentLoaded', () => { const seed = document.querySelector('#order script');"
            " if (seed) seed.textContent = '{}'; });"
        )
        await page.goto("/checkout/address")
        await expect(page.locator("#order[data-failed]")).to_be_attached()
        assert noise.console
        await expect(total(page)).to_have_text("€24.00")
        address = AddressPage(page)
        await address.type(ADA)
        payment = await (await address.go_on()).choose("Express")
        await payment.has_heading("Payment")
