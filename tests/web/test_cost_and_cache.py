"""Public pages cost few statements, all on the reader, and say who may keep them and for how long."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from typing import Any

import httpx
import msgspec
import pytest
from litestar import get
from litestar.di import NamedDependency
from sqlalchemy import event, select

from hypermart.app import create_app
from hypermart.db.session import Database
from hypermart.domain.catalog.actions import change_price
from hypermart.domain.catalog.models import SalePrice, Variant
from hypermart.qa.clock import QaClock
from hypermart.services import Services
from hypermart.settings import Settings
from hypermart.web.render import Shop
from tests.parts.visitor import visiting

MOST = {
    "/": 4,
    "/p/earth": 4,
    "/p/earth?v=AP039-S-U": 4,
    "/c/space": 6,
    "/c/paintings-prints?frame=oak-frame&artist=paul-cezanne&min=10&available=1&sort=price": 6,
    "/collections/sale": 6,
    "/search?q=sea": 6,
    "/search?q=seaa": 6,
    "/pages/about": 2,
    "/nope": 1,
}


@pytest.fixture
async def shop(demo_copy: Services, clock: QaClock) -> AsyncIterator[tuple[httpx.AsyncClient, Database]]:
    """A demo shop to be changed, the browser that looks at it, and the engines under it."""
    app = create_app(demo_copy.settings, clock=clock)
    async with visiting(app) as client:
        yield client, app.state.shop._services.db


@contextlib.contextmanager
def counted(database: Database) -> Iterator[dict[str, list[str]]]:
    """The statements that run on each engine inside the block."""
    seen: dict[str, list[str]] = {"reader": [], "writer": []}

    def listener(role: str) -> Any:
        return lambda _c, _cursor, statement, *_: seen[role].append(statement)

    hooks = [(engine.sync_engine, listener(role)) for role, engine in vars(database).items() if role in seen]
    for engine, hook in hooks:
        event.listen(engine, "before_cursor_execute", hook)
    try:
        yield seen
    finally:
        for engine, hook in hooks:
            event.remove(engine, "before_cursor_execute", hook)


@pytest.mark.parametrize(("path", "most"), MOST.items())
async def test_a_page_costs_few_statements_and_none_on_the_primary(
    shop: tuple[httpx.AsyncClient, Database], path: str, most: int
) -> None:
    client, database = shop
    with counted(database) as seen:
        await client.get(path)
    assert 1 <= len(seen["reader"]) <= most, "\n".join(seen["reader"])
    assert seen["writer"] == []


@get("/planted")
async def one_by_one(shop: NamedDependency[Shop]) -> None:
    """What a careless list would do: a statement for each card."""
    async with shop.read() as db:
        for product_id in range(24):
            await db.execute(select(Variant.price).where(Variant.product_id == product_id))


async def test_a_planted_statement_per_card_is_counted(demo_settings: Settings, clock: QaClock) -> None:
    """The count above can turn red."""
    app = create_app(demo_settings, clock=clock)
    app.register(one_by_one)
    async with visiting(app) as client:
        with counted(app.state.shop._services.db) as seen:
            await client.get("/planted")
    assert len(seen["reader"]) == 24 > max(MOST.values())


async def test_a_sale_begins_and_ends_at_its_second_and_the_cache_knows(
    shop: tuple[httpx.AsyncClient, Database], clock: QaClock
) -> None:
    client, database = shop
    async with database.write() as db:
        variant = (await db.execute(select(Variant).where(Variant.sku == "AP004-S-U"))).scalar_one()
        starts = clock.now() + timedelta(seconds=100)
        db.add(
            SalePrice(
                variant_id=variant.id,
                product_id=variant.product_id,
                price=1111,
                starts_at=starts,
                ends_at=starts + timedelta(hours=1),
            )
        )
    address = "/p/summer-flowers?v=AP004-S-U"
    before = await client.get(address)
    assert "€11.11" not in before.text
    assert "s-maxage=100," in before.headers["cache-control"]
    assert "stale-while-revalidate" not in before.headers["cache-control"]
    clock.advance(seconds=99.999)
    assert "€11.11" not in (await client.get(address)).text
    clock.advance(seconds=0.001)
    for path in (address, "/c/flowers", "/search?q=summer+flowers"):
        assert "€11.11" in (await client.get(path)).text
    clock.advance(seconds=3600)
    assert "€11.11" not in (await client.get(address)).text


async def test_a_browser_that_asks_again_is_shown_what_has_changed(
    shop: tuple[httpx.AsyncClient, Database], clock: QaClock
) -> None:
    client, database = shop
    paths = ("/p/summer-flowers", "/c/flowers", "/search?q=flowers")
    known = {path: (await client.get(path)).headers["etag"] for path in paths}
    async with database.write() as db:
        variant_id = (await db.execute(select(Variant.id).where(Variant.sku == "AP004-S-U"))).scalar_one()
        await change_price(db, variant_id, 1111, compare_at=None, at=clock.now(), reason="cheaper paper")
    for path, etag in known.items():
        answer = await client.get(path, headers={"if-none-match": etag})
        assert (answer.status_code, "€11.11" in answer.text) == (200, True), path
        again = await client.get(path, headers={"if-none-match": answer.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")


async def test_a_database_that_is_away_is_said_plainly(demo_settings: Settings, clock: QaClock) -> None:
    nobody_listens = "mysql+asyncmy://nobody:nothing@127.0.0.1:1/none"
    lost = msgspec.structs.replace(demo_settings, database_url=nobody_listens, database_read_url=nobody_listens)
    app = create_app(lost, clock=clock)
    async with visiting(app) as client:
        for path in ("/", "/p/earth", "/nope", "/readyz"):
            answer = await client.get(path)
            assert (answer.status_code, answer.headers.get("retry-after")) == (503, "10")
            assert answer.headers["cache-control"] == "no-store"
        assert (await client.get("/livez")).status_code == 200


@pytest.mark.parametrize(
    ("cdn_url", "name", "parting"),
    [
        ("none:", "surrogate-key", " "),
        ("varnish:http://127.0.0.1:1", "surrogate-key", " "),
        ("fastly:S1", "surrogate-key", " "),
        ("cloudflare:Z1", "cache-tag", ","),
    ],
)
async def test_the_keys_are_said_as_the_cdn_reads_them(
    demo_settings: Settings, clock: QaClock, cdn_url: str, name: str, parting: str
) -> None:
    app = create_app(msgspec.structs.replace(demo_settings, cdn_url=cdn_url, cdn_token="token"), clock=clock)
    async with visiting(app) as client:
        for path, keys in (("/pages/about", ["menu", "content:about"]), ("/robots.txt", ["menu", "feeds"])):
            answer = await client.get(path)
            assert answer.headers[name].split(parting) == keys
            assert {"surrogate-key", "cache-tag"} & set(answer.headers) == {name}
        assert {"surrogate-key", "cache-tag"} & set((await client.get("/feeds/products.xml")).headers) == {name}
