"""pytest plugin for browser tests of a hypermart shop: `-p hypermart.qa.plugin`. docs/qa.md shows how to begin.

Tests are `async def` (anyio_mode = auto). Each gets the shop as it was seeded and a browser of its own.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page

from hypermart.qa import artefacts, checks
from hypermart.qa.browser import Noise, chromium, opened_page
from hypermart.qa.client import Bank, Mailbox, QaShop, ShopClock
from hypermart.qa.live import LiveLog
from hypermart.qa.pages import HomePage, ShopPage
from hypermart.qa.pages_buying import page_of
from hypermart.qa.process import own_shop
from hypermart.qa.seeds import Seeds, arrive
from hypermart.qa.states import State
from hypermart.qa.tools import need

VIEWPORTS = {"390": (390, 844), "1280": (1280, 900)}
WIDE = VIEWPORTS["1280"]


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("hypermart")
    group.addoption("--shop", default="", help="address of a running shop; without one, each worker starts its own")
    group.addoption("--qa-secret", default=os.environ.get("QA_SECRET", ""), help="QA_SECRET of that shop")
    group.addoption("--gateway", default=os.environ.get("GATEWAY", ""), help="its practice bank, if not SHOP/bogus")
    group.addoption("--gateway-secret", default=os.environ.get("GATEWAY_SECRET", "bogus"), help="that of its bank")
    group.addoption("--artefacts", default="test-results", help="folder for what is left of tests that fail")
    group.addoption("--no-trace", action="store_true", help="record no Playwright traces: quicker")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    artefacts.note(item, report)
    return report


class _Backend:
    @pytest.fixture(scope="session")
    @classmethod
    def anyio_backend(cls) -> tuple[str, dict[str, bool]]:
        return "asyncio", {"use_uvloop": False}


def pytest_configure(config: pytest.Config) -> None:
    """anyio has a fixture of that name, too: whoever comes last counts, and it is loaded after `-p`."""
    config.pluginmanager.register(_Backend(), "hypermart-anyio-backend")


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with chromium(need("chromium")) as browser:
        yield browser


@pytest.fixture(scope="session")
def shop_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where an own shop keeps what it has, and its log."""
    return tmp_path_factory.mktemp("shop")


@pytest.fixture(scope="session")
def shop_settings() -> dict[str, str]:
    """Settings of an own shop beside the defaults, like {"SHOP_LOCALE": "de"}: override it in your conftest.py."""
    return {}


@pytest.fixture(scope="session")
async def any_shop(
    request: pytest.FixtureRequest, shop_folder: Path, shop_settings: dict[str, str]
) -> AsyncIterator[QaShop]:
    """The shop of this run, in whatever state the last test has left it."""
    options = request.config.option
    if options.shop:
        shop = QaShop(options.shop.rstrip("/"), options.qa_secret, options.gateway_secret, options.gateway)
        yield shop
        await shop.close()
        return
    with own_shop(shop_folder, shop_settings) as (base, secret):
        shop = QaShop(base, secret, options.gateway_secret)
        yield shop
        await shop.close()


@pytest.fixture
async def shop(any_shop: QaShop) -> QaShop:
    """The shop as it was seeded; a shop without strings (any running one) as it is."""
    if any_shop.has_strings:
        await any_shop.reset()
    return any_shop


@pytest.fixture(params=[False, True], ids=["js", "nojs"])
def nojs(request: pytest.FixtureRequest) -> bool:
    """Runs the test twice: with JavaScript, and without (True)."""
    return bool(request.param)


@pytest.fixture(params=["light", "dark"])
def theme(request: pytest.FixtureRequest) -> str:
    """Runs the test in both."""
    return str(request.param)


@pytest.fixture(params=list(VIEWPORTS.values()), ids=list(VIEWPORTS))
def viewport(request: pytest.FixtureRequest) -> tuple[int, int]:
    """Runs the test on a telephone and on a desk: width and height in CSS px."""
    return request.param  # type: ignore[no-any-return]


@pytest.fixture
def scripts(request: pytest.FixtureRequest) -> bool:
    """Whether this test's browser runs JavaScript."""
    return not _asked(request, "nojs", False)


def _asked(request: pytest.FixtureRequest, fixture: str, otherwise: Any) -> Any:
    """What `fixture` gives, if the test asks for it."""
    return request.getfixturevalue(fixture) if fixture in request.fixturenames else otherwise


