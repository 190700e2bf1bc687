"""What comes after the first try: sent twice, paid again, left, called back late; and what is kept of it all."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import httpx
import msgspec
import pytest
from litestar import Litestar
from sqlalchemy import func, select, text

from hypermart import logs
from hypermart.app import create_app
from hypermart.db.outbox import Outbox
from hypermart.domain.cart.models import Cart
from hypermart.domain.orders.models import Order
from hypermart.domain.payments.models import PaymentAttempt
from hypermart.jobs.reconcile import reconcile
from hypermart.jobs.sweep import sweep_attempts, sweep_carts
from hypermart.ports import GatewayRefused
from hypermart.qa.clock import QaClock
from hypermart.services import Services, opened
from hypermart.settings import Settings
from tests.faults.buying import Shopper
from tests.parts.visitor import ORIGIN, visiting

pytestmark = pytest.mark.slow  # long stories


@pytest.fixture
def settings(demo_copy_settings: Settings) -> Settings:
    return msgspec.structs.replace(demo_copy_settings, base_url=ORIGIN)


@pytest.fixture
def app(settings: Settings, clock: QaClock) -> Litestar:
    return create_app(settings, clock=clock)


@pytest.fixture
async def client(app: Litestar) -> AsyncIterator[httpx.AsyncClient]:
    async with visiting(app) as client:
        yield client


@pytest.fixture
async def shop(settings: Settings, clock: QaClock) -> AsyncIterator[Services]:
    async with opened(settings, clock) as services:
        async with services.db.write() as db:
            await db.execute(text("DELETE FROM outbox"))
        yield services


@pytest.fixture
async def variants(shop: Services) -> list[int]:
    async with shop.db.read() as db:
        found = await db.execute(text("SELECT variant_id FROM stock_levels WHERE on_hand > 9 ORDER BY 1 LIMIT 3"))
        return [int(id_) for id_ in found.scalars()]


async def jobs(shop: Services) -> list[str]:
    async with shop.db.fresh() as db:
        return list((await db.execute(select(Outbox.job).order_by(Outbox.id))).scalars())


async def with_a_saved_line(shopper: Shopper, variants: list[int]) -> None:
    await shopper.add(variants[0])
    cart = await shopper.add(variants[1])
    save = next(button for button in cart.form("/cart").buttons if button[1].startswith("save-"))
    await shopper.send(cart, "/cart", save)


@pytest.mark.parametrize("payment", ["invoice", "card"])
async def test_sent_again_it_is_the_same_order_also_where_something_was_left(
    client: httpx.AsyncClient, shop: Services, variants: list[int], payment: str
) -> None:
    shopper = Shopper(client)
    await with_a_saved_line(shopper, variants)
    review = await shopper.to_review(payment=payment)
    page = await shopper.place(review)
    page = await shopper.pay(page) if payment == "card" else page
    again = await shopper.place(review)
    assert "/orders/1001?" in page.url
    assert "/orders/1001?" in again.url
    cart = await shopper.visit("/cart")
    assert "Move to cart" in cart.text  # what was set aside is still there
    await shopper.add(variants[2])
    await shopper.place(await shopper.to_review(payment="invoice"))  # a second order, from the cart that took over
    assert "/orders/1001?" in (await shopper.place(review)).url
    async with shop.db.fresh() as db:
        assert (await db.execute(select(func.count()).select_from(Order))).scalar_one() == 2


async def test_a_foreign_cart_on_the_form_leads_nowhere(
    client: httpx.AsyncClient, shop: Services, variants: list[int]
) -> None:
    shopper = Shopper(client)
    await shopper.add(variants[0])
    review = await shopper.to_review(payment="invoice")
    await shopper.place(review)
    async with httpx.AsyncClient(transport=client._transport, base_url=ORIGIN) as other:
        eve = Shopper(other, "eve")
        await eve.add(variants[0])
        form = await eve.to_review(payment="invoice")
        theirs = dict(review.form("/checkout/orders").fields)["cart"]
        page = await eve.send(form, "/checkout/orders", terms="yes", cart=theirs)
        assert "/orders/1002?" in page.url  # her own


async def test_who_left_before_the_money_was_refused_is_written_to(
    client: httpx.AsyncClient, shop: Services, variants: list[int], clock: QaClock, app: Litestar
) -> None:
    shopper = Shopper(client)
    await shopper.add(variants[0])
    bank = await shopper.place(await shopper.to_review())
    await shopper.send(bank, "/pay/", follow=False, outcome="capture_refused")
    clock.advance(minutes=1)
    await reconcile(msgspec_services(app, shop))
    assert "mail_payment_failed" in await jobs(shop)


def msgspec_services(app: Litestar, shop: Services) -> Services:
    """`shop`, speaking to the bank that is part of the app."""
    return Services(**{**shop.__dict__, "gateway": app.state.shop.gateway})


async def test_paying_again_elsewhere_loses_no_cart(
    client: httpx.AsyncClient, shop: Services, variants: list[int]
) -> None:
    shopper = Shopper(client)
    await shopper.add(variants[0])
    declined = await shopper.pay(await shopper.place(await shopper.to_review()), "expired_card")
    async with httpx.AsyncClient(transport=client._transport, base_url=ORIGIN) as phone:
        other = Shopper(phone)
        await other.add(variants[1])
        page = await other.send(await other.visit(declined.url), "/retries")
        assert page.url.endswith("/checkout/payment")
        assert "Cart (2" in (await other.visit("/cart")).text
    assert "Nothing is in your cart" in (await shopper.visit("/cart")).text  # it has gone to the phone


async def test_the_log_knows_nobody(
    client: httpx.AsyncClient, variants: list[int], capsys: pytest.CaptureFixture[str]
) -> None:
    logs.configure("debug")
    shopper = Shopper(client, "canary")
    await shopper.add(variants[0])
    bank = await shopper.place(await shopper.to_review(name="Canary Nightingale", line1="Canary Wharf 7"))
    page = await shopper.pay(bank)
    token = page.url.partition("t=")[2].partition("&")[0]
    out, err = capsys.readouterr()
    said = out + err
    assert "/checkout/attempts/" in said
    assert json.loads(said.splitlines()[0])
    cookie = client.cookies["cart"]
    for secret in ("canary", "Nightingale", "Wharf", token, cookie):
        assert secret.lower() not in said.lower()
    assert not [line for line in said.splitlines() if "/checkout/attempts/" in line and '*"' not in line]


async def test_consent_is_dated_when_it_was_given(
    client: httpx.AsyncClient, shop: Services, variants: list[int], clock: QaClock
) -> None:
    shopper = Shopper(client)
    await shopper.add(variants[0])
    given_at = clock.now()
    review = await shopper.to_review(payment="invoice", wants_news="yes")
    clock.advance(hours=2)
    await shopper.place(await shopper.visit(review.url))
    async with shop.db.fresh() as db:
        row = (await db.execute(select(Order.wants_news_at, Order.terms_accepted_at))).one()
    assert row == (given_at, clock.now())


async def test_what_came_to_nothing_is_forgotten_in_time(
    client: httpx.AsyncClient, shop: Services, variants: list[int], clock: QaClock
) -> None:
    """First the attempt, and then, since nothing points at it any more, the cart with its address."""
    shopper = Shopper(client)
    await shopper.add(variants[0])
    await shopper.pay(await shopper.place(await shopper.to_review()), "expired_card")
    await shopper.add(variants[1])

    async def left() -> tuple[int, int]:
        async with shop.db.fresh() as db:
            attempts = (await db.execute(select(func.count()).select_from(PaymentAttempt))).scalar_one()
            carts = (await db.execute(select(func.count()).select_from(Cart))).scalar_one()
        return attempts, carts

    clock.advance(days=89)
    await sweep_attempts(shop)
    await sweep_carts(shop)
    assert await left() == (1, 1)
    clock.advance(days=2)
    await sweep_attempts(shop)
    await sweep_carts(shop)
    assert await left() == (0, 0)


async def test_a_payment_that_the_gateway_will_never_take_ends(
    client: httpx.AsyncClient, app: Litestar, variants: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: object, **__: object) -> None:
        raise GatewayRefused("400")

    shopper = Shopper(client)
    await shopper.add(variants[0])
    review = await shopper.to_review()
    monkeypatch.setattr(app.state.shop.gateway, "open", refuse)
    page = await shopper.place(review)
    assert "/checkout/attempts/" in page.url
    assert "did not take the payment on" in page.text
    monkeypatch.undo()
    assert "/pay/" in (await shopper.place(review)).url  # the stock was let go, and it can be tried again


@pytest.mark.parametrize("country", ["ALL", "all", "../../x", "x" * 20_000])
async def test_a_country_that_is_none(client: httpx.AsyncClient, variants: list[int], country: str) -> None:
    shopper = Shopper(client)
    await shopper.add(variants[0])
    page = await shopper.visit("/checkout/address")
    given = {"email": "a@b.co", "name": "Ada", "line1": "Torstr. 1", "postcode": "10119", "city": "Berlin"}
    refused = await shopper.send(page, "/checkout/address", **given, country=country)
    assert refused.status in (200, 422)
    billing = {f"billing-{name}": value for name, value in given.items() if name != "email"}
    billing = {name.replace("-", "__"): value for name, value in billing.items()}
    page = await shopper.send(page, "/checkout/address", **given, has_billing="yes")
    refused = await shopper.send(
        page, "/checkout/address", **given, has_billing="yes", **billing, billing__country=country
    )
    assert refused.status in (200, 422)
