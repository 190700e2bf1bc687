"""With JavaScript a list and a product change in place: where the focus goes, what is said, and what history keeps."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Locator, Page, Request, Route, expect

from hypermart.qa.browser import Noise
from hypermart.qa.client import QaShop
from hypermart.qa.live import LiveLog
from hypermart.qa.pages import ListPage, ProductPage

pytestmark = [pytest.mark.browser]
PAINTINGS = "/c/paintings-prints"


async def has_settled(page: Page) -> None:
    """Nothing is being fetched for a region any more."""
    await expect(page.locator("[aria-busy=true]")).to_have_count(0)


async def is_at_top(heading: Locator) -> None:
    box = await heading.bounding_box()
    assert box is not None
    assert 0 <= box["y"] < 400


@pytest.mark.usefixtures("viewport")
async def test_a_list_keeps_the_focus_and_says_its_count_once(page: Page, live_log: LiveLog) -> None:
    paintings = await ListPage(page).open(PAINTINGS)
    await paintings.tick("Frame", "Oak frame")
    await expect(paintings.box("Oak frame")).to_be_focused()
    await live_log.heard("38 products")
    await paintings.tick("Period", "19th century")
    await expect(paintings.box("19th century")).to_be_focused()
    await live_log.heard("38 products", "24 products")
    await paintings.take_off("Period: 19th century")
    await expect(paintings.count).to_be_focused()
    await live_log.heard("38 products", "24 products", "38 products")
    await paintings.go_to_page(2)
    await expect(paintings.count).to_be_focused()
    await is_at_top(paintings.count)
    await live_log.heard("38 products", "24 products", "38 products", "Page 2 of 2")
    await expect(page).to_have_title(re.compile("page 2"))
    await has_settled(page)


async def test_sorting_keeps_the_focus_on_the_select(page: Page, live_log: LiveLog, shop: QaShop) -> None:
    paintings = await ListPage(page).open(PAINTINGS)
    sort = page.get_by_label("Sort by")
    await sort.focus()
    await sort.select_option("Name, A to Z")
    await expect(paintings.products().first).to_have_text("A Bouquet of Flowers")
    await expect(sort).to_be_focused()
    await expect(page).to_have_url(f"{shop.base}{PAINTINGS}?sort=title")
    await live_log.heard("38 products")


async def test_a_variant_is_said_with_price_and_stock(page: Page, live_log: LiveLog, shop: QaShop) -> None:
    product = await ProductPage(page).open("/p/summer-flowers")
    entries = await page.evaluate("() => history.length")
    await product.choose(Size="30 × 40 cm")
    await expect(product.option("Size", "30 × 40 cm")).to_be_focused()
    await live_log.heard("30 × 40 cm, Unframed, €39.00, In stock")
    await product.choose(Frame="Oak frame")
    await expect(page).to_have_url(f"{shop.base}/p/summer-flowers?v=AP004-M-O")
    assert await page.evaluate("() => history.length") == entries


async def test_back_and_forward_show_the_list_of_their_address(page: Page, shop: QaShop) -> None:
    paintings = await ListPage(page).open(PAINTINGS)
    await paintings.tick("Period", "19th century")
    await paintings.take_off("Period: 19th century")
    await paintings.go_to_page(2)
    await page.go_back()
    await expect(page).to_have_url(f"{shop.base}{PAINTINGS}")
    await expect(paintings.products()).to_have_count(24)
    await page.go_back()
    await expect(paintings.count).to_have_text("24 products")
    await expect(paintings.box("19th century")).to_be_checked()
    await page.go_forward()
    await expect(paintings.count).to_have_text("38 products")
    await expect(paintings.box("19th century")).not_to_be_checked()
    await page.go_forward()
    await expect(page).to_have_url(f"{shop.base}{PAINTINGS}?page=2")
    await expect(paintings.products()).to_have_count(14)


async def test_back_from_a_product_shows_the_filtered_list(page: Page, shop: QaShop) -> None:
    paintings = await ListPage(page).open(PAINTINGS)
    await paintings.tick("Period", "19th century")
    await paintings.open_product("Summer Flowers")
    await page.go_back()
    await expect(paintings.count).to_have_text("24 products")
    await expect(paintings.box("19th century")).to_be_checked()
    await paintings.tick("Frame", "Oak frame")  # the page still works


async def test_an_answer_that_failed_is_asked_for_as_a_page(page: Page, noise: Noise) -> None:
    noise.expects("status of 502")

    async def fail(route: Route, request: Request) -> None:
        """What a proxy in trouble would say to a script, but not to the navigation that follows."""
        if request.resource_type == "fetch":
            await route.fulfill(status=502, content_type="text/html", body="<p>Bad gateway")
        else:
            await route.fallback()

    paintings = await ListPage(page).open(PAINTINGS)
    await page.route("**/c/**", fail)
    async with page.expect_navigation(url=re.compile("period=19th-century")):
        await paintings.box("19th century").check()
    await expect(paintings.count).to_have_text("24 products")


async def test_a_shop_that_is_not_there_is_the_browsers_to_tell(page: Page, noise: Noise) -> None:
    noise.expects("ERR_INTERNET_DISCONNECTED|htmx:error")
    paintings = await ListPage(page).open(PAINTINGS)
    await page.context.set_offline(True)
    async with page.expect_request(lambda each: each.is_navigation_request() and "19th" in each.url):
        await paintings.box("19th century").click()


async def test_a_page_that_no_longer_exists_is_shown_as_a_page(page: Page, shop: QaShop) -> None:
    await ListPage(page).open(PAINTINGS)
    following = page.get_by_role("link", name="Next", exact=True)
    await following.evaluate("(link, url) => link.setAttribute('data-hx-get', url)", f"{PAINTINGS}?page=9")
    await following.click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("No such page")
    await expect(page).to_have_url(f"{shop.base}{PAINTINGS}?page=9")
    await page.get_by_role("link", name="Show page 2").click()
    await expect(page).to_have_url(f"{shop.base}{PAINTINGS}?page=2")


async def test_a_double_click_is_one_step(page: Page, live_log: LiveLog, shop: QaShop) -> None:
    paintings = await ListPage(page).open(PAINTINGS)
    await page.get_by_role("link", name="Next", exact=True).dblclick()
    await expect(page).to_have_url(f"{shop.base}{PAINTINGS}?page=2")
    await live_log.heard("Page 2 of 2")
    await page.go_back()
    await expect(page).to_have_url(f"{shop.base}{PAINTINGS}")
    await expect(paintings.products()).to_have_count(24)


async def test_keys_skip_to_the_content(page: Page) -> None:
    await page.goto("/")
    await page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to content")
    await expect(skip).to_be_focused()
    await expect(skip).to_be_in_viewport()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("main")).to_be_focused()


async def test_keys_work_the_filters_and_the_pages(page: Page, live_log: LiveLog) -> None:
    paintings = await ListPage(page).open(PAINTINGS)
    await paintings.box("Unframed").focus()
    await page.keyboard.press("Tab")
    await page.keyboard.press("Tab")
    await expect(paintings.box("Oak frame")).to_be_focused()
    await page.keyboard.press("Space")
    await expect(paintings.chip("Frame: Oak frame")).to_be_visible()
    await expect(paintings.box("Oak frame")).to_be_focused()
    await live_log.heard("38 products")
    following = page.get_by_role("link", name="Next", exact=True)
    await following.focus()
    await page.keyboard.press("Enter")
    await expect(paintings.count).to_be_focused()
    await expect(paintings.products()).to_have_count(14)
    await live_log.heard("38 products", "Page 2 of 2")


async def test_keys_choose_a_variant(page: Page, live_log: LiveLog) -> None:
    product = await ProductPage(page).open("/p/summer-flowers")
    await product.option("Size", "21 × 30 cm").focus()
    await page.keyboard.press("ArrowDown")
    await expect(product.price).to_have_text("€39.00")
    await expect(product.option("Size", "30 × 40 cm")).to_be_focused()
    await live_log.heard("30 × 40 cm, Unframed, €39.00, In stock")
    await page.keyboard.press("ArrowDown")
    await expect(product.price).to_have_text("€69.00")
    await expect(product.option("Size", "50 × 70 cm")).to_be_focused()
    await live_log.heard("30 × 40 cm, Unframed, €39.00, In stock", "50 × 70 cm, Unframed, €69.00, In stock")