@pytest.fixture
def noise(any_shop: QaShop) -> Noise:
    """What the browser complained about and whom else it asked. Must be empty at the end; see Noise.expects()."""
    noise = Noise()
    noise.known.append(f"{any_shop.bank.base}/")
    return noise


@pytest.fixture
async def page(
    request: pytest.FixtureRequest, browser: Browser, shop: QaShop, scripts: bool, noise: Noise
) -> AsyncIterator[Page]:
    """A page in a browser without a past, at no address yet."""
    width, height = _asked(request, "viewport", WIDE)
    options: dict[str, Any] = {"java_script_enabled": scripts, "color_scheme": _asked(request, "theme", "light")}
    async with opened_page(browser, shop.base, width=width, height=height, noise=noise, **options) as (page, _):
        recorder = await artefacts.recording(page, trace=not request.config.option.no_trace)
        await page.add_init_script(LiveLog.LISTEN)
        yield page
        if artefacts.has_failed(request.node):
            folder = artefacts.folder(request.config.option.artefacts, request.node.nodeid)
            await recorder.keep(folder, noise, shop, request.getfixturevalue("shop_folder") / "shop.log")
        else:
            assert noise.complaints() == []


@pytest.fixture
def home(page: Page, scripts: bool) -> HomePage:
    """Where most stories begin: `await home.open()`."""
    return HomePage(page, scripts)


@pytest.fixture
def seed() -> Seeds:
    """Every state that a page can show, by name: seed.product("sold-out"), seed.cart("notices")."""
    return Seeds()


@pytest.fixture
def visit(page: Page, scripts: bool, shop: QaShop) -> Callable[[State | str], Awaitable[ShopPage]]:
    """Goes to a seed (as its visitor) or to a path; gives the page in a shopper's words."""

    async def go(where: State | str) -> ShopPage:
        if isinstance(where, State):
            if where.seed != "demo" and not shop.has_strings:
                pytest.skip(f"{where.name} needs a shop in QA mode")
            await arrive(page, where, shop.base)
        else:
            await page.goto(where)
        return page_of(where, page, scripts)

    return go


@pytest.fixture
def as_customer(page: Page, shop: QaShop) -> Callable[[str], Awaitable[None]]:
    """This browser becomes that of a seeded visitor: as_customer("at-review"), with what is in the cart."""

    async def become(visitor: str) -> None:
        cookie = await shop.log_in(visitor)
        await page.context.add_cookies([{"name": cookie.name, "value": cookie.value, "url": shop.base}])

    return become


@pytest.fixture
def mailbox(shop: QaShop) -> Mailbox:
    return shop.mailbox


@pytest.fixture
def clock(shop: QaShop) -> ShopClock:
    return shop.clock


@pytest.fixture
async def bank(shop: QaShop) -> Bank:
    """The bogus gateway; what it was asked and has taken counts from here on."""
    await shop.bank.forget()
    return shop.bank


@pytest.fixture
def live_log(page: Page) -> LiveLog:
    """What a screen reader was told: `await live_log.heard("38 products")` is all of it, in order."""
    return LiveLog(page)


@pytest.fixture
def axe(page: Page) -> Callable[[], Awaitable[None]]:
    """The page as it is now has no accessibility defect that axe-core can find (WCAG 2.2 AA and good practice)."""

    async def look() -> None:
        assert await checks.violations(page) == []

    return look


@pytest.fixture
def no_overflow(page: Page) -> Callable[[], Awaitable[None]]:
    """Nothing is wider than the window, and targets are large enough, at the present width and at 320 px."""

    async def look() -> None:
        assert await checks.layout_complaints(page) == []
        before = page.viewport_size
        await page.set_viewport_size({"width": 320, "height": 800})
        assert await checks.layout_complaints(page) == []
        if before:
            await page.set_viewport_size(before)

    return look


@pytest.fixture
def vnu(page: Page, tmp_path: Path) -> Callable[[], Awaitable[None]]:
    """The page, asked for again as the server sends it, is valid HTML."""

    async def look() -> None:
        content = await (await page.request.get(page.url)).body()
        assert checks.html_errors({"page": content}, tmp_path) == []

    return look
