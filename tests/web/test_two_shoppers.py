"""Nothing of one shopper ever shows to another or to nobody, and guessing at secrets teaches nothing."""

from __future__ import annotations

import hashlib
import re
from typing import Any

import httpx
import pytest

from hypermart.domain.orders.links import order_token
from hypermart.qa.forms import Page
from tests.parts.selling import SellingShop
from tests.parts.shopping import JSON, PARTIAL
from tests.parts.visitor import ORIGIN
from tests.web.private_routes import DOORS, PAGES, Visited, handlers, visited
from tests.web.test_cost_and_cache import counted

pytestmark = pytest.mark.slow
ADA = {
    "name": "Zyxadora Quillfeather",
    "line1": "Xylophone Alley 7731",
    "city": "Quokkastadt",
    "phone": "+49 30 7731001",
}
BO = {"name": "Wombertus Jabberfield", "line1": "Vuvuzela Yard 8842", "city": "Okapihausen", "phone": "+49 30 8842002"}
META = re.compile(r'<meta name="referrer" content="([\w-]+)">')


class Two:
    """Two who have been everywhere, and one who was nowhere."""

    def __init__(self, selling: SellingShop, ada: Visited, bo: Visited) -> None:
        self.selling, self.ada, self.bo = selling, ada, bo
        self.nobody = selling.shopper("nobody").client

    @property
    def secret(self) -> bytes:
        secret: bytes = self.selling.app.state.shop.secret
        return secret


@pytest.fixture
async def two(selling: SellingShop) -> Two:
    return Two(selling, await visited(selling, "zyxada", **ADA), await visited(selling, "wombbo", **BO))


def markers(who: Visited, given: dict[str, str]) -> list[str]:
    cookie = who.shopper.client.cookies["cart"]
    return [*given.values(), f"{who.shopper.name}@example.com", who.token, who.key, cookie]


async def everywhere(two: Two, client: httpx.AsyncClient, own: Visited) -> list[httpx.Response]:
    """All pages of the shop, asked as people, htmx and islands ask, with the secrets of `own` where one is needed."""
    public = {route for route, _ in handlers(two.selling.app) if route.method == "GET" and "{" not in route.path}
    addresses = [route.path for route in public if not route.path.startswith("/mail")]  # which is everybody's
    addresses += [own.address(route.path) for route in PAGES] + [f"/orders/{own.number}?t={own.token}"]
    addresses += ["/p/summer-flowers", "/c/flowers", "/search?q=flowers"]
    addresses += [f"/orders/{number}" for number in (two.ada.number, two.bo.number)]
    answers = []
    for address in dict.fromkeys(addresses):
        for headers in ({}, PARTIAL, JSON):
            answers.append(await client.get(address, headers=headers))
            assert answers[-1].status_code < 500, address
    return answers


def shown(answers: list[httpx.Response], words: list[str]) -> set[str]:
    said = "\n".join(f"{answer.headers}\n{answer.text}" for answer in answers)
    return {word for word in words if word in said}


async def test_each_sees_their_own_and_nothing_of_the_other(two: Two) -> None:
    ada, bo = markers(two.ada, ADA), markers(two.bo, BO)
    of_ada = await everywhere(two, two.ada.shopper.client, two.ada)
    of_bo = await everywhere(two, two.bo.shopper.client, two.bo)
    of_nobody = await everywhere(two, two.nobody, Visited(two.ada.shopper, two.ada.phone, "1003", "x" * 32, "0" * 32))
    cookies = {two.ada.shopper.client.cookies["cart"], two.bo.shopper.client.cookies["cart"]}
    assert shown(of_ada, ada) == set(ada) - cookies, "or else this would prove nothing"
    assert shown(of_bo, bo) == set(bo) - cookies
    assert shown(of_ada, bo) == shown(of_bo, ada) == shown(of_nobody, ada + bo) == set()


async def test_what_one_sends_changes_and_shows_nothing_of_the_other(two: Two) -> None:
    """The other's numbers in every form, under one's own cookie."""
    ada = markers(two.ada, ADA)
    before = await everywhere(two, two.ada.shopper.client, two.ada)
    answers = []
    for route in sorted(DOORS):
        if "{" in route.path:
            continue  # who knows the key or the token has the right
        fields = await two.ada.fields(route)
        for given in (fields, [(name, "9") for name, _ in fields], [*fields, ("op", "remove-1")]):
            sent: Any = {"data": dict(given), "headers": {"origin": ORIGIN}}
            answers += [await client.post(route.path, **sent) for client in (two.bo.shopper.client, two.nobody)]
    hidden = [word for word in ada if word not in {*ADA.values(), "zyxada@example.com"}]  # which bo has just typed
    assert shown(answers, hidden) == set()
    after = await everywhere(two, two.ada.shopper.client, two.ada)
    assert [_body(answer) for answer in before] == [_body(answer) for answer in after]


