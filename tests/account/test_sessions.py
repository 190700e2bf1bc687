"""Sessions: made by us, changed at every sign-in, asked for lazily, lost without harm."""

from __future__ import annotations

import asyncio
import hashlib
from datetime import timedelta
from typing import Any

import httpx
import pytest
from litestar.routes import HTTPRoute

from hypermart.adapters import sessions
from hypermart.app import create_app
from hypermart.qa.clock import QaClock
from hypermart.settings import Settings
from hypermart.web.guards import same_origin
from hypermart.web.sessions import ACCOUNT
from tests.parts.accounts import PASSWORD, AccountShop, account_shop, sign_in
from tests.parts.selling import FLOWERS
from tests.parts.valkeys import Valkey
from tests.parts.visitor import ORIGIN

PUBLIC = (
    "/",
    "/c/flowers",
    "/p/summer-flowers",
    "/search?q=sea",
    "/pages/about",
    "/robots.txt",
    "/nope",
    "/sitemap.xml",
)


async def is_in(browser: httpx.AsyncClient) -> bool:
    answer = await browser.get("/account")
    assert answer.status_code in (200, 303)
    return answer.status_code == 200


def with_session(shop: AccountShop, id_: str) -> httpx.AsyncClient:
    browser = shop.browser()
    browser.cookies.set("session", id_, domain="shop.test")
    return browser


async def test_an_id_that_an_attacker_chose_never_becomes_a_session(shop: AccountShop) -> None:
    await shop.account()
    browser = with_session(shop, "A" * 43)
    await shop.signed_in(browser=browser)
    assert browser.cookies["session"] != "A" * 43
    assert await is_in(browser)
    assert not await is_in(with_session(shop, "A" * 43))
    with shop.valkey.client() as client:
        keys = {key.decode() for key in client.keys("*session*")}
    id_ = browser.cookies["session"]
    assert keys == {sessions.PREFIX + hashlib.sha256(f"account:{id_}".encode()).hexdigest()}
    assert len(id_) >= 43, "256 bits"


@pytest.mark.parametrize("id_", ["", "x", "é", "*", "\x00", "'; DROP", "a" * 5000])
async def test_nonsense_is_nobody(shop: AccountShop, id_: str) -> None:
    answer = await shop.browser().get("/account", headers=[(b"cookie", f"session={id_}".encode())])
    assert answer.status_code == 303


async def test_the_old_id_is_dead_after_sign_in_sign_out_and_a_new_password(shop: AccountShop) -> None:
    await shop.account()
    browser = await shop.signed_in()
    ids = [browser.cookies["session"]]
    await shop.signed_in(browser=browser)
    ids.append(browser.cookies["session"])
    fields = {"current": PASSWORD, "password": "green bottle under a tree"}
    assert (await browser.post("/account/password", data=fields)).headers["location"].endswith("changed=1")
    ids.append(browser.cookies["session"])
    assert [await is_in(with_session(shop, id_)) for id_ in ids] == [False, False, True]
    await browser.post("/account/sign-out")
    assert not any([await is_in(with_session(shop, id_)) for id_ in ids])
    assert len(set(ids)) == 3


async def test_a_new_password_ends_all_other_sessions_of_the_customer(shop: AccountShop) -> None:
    await shop.account("ada")
    await shop.account("bo")
    laptop, phone, bo = [await shop.signed_in(name) for name in ("ada", "ada", "bo")]
    wanted = "green bottle under a tree"
    await laptop.post("/account/password", data={"current": PASSWORD, "password": wanted})
    assert [await is_in(browser) for browser in (laptop, phone, bo)] == [True, False, True]
    assert (await sign_in(phone, "ada@example.com")).status_code == 422
    assert (await sign_in(phone, "ada@example.com", wanted)).status_code == 303


async def test_parallel_writes_keep_every_field(valkey: Valkey) -> None:
    async with sessions.opened(valkey.url) as store:
        await store.make("k", {"self": "k"}, 60)
        await asyncio.gather(*(store.put("k", {f"field-{n}": str(n)}, 60) for n in range(50)))
        assert await store.load("k") == {"self": "k"} | {f"field-{n}": str(n) for n in range(50)}


async def test_what_has_ended_does_not_come_back_by_a_late_write(valkey: Valkey) -> None:
    async with sessions.opened(valkey.url) as store:
        await store.make("k", {"self": "k"}, 60)
        await store.drop("k")
        assert not await store.put("k", {"seen_at": "now"}, 60)
        assert await store.load("k") == {}


async def test_an_answer_that_was_meant_for_another_is_nobody(shop: AccountShop) -> None:
    """As a connection gives that two requests have got mixed up on."""
    await shop.account("ada")
    await shop.account("bo")
    ada, bo = await shop.signed_in("ada"), await shop.signed_in("bo")
    with shop.valkey.client() as client:
        key = sessions.PREFIX + hashlib.sha256(f"account:{ada.cookies['session']}".encode()).hexdigest()
        other = sessions.PREFIX + hashlib.sha256(f"account:{bo.cookies['session']}".encode()).hexdigest()
        stored: Any = client.hgetall(other)
        client.hset(key, mapping=stored)
    assert not await is_in(ada)
    assert await is_in(bo)


async def test_idle_and_absolute_timeouts(shop: AccountShop) -> None:
    await shop.account()
    idle = await shop.signed_in()
    shop.clock.advance(seconds=(ACCOUNT.idle - timedelta(seconds=1)).total_seconds())
    assert await is_in(idle)
    shop.clock.advance(seconds=ACCOUNT.idle.total_seconds())
    assert not await is_in(idle)
    busy = await shop.signed_in()
    for _ in range(59):
        shop.clock.advance(hours=24)
        assert await is_in(busy)
    shop.clock.advance(hours=24)
    assert not await is_in(busy)


