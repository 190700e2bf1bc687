"""Adding, changing and buying by the keyboard alone: where the focus is after every step, and what is said aloud."""

from __future__ import annotations

import pytest
from playwright.async_api import Locator, Page, expect

from hypermart.qa.live import LiveLog
from hypermart.qa.pages_buying import ADA

pytestmark = [pytest.mark.browser]
FAR = 60


async def tab_to(page: Page, control: Locator) -> None:
    """With the Tab key, as often as it takes."""
    for _ in range(FAR):
        await page.keyboard.press("Tab")
        if await control.evaluate("(each) => each === document.activeElement"):
            return
    raise AssertionError(f"Tab does not lead to {control}")


async def press(page: Page, control: Locator, key: str = "Enter") -> None:
    await tab_to(page, control)
    await page.keyboard.press(key)


async def fill(page: Page, label: str, words: str) -> None:
    """What a field holds is selected when Tab leads to it, so that typing takes its place."""
    await tab_to(page, page.get_by_label(label, exact=True))
    await page.keyboard.type(words)


async def test_a_print_is_chosen_added_and_changed(page: Page, live_log: LiveLog) -> None:
    await page.goto("/p/summer-flowers")
    sizes = page.get_by_role("group", name="Size").get_by_role("radio")
    await tab_to(page, sizes.first)
    await page.keyboard.press("ArrowDown")
    await expect(page.locator("#version")).to_contain_text("30 × 40 cm")
    await expect(sizes.nth(1)).to_be_focused()
    await press(page, page.get_by_role("button", name="Add to cart"))
    await expect(page.locator("#added")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(page.locator("#added")).to_contain_text("Added: Summer Flowers, 30 × 40 cm")
    await live_log.heard("30 × 40 cm, Unframed, €39.00, In stock")  # what is added is read because it has the focus
    await press(page, page.get_by_role("link", name="View cart"))
    quantity = page.get_by_label("Quantity of Summer Flowers")
    await tab_to(page, quantity)
    await page.keyboard.type("3")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="3 pieces")).to_be_visible()
    await expect(quantity).to_be_focused()
    await live_log.heard("Cart updated. Total €117.00.")
    await press(page, page.get_by_role("button", name="Remove Summer Flowers"))
    await expect(page.get_by_role("heading", level=1, name="Your cart")).to_be_focused()
    await expect(page.get_by_text("Nothing is in your cart.")).to_be_visible()
    await live_log.heard("Cart updated. Total €117.00.", "Summer Flowers, 30 × 40 cm, Unframed removed.")


#: What has the focus but no ring round it, its card or its tile.
UNSEEN = """() => {
  const has_ring = (each) => {
    const { outlineStyle, outlineWidth } = getComputedStyle(each);
    return outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2;
  };
  const at = document.activeElement;
  const places = [at, at.closest('.card'), at.closest('.tile')].filter(Boolean);
  return at === document.body || places.some(has_ring) ? '' : at.outerHTML.slice(0, 80);
}"""


@pytest.mark.parametrize("path", ["/", "/p/summer-flowers", "/c/flowers"])
async def test_what_has_the_focus_is_seen(path: str, page: Page) -> None:
    await page.goto(path)
    unseen = []
    for _ in range(FAR):
        await page.keyboard.press("Tab")
        unseen.append(await page.evaluate(UNSEEN))
    assert [each for each in unseen if each] == []


async def test_an_order_is_placed(page: Page) -> None:
    await page.goto("/p/summer-flowers")
    await press(page, page.get_by_role("button", name="Add to cart"))
    await expect(page.locator("#added")).to_be_focused()
    await press(page, page.locator("#added").get_by_role("link", name="Check out"))
    await expect(page.get_by_role("heading", level=1, name="Address")).to_be_visible()
    for label, words in ADA.items():
        if label not in ("Postcode", "Town or city"):
            await fill(page, label, words)
    await page.keyboard.press("Enter")
    problems = page.get_by_role("alert", name="There is a problem")
    await expect(problems).to_be_focused()
    for label in ("Postcode", "Town or city"):
        await press(page, problems.get_by_role("link", name=label.lower().split()[0]))
        await expect(page.get_by_label(label, exact=True)).to_be_focused()
        await page.keyboard.type(ADA[label])
        await problems.focus()
    await press(page, page.get_by_role("button", name="Continue"))
    await _choose(page, "Standard")
    await _choose(page, "Invoice")
    await press(page, page.get_by_role("checkbox", name="I have read the terms"), "Space")
    await press(page, page.get_by_role("button", name="Place order, €27.90"))
    await expect(page.get_by_role("heading", level=1)).to_have_text("Thank you, your order is placed")


async def _choose(page: Page, way: str) -> None:
    """In a group of radio buttons: Tab leads to the chosen one or the first, arrows to the next."""
    wanted = page.get_by_role("radio", name=way)
    await wanted.wait_for()
    radios = page.get_by_role("radio")
    while not await radios.evaluate_all("(all) => all.includes(document.activeElement)"):
        await page.keyboard.press("Tab")
    await page.keyboard.press("Space")
    while not await wanted.is_checked():
        await page.keyboard.press("ArrowDown")
    await press(page, page.get_by_role("button", name="Continue"))
