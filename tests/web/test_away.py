"""While the primary is away: browsing goes on, and private pages say what is true and keep what was typed."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from urllib.parse import urlencode

import httpx
import msgspec
import pytest
from sqlalchemy import text

from hypermart.app import create_app
from hypermart.db import engine
from hypermart.domain.orders.links import order_token
from hypermart.qa.clock import QaClock
from hypermart.qa.forms import Page
from hypermart.settings import Settings
from hypermart.web.away import CHECKING, NOT_CHARGED, PLACING, SENT_AGAIN, SHOWN_LATER, Said
from tests.parts.selling import FLOWERS, SellingShop, selling_shop
from tests.parts.shopping import BROWSER, FORM
from tests.parts.shops import AWAY
from tests.parts.visitor import visiting
from tests.web.private_routes import DOORS, PAGES, Route

ODD = """<script>alert('1')</script> "quoted" & <b>\nsecond line"""
SAID = {
    "/checkout/orders": PLACING,
    "/checkout/attempts/{key:str}/retries": CHECKING,
    "/checkout/attempts/{key:str}": CHECKING,
    "/orders/{number:int}/cancellations": SENT_AGAIN,
}
KEY = "0123456789abcdef" * 2


@pytest.fixture
async def lost(demo_settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """A shop without its primary; its replica is the demo shop."""
    settings = msgspec.structs.replace(
        demo_settings, database_url=AWAY, database_read_url=demo_settings.database_url, secret_key="s" * 32
    )
    async with visiting(create_app(settings, clock=QaClock())) as client:
        yield client


def address(route: Route) -> str:
    path = route.path.replace("{key:str}", KEY).replace("{number:int}", "1001")
    return f"{path}?t={order_token(b's' * 32, 1001)}" if route.path == "/orders/{number:int}" else path


def is_away(answer: httpx.Response, said: Said) -> None:
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "10"), answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "same-origin"
    assert f"<h1>{said.title}</h1>" in answer.text
    assert said.message in answer.text
    assert 'id="departments"' in answer.text, "in the shop's frame"


async def test_browsing_goes_on_without_the_primary(lost: httpx.AsyncClient) -> None:
    for path in ("/", "/p/earth", "/c/space", "/search?q=sea", "/pages/about", "/sitemap.xml"):
        assert (await lost.get(path)).status_code == 200, path
    assert (await lost.get("/nope")).status_code == 404
    assert (await lost.get("/readyz")).status_code == 200
    assert (await lost.get("/readyz/write")).status_code == 503


@pytest.mark.parametrize("route", sorted(PAGES), ids=str)
async def test_a_private_page_says_so(lost: httpx.AsyncClient, route: Route) -> None:
    answer = await lost.get(address(route), headers={"cookie": "cart=somebodys"})
    if answer.status_code != 303:  # no cart, no checkout
        is_away(answer, SAID.get(route.path, SHOWN_LATER))
        assert ("http-equiv" in answer.text) == (SAID.get(route.path) is CHECKING)


@pytest.mark.parametrize("route", sorted(DOORS), ids=str)
async def test_a_form_keeps_what_was_typed(lost: httpx.AsyncClient, route: Route) -> None:
    fields = [("variant", "1"), ("quantity", "1"), ("t", order_token(b"s" * 32, 1001)), ("note", ODD)]
    fields += [("op", "update"), ("op", "again"), ("form_token", "1.x"), ('odd"<name>', "v")]
    typed = [*fields, ("password", "s3cret"), ("current", "s3cret")]
    headers = FORM | BROWSER | {"cookie": "cart=somebodys"}
    url = f"{address(route)}?a=%22%3E&b=2"
    answer = await lost.post(url, content=urlencode(typed), headers=headers)
    said = SAID.get(route.path, NOT_CHARGED)
    is_away(answer, said)
    assert "<script>alert" not in answer.text
    assert "s3cret" not in answer.text
    if said is CHECKING:
        assert f'content="5; url=/checkout/attempts/{KEY}"' in answer.text
        return
    form = next(form for form in Page(answer).forms if form.method == "post")
    assert form.action == url
    assert form.fields == fields
    assert "The password is not kept" in answer.text


async def test_a_form_of_another_site_is_refused_as_ever(lost: httpx.AsyncClient) -> None:
    answer = await lost.post("/cart", content="a=b", headers=FORM | {"sec-fetch-site": "cross-site"})
    assert answer.status_code == 403


async def test_what_is_charged_is_said_of_steps_without_money_alone() -> None:
    says = {said for said in (SHOWN_LATER, SENT_AGAIN, NOT_CHARGED, PLACING, CHECKING) if "charged" in said.message}
    assert says == {NOT_CHARGED}


async def test_without_any_database_the_form_is_kept_all_the_same(demo_settings: Settings) -> None:
    nothing = msgspec.structs.replace(demo_settings, database_url=AWAY, database_read_url=AWAY)
    async with visiting(create_app(nothing, clock=QaClock())) as client:
        answer = await client.post("/cart/lines", content="variant=1&quantity=2", headers=FORM | BROWSER)
        assert answer.status_code == 503
        assert "You have not been charged" in answer.text
        assert dict(next(f for f in Page(answer).forms if f.method == "post").fields) == {
            "variant": "1",
            "quantity": "2",
        }


@contextlib.asynccontextmanager
async def held(shop: SellingShop) -> AsyncIterator[None]:
    """Somebody keeps the database, or the rows that buying needs."""
    async with shop.database.writer.connect() as connection:
        is_sqlite = connection.dialect.name == "sqlite"  # one lock for all
        await connection.execute(text("SELECT 1" if is_sqlite else "SELECT * FROM carts FOR UPDATE"))
        yield


@pytest.mark.slow
async def test_a_form_meets_a_locked_database_and_is_sent_again(
    demo_copy_settings: Settings, clock: QaClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "LOCK", 1)
    async with selling_shop(demo_copy_settings, clock) as shop:
        ada = shop.shopper()
        await ada.add(await shop.variant(FLOWERS))
        page = await ada.visit("/checkout/address")
        wanted = {"email": "ada@example.com", "name": "Ada", "line1": ODD[-11:], "postcode": "10119", "city": "Berlin"}
        fields = page.form("/checkout/address").filled(wanted)
        async with held(shop):
            answer = await ada.client.post("/checkout/address", content=urlencode(fields), headers=FORM)
            is_away(answer, NOT_CHARGED)
        again = next(form for form in Page(answer).forms if form.method == "post").fields
        assert again == fields
        sent = await ada.client.post("/checkout/address", content=urlencode(again), headers=FORM)
        assert (sent.status_code, sent.headers["location"]) == (303, "/checkout/delivery")
