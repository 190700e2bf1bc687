"""What a page says aloud: every text that its live region ever held."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import ClassVar

from playwright.async_api import Page
from playwright.async_api import TimeoutError as TooLate


@dataclass(frozen=True)
class LiveLog:
    page: Page

    LISTEN: ClassVar[str] = """addEventListener('DOMContentLoaded', () => {
      window.said = [];
      const live = document.getElementById('live');
      if (!live) return;
      new MutationObserver(() => { if (live.textContent) window.said.push(live.textContent); })
        .observe(live, { childList: true, characterData: true, subtree: true });
    });"""
    """Runs before the page's own scripts."""

    async def heard(self, *messages: str) -> None:
        """All that was said on this page so far: each message once."""
        with contextlib.suppress(TooLate):  # what was said instead tells more
            await self.page.wait_for_function("(count) => window.said.length >= count", arg=len(messages))
        assert await self.page.evaluate("() => window.said") == list(messages)
