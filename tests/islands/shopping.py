"""What a shopper does to a cart in a browser with islands, and what tests look for there."""

from __future__ import annotations

import contextlib
import re
from collections.abc import AsyncIterator

from playwright.async_api import Browser, Locator, Page, expect

from hypermart.qa.browser import opened_page
from hypermart.qa.live import LiveLog
from tests.islands.watching import mounted

MOON, EARTH, NEPTUNE = "/p/full-moon", "/p/earth", "/p/neptune"
NOT_SAVED = "Not saved: the shop did not answer. Please try again in a moment."


@contextlib.asynccontextmanager
async def shopping(browser: Browser, base: str, width: int = 1280) -> AsyncIterator[Page]:
    """Nobody complains but about requests that a test lets fail."""
    async with opened_page(browser, base, width=width) as (page, noise):
        await page.add_init_script(LiveLog.LISTEN)
        yield page
        assert [line for line in noise.console if "Failed to load resource" not in line] == []


async def put(page: Page, *things: str, quantity: int = 1) -> None:
    """Into the visitor's cart, without its page."""
    for thing in things:
        found = re.search(r'name="variant" value="(\d+)"', await (await page.request.get(thing)).text())
        assert found
        form = {"variant": found[1], "quantity": str(quantity)}
        answer = await page.request.post("/cart/lines", form=form, headers={"sec-fetch-site": "same-origin"})
        assert answer.ok


async def cart_with(page: Page, *things: str, quantity: int = 1) -> None:
    """The cart's page, with its island at work."""
    await put(page, *things, quantity=quantity)
    await page.goto("/cart")
    await mounted(page)


def quantity(page: Page, title: str) -> Locator:
    return page.get_by_label(f"Quantity of {title}")


def more(page: Page, title: str) -> Locator:
    return page.get_by_role("button", name=f"One more of {title}")


def fewer(page: Page, title: str) -> Locator:
    return page.get_by_role("button", name=f"One fewer of {title}")


def badge(page: Page) -> Locator:
    return page.get_by_role("banner").get_by_role("link", name=re.compile("^Cart"))


async def shows(page: Page, pieces: int, total: str) -> None:
    await expect(page.locator(".basket-head h2")).to_have_text(f"{pieces} piece{'' if pieces == 1 else 's'}")
    await expect(page.locator(".totals .total td")).to_have_text(total)


async def saved(page: Page) -> dict[str, int]:
    """The visitor's cart as the shop has it: pieces by title."""
    answer = await page.request.get("/cart", headers={"accept": "application/json"})
    return {row["title"]: row["quantity"] for row in (await answer.json())["lines"]}


async def heard(page: Page, *messages: str) -> None:
    """All that was said on this page so far: each message once."""
    await LiveLog(page).heard(*messages)
