"""What the edge keeps: pages of public addresses that say so themselves. Never what is one visitor's own."""

from __future__ import annotations

import re

import pytest

from hypermart.domain.imports.mapping import RESERVED, TRACKERS
from hypermart.settings import load
from hypermart.stack.varnish import VCL
from hypermart.web.routes import routers
from tests.parts.origin import PAGE, Answer, Origin, page
from tests.parts.varnish import Browser, Varnish

pytestmark = pytest.mark.stack

PUBLIC = (
    "/",
    "/search?q=sea",
    "/robots.txt",
    "/sitemap.xml",
    "/sitemaps/products-1.xml",
    "/feeds/products.xml",
    "/p/summer-flowers",
    "/p/summer-flowers?v=AP004-S-U",
    "/p/%e2%80%93",
    "/c/space",
    "/collections/sale",
    "/pages/about",
    "/static/0123abcd/css/base.css",
    "/media/renditions/ab12/summer-flowers-640.webp",
)
PRIVATE = (
    "/cart",
    "/checkout/review",
    "/orders/1000?t=secret",
    "/account",
    "/mail",
    "/livez",
    "/hooks/payments",
    "/qa",
    # What looks like a file or a public page, to us or to somebody behind us.
    "/account/x.css",
    "/account/profile/p/earth",
    "/cart;x.css",
    "/cart%2f..%2fstatic/",
    "/cart%00.js",
    "/cart?x=/static/a.css",
    "/cart/../static/a.css",
    "/static/../cart",
    "/static/..%2fcart",
    "/static/%2e%2e/cart",
    "/static/%2E./cart",
    "/p/x;/../../cart",
    "/p/..\\cart",
    "/p/%5c..%5ccart",
    "/p//cart",
    "//cart",
    "/p/",
    "/c",
    "/searching",
    "/robots.txt/x",
    "/P/earth",
    "/p/a%20b",
)
KEPT = page("kept").headers


@pytest.mark.parametrize("target", PUBLIC)
def test_a_public_page_is_fetched_once(ask: Browser, shop: Origin, target: str) -> None:
    assert [ask(target).cache for _ in range(3)] == ["miss", "hit", "hit"]
    assert shop.targets == [target]


@pytest.mark.parametrize("target", PRIVATE)
def test_all_else_passes_whatever_the_origin_says(ask: Browser, shop: Origin, target: str) -> None:
    for visitor in ("ada", "bob"):
        shop.says(page(visitor))
        answer = ask(target, cookie=f"cart={visitor}", authorization="Basic x")
        assert (answer.cache, answer.body) == ("pass", visitor.encode())
        assert shop.asked[-1].headers["cookie"] == f"cart={visitor}"
        assert shop.asked[-1].headers["authorization"] == "Basic x"
        assert shop.asked[-1].target == target


def test_no_public_route_is_forgotten() -> None:
    """And none is invented: the first words of the public router's paths are those of the VCL."""
    public = {path.split("/")[1] for handler in routers(load({}))[0].routes for path in [handler.path]}
    found = re.search(r'!~ "\^/\((.*?)\)\(/\(', (VCL / "default.vcl").read_text())
    assert found
    assert set(re.sub(r"[(\\]", "", found[1]).split("|")) == public


@pytest.mark.parametrize(
    "answer",
    [
        Answer(),
        Answer(headers={"surrogate-key": "menu"}),
        page(policy="no-store"),
        page(policy="private, max-age=60"),
        page(policy=PAGE + ", private"),
        page(policy=PAGE + ", no-cache"),
        page(policy="public, max-age=60"),
        page(policy="max-age=0, s-maxage=300"),
        page(policy="s-maxage=300, not-public"),
        page(policy="public, s-maxage=0"),
        page(keys=""),
        page(set_cookie="session=ada"),
        page(vary="Cookie"),
        page(vary="Accept-Encoding, HX-Request"),
        Answer(status=404, headers=KEPT),
        Answer(status=301, headers=KEPT | {"location": "/p/new"}),
        Answer(status=303, headers=KEPT | {"location": "/p/new"}),
        Answer(status=409, headers=KEPT),
        Answer(status=500, headers=KEPT),
    ],
    ids=lambda answer: f"{answer.status} {answer.headers.get('cache-control')}"[:60],
)
def test_without_the_marker_nothing_is_kept(ask: Browser, shop: Origin, answer: Answer) -> None:
    shop.says(answer)
    got = [ask("/p/earth") for _ in range(3)]
    assert [one.cache for one in got] == ["pass"] * 3
    assert {one.status for one in got} == {answer.status}
    assert len(shop.asked) == 3


def test_a_cookie_with_a_public_page_is_reported(ask: Browser, shop: Origin, varnish: Varnish) -> None:
    shop.says(page(set_cookie="session=ada"))
    assert ask("/p/leaky").headers["set-cookie"] == "session=ada"
    assert "edge: Set-Cookie with a public page: /p/leaky" in varnish.log()
    shop.says(page())
    assert [ask("/p/leaky").cache for _ in range(2)] == ["miss", "hit"]  # mended, it is kept again


