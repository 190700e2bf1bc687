"""The real shop behind the edge: every public page is a hit the second time, no private one ever is."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import httpx
import msgspec
import pytest

from hypermart.adapters.cdn import opened
from hypermart.app import create_app
from hypermart.qa.clock import QaClock
from hypermart.settings import Settings
from tests.parts.origin import until
from tests.parts.server import free_port, serving
from tests.parts.varnish import Browser, Varnish, running

pytestmark = pytest.mark.stack

TRACKED = "utm_source=mail&utm_campaign=spring%20sale&gclid=abc&fbclid=def&mc_cid=1&_gl=2"
LINK = re.compile(r'(?:href|src)="([^"]+)"|<loc>([^<]+)</loc>')
PRIVATE = re.compile(r"/(cart|checkout|orders|account|mail|bogus)\b")
STARTS = ("/", "/robots.txt", "/sitemap.xml", "/sitemaps/pages.xml", "/feeds/products.xml", "/search?q=sea")


@contextlib.contextmanager
def open_behind_the_edge(settings: Settings, folder: Path) -> Iterator[Varnish]:
    """The shop, open at the edge's own address."""
    bound = free_port()
    with running(folder, bound.getsockname()[1]) as varnish:
        app = create_app(msgspec.structs.replace(settings, base_url=varnish.url), clock=QaClock())
        with serving(app, bound):
            until(lambda: httpx.get(varnish.url).status_code == 200)  # the probe began before the shop
            yield varnish


@pytest.fixture(scope="module")
def shop(demo_settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Varnish]:
    with open_behind_the_edge(demo_settings, tmp_path_factory.mktemp("varnish")) as varnish:
        yield varnish


@pytest.fixture(scope="module")
def ask(shop: Varnish) -> Browser:
    return Browser(shop.sockets.public, f"127.0.0.1:{shop.sockets.public}")


@pytest.fixture(scope="module")
def seen(ask: Browser) -> dict[str, str]:
    """Address -> X-Cache of every page that a crawler comes to in its first round, a few of each kind."""
    found: dict[str, str] = {}
    waiting = list(STARTS)
    while waiting:
        target = waiting.pop()
        if target in found or sum(_kind(target) == _kind(other) for other in found) >= 40:
            continue
        answer = ask(target)
        assert answer.status in (200, 303), (target, answer.status)
        found[target] = answer.cache if answer.status == 200 else "redirect"
        if answer.headers.get("content-type", "").startswith(("text/html", "application/xml")):
            waiting += sorted(_links(answer.body.decode(), target, ask.host))
    return found


def _kind(target: str) -> str:
    return target.split("/")[1].split("?", maxsplit=1)[0]


def _links(text: str, target: str, host: str) -> set[str]:
    base = f"http://{host}"
    links = (urlsplit(urljoin(base + target, (a or b).replace("&amp;", "&"))) for a, b in LINK.findall(text))
    return {link.path + (f"?{link.query}" if link.query else "") for link in links if link.netloc == host}


def test_the_crawler_came_round(seen: dict[str, str]) -> None:
    kinds = {_kind(target) for target in seen}
    assert kinds >= {"", "p", "c", "collections", "pages", "search", "sitemaps", "feeds", "static", "media", "cart"}
    assert len(seen) > 100


def test_the_second_time_every_public_page_is_a_hit(ask: Browser, seen: dict[str, str]) -> None:
    public = [target for target, cache in seen.items() if not PRIVATE.match(target) and cache != "redirect"]
    again = {target: ask(target).cache for target in public}
    assert {target: cache for target, cache in again.items() if cache != "hit"} == {}
    tracked = {target: ask(f"{target}{'&' if '?' in target else '?'}{TRACKED}").cache for target in public}
    assert {target: cache for target, cache in tracked.items() if cache != "hit"} == {}


def test_no_private_page_ever_is(ask: Browser, seen: dict[str, str]) -> None:
    private = {target for target in seen if PRIVATE.match(target)} | {"/cart", "/checkout/address", "/mail", "/livez"}
    assert {ask(target).cache for target in private for _ in range(2)} == {"pass"}


def test_a_page_that_says_no_and_a_redirect_stay_what_they_are(ask: Browser) -> None:
    for _ in range(2):
        assert ask("/p/nope?utm_source=x").status == 404
        assert ask("/c/space?page=99&gclid=1").status == 404
        moved = ask("/C/Space?utm_source=x")
        assert moved.status == 404
        assert ask("/c/Space?utm_source=x").headers["location"] == "/c/space"
        tidy = ask("/c/space?min=&max=&frame=oak-frame&utm_source=x")
        assert (tidy.status, tidy.headers["location"]) == (303, "/c/space?frame=oak-frame")
        assert (ask("/c/space/").status, ask("/c/space/").headers["location"]) == (301, "/c/space")
        chosen = ask("/p/summer-flowers?option1=x&utm_source=y")
        assert (chosen.status, chosen.cache) == (409, "pass")


def test_a_visitor_who_buys_sees_a_cart_and_public_pages_stay_hits(
    demo_copy_settings: Settings, tmp_path: Path
) -> None:
    page = "/p/summer-flowers?v=AP004-S-U"
    with (
        open_behind_the_edge(demo_copy_settings, tmp_path) as shop,
        httpx.Client(base_url=shop.url) as ada,
        httpx.Client(base_url=shop.url) as bob,
    ):
        variant = re.findall(r'name="variant" value="(\d+)"', ada.get(page).text)[0]
        typed, own = {"variant": variant, "quantity": "2"}, {"sec-fetch-site": "same-origin"}
        assert ada.post("/cart/lines", data=typed, headers=own).status_code == 303
        assert "Summer Flowers" in ada.get("/cart").text
        assert "Summer Flowers" not in bob.get("/cart").text
        for visitor in (ada, bob):
            answer = visitor.get(page)
            assert (answer.headers["x-cache"], "set-cookie" in answer.headers) == ("hit", False)


async def test_a_purge_by_the_setting_brings_new_pages(ask: Browser, shop: Varnish) -> None:
    assert {ask(target).cache for target in ("/", "/pages/about") for _ in range(2)} >= {"hit"}
    async with opened(f"varnish:{shop.purge_url}", "") as cdn:
        await cdn.purge(["content:about"])
    assert (ask("/").cache, ask("/pages/about").cache) == ("hit", "miss")
    async with opened(f"varnish:{shop.purge_url}", "") as cdn:
        await cdn.purge(["menu"])
    assert (ask("/").cache, ask("/pages/about").cache) == ("miss", "miss")