async def test_coming_back_is_noted_each_hour_and_not_at_each_request(shop: AccountShop) -> None:
    await shop.account()
    browser = await shop.signed_in()
    for minutes, is_noted in ((10, False), (60, True), (10, False)):
        shop.clock.advance(minutes=minutes)
        answer = await browser.get("/account")
        assert ("session=" in str(answer.headers.get_list("set-cookie"))) == is_noted


@pytest.mark.parametrize("origin", [ORIGIN, "https://shop.test"])
async def test_cookie_flags(demo_copy_settings: Settings, clock: QaClock, valkey: Valkey, origin: str) -> None:
    async with account_shop(demo_copy_settings, clock, valkey, origin) as shop:
        await shop.account()
        await shop.person()
        browser = shop.browser(origin)
        await browser.get("/account/sign-in")
        answer = await sign_in(browser, "ada@example.com")
        staff = await browser.post("/staff/sign-in", data={"email": "stella@example.com", "password": PASSWORD})
    is_https = origin.startswith("https")
    host, secure = ("__Host-", "__Secure-") if is_https else ("", "")
    always = {"HttpOnly", "SameSite=lax"} | ({"Secure"} if is_https else set())
    assert _cookies(answer) == {
        f"{host}cart": always | {"Path=/", "Max-Age=2592000"},
        f"{host}session": always | {"Path=/", "Max-Age=1209600"},
    }
    assert _cookies(staff) == {f"{secure}staff_session": always | {"Path=/staff", "Max-Age=28800"}}


def _cookies(answer: httpx.Response) -> dict[str, set[str]]:
    return {row.partition("=")[0]: set(row.split("; ")[1:]) for row in answer.headers.get_list("set-cookie")}


async def test_valkey_killed_looks_signed_out_and_sells_all_the_same(shop: AccountShop) -> None:
    await shop.account()
    browser = await shop.signed_in()
    await browser.post("/cart/lines", data={"variant": str(await shop.variant(FLOWERS)), "quantity": "2"})
    shop.valkey.kill()
    assert not await is_in(browser)
    assert "Summer Flowers" in (await browser.get("/cart")).text
    assert (await browser.get("/checkout/address")).status_code == 200
    for page in ("/account/sign-in", "/account/register", *PUBLIC[:5]):
        assert (await browser.get(page)).status_code == 200
    answer = await sign_in(browser, "ada@example.com")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "60")
    assert "Signing in is not possible at the moment" in answer.text
    assert 'value="ada@example.com"' in answer.text
    assert PASSWORD not in answer.text
    staff = await browser.post("/staff/sign-in", data={"email": "x@example.com", "password": PASSWORD})
    assert staff.status_code == 503
    assert (await browser.post("/account/sign-out")).status_code == 303
    shop.valkey.start()
    again = await shop.signed_in()
    assert "Summer Flowers" in (await again.get("/cart")).text, "the cart was never in Valkey"


async def test_valkey_wiped_loses_the_sign_in_and_not_the_cart(shop: AccountShop) -> None:
    await shop.account()
    browser = await shop.signed_in()
    await browser.post("/cart/lines", data={"variant": str(await shop.variant(FLOWERS)), "quantity": "2"})
    shop.valkey.wipe()
    assert not await is_in(browser)
    assert "Summer Flowers" in (await browser.get("/cart")).text
    await shop.signed_in(browser=browser)
    cart = (await browser.get("/cart")).text
    assert "2 pieces" in cart
    assert "earlier cart" not in cart


async def test_public_pages_ask_nobody_and_know_nobody(shop: AccountShop) -> None:
    await shop.account()
    browser = await shop.signed_in()
    plain = [(await shop.browser().get(path)).content for path in PUBLIC]
    before = shop.valkey.asked()
    answers = [await browser.get(path) for path in PUBLIC]
    assert shop.valkey.asked() == before
    assert [answer.content for answer in answers] == plain
    assert not any("set-cookie" in answer.headers for answer in answers)
    await browser.get("/account")
    assert shop.valkey.asked() > before, "or else this would prove nothing"


async def test_a_guest_who_buys_asks_valkey_nothing(shop: AccountShop) -> None:
    before = shop.valkey.asked()
    await shop.shopper("guest").buy(await shop.variant(FLOWERS), payment="invoice")
    assert shop.valkey.asked() == before


def test_no_public_route_is_given_a_visit(demo_settings: Settings) -> None:
    """What a handler is not given, it cannot touch: sessions and cookies are in the visit alone."""
    app = create_app(demo_settings)
    handlers = [handler for route in app.routes if isinstance(route, HTTPRoute) for handler in route.route_handlers]
    given = [handler for handler in handlers if "visit" in handler.resolve_dependencies()]
    assert given
    for handler in given:
        assert same_origin in [getattr(guard, "func", guard) for guard in handler.resolve_guards()]


async def test_many_sign_ins_at_once(shop: AccountShop) -> None:
    await shop.account()
    browsers = [shop.browser() for _ in range(12)]
    answers = await asyncio.gather(*(sign_in(browser, "ada@example.com") for browser in browsers))
    assert {answer.status_code for answer in answers} == {303}
    assert len({browser.cookies["session"] for browser in browsers}) == 12
    assert len({browser.cookies["cart"] for browser in browsers}) == 1
    assert all([await is_in(browser) for browser in browsers])
