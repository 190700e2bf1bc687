"""What islands are told: the seed in the page and the JSON answers are one struct, and hold nothing about a person."""

from __future__ import annotations

import json
import re
from typing import Any

import httpx
import pytest
from sqlalchemy import update

from hypermart.db.session import Database
from hypermart.demo import carts
from hypermart.domain.cart.models import CartLine
from hypermart.domain.catalog.models import Product
from tests.bench.buyer import ADDRESS
from tests.parts.selling import FLOWERS, SellingShop
from tests.parts.shopping import BROWSER, JSON, PARTIAL, lines, put, send


def seed(page: str) -> dict[str, Any]:
    found = re.findall(r'<script type="application/json">(.*?)</script>', page, re.DOTALL)
    assert len(found) == 1
    struct: dict[str, Any] = json.loads(found[0])
    return struct


async def test_page_region_and_json_are_one_struct(shopper: httpx.AsyncClient, db: Database) -> None:
    for _ in range(2):
        for query in ("", "?country=US", "?country=ZZ", f"?added={carts.MOON}&limited=1"):
            answers = [await shopper.get(f"/cart{query}", headers=way) for way in ({}, PARTIAL, JSON)]
            page, region, struct = answers
            assert seed(page.text) == seed(region.text) == struct.json()
            assert struct.headers["content-type"] == "application/json"
            assert struct.headers["cache-control"] == "no-store"
        await put(shopper, db)
    assert struct.json()["count"] == 1


async def test_what_is_refused_is_the_same_struct_with_what_is_wrong(shopper: httpx.AsyncClient, db: Database) -> None:
    await put(shopper, db)
    (field,) = await lines(shopper)
    answer = await send(shopper, {field: "1.5"}, **JSON)
    assert answer.status_code == 422
    struct = answer.json()
    assert struct["problems"] == {field: "Enter a whole number from 0 to 999, in digits"}
    assert struct["typed"] == {field: "1.5"}
    assert struct["errors"] == [[field, "Full Moon: Enter a whole number from 0 to 999, in digits"]]
    page = await send(shopper, {field: "1.5"})
    assert seed(page.text) == struct


async def test_a_version_that_is_gone_was_not_just_added(shopper: httpx.AsyncClient, db: Database) -> None:
    await put(shopper, db)
    async with db.write() as write:
        await write.execute(update(CartLine).values(variant_id=None))
    for query in ("", "?added=", "?added=nothing"):
        page = await shopper.get(f"/cart{query}")
        assert "No longer for sale" in page.text
        assert "is in your cart" not in page.text
        assert seed(page.text)["added"] is None


async def test_versions_grow_and_htmx_is_told_the_news(shopper: httpx.AsyncClient, db: Database) -> None:
    added = (await put(shopper, db, **JSON)).json()
    assert (added["version"], added["cart"] > 0) == (1, True)
    answer = await put(shopper, db, hx_request_type="partial")
    news = json.loads(answer.headers["hx-trigger"])["shop:cart"]
    assert news == {"cart": added["cart"], "version": 2, "count": 2, "total": 4800}
    (field,) = await lines(shopper)
    changed = await send(shopper, {field: "3"}, hx_request_type="partial")
    assert json.loads(changed.headers["hx-trigger"])["shop:cart"] == news | {"version": 3, "count": 3, "total": 7200}
    assert (await shopper.get("/cart", headers=JSON)).json()["version"] == 3
    for quiet in (
        await shopper.get("/cart", headers=PARTIAL),
        await send(shopper, {field: "x"}, hx_request_type="partial"),
        await send(shopper, {field: "4"}),
        await put(shopper, db, quantity="0", hx_request_type="partial"),
    ):
        assert "hx-trigger" not in quiet.headers


async def test_one_quantity_alone_does_not_count_as_having_looked(shopper: httpx.AsyncClient, db: Database) -> None:
    await put(shopper, db)
    async with db.write() as session:
        await session.execute(update(CartLine).values(seen_price=1_900))
    (field,) = await lines(shopper)
    first = (await send(shopper, {field: "2"}, "one", **JSON)).json()
    assert first["lines"][0]["notices"][0]["was"] == {"minor": 1900, "currency": "EUR"}
    assert (await send(shopper, {field: "x"}, "one", **JSON)).status_code == 422
    whole = (await send(shopper, {field: "2"}, "update", **JSON)).json()
    assert whole["lines"][0]["notices"] == []


async def test_nothing_in_a_seed_ends_its_element(shopper: httpx.AsyncClient, db: Database) -> None:
    evil = "</script><script>alert(1)</script><!--"
    async with db.write() as session:
        await session.execute(update(Product).where(Product.slug == "full-moon").values(title=evil))
    await put(shopper, db)
    page = (await shopper.get("/cart")).text
    assert "<script>alert" not in page
    assert "<!--" not in page
    assert seed(page)["lines"][0]["title"] == evil


async def test_the_till_tells_no_island_who_somebody_is(selling: SellingShop) -> None:
    ada = selling.shopper("ada")
    await ada.add(await selling.variant(FLOWERS))
    client = ada.client
    for step in ("delivery", "payment", "review"):
        early = await client.get(f"/checkout/{step}", headers=JSON, follow_redirects=False)
        assert (early.status_code, early.json()) == (409, {"url": "/checkout/address"})
    address = ADDRESS | {"email": "ada-secret@example.com", "name": "Countess Secret", "line1": "Secret Street 1"}
    await client.post("/checkout/address", data=address, headers=BROWSER)
    for step, choice, first in (("delivery", "express", "standard"), ("payment", "invoice", "card")):
        wrong = await client.post(f"/checkout/{step}", data={step: "nothing"}, headers=BROWSER | JSON)
        assert wrong.status_code == 422
        assert wrong.json()["problems"][step].startswith("Select how you want")
        for code in (first, choice):
            answer = await client.post(f"/checkout/{step}", data={step: code}, headers=BROWSER | JSON)
            assert (answer.status_code, answer.json()["chosen"]) == (200, code)
        assert "secret" not in answer.text.lower()
        page = await client.get(f"/checkout/{step}")
        assert seed(page.text) == (await client.get(f"/checkout/{step}", headers=JSON)).json()
        assert "secret" not in json.dumps(seed(page.text)).lower()
    review = await client.get("/checkout/review", headers=JSON)
    assert review.json()["totals"]["total"]["minor"] == review.json()["totals"]["subtotal"]["minor"] + 1990
    for path in ("/cart", "/checkout/address"):
        text = (await client.get(path)).text
        assert "secret" not in "".join(re.findall(r'<script type="application/json".*?</script>', text)).lower()


@pytest.mark.parametrize("url", ["/cart", "/checkout/address"])
async def test_scripts_of_islands_come_by_the_address_of_all_files(selling: SellingShop, url: str) -> None:
    ada = selling.shopper("ada")
    await ada.add(await selling.variant(FLOWERS))
    page = (await ada.client.get(url)).text
    name = "cart" if url == "/cart" else "checkout"
    script = re.search(rf'<script type="module" src="(/static/\w+/dist/{name}\.js)"></script>', page)
    assert script
    answer = await ada.client.get(script[1])
    assert answer.headers["content-type"].startswith("text/javascript")
    assert "immutable" in answer.headers["cache-control"]
    assert re.search(r'<link rel="modulepreload" href="/static/\w+/dist/react\.js">', page)
