"""The gateway (Caddy) between edge and replicas: what it lets in, what it says of visitors, what needs no Python."""

from __future__ import annotations

import asyncio
import http.client
import json
import re
import socket
from collections import Counter
from typing import Any

import httpx
import pytest

from tests.parts.origin import until
from tests.topology.crowd import shopper
from tests.topology.running import Gain, Running

ONCE = (
    "cache-control",
    "content-security-policy",
    "cross-origin-opener-policy",
    "permissions-policy",
    "referrer-policy",
    "x-content-type-options",
    "x-request-id",
)
"""Headers that stand once in every answer, whoever made it."""
ANYWHERE = ["/", "/cart", "/nope", "/metrics", "/static/old/css/base.css", "/staff/sign-in", "/livez"]
FORM = {"content-type": "application/x-www-form-urlencoded", "sec-fetch-site": "same-origin"}


@pytest.fixture(params=["edge", "caddy"])
def door(request: pytest.FixtureRequest, stack: Running) -> str:
    """With the CDN in front, and without."""
    return f"http://127.0.0.1:{stack.shape.port(request.param)}"


def requests(log: Gain) -> list[dict[str, Any]]:
    """That a replica has answered; each is written down a little later."""
    return [row for row in log.rows() if row["event"] == "request"]


def test_security_headers_stand_once(door: str) -> None:
    with httpx.Client(base_url=door) as client:
        asset = re.search(r'href="(/static/[^"]+\.css)"', client.get("/").text)
        picture = re.search(r"/media/[^\" ]+\.webp", client.get("/").text)
        assert asset
        assert picture
        for path in (*ANYWHERE, asset[1], picture[0]):
            names = Counter(name.lower() for name, _ in client.get(path).headers.multi_items())
            assert {name: names.get(name) for name in ONCE} == dict.fromkeys(ONCE, 1), path
            assert not {"server", "x-powered-by"} & set(names), path


def test_files_and_pictures_need_no_python(stack: Running, door: str) -> None:
    with httpx.Client(base_url=door) as client:
        page = client.get("/").text
        paths = re.findall(r'"(/static/[^"]+)"', page) + re.findall(r"(/media/[^\" ]+\.webp)", page)[:3]
        logs = [stack.gain(name) for name in stack.shape.apps]
        for path in paths:
            answer = client.get(path)
            assert (answer.status_code, answer.headers["cache-control"]) == (200, "public, max-age=31536000, immutable")
        assert len(paths) > 8
    asked = [row["path"] for log in logs for row in requests(log)]
    assert [path for path in asked if path in paths] == []


def test_a_file_of_another_release_is_not_for_ever(door: str) -> None:
    assert httpx.get(f"{door}/static/anotherone/css/base.css").headers["cache-control"] == "public, max-age=60"


@pytest.mark.parametrize(
    "path",
    ["/media/../shop.secret", "/media/originals/..%2f..%2fshop%2fsecret", "/static/../../shop/secret", "/media/"],
)
def test_no_path_leads_out_of_the_folders(door: str, path: str) -> None:
    connection = http.client.HTTPConnection(door.removeprefix("http://"), timeout=10)
    connection.request("GET", path)  # as it stands: httpx would tidy it up
    assert connection.getresponse().status in (301, 400, 404)
    connection.close()


def test_visitors_who_break_off_take_no_replica_away(stack: Running, door: str) -> None:
    for _ in range(10):
        with socket.create_connection(("127.0.0.1", int(door.rpartition(":")[2]))) as connection:
            head = "POST /cart/lines HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n"
            connection.sendall(f"{head}Content-Type: application/x-www-form-urlencoded\r\n\r\nvariant=1".encode())
        httpx.post(f"{door}/cart/lines", content="x=" + "a" * 100_000, headers=FORM)
    logs = [stack.gain(name) for name in stack.shape.apps]
    for _ in range(6):
        assert httpx.get(f"{door}/cart").status_code == 200
    until(lambda: all(any(row.get("path") == "/cart" for row in log.rows()) for log in logs))