def _body(answer: httpx.Response) -> str:
    """Without the token of its form, which is of its second."""
    return re.sub(r'name="form_token" value="[^"]*"', "", answer.text)


async def alike(two: Two, method: str, addresses: list[str], **sent: Any) -> tuple[int, str, list[str]]:
    """All of them are answered in the same way after the same work, also to the eyes of a cache."""
    found = set()
    for address in addresses:
        with counted(two.selling.database) as seen:
            answer = await two.nobody.request(method, address, **sent)
        headers = sorted((name, value) for name, value in answer.headers.items() if name != "x-request-id")
        found.add((answer.status_code, answer.text, str(headers), (*seen["reader"], "|", *seen["writer"])))
    assert len(found) == 1, [entry[0] for entry in found]
    status, text, _, statements = found.pop()
    return status, text, list(statements)


def guesses(two: Two) -> list[str]:
    good = two.ada.token
    digest = hashlib.sha256(good.encode())
    return [
        "",
        "x",
        good[:-1],
        good[1:],
        f"{good}A",
        f"{good}=",
        f"{good}%00",
        f"%20{good}",
        good.swapcase(),
        good[:-1] + ("A" if good[-1] != "A" else "B"),
        digest.hexdigest(),
        "é" * 32,
        "%F0%9F%A6%86",
        "%ED%A0%80",
        "A" * 5000,
        two.bo.token,
        order_token(two.secret, int(two.ada.number) + 100),
        order_token(b"another secret", int(two.ada.number)),
    ]


async def test_wrong_links_of_orders_are_answered_as_if_there_were_none(two: Two) -> None:
    number = two.ada.number
    addresses = [
        "/orders/1999",
        f"/orders/1999?t={two.ada.token}",
        f"/orders/{number}",
        f"/orders/{number}?T={two.ada.token}",
    ]
    addresses += [f"/orders/{number}?t={guess}" for guess in guesses(two)]
    addresses += [f"/orders/{number}?t=x&t={two.bo.token}&new=1", f"/orders/{two.bo.number}?t={two.ada.token}&cancel=1"]
    status, text, statements = await alike(two, "GET", addresses)
    assert status == 404
    assert number not in text
    assert not [statement for statement in statements if "order" in statement.lower().replace("order by", "")]
    right = await two.nobody.get(f"/orders/{number}?t={two.ada.token}")
    assert ADA["name"] in right.text, "or else this would prove nothing"


async def test_wrong_secrets_cancel_as_little_as_unknown_orders(two: Two) -> None:
    for guess in guesses(two):
        addresses = [f"/orders/{number}/cancellations" for number in ("1999", two.ada.number)]
        status, _, _ = await alike(two, "POST", addresses, data={"t": guess})
        assert status == 404
    assert [order.cancelled_at for order in await two.selling.orders()] == [None, None]


async def test_guessed_keys_of_payments_are_all_unknown(two: Two) -> None:
    key = two.ada.key
    keys = [
        "0" * 32,
        key[:-1],
        key[1:],
        f"{key}0",
        f"{key}%20",
        f"%20{key}",
        f"{key}%00",
        "x",
        "é",
        key[:-1] + "%C3%A9",
    ]
    keys += [key.upper() if key.upper() != key else "F" * 32, key[:-1] + ("0" if key[-1] != "0" else "1"), "9" * 500]
    status, text, statements = await alike(two, "GET", [f"/checkout/attempts/{guess}" for guess in keys])
    assert (status, key in text, len(statements) <= 4) == (404, False, True)
    status, _, _ = await alike(two, "POST", [f"/checkout/attempts/{guess}/retries" for guess in keys])
    assert status == 404
    assert "The payment was declined" in (await two.nobody.get(f"/checkout/attempts/{key}")).text


async def test_pages_under_a_secret_are_kept_by_nobody_and_told_to_nobody(two: Two) -> None:
    ada = two.ada
    pages = [f"/orders/{ada.number}?t={ada.token}{more}" for more in ("", "&new=1", "&cancel=1")]
    for address in [*pages, f"/checkout/attempts/{ada.key}"]:
        answer = await two.nobody.get(address)
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "no-store"
        assert not {"etag", "last-modified", "surrogate-key"} & set(answer.headers)
        assert told(answer) in ("same-origin", "no-referrer"), address
        assert not _leads_away(Page(answer), answer.text)


def told(answer: httpx.Response) -> str:
    """What the page's links and pictures say of where one comes from: its own word stands above that of the header."""
    said = META.findall(answer.text)
    return said[-1] if said else answer.headers["referrer-policy"]


def _leads_away(page: Page, html: str) -> list[str]:
    """Addresses that are fetched from elsewhere without being asked for."""
    return [each for each in re.findall(r'(?:src|srcset|action)="(https?:[^"]*)"', html) if page.url not in each]
