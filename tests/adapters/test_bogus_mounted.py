"""The bogus gateway in its two places: mounted in a demo shop, and elsewhere, where the shop's forms may lead to."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import msgspec
import pytest

from hypermart.app import create_app
from hypermart.bogus import journal
from hypermart.money import Money
from hypermart.ports import Gateway
from hypermart.qa.clock import QaClock
from hypermart.services import opened
from hypermart.settings import BadSetting, Settings
from hypermart.web.render import Shop
from tests.parts.bank import transport

EUROS = Money(4900, "EUR")


@pytest.fixture
async def shop(settings: Settings, clock: QaClock) -> AsyncIterator[tuple[Gateway, httpx.AsyncClient]]:
    app = create_app(settings, clock=clock)
    async with (
        app.lifespan(),
        httpx.AsyncClient(transport=transport(app), base_url=settings.base_url) as client,
    ):
        gateway = app.state.shop.gateway
        assert isinstance(app.state.shop, Shop)
        yield gateway, client


async def test_a_shop_in_qa_mode_pays_at_its_own_bank(
    shop: tuple[Gateway, httpx.AsyncClient], settings: Settings
) -> None:
    gateway, client = shop
    returns_to = f"{settings.base_url}/checkout/attempts/x"
    intent = await gateway.open("k", EUROS, return_url=returns_to)
    assert intent.pay_url == f"{settings.base_url}/bogus/pay/{intent.ref}"
    page = await client.get(intent.pay_url)
    assert f'<form action="/bogus/pay/{intent.ref}"' in page.text
    assert page.headers.get_list("content-security-policy", split_commas=False) == [
        page.headers["content-security-policy"]
    ]
    assert page.headers["x-content-type-options"] == "nosniff"
    assert (await client.get("/bogus/bank.css")).status_code == 200
    assert (await client.head(intent.pay_url)).content == b""
    answer = await client.post(intent.pay_url, data={"outcome": "approve"})
    assert (answer.status_code, answer.headers["location"]) == (303, returns_to)
    assert (await gateway.capture(intent.ref, key="c")).state == "captured"
    kinds = [entry.kind for entry in journal.entries(settings.data / "bogus.db")]
    assert [kind for kind in kinds if not kind.startswith("callback")] == ["opened", "authorised", "captured"]


async def test_the_bank_tells_its_shop(shop: tuple[Gateway, httpx.AsyncClient], settings: Settings) -> None:
    gateway, client = shop
    intent = await gateway.open("k", EUROS, return_url=f"{settings.base_url}/checkout")
    await client.post(intent.pay_url, data={"outcome": "callback_late"})
    headers = {"authorization": f"Bearer {settings.gateway_secret}"}
    done = await client.post("/bogus/control", json={"deliver": True}, headers=headers)
    assert done.json()["delivered"] == 1
    assert "callback_sent" in [entry.kind for entry in journal.entries(settings.data / "bogus.db")]


@pytest.mark.parametrize("url", ["none:", "bogus:http://pay.test:9000"])
async def test_a_shop_that_pays_elsewhere_has_no_bank(settings: Settings, clock: QaClock, url: str) -> None:
    app = create_app(msgspec.structs.replace(settings, gateway_url=url), clock=clock)
    async with app.lifespan(), httpx.AsyncClient(transport=transport(app), base_url="http://shop.test") as client:
        assert (await client.get("/bogus/bank.css")).status_code == 404
        policy = (await client.get("/livez")).headers["content-security-policy"]
    assert ("form-action 'self' http://pay.test:9000;" in policy) == (url != "none:")
    assert not (settings.data / "bogus.db").exists()


async def test_a_gateway_without_an_address_is_a_bad_setting(settings: Settings) -> None:
    for url in ("bogus:9000", "bogus:javascript:x", "stripe:"):
        with pytest.raises(BadSetting, match="GATEWAY_URL"):
            async with opened(msgspec.structs.replace(settings, gateway_url=url)):
                pass
