"""Whatever happens to scripts or connection: the forms work, what was typed stays, and nothing is saved twice."""

from __future__ import annotations

import asyncio
import re

import pytest
from playwright.async_api import Browser, Page, Route, expect

from hypermart.qa.browser import opened_page
from tests.islands.shopping import (
    EARTH,
    MOON,
    NOT_SAVED,
    cart_with,
    more,
    put,
    quantity,
    saved,
    shopping,
    shows,
)
from tests.islands.watching import ready
from tests.parts.selling_site import SellingSite

pytestmark = [pytest.mark.browser]


async def update(page: Page, number: int) -> None:
    await quantity(page, "Full Moon").fill(str(number))
    await page.get_by_role("button", name="Update cart").click()


@pytest.mark.parametrize("file", ["cart.js", "react.js"])
@pytest.mark.parametrize("how", ["blocked", "500", "garbage"])
async def test_without_the_script_htmx_serves_the_cart(
    browser: Browser, till: SellingSite, file: str, how: str
) -> None:
    async def spoil(route: Route) -> None:
        if how == "blocked":
            await route.abort()
        elif how == "500":
            await route.fulfill(status=500, body="broken")
        else:
            await route.fulfill(status=200, content_type="text/javascript", body="import from nowhere (")

    async with opened_page(browser, till.base) as (page, _):
        await page.route(f"**/dist/{file}", spoil)
        await put(page, MOON, EARTH)
        await page.goto("/cart")
        await ready(page)
        await expect(page.locator("[data-mounted]")).to_have_count(0)
        await update(page, 3)
        await shows(page, 4, "€96.00")
        await ready(page)
        await page.get_by_role("button", name="Remove Earth").click()
        await shows(page, 3, "€72.00")
        assert await saved(page) == {"Full Moon": 3}
        await page.get_by_role("link", name="Check out").click()
        await expect(page.get_by_role("heading", level=1)).to_have_text("Address")


async def test_a_script_that_takes_long_is_not_waited_for(browser: Browser, till: SellingSite) -> None:
    async with opened_page(browser, till.base) as (page, _):
        go = asyncio.Event()

        async def wait(route: Route) -> None:
            await go.wait()
            await route.continue_()

        await page.route("**/dist/react.js", wait)
        await put(page, MOON, EARTH)
        await page.goto("/cart", wait_until="commit")
        await update(page, 3)
        await shows(page, 4, "€96.00")
        await quantity(page, "Full Moon").fill("7")
        go.set()
        await expect(page.locator("#cart[data-mounted]")).to_be_attached(timeout=9_000)
        await expect(quantity(page, "Full Moon")).to_have_value("7")
        await expect(quantity(page, "Full Moon")).to_be_focused()
        await more(page, "Earth").click()
        await ready(page)
        assert await saved(page) == {"Full Moon": 7, "Earth": 2}


CORRUPT = """addEventListener('DOMContentLoaded', () => {
  const seed = document.querySelector('#cart script');
  if (seed) seed.textContent = %s;
});"""


@pytest.mark.parametrize("seed", ["'{'", "'{\"lines\": [{}]}'", "'null'"])
async def test_a_bad_seed_leaves_the_servers_page(browser: Browser, till: SellingSite, seed: str) -> None:
    async with opened_page(browser, till.base) as (page, noise):
        await page.add_init_script(CORRUPT % seed)
        await put(page, MOON, EARTH)
        await page.goto("/cart")
        await expect(page.locator("#cart[data-failed]")).to_be_attached()
        assert noise.console, "whoever looks after the shop can see it"
        await update(page, 3)
        await shows(page, 4, "€96.00")
        await expect(page.locator("[data-mounted]")).to_have_count(0)