def test_what_is_too_large_is_refused_in_words(door: str) -> None:
    answer = httpx.post(f"{door}/cart/lines", content="x=" + "a" * 100_000, headers=FORM)
    assert (answer.status_code, answer.headers["cache-control"]) == (413, "no-store")
    assert "That is too much" in answer.text
    for _ in range(50):  # where an app answers before the gateway does, a few get none
        assert httpx.post(f"{door}/cart/lines", content="x=" + "a" * 64_001, headers=FORM).status_code == 413
    pieces = (b"a" * 10_000 for _ in range(10))
    assert httpx.post(f"{door}/cart/lines", content=pieces, headers=FORM).status_code == 413
    assert httpx.get(f"{door}/cart", headers={"x-long": "a" * 20_000}).status_code in (400, 431)


def test_pages_are_compressed_for_who_can(door: str) -> None:
    for path in ("/", "/cart"):
        sent = httpx.get(f"{door}{path}", headers={"accept-encoding": "gzip"})
        plain = httpx.get(f"{door}{path}", headers={"accept-encoding": "identity"})
        assert (sent.headers["content-encoding"], plain.headers.get("content-encoding")) == ("gzip", None)
        assert int(sent.headers.get("content-length", 0)) < len(plain.content)
        assert "Accept-Encoding" in sent.headers["vary"]


def test_one_id_is_in_every_log(stack: Running, door: str) -> None:
    app, caddy = [stack.gain(name) for name in stack.shape.apps], stack.gain("caddy")
    own = httpx.get(f"{door}/cart").headers["x-request-id"]
    until(lambda: (own, "/cart") in [(row["request"], row["path"]) for log in app for row in requests(log)])
    until(lambda: own in {row.get("request_id") for row in caddy.rows()})


def test_logs_hold_no_keys(stack: Running) -> None:
    app, caddy, key = [stack.gain(name) for name in stack.shape.apps], stack.gain("caddy"), "0123456789abcdef" * 2
    for path in (f"/checkout/attempts/{key}", "/orders/1001?t=an-order-secret", "/account/resets/1.2.a-reset-secret"):
        httpx.get(f"{stack.url}{path}", headers={"cookie": "cart=a-cookie-secret", "referer": f"/{key}"})
    until(lambda: min(sum(len(requests(log)) for log in app), len(caddy.rows())) >= 3)
    text = json.dumps([log.rows() for log in (*app, caddy)])
    assert "/checkout/attempts/01234567*" in text
    assert "/orders/1001" in text
    assert key not in text
    assert "-secret" not in text


async def test_limits_hold_over_all_replicas_and_count_the_visitor_s_own_address(stack: Running) -> None:
    """Sixty at once, each request with a story of where it comes from: ten are heard, whatever replica they meet."""
    burst, other = "127.0.0.99", "127.0.0.98"

    async def attempt(number: int, address: str) -> int:
        transport = httpx.AsyncHTTPTransport(local_address=address)
        async with httpx.AsyncClient(base_url=stack.url, transport=transport, timeout=60) as client:
            typed = {"email": "nobody@example.com", "password": "not the right password"}
            told = {"x-forwarded-for": f"203.0.113.{number}", "x-real-ip": f"203.0.113.{number}", **FORM}
            return (await client.post("/account/sign-in", data=typed, headers=told)).status_code

    answers = Counter(await asyncio.gather(*(attempt(number, burst) for number in range(60))))
    assert answers == {422: 10, 429: 50}
    assert await attempt(99, other) == 422


async def test_signed_in_at_one_replica_known_to_all(stack: Running) -> None:
    ada = shopper(stack.url, "known", httpx.AsyncHTTPTransport(local_address="127.0.0.97"))
    async with ada.client:
        page = await ada.visit("/account/register")
        typed = {"email": "known@example.com", "password": "long enough for a shop"}
        await ada.send(page, "/account/register", name="Known Ada", **typed)
        page = await ada.send(await ada.visit("/account/sign-in"), "/account/sign-in", **typed)
        logs = [stack.gain(name) for name in stack.shape.apps]
        for _ in range(6):
            assert "known@example.com" in (await ada.visit("/account")).text
        until(lambda: all(any(row.get("path") == "/account" for row in log.rows()) for log in logs))
        form = page.form("/account/sign-out")
        await ada.send(page, form.action)
        for _ in range(3):
            assert "/account/sign-in" in (await ada.visit("/account")).url