def test_files_that_never_change_need_no_keys(ask: Browser, shop: Origin) -> None:
    shop.says(page(keys="", policy="public, max-age=31536000, immutable"))
    assert [ask("/static/0123/css/base.css").cache for _ in range(2)] == ["miss", "hit"]


def test_who_asks_does_not_matter_to_a_public_page(ask: Browser, shop: Origin) -> None:
    ask("/p/earth", cookie="session=ada; cart_n=3", authorization="Bearer ada")
    assert not {"cookie", "authorization"} & set(shop.asked[0].headers)
    assert ask("/p/earth", cookie="session=bob").cache == "hit"


@pytest.mark.parametrize(
    ("asked", "fetched"),
    [
        ("/?utm_source=mail", "/"),
        ("/?", "/"),
        ("/pages/about?v=1&x", "/pages/about"),
        ("/static/a/b.css?q=1", "/static/a/b.css"),
        ("/p/earth?utm_source=x&v=AP039-S-U&gclid=1", "/p/earth?v=AP039-S-U"),
        ("/p/earth?option2=b&&option1=a?b&nope=1&V=2", "/p/earth?option1=a?b&option2=b"),
        ("/p/earth?vv=1&xv=2&v", "/p/earth"),
        ("/c/space?sort=new&frame=oak-frame&artist=b&artist=a", "/c/space?artist=a&artist=b&frame=oak-frame&sort=new"),
        ("/c/space?fbclid=1&utm_medium=x&mc_cid=2&_ga=3&page=2", "/c/space?page=2"),
        ("/c/space?min=&max=", "/c/space?max=&min="),
        ("/collections/sale?available=1&Foo=1&%66oo=1", "/collections/sale?available=1"),
        ("/search?gclid=1&q=a%20b?&x_y=1&page=2", "/search?page=2&q=a%20b?"),
        ("/search?" + "q" * 61 + "=1&q=1", "/search?q=1"),
        ("/sitemaps/pages.xml?q=1", "/sitemaps/pages.xml"),
    ],
)
def test_only_what_a_page_reads_makes_it_another_page(ask: Browser, shop: Origin, asked: str, fetched: str) -> None:
    assert ask(asked).cache == "miss"
    assert shop.targets == [fetched]
    assert ask(fetched).cache == "hit"


def test_private_addresses_keep_every_key(ask: Browser, shop: Origin) -> None:
    ask("/orders/1000?t=x&utm_source=1&b=&a=")
    assert shop.targets == ["/orders/1000?t=x&utm_source=1&b=&a="]


def test_the_keys_are_those_that_the_code_reads() -> None:
    text = (VCL / "default.vcl").read_text()
    of_products, trackers = re.findall(r"&\(\?!\(([a-z0-9|]+)\)=", text)[0], re.findall(r"\(\?!\(([a-z|]+)\)=\)", text)
    assert set(of_products.split("|")) == {key for key in RESERVED if re.fullmatch(r"v|option\d", key)}
    assert [set(names.split("|")) for names in trackers] == [TRACKERS]
    assert all(re.fullmatch("[a-z0-9-]{1,60}", key) for key in RESERVED)


def test_a_head_is_answered_from_the_same_page(ask: Browser, shop: Origin) -> None:
    head = ask("/p/earth", "HEAD")
    assert (head.status, head.body, head.cache) == (200, b"", "miss")
    assert (ask("/p/earth").cache, ask("/p/earth", "HEAD").cache) == ("hit", "hit")
    assert [asked.method for asked in shop.asked] == ["GET"]


@pytest.mark.parametrize("target", ["/cart/lines", "/p/earth"])
def test_a_form_passes_as_it_is(ask: Browser, shop: Origin, target: str) -> None:
    for _ in range(2):
        assert ask(target, "POST", body=b"sku=1", cookie="cart=a").cache == "pass"
    assert [(asked.method, asked.body, asked.headers["cookie"]) for asked in shop.asked] == [
        ("POST", b"sku=1", "cart=a")
    ] * 2


@pytest.mark.parametrize("target", ["/p/earth", "/cart"])
@pytest.mark.parametrize(("coding", "body"), [("", b"q=bad"), ("chunked", b"5\r\nq=bad\r\n0\r\n\r\n")])
def test_a_body_with_a_get_is_dropped_and_nothing_kept(
    ask: Browser, shop: Origin, target: str, coding: str, body: bytes
) -> None:
    assert ask(target, body=body, transfer_encoding=coding).cache == "pass"
    assert [asked.body for asked in shop.asked] == [b""]
    assert not {"content-length", "transfer-encoding"} & set(shop.asked[0].headers)
    assert ask(target).cache in ("miss", "pass")


def test_a_body_with_a_head_is_refused(ask: Browser, shop: Origin) -> None:
    assert ask("/p/earth", "HEAD", body=b"q=bad").status == 400
    assert shop.asked == []


METHODS = "PUT PATCH DELETE OPTIONS TRACE CONNECT PURGE BAN PRI get".split()


@pytest.mark.parametrize("method", METHODS)
def test_other_methods_are_refused(ask: Browser, shop: Origin, method: str) -> None:
    answer = ask("/p/earth", method)
    assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD, POST")
    assert answer.headers["cache-control"] == "no-store"
    assert shop.asked == []
