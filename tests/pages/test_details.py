"""Details that once looked wrong: gaps between words and blocks, labels beside their line, a bar beside all of it."""

from __future__ import annotations

import io
import re
from collections.abc import AsyncIterator, Callable

import httpx
import pytest
from PIL import Image
from playwright.async_api import Browser, Page

from hypermart.qa.browser import opened_page
from hypermart.qa.forms import Page as Document
from hypermart.qa.seeds import arrive, mounted
from hypermart.qa.states import STATES

browser_only = pytest.mark.browser
BY_NAME = {state.name: state for state in STATES}
#: How wide the gap after each word of the heading is, in parts of its letters' size.
GAPS = """(heading) => {
  const words = heading.firstChild, range = document.createRange();
  const size = parseFloat(getComputedStyle(heading).fontSize);
  return [...words.data.matchAll(/ /g)].map(({index}) => {
    range.setStart(words, index); range.setEnd(words, index + 1);
    return range.getBoundingClientRect().width / size;
  }).filter((gap) => gap > 0);  // a gap where the line ends has no width
}"""
BELOW = (
    "(element) => element.getBoundingClientRect().top - element.previousElementSibling.getBoundingClientRect().bottom"
)
FIRST_LINES = """(row) => [row.querySelector('dt'), row.querySelector('a')].map((each) => {
  const range = document.createRange();
  range.selectNodeContents(each);
  return range.getClientRects()[0].bottom;
})"""


@pytest.fixture
async def page(site: str, browser: Browser) -> AsyncIterator[Page]:
    async with opened_page(browser, site, width=390) as (page, _):
        yield page


async def show(page: Page, site: str, name: str) -> None:
    await arrive(page, BY_NAME[name], site)
    await mounted(page)


@browser_only
async def test_words_of_a_heading_stand_apart(page: Page, site: str) -> None:
    """Newsreader pulls letters close to the space beside them, and headings are set tight."""
    await show(page, site, "order-transfer")
    gaps = await page.locator("h1").evaluate(GAPS)
    assert gaps
    assert min(gaps) > 0.2


@browser_only
@pytest.mark.parametrize(
    ("state", "block"),
    [("review-422", ".agree .wrong"), ("review-changed", ".bought-lines .notice"), ("address-422", ".stage h1")],
)
async def test_blocks_keep_their_distance(state: str, block: str, page: Page, site: str) -> None:
    await show(page, site, state)
    assert 8 <= await page.locator(block).evaluate(BELOW) <= 32


@browser_only
async def test_what_a_link_is_called_stands_on_its_first_line(page: Page, site: str) -> None:
    await show(page, site, "mail-failed")
    label, link = await page.locator(".facts > div", has_text="Back to your cart").evaluate(FIRST_LINES)
    assert abs(label - link) < 4


@browser_only
@pytest.mark.parametrize("state", ["delivery-422", "payment-422"])
async def test_the_bar_stands_beside_the_whole_question(state: str, page: Page, site: str) -> None:
    await show(page, site, state)
    picture = Image.open(io.BytesIO(await page.locator("fieldset.wrong").screenshot())).convert("RGB")
    assert picture.getpixel((1, 4)) == picture.getpixel((1, picture.height - 4))
    assert picture.getpixel((1, 4)) != picture.getpixel((8, 4))


@pytest.mark.parametrize("state", ["attempt-bank-away", "attempt-superseded"])
def test_a_heading_comes_before_what_is_said_about_it(state: str, shops: Callable[[str], httpx.Client]) -> None:
    text = BY_NAME[state].answer(shops("unpaid")).text
    assert text.index("<h1>") < text.index("Our payment provider does not answer")


def test_what_stops_a_cart_is_named_so_that_it_can_be_told_apart(shop: httpx.Client) -> None:
    blocked = Document(BY_NAME["cart-long"].answer(shop)).text.partition("Before you can check out:")[2]
    assert "A Hundred Variants, 15 × 20 cm, White : Sold out." in blocked


def test_an_empty_mailbox_is_empty(shops: Callable[[str], httpx.Client]) -> None:
    answer = BY_NAME["mailbox-empty"].answer(shops("unsold"))
    assert "No mail has been sent yet" in answer.text


@pytest.mark.parametrize(
    "state", ["search-hit", "search-empty", "cart-typical", "address", "delivery-step", "payment", "review"]
)
def test_search_and_private_pages_are_kept_from_search_engines(state: str, shop: httpx.Client) -> None:
    """On purpose, so `make lighthouse` does not ask whether these can be found (NOINDEX there)."""
    assert re.search(r'<meta name="robots" content="noindex\b', BY_NAME[state].answer(shop).text)
