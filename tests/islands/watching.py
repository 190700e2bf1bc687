"""Looks at a page before and after its islands take over: boxes, accessible tree, layout shifts, focus."""

from __future__ import annotations

import contextlib
import itertools
import re
from collections.abc import AsyncIterator
from typing import Any

from playwright.async_api import Browser, Page, expect

from hypermart.qa.browser import Noise, opened_page

#: No island is mounted before goOn(): until then whatever waits for an idle moment waits on.
HOLD = """
  window.waiting = [];
  let isHeld = true;
  window.requestIdleCallback = (work) => isHeld ? window.waiting.push(work) : setTimeout(work);
  window.goOn = () => { isHeld = false; window.waiting.splice(0).forEach((work) => setTimeout(work)); };
  window.shifts = [];
  new PerformanceObserver((list) => {
    for (const each of list.getEntries()) window.shifts.push({ value: each.value, at: each.startTime,
      what: each.sources.map((source) => source.node?.outerHTML?.slice(0, 80) ?? String(source.node)) });
  }).observe({ type: 'layout-shift', buffered: true });
"""
#: Where everything in the islands stands, but for what only islands have.
UNIT = 0.04
"""Pixels: two of the 64ths in which the browser lays out, which a box deep down a long page may be off."""
BOXES = """() => [...document.querySelectorAll('[data-island], [data-island] *')]
  .filter((each) => !each.closest('script, .stepper, .unseen, option'))
  .map((each) => {
    const box = each.getBoundingClientRect();
    const place = [box.x, box.y + scrollY, box.width, box.height].map((n) => Math.round(n * 100) / 100);
    return [each.tagName, each.id, each.className, ...place];
  })"""
SETTLED = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 150))))"
#: The controls that islands add.
EXTRA = re.compile(r'^\s*- \'?button "One (fewer|more) of .*$\n?', re.MULTILINE)


@contextlib.asynccontextmanager
async def held_page(browser: Browser, base: str, **options: Any) -> AsyncIterator[tuple[Page, Noise]]:
    """Pages on which nothing is mounted until go_on()."""
    async with opened_page(browser, base, **options) as (page, noise):
        await page.add_init_script(HOLD)
        yield page, noise


async def go_on(page: Page) -> None:
    """The islands of the page are mounted."""
    await page.evaluate("() => window.goOn()")
    await mounted(page)


async def mounted(page: Page) -> None:
    await expect(page.locator("[data-island]").first).to_be_attached()
    await expect(page.locator("[data-island]:not([data-mounted])")).to_have_count(0)
    await ready(page)


async def ready(page: Page) -> None:
    """Nothing is on its way."""
    await expect(page.locator("html[data-ready]")).to_be_attached()


async def tree(page: Page) -> str:
    """What assistive technology gets, but for the controls that islands add."""
    return EXTRA.sub("", await page.locator("main").aria_snapshot())


async def shifts_since(page: Page, moment: float) -> list[Any]:
    await page.evaluate(SETTLED)
    found: list[Any] = await page.evaluate("(at) => window.shifts.filter((each) => each.at >= at)", moment)
    return found


def moved(before: list[list[Any]], after: list[list[Any]]) -> list[tuple[Any, Any]]:
    """The boxes that are not where they were, beside where they are."""
    pairs = itertools.zip_longest(before, after)
    return [(one, other) for one, other in pairs if not (one and other and _is_same(one, other))]


def _is_same(one: list[Any], other: list[Any]) -> bool:
    return one[:3] == other[:3] and all(abs(a - b) < UNIT for a, b in zip(one[3:], other[3:], strict=True))
