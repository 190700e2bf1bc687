"""Whose cart it is, and who may send its forms."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from sqlalchemy import select

from hypermart.db.session import Database
from hypermart.demo import carts
from hypermart.domain.cart.models import Cart
from hypermart.qa.clock import QaClock
from hypermart.qa.forms import Page
from hypermart.settings import Settings
from tests.parts.shopping import BROWSER, FORM, JSON, PARTIAL, another, cart, lines, put, send

CROSS_SITE: list[dict[str, str]] = [
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site"},
    {"origin": "https://evil.example"},
    {"origin": "null"},
]


async def test_two_visitors_never_see_or_touch_each_others_carts(shopper: httpx.AsyncClient, db: Database) -> None:
    await put(shopper, db, quantity="7")
    (field,) = await lines(shopper)
    async with another(shopper) as second:
        assert "Nothing is in your cart." in (await cart(second)).text
        await put(second, db, carts.FLOWERS)
        token = dict((await cart(second)).form("/cart").fields)["form_token"]
        for op in ("update", f"remove-{field[2:]}", f"save-{field[2:]}", f"unsave-{field[2:]}"):
            fields = {field: "1", "op": op, "form_token": token}
            assert (await second.post("/cart", data=fields)).status_code == 303
        page = await cart(second)
        assert "Full Moon" not in page.text
        assert "Summer Flowers" in page.text
    assert await lines(shopper) == {field: "7"}
    assert "Summer Flowers" not in (await cart(shopper)).text


@pytest.mark.parametrize("token", ["x", "a" * 5000, "../../etc", "%00", "known-to-somebody-else"])
async def test_a_foreign_cookie_is_an_empty_cart_and_never_becomes_an_id(
    shopper: httpx.AsyncClient, db: Database, token: str
) -> None:
    foreign = {"cookie": f"cart={token}; cart_n=9"}
    answer = await shopper.get("/cart", headers=foreign)
    assert answer.status_code == 200
    assert "Nothing is in your cart." in answer.text
    assert [cookie.split(";")[0] for cookie in answer.headers.get_list("set-cookie")] == ["cart_n=0"]
    added = await put(shopper, db, **foreign)
    minted = added.cookies["cart"]
    assert len(minted) >= 43
    assert token not in (minted, added.headers["location"])
    async with db.fresh() as session:
        (stored,) = (await session.execute(select(Cart.token_hash))).scalars().all()
    assert minted not in stored


async def test_an_expired_cart_is_an_empty_one(shopper: httpx.AsyncClient, db: Database, clock: QaClock) -> None:
    await put(shopper, db)
    old = shopper.cookies["cart"]
    clock.advance(days=31)
    assert "Nothing is in your cart." in (await cart(shopper)).text
    await put(shopper, db)
    assert shopper.cookies["cart"] != old


@pytest.mark.parametrize("headers", CROSS_SITE)
async def test_another_site_can_send_nothing(shopper: httpx.AsyncClient, db: Database, headers: dict[str, str]) -> None:
    await put(shopper, db)
    before = await lines(shopper)
    assert (await put(shopper, db, **headers)).status_code == 403
    answer = await send(shopper, dict.fromkeys(before, "9"), **headers)
    assert answer.status_code == 403
    assert answer.headers["cache-control"] == "no-store"
    assert await lines(shopper) == before


@pytest.mark.parametrize("token", ["", "1.abc", "99999999999.{}", "another's", "stale"])
async def test_without_a_word_from_the_browser_the_form_needs_its_token(
    shopper: httpx.AsyncClient, db: Database, clock: QaClock, token: str
) -> None:
    await put(shopper, db)
    (field,) = await lines(shopper)
    if token == "another's":
        async with another(shopper) as second:
            await put(second, db)
            token = dict((await cart(second)).form("/cart").fields)["form_token"]
    elif token == "stale":
        token = dict((await cart(shopper)).form("/cart").fields)["form_token"]
        clock.advance(hours=12, seconds=1)
    answer = await shopper.post("/cart", data={field: "9", "op": "update", "form_token": token})
    assert answer.status_code == 422
    assert "This page was open for too long" in answer.text
    page = Page(answer)
    assert dict(page.form("/cart").fields)[field] == "9", "what was typed is kept"
    assert await lines(shopper) == {field: "1"}
    again = await shopper.post(
        "/cart", content=urlencode(page.form("/cart").filled({}, ("op", "update"))), headers=FORM
    )
    assert again.status_code == 303
    assert await lines(shopper) == {field: "9"}


@pytest.mark.parametrize("headers", [BROWSER, {"origin": "BASE"}, {"sec-fetch-site": "none"}])
async def test_a_browser_that_names_our_own_page_needs_no_token(
    shopper: httpx.AsyncClient, db: Database, headers: dict[str, Any], demo_copy_settings: Settings
) -> None:
    await put(shopper, db)
    (field,) = await lines(shopper)
    headers = {name: demo_copy_settings.base_url if value == "BASE" else value for name, value in headers.items()}
    answer = await shopper.post("/cart", data={field: "2", "op": "update"}, headers=headers)
    assert answer.status_code == 303
    assert await lines(shopper) == {field: "2"}


async def test_a_form_that_no_page_of_ours_sends_is_refused(shopper: httpx.AsyncClient, db: Database) -> None:
    await put(shopper, db)
    for body in ("a=" + "x" * 70_000, "&".join(f"f{n}=1" for n in range(600))):
        assert (await shopper.post("/cart", content=body, headers=FORM | BROWSER)).status_code == 413
    for odd in (b"\xff\xfe=\x00&%zz=%", b'{"q": 1}', b""):
        assert (await shopper.post("/cart", content=odd, headers=FORM | BROWSER)).status_code == 303


async def test_every_answer_is_private(shopper: httpx.AsyncClient, db: Database) -> None:
    answers = [
        await shopper.get("/cart"),
        await put(shopper, db),
        await put(shopper, db, quantity="0"),
        await put(shopper, db, **PARTIAL),
        await put(shopper, db, **JSON),
        await send(shopper, {}),
        await shopper.get("/cart", headers=PARTIAL),
        await shopper.post("/cart", data={}),
        await shopper.get("/cart/lines"),
        await shopper.get("/cart", headers={"if-none-match": "*"}),
    ]
    for answer in answers:
        assert answer.headers["cache-control"] == "no-store"
        assert not {"etag", "surrogate-key"} & set(answer.headers)
