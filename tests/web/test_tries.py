"""How often orders may be tried to be placed: by address over all carts, and by cart whatever the address."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import msgspec
import pytest
from limits import parse
from sqlalchemy import text

from hypermart.adapters.limiter import WindowLimiter
from hypermart.app import create_app
from hypermart.qa.clock import QaClock
from hypermart.services import opened
from hypermart.settings import Settings
from hypermart.web.guards import network
from tests.faults.buying import Shopper
from tests.parts.visitor import ORIGIN, visiting


@pytest.fixture
def settings(demo_copy_settings: Settings) -> Settings:
    return msgspec.structs.replace(demo_copy_settings, base_url=ORIGIN, tries="3 per hour")


@pytest.fixture
async def client(settings: Settings, clock: QaClock) -> AsyncIterator[httpx.AsyncClient]:
    async with visiting(create_app(settings, clock=clock)) as client:
        yield client


async def variant(settings: Settings) -> int:
    async with opened(settings) as services, services.db.read() as db:
        found = await db.execute(text("SELECT MIN(variant_id) FROM stock_levels WHERE on_hand > 20"))
        return int(found.scalar_one())


async def test_one_address_may_not_try_for_ever(settings: Settings, client: httpx.AsyncClient) -> None:
    variant_id = await variant(settings)
    shopper = Shopper(client)
    for _ in range(3):
        await shopper.add(variant_id)
        page = await shopper.place(await shopper.to_review(payment="invoice"))
        assert "/orders/" in page.url
    await shopper.add(variant_id)
    review = await shopper.to_review(payment="invoice")
    page = await shopper.place(review)
    assert page.status == 429
    assert 0 < int(page.answer.headers["retry-after"]) <= 3600
    assert "too often" in page.text
    assert page.form("/checkout/orders").fields  # nothing is lost


async def test_one_cart_may_not_try_for_ever(settings: Settings, clock: QaClock) -> None:
    """Ten cards, declined one after the other; an hour later there may be more."""
    settings = msgspec.structs.replace(settings, tries="100 per hour")
    async with visiting(create_app(settings, clock=clock)) as client:
        shopper = Shopper(client)
        await shopper.add(await variant(settings))
        page = await shopper.to_review()
        for _ in range(10):
            page = await shopper.pay(await shopper.place(page), "insufficient_funds")
            page = await shopper.send(page, "/retries")
            page = await shopper.send(page, "/checkout/payment", payment="card")
        refused = await shopper.place(page)
        assert refused.status == 429
        assert int(refused.answer.headers["retry-after"]) == 3600
        clock.advance(hours=1, seconds=1)
        page = await shopper.place(page)
        assert "/pay/" in page.url


@pytest.mark.parametrize(
    ("host", "counted"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("", ""),
        ("/run/shop.sock", ""),
        ("::ffff:203.0.113.7", "203.0.113.7"),
    ],
)
def test_whom_a_limit_counts(host: str, counted: str) -> None:
    assert network(host) == counted


async def test_a_valkey_that_is_away_stops_nobody() -> None:
    limiter = WindowLimiter(parse("1 per hour"), "redis://127.0.0.1:1")
    assert [await limiter.wait("a") for _ in range(3)] == [0, 0, 0]


async def test_tries_are_counted_apart() -> None:
    limiter = WindowLimiter(parse("1 per hour"), "embedded:")
    assert await limiter.wait("a") == 0
    assert await limiter.wait("a") > 3500
    assert await limiter.wait("b") == 0
