"""Several tabs, islands and htmx: badge and totals stay in step, and what is older never replaces what is newer."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from playwright.async_api import Browser, Page, Route, expect

from hypermart.qa.browser import opened_page
from tests.islands.shopping import EARTH, MOON, badge, cart_with, more, put, quantity, saved, shopping, shows
from tests.islands.watching import mounted, ready
from tests.parts.selling_site import SellingSite

pytestmark = [pytest.mark.browser]


async def island_tab(page: Page) -> Page:
    other = await page.context.new_page()
    await other.goto("/cart")
    await mounted(other)
    return other


async def htmx_tab(page: Page) -> Page:
    """The same cart where the island's script cannot be had."""
    other = await page.context.new_page()
    await other.route("**/dist/*.js", lambda route: route.abort())
    await other.goto("/cart")
    await ready(other)
    return other


async def test_tabs_follow_each_other_and_a_change_by_htmx(browser: Browser, till: SellingSite) -> None:
    async with opened_page(browser, till.base) as (page, _):
        await cart_with(page, MOON)
        second, plain, product = await island_tab(page), await htmx_tab(page), await page.context.new_page()
        await product.goto(EARTH)
        await more(page, "Full Moon").click()  # island
        for tab in (page, second, plain):
            await shows(tab, 2, "€48.00")
            await expect(quantity(tab, "Full Moon")).to_have_value("2")
        await product.get_by_role("button", name="Add to cart").click()  # htmx on a page without a cart
        for tab in (page, second, plain):
            await shows(tab, 3, "€72.00")
        await quantity(plain, "Earth").fill("4")
        await plain.get_by_role("button", name="Update cart").click()  # htmx on the cart
        for tab in (page, second, plain):
            await shows(tab, 6, "€144.00")
            await expect(quantity(tab, "Earth")).to_have_value("4")
        await second.get_by_role("button", name="Remove Full Moon").click()
        for tab in (page, second, plain):
            await shows(tab, 4, "€96.00")
        for tab in (page, second, plain, product):
            await expect(badge(tab)).to_have_accessible_name("Cart (4) pieces")


async def test_what_somebody_types_is_not_taken_by_another_tab(browser: Browser, till: SellingSite) -> None:
    async with opened_page(browser, till.base) as (page, _):
        await cart_with(page, MOON, EARTH)
        plain = await htmx_tab(page)
        await quantity(page, "Full Moon").fill("5")
        await quantity(plain, "Full Moon").fill("6")
        second = await island_tab(page)
        await more(second, "Earth").click()
        await shows(page, 7, "€168.00")
        await expect(quantity(page, "Full Moon")).to_have_value("5")
        await expect(quantity(page, "Full Moon")).to_be_focused()
        await expect(badge(plain)).to_have_accessible_name("Cart (3) pieces")
        await expect(quantity(plain, "Full Moon")).to_have_value("6")


NEWS = "(news) => document.dispatchEvent(new CustomEvent('shop:cart', { detail: news }))"


async def test_older_news_change_nothing(browser: Browser, till: SellingSite) -> None:
    async with shopping(browser, till.base) as page:
        await cart_with(page, MOON)
        await more(page, "Full Moon").click()
        await ready(page)
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        for elsewhere in (True, False):
            old = {"cart": await _cart(page), "version": 1, "count": 77, "total": 1, "elsewhere": elsewhere}
            await page.evaluate(NEWS, old)
        await ready(page)
        await shows(page, 2, "€48.00")
        await expect(badge(page)).to_have_accessible_name("Cart (2) pieces")
        assert asked == []


async def _cart(page: Page) -> int:
    return int((await _state(page))["cart"])


async def _version(page: Page) -> int:
    return int((await _state(page))["version"])


async def _state(page: Page) -> dict[str, Any]:
    answer = await page.request.get("/cart", headers={"accept": "application/json"})
    state: dict[str, Any] = await answer.json()
    return state


async def test_an_older_answer_never_overwrites_a_newer_one(browser: Browser, till: SellingSite) -> None:
    """The shop answers the first stepper late; meanwhile another tab has changed the cart, and this one knows."""
    async with shopping(browser, till.base) as page:
        await cart_with(page, MOON, EARTH)
        go, answered = asyncio.Event(), asyncio.Event()
        held: list[Any] = []

        async def late(route: Route) -> None:
            if route.request.method != "POST" or held:
                await route.continue_()
                return
            answer = await route.fetch()
            held.append(await answer.json())
            answered.set()
            await go.wait()
            await route.fulfill(response=answer)

        await page.route("**/cart", late)
        await more(page, "Full Moon").click()
        await answered.wait()
        second = await island_tab(page)
        await more(second, "Earth").click()
        await more(second, "Earth").click()
        await ready(second)
        newest = await _version(page)
        assert held[0]["version"] < newest
        go.set()
        await shows(page, 5, "€120.00")
        await ready(page)
        await expect(badge(page)).to_have_accessible_name("Cart (5) pieces")
        assert await saved(page) == {"Full Moon": 2, "Earth": 3}


NEVER = """(words) => {
  window.wrong = 0;
  new MutationObserver(() => { window.wrong += document.body.textContent.includes(words); })
    .observe(document.body, { childList: true, characterData: true, subtree: true });
}"""


async def test_an_answer_of_an_older_state_is_dropped(browser: Browser, till: SellingSite) -> None:
    async with shopping(browser, till.base) as page:
        await cart_with(page, MOON)
        stale = await _state(page)
        stale |= {"version": 0, "count": 77, "lines": [row | {"quantity": 77} for row in stale["lines"]]}

        async def answer_late(route: Route) -> None:
            if route.request.method == "POST":
                await route.fetch()  # the shop has it
                await route.fulfill(json=stale)
            else:
                await route.continue_()

        await page.route("**/cart", answer_late)
        await page.evaluate(NEVER, "77 pieces")
        await more(page, "Full Moon").click()
        await ready(page)
        await shows(page, 2, "€48.00")
        assert await page.evaluate("() => window.wrong") == 0


async def test_an_older_fragment_of_htmx_is_put_right(browser: Browser, till: SellingSite) -> None:
    async with opened_page(browser, till.base) as (page, _):
        await put(page, MOON)
        plain = await htmx_tab(page)
        go = asyncio.Event()

        async def late(route: Route) -> None:
            if route.request.method != "POST":
                await route.continue_()
                return
            answer = await route.fetch()
            await go.wait()
            await route.fulfill(response=answer)

        await plain.route("**/cart", late)
        await quantity(plain, "Full Moon").fill("2")
        await plain.get_by_role("button", name="Update cart").click()
        second = await island_tab(page)
        await quantity(second, "Full Moon").fill("9")
        await second.keyboard.press("Enter")
        await ready(second)
        await expect(badge(plain)).to_have_accessible_name("Cart (9) pieces")
        go.set()
        await shows(plain, 9, "€216.00")
        await ready(plain)
        await expect(badge(plain)).to_have_accessible_name("Cart (9) pieces")
        assert json.dumps(await saved(page)) == '{"Full Moon": 9}'
