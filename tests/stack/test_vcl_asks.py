"""What the edge tells the shop of a request, what it takes away, and what it tells the browser."""

from __future__ import annotations

import gzip
import http.client
import re
import socket
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest

from hypermart.qa.checks import html_errors
from hypermart.qa.tools import need
from hypermart.web.asgi import REQUEST_ID, SECURITY
from tests.parts.origin import Answer, Origin, page
from tests.parts.varnish import Browser, Varnish, running

pytestmark = pytest.mark.stack

POISON = (
    *("forwarded", "x-forwarded-host", "x-forwarded-port", "x-forwarded-prefix", "x-forwarded-scheme"),
    *("x-forwarded-server", "x-host", "x-original-host", "x-original-url", "x-rewrite-url", "x-http-method"),
    *("x-http-method-override", "x-method-override", "x-real-ip", "true-client-ip", "cf-connecting-ip", "x-edge"),
)


@pytest.mark.parametrize("target", ["/p/earth", "/cart"])
def test_what_could_poison_a_page_is_taken_away(ask: Browser, shop: Origin, target: str) -> None:
    evil: dict[str, Any] = dict.fromkeys((*POISON, "x-forwarded-proto", "x-forwarded-for"), "evil.example")
    ask(target, **evil)
    told = shop.asked[0].headers
    assert not set(POISON) & set(told)
    assert "evil" not in str(told)
    assert (told["x-forwarded-for"], told["x-forwarded-proto"]) == ("127.0.0.1", "http")
    assert told["host"] == ask.host


def test_a_round_cannot_be_begun_by_a_visitor(ask: Browser, shop: Origin) -> None:
    """X-Edge is how the VCL remembers what it did."""
    shop.says(Answer(status=500))
    assert [ask("/p/earth", x_edge="fresh").status for _ in range(2)] == [500, 500]
    assert len(shop.asked) == 2


def test_each_host_has_pages_of_its_own(ask: Browser, shop: Origin) -> None:
    assert ask("/p/earth", host="a.test").cache == "miss"
    assert ask("/p/earth", host="b.test").cache == "miss"
    assert ask("/p/earth", host="a.test:8080").cache == "miss"
    assert ask("/p/earth", host="A.Test").cache == "hit"
    assert ask("/p/earth", host="").status == 400
    assert len(shop.asked) == 3


def test_behind_what_ends_tls_the_visitor_is_known(ask: Browser, shop: Origin, varnish: Varnish) -> None:
    with socket.create_connection(("127.0.0.1", varnish.sockets.proxy), timeout=5) as connection:
        connection.sendall(b"PROXY TCP4 203.0.113.9 127.0.0.1 5555 443\r\n")
        connection.sendall(f"GET /cart HTTP/1.1\r\nHost: {ask.host}\r\nX-Forwarded-For: 6.6.6.6\r\n\r\n".encode())
        http.client.HTTPResponse(connection).begin()
    told = shop.asked[0].headers
    assert (told["x-forwarded-for"], told["x-forwarded-proto"]) == ("203.0.113.9", "https")


def test_every_answer_has_an_id_of_its_own(ask: Browser, shop: Origin) -> None:
    shop.says(page(x_request_id="the-origin-s-word"))
    answers = [ask("/p/earth", x_request_id="mine-mine"), ask("/p/earth"), ask("/cart"), ask("/p", "PUT")]
    assert [answer.cache for answer in answers] == ["miss", "hit", "pass", "pass"]
    ids = [answer.headers["x-request-id"] for answer in answers]
    assert len(set(ids)) == 4
    assert all(REQUEST_ID.fullmatch(one.encode()) for one in ids)  # or the shop would make another
    assert [asked.headers["x-request-id"] for asked in shop.asked] == [ids[0], ids[2]]


def test_a_browser_sees_nothing_of_our_machinery(ask: Browser, shop: Origin) -> None:
    ask("/p/earth")
    assert not {"surrogate-key", "xkey", "via", "x-varnish", "x-edge-revalidate"} & set(ask("/p/earth").headers)


