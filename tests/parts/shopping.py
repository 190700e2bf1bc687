"""What a shopper without scripting does to a cart, over HTTP."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlencode

import httpx
from sqlalchemy import select

from hypermart.db.session import Database
from hypermart.demo import carts
from hypermart.domain.catalog.models import Variant
from hypermart.qa.forms import Page

FORM = {"content-type": "application/x-www-form-urlencoded"}
PARTIAL = {"hx-request": "true", "hx-request-type": "partial"}
JSON = {"accept": "application/json"}
BROWSER = {"sec-fetch-site": "same-origin"}


def another(shopper: httpx.AsyncClient) -> httpx.AsyncClient:
    """Another browser in the same shop."""
    return httpx.AsyncClient(transport=shopper._transport, base_url=shopper.base_url)


async def variant_of(db: Database, sku: str) -> int:
    async with db.fresh() as session:
        return int((await session.execute(select(Variant.id).where(Variant.sku == sku))).scalar_one())


async def put(
    shopper: httpx.AsyncClient, db: Database, sku: str = carts.MOON, quantity: str = "1", **headers: str
) -> httpx.Response:
    fields = {"variant": str(await variant_of(db, sku)), "quantity": quantity}
    return await shopper.post("/cart/lines", data=fields, headers={k.replace("_", "-"): v for k, v in headers.items()})


async def cart(shopper: httpx.AsyncClient, query: str = "") -> Page:
    answer = await shopper.get(f"/cart{query}")
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    return Page(answer)


async def send(
    shopper: httpx.AsyncClient, values: Mapping[str, str], op: str = "update", **headers: str
) -> httpx.Response:
    """The cart's form as it stands, with `values` typed in."""
    page = await cart(shopper)
    fields = page.form("/cart").filled(values, ("op", op))
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await shopper.post("/cart", content=urlencode(fields), headers=FORM | named)


async def lines(shopper: httpx.AsyncClient) -> dict[str, str]:
    """The quantity fields of the cart's page."""
    return {k: v for form in (await cart(shopper)).forms for k, v in form.fields if k.startswith("q-")}


def title(page: str) -> str:
    found = re.search(r"<title>(.*?)</title>", page)
    assert found
    return found[1]
