"""Every HTML state at two widths in two themes, as pictures on one page to look through: `make screenshots`."""

from __future__ import annotations

import asyncio
import contextlib
import html
import sys
from collections.abc import Iterator

from playwright.async_api import Browser

from hypermart import logs
from hypermart.qa.browser import chromium, opened_page
from hypermart.qa.seeds import arrive, mounted
from hypermart.qa.states import HTML_STATES, State
from hypermart.qa.tools import TOOLS
from hypermart.settings import ROOT
from tests.parts import databases
from tests.parts.shops import open_shop, sick_shop, states_settings, unpaid_shop, unsold_settings

FOLDER = ROOT / "test-results" / "screenshots"
WIDTHS, THEMES = (390, 1280), ("light", "dark")
#: Pictures further down are lazy: they load once they come near the window.
SCROLL = """async () => {
  document.querySelectorAll('img').forEach((each) => { each.loading = 'eager'; });
  await Promise.all([...document.images].map((each) => each.decode().catch(() => {})));
}"""


def name(state: State, width: int, theme: str) -> str:
    return f"{state.name}-{width}-{theme}.png"


async def take(browser: Browser, base: str, state: State) -> None:
    for width in WIDTHS:
        async with opened_page(browser, base, width=width) as (page, _):
            await arrive(page, state, base)
            await mounted(page)
            await page.evaluate(SCROLL)
            for theme in THEMES:
                await page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
                await page.screenshot(path=FOLDER / name(state, width, theme), full_page=True, animations="disabled")


def contact_sheet() -> str:
    def figures() -> Iterator[str]:
        for state in HTML_STATES:
            yield f"<h2>{state.name} <small>{state.status} {html.escape(state.path[:120])}</small></h2><div>"
            for width in WIDTHS:
                for theme in THEMES:
                    file = name(state, width, theme)
                    yield f'<a href="{file}"><img src="{file}" alt="{file}" loading="lazy"></a>'
            yield "</div>"

    style = (
        "body{font:14px sans-serif}div{display:flex;gap:8px;align-items:start}img{width:300px;border:1px solid #999}"
    )
    body = "\n".join(figures())
    return f'<!doctype html><html lang="en"><title>Every state</title><style>{style}</style>{body}</html>'


async def take_all(wanted: list[str]) -> None:
    program = TOOLS["chromium"][0]()
    if program is None:
        sys.exit("Chromium is missing: run tests/provision.sh")
    settings = states_settings()
    with contextlib.ExitStack() as stack:
        shop = stack.enter_context(open_shop(settings))
        others = {
            "sick": stack.enter_context(sick_shop(settings)),
            "unpaid": stack.enter_context(unpaid_shop(settings)),
            "unsold": stack.enter_context(open_shop(unsold_settings())),
        }
        async with chromium(program) as browser:
            for number, state in enumerate(HTML_STATES, 1):
                if not wanted or state.name in wanted:
                    await take(browser, others.get(state.seed, shop), state)
                    print(f"\r{number} of {len(HTML_STATES)}", end="", flush=True)  # noqa: T201


if __name__ == "__main__":
    logs.configure("critical")
    FOLDER.mkdir(parents=True, exist_ok=True)
    with databases.session():
        states_settings()  # filled before an event loop runs: it runs its own
        unsold_settings()
        asyncio.run(take_all(sys.argv[1:]))
    (FOLDER / "index.html").write_text(contact_sheet())
    print(f"\n{FOLDER / 'index.html'}")  # noqa: T201
