"""The picture of a product says truly how wide it is shown: a browser then fetches no more of it than it needs."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser
from sqlalchemy import update

from hypermart.domain.catalog.models import Picture
from hypermart.qa.browser import opened_page
from hypermart.services import Services
from hypermart.settings import Settings
from tests.parts.shops import open_shop

pytestmark = pytest.mark.browser
#: How wide `sizes` says that the picture is, and how wide it is shown, in CSS px.
TOLD_AND_SHOWN = """(image) => {
  const [length] = image.sizes.split(', ').map((each) => each.match(/^(?:(\\(.*?\\)) )?(\\S+)$/))
    .filter(([, media]) => !media || matchMedia(media).matches).map(([,, length]) => length);
  const probe = document.createElement('div');
  document.body.append(probe);
  probe.style.width = length;
  const told = probe.getBoundingClientRect().width, style = getComputedStyle(image);
  probe.remove();
  return [told, image.getBoundingClientRect().width - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight)];
}"""


#: A framed mock-up, a square one, and a print taller than wide.
PAGES = {"room": "/p/summer-flowers?v=AP004-M-O", "wide": "/p/full-moon", "tall": "/p/the-japanese-robe"}


@pytest.fixture
async def rendered(demo_copy: Services, demo_copy_settings: Settings) -> AsyncIterator[str]:
    """A shop that says of every picture that its renditions exist: `sizes` is there only then."""
    async with demo_copy.db.write() as db:
        await db.execute(update(Picture).values(widths="320 480 640 960"))
    with open_shop(demo_copy_settings) as base:
        yield base


@pytest.mark.parametrize("kind", PAGES)
async def test_it_is_told_as_wide_as_it_is_shown(kind: str, rendered: str, browser: Browser) -> None:
    async with opened_page(browser, rendered) as (page, _):
        await page.goto(PAGES[kind])
        image = page.locator(f".gallery li:first-child img.{kind}")
        for width in (360, 412, 800, 1280, 1600):
            await page.set_viewport_size({"width": width, "height": 900})
            told, shown = await image.evaluate(TOLD_AND_SHOWN)
            assert shown <= told + 1 <= 1.15 * shown, (width, told, shown)
