"""What is left of a test that failed: trace, picture, HTML, ARIA snapshot, console, network, the shop's log, mails."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import pytest
from playwright.async_api import Page, Response

from hypermart.qa.browser import Noise
from hypermart.qa.client import QaShop

FAILED = pytest.StashKey[bool]()
ID = "x-request-id"


def note(item: pytest.Item, report: pytest.TestReport) -> None:
    """Remembers with the test that it has failed, for the fixtures that end after it."""
    if report.failed:
        item.stash[FAILED] = True


def has_failed(item: pytest.Item) -> bool:
    return item.stash.get(FAILED, False)


def folder(root: str, nodeid: str) -> Path:
    return Path(root, re.sub(r"[^\w.-]+", "-", nodeid).strip("-"))


@dataclass
class Recorder:
    page: Page
    trace: bool
    answers: list[str] = field(default_factory=list)
    request_ids: list[str] = field(default_factory=list)

    def heard(self, answer: Response) -> None:
        self.answers.append(f"{answer.status} {answer.request.method} {answer.url}")
        if id_ := answer.headers.get(ID):
            self.request_ids.append(id_)

    async def keep(self, folder: Path, noise: Noise, shop: QaShop, log: Path) -> None:
        """Writes all that is known into `folder`."""
        if self.trace:
            await self.page.context.tracing.stop(path=folder / "trace.zip")
        texts = {
            "page.html": await self.page.content(),
            "aria.yml": await self.page.locator("body").aria_snapshot(),
            "console.txt": "\n".join([*noise.console, *noise.foreign]),
            "network.txt": "\n".join(self.answers),
            "shop.log": self._of_this_test(log),
        }
        if shop.has_strings:
            mails = msgspec.json.encode(await shop.mailbox.newest())
            texts["mails.json"] = msgspec.json.format(mails).decode()
        await self.page.screenshot(path=folder / "page.png", full_page=True)
        for name, text in texts.items():
            _write(folder / name, text)

    def _of_this_test(self, log: Path) -> str:
        """The lines about this browser's requests; of a shop that somebody else started we have no log."""
        lines = log.read_text().splitlines() if log.exists() else []
        return "\n".join(line for line in lines if any(id_ in line for id_ in self.request_ids))


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


async def recording(page: Page, *, trace: bool) -> Recorder:
    recorder = Recorder(page, trace)
    page.on("response", recorder.heard)
    if trace:
        await page.context.tracing.start(screenshots=True, snapshots=True)
    return recorder