async def test_an_error_later_gives_the_form_back_with_all_that_was_done(browser: Browser, till: SellingSite) -> None:
    """An answer that no component can render."""

    async def spoil(route: Route) -> None:
        if route.request.method != "POST":
            await route.continue_()
            return
        answer = await route.fetch()
        body = await answer.json()
        await route.fulfill(response=answer, json=body | {"lines": [{"id": 1}], "version": body["version"] + 1})

    async with opened_page(browser, till.base) as (page, noise):
        await cart_with(page, MOON, EARTH)
        await more(page, "Full Moon").click()
        await ready(page)
        await page.route("**/cart", spoil)
        await quantity(page, "Earth").focus()
        await page.keyboard.press("Control+A")
        await page.keyboard.type("5")
        await page.keyboard.press("Enter")
        await expect(page.locator("#cart[data-failed], #cart:not([data-mounted])")).to_be_attached()
        await page.unroute("**/cart")
        assert noise.console
        await expect(quantity(page, "Full Moon")).to_have_value("2")
        await expect(quantity(page, "Earth")).to_have_value("5")
        await page.get_by_role("button", name="Update cart").click()
        await shows(page, 7, "€168.00")
        assert await saved(page) == {"Full Moon": 2, "Earth": 5}
        await expect(page.locator("[data-mounted]")).to_have_count(0)


@pytest.mark.parametrize("how", ["offline", "500", "html"])
async def test_what_cannot_be_saved_is_taken_back_and_said(browser: Browser, till: SellingSite, how: str) -> None:
    async def fail(route: Route) -> None:
        await route.fulfill(status=503 if how == "500" else 200, content_type="text/html", body="<p>Sign in")

    async with shopping(browser, till.base) as page:
        await cart_with(page, MOON, EARTH)
        await (page.context.set_offline(True) if how == "offline" else page.route("**/cart", fail))
        await more(page, "Full Moon").click()
        alert = page.get_by_role("alert")
        await expect(alert).to_have_text(NOT_SAVED)
        await shows(page, 2, "€48.00")
        await expect(quantity(page, "Full Moon")).to_have_value("1")
        await quantity(page, "Earth").fill("8")
        await page.get_by_role("button", name="Update cart").click()
        await shows(page, 2, "€48.00")
        await expect(quantity(page, "Earth")).to_have_value("8")
        await page.get_by_role("button", name="Remove Full Moon").click()
        await expect(page.get_by_role("link", name="Full Moon", exact=True)).to_be_visible()
        await ready(page)
        await (page.context.set_offline(False) if how == "offline" else page.unroute("**/cart"))
        assert await saved(page) == {"Full Moon": 1, "Earth": 1}
        await page.get_by_role("button", name="Update cart").click()
        await shows(page, 9, "€216.00")
        await expect(alert).to_have_count(0)
        assert await saved(page) == {"Full Moon": 1, "Earth": 8}


@pytest.mark.parametrize("status", [403, 409, 413, 429])
async def test_a_refusal_is_shown_as_the_page_that_it_is(browser: Browser, till: SellingSite, status: int) -> None:
    async def refuse(route: Route) -> None:
        body = f"<!doctype html><title>No</title><h1>No, {status}</h1>"
        await route.fulfill(status=status, content_type="text/html", body=body)

    async with opened_page(browser, till.base) as (page, _):
        await cart_with(page, MOON, EARTH)
        await page.route(re.compile(r"/cart$"), refuse)
        async with page.expect_navigation():
            await more(page, "Full Moon").click()
        await expect(page.get_by_role("heading", level=1)).to_have_text(f"No, {status}")


HURRY = "AbortSignal.timeout = ((real) => () => real.call(AbortSignal, 400))(AbortSignal.timeout)"


async def test_an_answer_that_never_comes_is_given_up(browser: Browser, till: SellingSite) -> None:
    async with shopping(browser, till.base) as page:
        await page.add_init_script(HURRY)
        await cart_with(page, MOON)
        await page.route("**/cart", lambda _: None)
        await more(page, "Full Moon").click()
        await shows(page, 2, "€48.00")
        await expect(page.get_by_role("alert")).to_have_text(NOT_SAVED)
        await shows(page, 1, "€24.00")
