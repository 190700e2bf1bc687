"""What a page says aloud: every text that its live region ever held."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from playwright.async_api import Page


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
        await self.page.wait_for_function("(count) => window.said.length >= count", arg=len(messages))
        assert await self.page.evaluate("() => window.said") == list(messages)