def test_one_packed_page_serves_all(ask: Browser, shop: Origin) -> None:
    text = b"a page " * 99
    packed = page(content_encoding="gzip", vary="Accept-Encoding")
    packed.body = gzip.compress(text)
    shop.says(packed)
    for coding in ("br, gzip;q=0.9", "gzip", "deflate", "", "gzip;q=0"):
        answer = ask("/p/earth", accept_encoding=coding)
        if coding in ("br, gzip;q=0.9", "gzip"):
            assert answer.headers["content-encoding"] == "gzip"
            assert answer.body == packed.body
        else:
            assert "content-encoding" not in answer.headers
            assert answer.body == text
        assert answer.headers["vary"] == "Accept-Encoding"
    assert [asked.headers["accept-encoding"] for asked in shop.asked] == ["gzip"]


def test_a_browser_that_has_the_page_gets_304_from_the_edge(ask: Browser, shop: Origin) -> None:
    tag = ask("/p/earth").headers["etag"]
    for known in (tag, f"W/{tag}"):
        answer = ask("/p/earth", if_none_match=known)
        assert (answer.status, answer.body, answer.headers["etag"]) == (304, b"", tag)
    assert ask("/p/earth", if_none_match='"other"').status == 200
    assert len(shop.asked) == 1
    assert ask("/p/moon", if_none_match=tag).status == 304  # also when it is fetched for this very request
    assert "if-none-match" not in shop.asked[-1].headers


def test_purges_come_by_their_own_socket_alone(ask: Browser, shop: Origin, varnish: Varnish) -> None:
    shop.answer = lambda asked: page(keys=f"menu {ask.host} page:{asked.target[-1]}")
    for target in ("/p/1", "/p/2", "/p/3"):
        ask(target)
    assert ask("/p/1", "PURGE", surrogate_key="menu").status == 405
    assert ask("/p/1").cache == "hit"
    assert varnish.purge("page:2", "page:9") == 1
    assert [ask(target).cache for target in ("/p/1", "/p/2", "/p/3")] == ["hit", "miss", "hit"]
    assert varnish.purge(ask.host) == 3
    assert varnish.purge(ask.host) == 0


def test_the_purge_socket_shows_no_pages(ask: Browser, shop: Origin, varnish: Varnish) -> None:
    for method, target, status in (
        ("GET", "/", 404),
        ("GET", "/cart", 404),
        ("PURGE", "/", 404),
        ("POST", "/cart", 404),
    ):
        assert ask(target, method, port=varnish.sockets.purge).status == status
    health = httpx.get(f"{varnish.purge_url}/cdn-health")
    assert (health.status_code, health.text) == (200, "Alive\n")
    assert shop.asked == []
    ask("/cdn-health")
    assert shop.targets == ["/cdn-health"]  # to the public it is an address like any other


def test_without_a_shop_there_is_a_plain_page(tmp_path: Path, shop: Origin) -> None:
    """Nobody listens at the gateway's port."""
    with running(tmp_path, 1) as varnish:
        ask = Browser(varnish.sockets.public, "lonely.test")
        answers = {"public": ask("/p/earth"), "private": ask("/cart", "POST", body=b"x"), "refused": ask("/", "PUT")}
        shown = subprocess.run(
            [need("lynx"), "-dump", "-nolist", f"{varnish.url}/"], capture_output=True, text=True, check=False
        )
    assert [answer.status for answer in answers.values()] == [503, 503, 405]
    for answer in answers.values():
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        said = {name: answer.headers[name.decode()].encode() for name, _ in SECURITY}  # as the apps say
        assert said == dict(SECURITY)
        assert not {"server", "x-varnish", "via"} & {name.lower() for name in answer.headers}
    assert answers["private"].headers["retry-after"] == "10"
    assert re.split(r"\s{2,}", shown.stdout.strip())[0] == "Back in a moment"
    assert "What is in your cart stays" in " ".join(shown.stdout.split())
    need("vnu")
    (pages := tmp_path / "pages").mkdir()
    assert html_errors({name: answer.body for name, answer in answers.items()}, pages) == []
