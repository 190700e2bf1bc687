"""Pages of checkout that only a purchase under way can show, in the browser: waiting, and an order that has changed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import msgspec
import pytest
from playwright.async_api import Browser, expect

from hypermart.app import create_app
from hypermart.qa.browser import opened_page
from hypermart.qa.checks import layout_complaints, violations
from hypermart.qa.clock import QaClock
from hypermart.settings import Settings
from tests.faults.buying import Shopper
from tests.parts.server import address, free_port, serving

WIDTHS, THEMES = (360, 1280), ("light", "dark")


@pytest.fixture
def base(demo_copy_settings: Settings, tmp_path: Path) -> Iterator[str]:
    bound = free_port()
    settings = msgspec.structs.replace(demo_copy_settings, base_url=address(bound))
    with serving(create_app(settings, clock=QaClock()), bound) as base:
        yield base


@pytest.fixture
async def ada(base: str) -> AsyncIterator[Shopper]:
    """Has a print in her cart."""
    async with httpx.AsyncClient(base_url=base) as client:
        ada = Shopper(client)
        page = await ada.visit("/p/summer-flowers")
        await ada.send(page, "/cart/lines")
        yield ada


async def settle(ada: Shopper) -> None:
    answer = await ada.client.post("/bogus/control", json={"settle": True}, headers={"authorization": "Bearer bogus"})
    assert answer.status_code == 200


@pytest.mark.browser
async def test_who_waits_for_the_bank_sees_the_order_as_soon_as_it_is_there(
    base: str, ada: Shopper, browser: Browser
) -> None:
    waiting = await ada.pay(await ada.place(await ada.to_review()), "pending_paid")
    for width in WIDTHS:
        async with opened_page(browser, base, width=width) as (page, noise):
            await page.goto(waiting.url)
            await expect(page.get_by_role("heading", name="We are waiting for the payment")).to_be_visible()
            for theme in THEMES:
                await page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
                assert await violations(page) == []
            assert await layout_complaints(page) == []
            async with page.expect_response(lambda answer: "/attempts/" in answer.url, timeout=9_000):
                pass
            await expect(page.get_by_role("link", name="Check again")).to_be_visible()
            if width == WIDTHS[-1]:
                await settle(ada)
                await expect(page.get_by_role("heading", level=1)).to_have_text(
                    "Thank you, your order is placed", timeout=9_000
                )
            assert noise.console == []


@pytest.mark.browser
async def test_the_page_reloads_itself_without_scripts(base: str, ada: Shopper, browser: Browser) -> None:
    waiting = await ada.pay(await ada.place(await ada.to_review()), "pending_paid")
    async with opened_page(browser, base, java_script_enabled=False) as (page, _):
        await page.goto(waiting.url)
        await settle(ada)
        await expect(page.get_by_role("heading", level=1)).to_have_text(
            "Thank you, your order is placed", timeout=9_000
        )


@pytest.mark.browser
async def test_an_order_that_has_changed_is_said_before_all_else(base: str, ada: Shopper, browser: Browser) -> None:
    review = await ada.to_review(payment="invoice")
    async with opened_page(browser, base, width=WIDTHS[0]) as (page, noise):
        await page.context.add_cookies([{"name": "cart", "value": ada.client.cookies["cart"], "url": base}])
        await page.goto(review.url)
        await page.locator("[name=total]").evaluate("(field) => { field.value = '1'; }")
        await page.get_by_role("checkbox", name="I have read the terms").check()
        await page.get_by_role("button", name="Place order").click()
        changes = page.get_by_role("alert")
        await expect(changes).to_contain_text("The total is €27.90, no longer €0.01")
        await expect(changes).to_be_focused()
        assert await violations(page) == []
        assert await layout_complaints(page) == []
        await page.get_by_role("button", name="Place order, €27.90").click()
        await expect(page.get_by_role("heading", level=1)).to_have_text("Thank you, your order is placed")
        assert [said for said in noise.console if "409" not in said] == []


@pytest.mark.browser
async def test_another_country_brings_its_fields_at_once_and_the_focus_stays(
    base: str, ada: Shopper, browser: Browser
) -> None:
    async with opened_page(browser, base) as (page, noise):
        await page.context.add_cookies([{"name": "cart", "value": ada.client.cookies["cart"], "url": base}])
        await page.goto("/checkout/address")
        await page.get_by_label("Full name").fill("Zoë")
        country = page.get_by_label("Country")
        await country.focus()
        await country.select_option("US")
        await expect(page.get_by_label("State")).to_be_visible()
        await expect(page.get_by_label("Full name")).to_have_value("Zoë")
        await expect(page.get_by_label("Country")).to_be_focused()
        await page.get_by_label("The bill goes to another address").check()
        await expect(page.get_by_role("group", name="Billing address").get_by_label("Full name")).to_be_visible()
        await page.get_by_role("button", name="Continue").click()
        summary = page.get_by_role("alert")
        await expect(summary).to_be_focused()
        await summary.get_by_role("link", name="Select a state").click()
        await expect(page.get_by_label("State")).to_be_focused()
        assert [said for said in noise.console if "422" not in said] == []
