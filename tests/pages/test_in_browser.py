"""Every HTML state in Chromium: accessible in both themes, fits small screens, obeys its own security policy."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import httpx
import pytest
from litestar import MediaType, Response, get
from playwright.async_api import Browser

from hypermart.qa import checks
from hypermart.qa.browser import opened_page
from hypermart.qa.seeds import arrive, mounted
from hypermart.qa.states import HTML_STATES, Kind, State
from tests.parts.shops import open_shop, states_settings

pytestmark = [pytest.mark.browser]
Shops = Callable[[str], httpx.Client]
each = pytest.mark.parametrize("state", HTML_STATES, ids=lambda state: state.name)


@each
async def test_axe_finds_nothing_in_any_theme_or_width(state: State, browser: Browser, shops: Shops) -> None:
    found: dict[str, list[str]] = {}
    base = address(shops, state)
    tags = checks.TAGS if state.kind is Kind.MAIL else checks.FOR_PAGES
    async with opened_page(browser, base, bypass_csp=True) as (page, _):
        await arrive(page, state, base)
        await mounted(page)
        for width in (1280, 360):
            await page.set_viewport_size({"width": width, "height": 900})
            for theme in ("light", "dark"):
                await page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
                if lines := await checks.violations(page, tags):
                    found[f"{theme} {width}"] = lines
    assert found == {}


@each
async def test_it_fits_and_keeps_quiet(state: State, browser: Browser, shops: Shops) -> None:
    base = address(shops, state)
    async with opened_page(browser, base) as (page, noise):
        await page.add_init_script(checks.WATCH)
        await arrive(page, state, base)
        await mounted(page)
        found = [f"1280 px: {line}" for line in await checks.layout_complaints(page)]
        for width in (360, 320):
            await page.set_viewport_size({"width": width, "height": 800})
            found += [f"{width} px: {line}" for line in await checks.layout_complaints(page)]
        found += await page.evaluate(checks.BARE_PICTURES)
        found += await page.evaluate(checks.LATE)
    # Chromium reports the status of the page itself as an error.
    said = [line for line in noise.console if state.status == 200 or f"status of {state.status}" not in line]
    assert (found, said, noise.foreign) == ([], [], [])


def address(shops: Shops, state: State) -> str:
    return str(shops(state.seed).base_url).rstrip("/")


PLANTED = """<!doctype html><html lang="en"><title>Planted</title><meta name="viewport" content="width=device-width">
<main><h1>Planted</h1><p style="color: red">An inline style.</p>
<img src="/static/x/img/favicon.svg" width="9" height="9">
<button type="button">x</button><p><img src="http://192.0.2.1/spy.gif" alt="spy" width="1" height="1"></p>
<input name="nameless"><pre>{}</pre></main></html>""".format("wide " * 200)


@get("/planted", media_type=MediaType.HTML)
async def planted() -> Response[bytes]:
    return Response(PLANTED.encode(), media_type="text/html")


@pytest.fixture
async def bad_shop(browser: Browser, worker: str) -> AsyncIterator[str]:
    with open_shop(states_settings(), [planted]) as base:
        yield base


async def test_planted_faults_are_found(browser: Browser, bad_shop: str) -> None:
    """The walk itself can turn red."""
    async with opened_page(browser, bad_shop, width=320) as (page, noise):
        await page.add_init_script(checks.WATCH)
        await page.goto("/planted")
        found = await checks.layout_complaints(page)
        found += await page.evaluate(checks.BARE_PICTURES)
        found += await page.evaluate(checks.LATE)
    for part in (
        'button "x" is',
        "the page scrolls sideways",
        "favicon.svg has no alt",
        "style-src-attr refused inline",
    ):
        assert any(part in line for line in found), (part, found)
    assert any("style" in line for line in noise.console)
    assert noise.foreign == ["http://192.0.2.1/spy.gif"]


async def test_a_planted_nameless_field_and_picture_are_found_by_axe(browser: Browser, bad_shop: str) -> None:
    async with opened_page(browser, bad_shop, bypass_csp=True) as (page, _):
        await page.goto("/planted")
        found = await checks.violations(page)
    assert {line.partition(":")[0] for line in found} >= {"image-alt", "label"}
