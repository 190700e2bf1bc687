"""What only a browser can tell about a page: complaints about its layout, targets, pictures and accessibility."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

from playwright.async_api import Page

from hypermart.qa.states import State

#: Closed folds are opened, so that what is in them is looked at too. (Wide screens show them open.)
OPEN_FOLDS = "() => document.querySelectorAll('details').forEach((fold) => { fold.open = true; })"

TOO_WIDE = """() => {
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= width) return [];
  const wide = [...document.querySelectorAll('body *')]
    .filter((each) => each.checkVisibility() && each.getBoundingClientRect().right > width + 0.5)
    .slice(0, 5)
    .map((each) => `${each.tagName.toLowerCase()}.${each.className} reaches ${each.getBoundingClientRect().right} px`);
  return [`the page scrolls sideways: ${document.documentElement.scrollWidth} of ${width} px`, ...wide];
}"""

# 44 px where a finger works the shop; 24 px for every other target; free for links inside a sentence (WCAG 2.5.8).
SMALL_TARGETS = """() => {
  const HOUSE = '.masthead *, .departments *, .filters *, .options *, .pages *, .chips *, button, .button';
  const cover = (each) => {
    for (const pseudo of ['::before', '::after']) {
      const style = getComputedStyle(each, pseudo);
      if (style.content !== 'none' && style.position === 'absolute') return each.closest('.card, .door') ?? each;
    }
    return each.matches('input') ? each.closest('label') ?? each : each;
  };
  const isWords = (node) => node.nodeType === Node.TEXT_NODE && node.data.trim().length > 2;
  const isInSentence = (each) => each.matches('a') && getComputedStyle(each).display === 'inline' &&
    [...each.parentElement.childNodes].some(isWords);
  const found = [];
  const targets = 'a[href], button, input:not([type=hidden]), select, textarea, summary';
  for (const each of document.querySelectorAll(targets)) {
    if (!each.checkVisibility({ visibilityProperty: true })) continue;
    const box = cover(each).getBoundingClientRect();
    if (box.right <= 0 || box.bottom + scrollY <= 0) continue;  // a skip link, until it has the focus
    if (isInSentence(each)) continue;
    const least = each.matches(HOUSE) ? 44 : 24;
    const [wide, high] = [Math.round(box.width * 10) / 10, Math.round(box.height * 10) / 10];
    const isText = each.matches('a') && !each.matches('.button, .pages *');  // a short word is as wide as it is
    if (high >= least - 0.1 && wide >= (isText ? 24 : least) - 0.1) continue;
    const words = (each.textContent || each.name).trim().slice(0, 30);
    found.push(`${each.tagName.toLowerCase()} "${words}" is ${wide} x ${high}, not ${least}`);
  }
  return found;
}"""

BARE_PICTURES = """() => [...document.images].flatMap((each) => {
  const name = each.currentSrc.split('/').pop();
  const found = [];
  if (!(each.getAttribute('width') > 0 && each.getAttribute('height') > 0)) found.push(`${name} has no size`);
  if (!each.hasAttribute('alt')) found.push(`${name} has no alt`);
  else if (!each.alt.trim() && !each.closest('.card, .door, .line, .bought-lines'))
    found.push(`${name} has an empty alt and no name beside it`);
  return found;
})"""

LATE = "() => window.shopComplaints"
#: Kept from the first byte on: what the security policy refused.
WATCH = """
  window.shopComplaints = [];
  document.addEventListener('securitypolicyviolation', (event) =>
    window.shopComplaints.push(`policy: ${event.violatedDirective} refused ${event.blockedURI}`));
"""

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
#: What is only good practice, and for pages: a mail has no landmarks.
FOR_PAGES = [*TAGS, "best-practice"]


@cache
def axe() -> str:
    return files("axe_playwright_python").joinpath("axe.min.js").read_text()


async def arrive(page: Page, state: State, base: str) -> None:
    """As the state's visitor, after what is typed was sent."""
    if state.cookie:
        await page.context.add_cookies(
            [{"name": name, "value": value, "url": base} for name, value in state.cookie.items()]
        )
    path = state.path
    if state.found:
        path = state.found_in(await (await page.request.get(path)).text())
    await page.goto(path, wait_until="load")
    if state.sends:
        await _send(page, state)
    elif state.typed:
        ((name, value),) = state.typed.items()
        field = page.locator(f"main [name^='{name}']").first
        await field.fill(value)
        await field.press("Enter")
        await page.wait_for_selector("[aria-invalid=true]")


async def mounted(page: Page) -> None:
    """The islands of the page, if it has any, are at work."""
    if await page.locator("[data-island]").count():
        await page.wait_for_selector("html[data-ready]", state="attached")


TYPE = """(field, value) => {
  if (field.type === 'checkbox') field.checked = true;
  else field.value = value;
}"""


async def _send(page: Page, state: State) -> None:
    """By the form's first button, as Enter does it."""
    form = page.locator(f"form[action*='{state.sends}']")
    for name, value in state.typed.items():
        await form.locator(f"[name^='{name}']").first.evaluate(TYPE, value)
    async with page.expect_navigation():
        await form.evaluate("(form) => form.requestSubmit(form.querySelector('button'))")


async def violations(page: Page, tags: list[str] = FOR_PAGES) -> list[str]:
    """What axe-core finds, one line for each rule and element."""
    if not await page.evaluate("() => 'axe' in window"):
        await page.evaluate(axe())
    options: dict[str, Any] = {"runOnly": {"type": "tag", "values": tags}, "resultTypes": ["violations"]}
    found = await page.evaluate("(options) => axe.run(document, options)", options)
    return [
        f"{rule['id']}: {node['html'][:120]} ({node['failureSummary'].splitlines()[-1].strip()[:160]})"
        for rule in found["violations"]
        for node in rule["nodes"]
    ]


async def layout_complaints(page: Page) -> list[str]:
    """At the present width, with every fold open."""
    await page.evaluate(OPEN_FOLDS)
    return [*await page.evaluate(SMALL_TARGETS), *await page.evaluate(TOO_WIDE)]
