"""Counted on the servers: public pages read the replica alone, private ones the primary alone."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

import pytest

from hypermart.web.csrf import SAFE
from tests.parts.pair import Node, Pair
from tests.parts.selling import SellingShop
from tests.web.private_routes import DOORS, PAGES, handlers, private, visited

pytestmark = pytest.mark.stack
PUBLIC = {
    "/": "/",
    "/c/{slug:str}": "/c/space?sort=price",
    "/collections/{slug:str}": "/collections/sale",
    "/feeds/products.xml": "/feeds/products.xml",
    "/p/{slug:str}": "/p/earth",
    "/pages/{slug:str}": "/pages/about",
    "/search": "/search?q=sea",
    "/sitemap.xml": "/sitemap.xml",
    "/sitemaps/{name:str}": "/sitemaps/products-1.xml",
    "/mail": "/mail",
}
#: Files, other people's mails, and what machines ask.
NO_TABLES = {"/media/{key:path}", "/static/{digest:str}/{asset:path}", "/robots.txt", "/livez", "/readyz"} | {
    "/readyz/write",
    "/mail/{id_:str}",
    "/mail/{id_:str}/html",
    "/mail/previews",
    "/mail/previews/{id_:str}",
    "/mail/previews/{id_:str}/html",
}


class Log:
    """The statements on tables of the shop that a server ran."""

    def __init__(self, node: Node) -> None:
        self.node, self.seen = node, 0

    async def new(self) -> list[str]:
        await self.node.ask("SET GLOBAL log_output='TABLE', general_log=ON")
        rows = await self.node.ask("SELECT CONVERT(argument USING utf8mb4) FROM mysql.general_log ORDER BY event_time")
        fresh, self.seen = rows[self.seen :], len(rows)
        tables = (" FROM ", "\nFROM ", "UPDATE ", "INSERT ", "DELETE ")
        return [said for (said,) in fresh if any(word in said for word in tables) and "general_log" not in said]


@contextlib.asynccontextmanager
async def logged(servers: Pair) -> AsyncIterator[tuple[Log, Log]]:
    primary, replica = Log(servers.primary), Log(servers.replica)
    for log in (primary, replica):
        await log.new()
        await log.new()
    yield primary, replica
    for log in (primary, replica):
        await log.node.ask("SET GLOBAL general_log=OFF")


async def test_every_public_page_reads_the_replica_alone(servers: Pair, selling: SellingShop) -> None:
    routes = {r.path for r, _ in handlers(selling.app) if r.method in SAFE} - {r.path for r in private(selling.app)}
    assert {path for path in routes if not path.startswith(("/bogus", "/qa"))} == set(PUBLIC) | NO_TABLES
    client = selling.shopper().client
    async with logged(servers) as (primary, replica):
        for path in PUBLIC.values():
            assert (await client.get(path)).status_code == 200, path
            assert await replica.new(), path
            assert await primary.new() == [], path
        assert (await client.get("/nope")).status_code == 404
        assert await replica.new()
        assert await primary.new() == []


async def test_no_private_page_reads_the_replica(servers: Pair, selling: SellingShop) -> None:
    ada = await visited(selling, "ada")
    async with logged(servers) as (primary, replica):
        for route in sorted(PAGES):
            answer = await ada.shopper.client.get(f"{ada.address(route.path)}?t={ada.token}")
            assert answer.status_code < 400, route
            assert await primary.new(), route
            assert await replica.new() == [], route
        for route in sorted(DOORS):
            fields = await ada.fields(route)
            await replica.new()  # a product's page was looked at for its form
            answer = await ada.shopper.client.post(
                ada.address(route.path), data=dict(fields), headers={"sec-fetch-site": "same-origin"}
            )
            assert answer.status_code == 303, route
            assert await replica.new() == [], route
