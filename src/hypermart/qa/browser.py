"""Chromium for tests: one per pytest worker, a fresh context per test, and what it complains about."""

from __future__ import annotations

import contextlib
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from playwright.async_api import Browser, Page, Request, async_playwright

ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


@contextlib.asynccontextmanager
async def chromium(path: str) -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=ARGS)
        try:
            yield browser
        finally:
            await browser.close()


@dataclass
class Noise:
    """What should stay empty while a shopper uses a page."""

    console: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    """Addresses outside the shop that were asked for."""
    known: list[str] = field(default_factory=lambda: ["data:"])
    """How addresses outside begin that may be."""
    expected: list[str] = field(default_factory=lambda: [r"status of 4\d\d"])
    """Patterns of what may be said: a form that is refused is an error to Chromium."""

    def expects(self, pattern: str) -> None:
        """The test provokes this on purpose."""
        self.expected.append(pattern)

    def complaints(self) -> list[str]:
        said = [line for line in self.console if not any(re.search(each, line) for each in self.expected)]
        return said + [f"asked elsewhere: {url}" for url in self.foreign]


@contextlib.asynccontextmanager
async def opened_page(
    browser: Browser, base: str, *, width: int = 1280, height: int = 900, noise: Noise | None = None, **options: Any
) -> AsyncIterator[tuple[Page, Noise]]:
    """A page in a context of its own. Nothing moves (reduced motion), so that looks do not depend on the moment."""
    context = await browser.new_context(
        base_url=base, viewport={"width": width, "height": height}, reduced_motion="reduce", **options
    )
    context.set_default_timeout(10_000)
    page, noise = await context.new_page(), noise or Noise()

    def asked(request: Request) -> None:
        if not request.url.startswith((f"{base}/", *noise.known)):
            noise.foreign.append(request.url)

    page.on("console", lambda said: noise.console.append(said.text) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: noise.console.append(str(error)))
    page.on("request", asked)
    try:
        yield page, noise
    finally:
        await context.close()
