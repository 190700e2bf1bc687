"""An island takes its region over unseen: nothing moves, nothing is lost, and assistive technology gets the same."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest
from playwright.async_api import Browser, Page, expect

from hypermart.qa.seeds import arrive
from hypermart.qa.states import STATES, State
from tests.islands.watching import BOXES, go_on, held_page, moved, shifts_since, tree

pytestmark = [pytest.mark.browser]
Shops = Callable[[str], httpx.Client]
STEPS = ("/checkout/address", "/checkout/delivery", "/checkout/payment")
CARTS = tuple(state for state in STATES if state.path.partition("?")[0] == "/cart" and state.is_html)
CHECKOUTS = tuple(state for state in STATES if state.path in STEPS and state.seed == "states")
each = pytest.mark.parametrize("state", [*CARTS, *CHECKOUTS], ids=lambda state: state.name)
NAME = "() => document.activeElement.name || document.activeElement.textContent"
FOCUSED = """() => {
  const { id, selectionStart, selectionEnd, value } = document.activeElement;
  return [id, selectionStart ?? null, selectionEnd ?? null, value ?? null];
}"""


def address(shops: Shops, state: State) -> str:
    return str(shops(state.seed).base_url).rstrip("/")


def test_there_are_states_to_look_at() -> None:
    assert len(CARTS) >= 13
    assert len(CHECKOUTS) >= 10


@each
@pytest.mark.parametrize("width", [320, 1280])
async def test_nothing_moves_and_nothing_changes(state: State, width: int, browser: Browser, shops: Shops) -> None:
    base = address(shops, state)
    async with held_page(browser, base, width=width) as (page, noise):
        await arrive(page, state, base)
        await page.evaluate("() => document.fonts.ready")
        boxes, before = await page.evaluate(BOXES), await tree(page)
        moment = await page.evaluate("() => performance.now()")
        await go_on(page)
        assert await tree(page) == before
        assert moved(boxes, await page.evaluate(BOXES)) == []
        assert await shifts_since(page, moment) == []
        assert [line for line in noise.console if f"status of {state.status}" not in line] == []


@each
async def test_the_focus_stays_where_it_is(state: State, browser: Browser, shops: Shops) -> None:
    """On every control of the region, in turn: each time on a fresh page."""
    base = address(shops, state)
    async with held_page(browser, base) as (page, _):
        await arrive(page, state, base)
        stops = "[data-island] :is(a[href], button, input:not([type=hidden]), select)"
        number = await page.locator(stops).count()
        for place in sorted({0, number // 2, number - 1} if number else ()):
            stop = page.locator(stops).nth(place)
            await stop.focus()
            await page.evaluate("(field) => field.select?.()", await stop.element_handle())
            name = await page.evaluate(NAME)
            was = await page.evaluate(FOCUSED)
            await go_on(page)
            assert await page.evaluate(FOCUSED) == was, name
            assert await page.evaluate(NAME) == name
            await arrive(page, state, base)


async def test_what_is_typed_is_kept_with_its_selection_and_no_sum_counts_it(browser: Browser, site: str) -> None:
    state = next(state for state in CARTS if state.name == "cart-typical")
    async with held_page(browser, site) as (page, _):
        await arrive(page, state, site)
        sums = await page.locator(".totals").inner_text()
        field = page.get_by_label("Quantity of Full Moon")
        await field.fill("123")
        await field.evaluate("(each) => each.setSelectionRange(1, 2, 'backward')")
        await page.get_by_label("Delivery to").evaluate("(each) => { each.value = 'FR'; }")
        await page.evaluate("() => window.goOn()")
        await page.wait_for_timeout(1_000)
        assert await page.locator("[data-mounted]").count() == 0, "somebody is typing"
        await expect(page.locator("#cart[data-mounted]")).to_be_attached(timeout=5_000)
        await expect(field).to_be_focused()
        assert (await page.evaluate(FOCUSED))[1:] == [1, 2, "123"]
        assert await page.locator(".totals").inner_text() == sums
        await expect(page.get_by_label("Delivery to")).to_have_value("FR")
        await page.keyboard.type("0")
        await expect(field).to_have_value("103")


async def test_it_waits_for_a_pressed_button_and_for_marked_words(browser: Browser, site: str) -> None:
    state = next(state for state in CARTS if state.name == "cart-one")
    async with held_page(browser, site) as (page, _):
        await arrive(page, state, site)
        await page.mouse.move(*await _middle(page, "#line-1, .line h3"))
        await page.mouse.down()
        await page.evaluate("() => window.goOn()")
        await page.wait_for_timeout(600)
        assert await page.locator("[data-mounted]").count() == 0, "a click would be lost"
        await page.mouse.up()
        await page.goto("/cart")
        await page.evaluate("() => getSelection().selectAllChildren(document.querySelector('.line h3'))")
        await page.evaluate("() => window.goOn()")
        await page.wait_for_timeout(600)
        assert await page.locator("[data-mounted]").count() == 0, "the words would be marked no more"
        await page.evaluate("() => getSelection().removeAllRanges()")
        await expect(page.locator("#cart[data-mounted]")).to_be_attached()


async def _middle(page: Page, selector: str) -> tuple[float, float]:
    box = await page.locator(selector).first.bounding_box()
    assert box
    return box["x"] + box["width"] - 2, box["y"] + box["height"] / 2
