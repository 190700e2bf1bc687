"""The same edits by the island, by htmx where its script is blocked, and without JavaScript: the same cart."""

from __future__ import annotations

import random
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from hypermart.qa.browser import opened_page
from tests.islands.shopping import EARTH, MOON, NEPTUNE, badge, fewer, more, put, quantity
from tests.islands.watching import mounted, ready
from tests.parts.selling_site import SellingSite

pytestmark = [pytest.mark.browser, pytest.mark.slow]
TITLES = ("Full Moon", "Earth", "Neptune")
STEPS = 8


def sequence(seed: int) -> list[tuple[str, str, int]]:
    """What to do to which product: pressing what is not there is passed over."""
    pick = random.Random(seed)  # noqa: S311  (a choice of tests)
    ops = ["set", "set", "more", "fewer", "Remove", "Save for later", "Move to cart"]
    return [(pick.choice(ops), pick.choice(TITLES), pick.randrange(12)) for _ in range(STEPS)]


async def do(page: Page, way: str, step: tuple[str, str, int]) -> None:
    op, title, number = step
    field = quantity(page, title)
    if op in ("set", "more", "fewer"):
        if not await field.count():
            return
        was = int(await field.input_value())
        wanted = {"set": number, "more": was + 1, "fewer": max(1, was - 1)}[op]
        if way == "island" and op != "set":
            await (more if op == "more" else fewer)(page, title).click()
        else:
            await field.fill(str(wanted))
            await page.get_by_role("button", name="Update cart").click()
    else:
        button = page.get_by_role("button", name=f"{op} {title}", exact=True)
        if not await button.count():
            return
        await button.first.click()
    await settle(page, way)


async def settle(page: Page, way: str) -> None:
    if way == "island":
        await mounted(page)
    elif way == "htmx":
        await ready(page)
    else:
        await page.wait_for_load_state()


async def seen(page: Page) -> dict[str, Any]:
    """The cart as the shop has it, which must be as the page shows it."""
    answer = await page.request.get("/cart", headers={"accept": "application/json"})
    state = await answer.json()
    for row in state["lines"]:
        await expect(quantity(page, row["title"])).to_have_value(str(row["quantity"]))
    await expect(page.locator(".amount input")).to_have_count(len(state["lines"]))
    if state["lines"]:
        whole, cents = divmod(state["totals"]["total"]["minor"], 100)
        await expect(page.locator(".totals .total td")).to_have_text(f"€{whole:,}.{cents:02}")
    count = state["count"]
    words = f"Cart ({count}) piece{'' if count == 1 else 's'}" if count else "Cart"
    await expect(badge(page)).to_have_accessible_name(words)
    kept = {kind: [(row["title"], row["quantity"]) for row in state[kind]] for kind in ("lines", "saved")}
    return kept | {"count": count, "totals": state["totals"]}


@pytest.mark.parametrize("seed", range(4))
async def test_three_ways_lead_to_one_cart(browser: Browser, till: SellingSite, seed: int) -> None:
    found = {}
    for way in ("island", "htmx", "plain"):
        async with opened_page(browser, till.base, java_script_enabled=way != "plain") as (page, _):
            if way == "htmx":
                await page.route("**/dist/*.js", lambda route: route.abort())
            await put(page, MOON, EARTH, NEPTUNE, quantity=2)
            await page.goto("/cart")
            await settle(page, way)
            for step in sequence(seed):
                await do(page, way, step)
                await seen(page)
            found[way] = await seen(page)
    assert found["island"] == found["plain"]
    assert found["htmx"] == found["plain"]
