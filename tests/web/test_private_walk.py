"""Every private route of the table: nobody keeps its answers, and only forms of our own pages change anything."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from litestar import Litestar, Router, get, post
from sqlalchemy import text

from hypermart.app import create_app
from hypermart.qa.forms import Page
from hypermart.settings import Settings
from hypermart.tables import metadata
from hypermart.web.guards import same_origin
from tests.parts.selling import FLOWERS, SellingShop
from tests.parts.shopping import FORM, JSON, PARTIAL
from tests.parts.visitor import ORIGIN
from tests.web.private_routes import (
    ACCOUNT,
    ACCOUNT_DOORS,
    DOORS,
    OWES,
    PAGES,
    SIGNED,
    Route,
    Visited,
    private,
    unguarded,
    visited,
)

FOREIGN: list[dict[str, str]] = [
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site"},
    {"sec-fetch-site": "cross-site", "origin": ORIGIN},
    {"sec-fetch-site": "nonsense"},
    {"origin": "https://evil.example"},
    {"origin": "null"},
    {"origin": ORIGIN.replace("http:", "https:")},
    {"origin": f"{ORIGIN}:8080"},
    {"origin": ORIGIN.replace("//", "//www.")},
    {"origin": f"{ORIGIN}.evil.example"},
]
OWN: list[dict[str, str]] = [
    {"sec-fetch-site": "same-origin"},
    {"sec-fetch-site": "none"},
    {"origin": ORIGIN},
    {"sec-fetch-site": "same-origin", "origin": "null"},
]
SKIPPED = {"outbox"}
"""Jobs are owed by what is compared."""


@pytest.fixture
async def ada(selling: SellingShop) -> Visited:
    return await visited(selling, "ada")


async def state(selling: SellingShop) -> dict[str, Any]:
    """Every row of every table, as one number each."""
    found = {}
    async with selling.database.fresh() as db:
        for name in sorted(set(metadata.tables) - SKIPPED):
            rows = await db.execute(text(f"SELECT * FROM {name}"))
            found[name] = sorted(str(tuple(row)) for row in rows)
    return found


async def sent(ada: Visited, route: Route, fields: list[tuple[str, str]], **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    browser = ada.phone if DOORS[route].is_link else ada.shopper
    answer = await browser.client.post(
        ada.address(route.path), content=urlencode(fields), headers=FORM | named, follow_redirects=False
    )
    nobody_keeps(answer)
    return answer


def nobody_keeps(answer: httpx.Response) -> None:
    assert answer.headers.get_list("cache-control") == ["no-store"], (answer.url, answer.status_code)
    assert not {"surrogate-key", "etag", "last-modified", "expires", "age"} & set(answer.headers), answer.url


def test_the_table_has_no_private_route_that_is_not_walked(demo_settings: Settings) -> None:
    app = create_app(demo_settings)
    assert private(app) == PAGES | set(DOORS) | ACCOUNT | set(ACCOUNT_DOORS) | OWES
    assert unguarded(app) == SIGNED


@get("/planted")
async def planted_page() -> None: ...


@post("/planted")
async def planted_form() -> None: ...


def test_a_planted_route_is_seen() -> None:
    walled = Litestar(
        [Router("/", route_handlers=[planted_page, planted_form], guards=[same_origin])], logging_config=None
    )
    assert private(walled) == {Route("GET", "/planted"), Route("POST", "/planted")}
    assert unguarded(walled) == set()
    assert unguarded(Litestar([planted_page, planted_form], logging_config=None)) == {Route("POST", "/planted")}


@pytest.mark.slow
@pytest.mark.parametrize("route", sorted(PAGES), ids=str)
async def test_nobody_keeps_a_private_page(selling: SellingShop, ada: Visited, route: Route) -> None:
    nobody = selling.shopper("nobody").client
    address = ada.address(route.path)
    secret = f"{address}?t={ada.token}"
    for client in (ada.shopper.client, nobody):
        for url in (
            address,
            secret,
            f"{secret}&new=1",
            f"{address}x",
            f"{address}/",
            f"{address}?country=FR&added=%00",
        ):
            for headers in ({}, PARTIAL, JSON, {"if-none-match": "*"}, {"cookie": "cart=x; cart_n=9"}):
                answer = await client.get(url, headers=headers)
                nobody_keeps(answer) if answer.status_code != 301 else None
                assert answer.status_code < 500
        for method in ("HEAD", "OPTIONS", "PUT", "DELETE"):
            nobody_keeps(await client.request(method, address))


@pytest.mark.slow
@pytest.mark.parametrize("route", sorted(DOORS), ids=str)
async def test_another_site_can_change_nothing(selling: SellingShop, ada: Visited, route: Route) -> None:
    fields = await ada.fields(route)
    token = _token(await ada.shopper.visit("/cart"))
    before = await state(selling)
    for headers in FOREIGN:
        for given in (fields, [*fields, ("form_token", token)]):
            answer = await sent(ada, route, given, **headers)
            assert answer.status_code == 403, headers
            assert "set-cookie" not in answer.headers
    assert await state(selling) == before


@pytest.mark.slow
@pytest.mark.parametrize("route", sorted(DOORS), ids=str)
async def test_a_page_of_ours_changes_what_it_is_for(selling: SellingShop, ada: Visited, route: Route) -> None:
    """So that 'nothing changed' above and below means something."""
    fields = await ada.fields(route)
    before = await state(selling)
    for headers in OWN:
        assert (await sent(ada, route, fields, **headers)).status_code == 303
        assert await state(selling) != before


@pytest.mark.slow
@pytest.mark.parametrize("route", sorted(route for route, door in DOORS.items() if door.needs_token), ids=str)
async def test_a_browser_that_says_nothing_needs_the_token_of_the_form(
    selling: SellingShop, ada: Visited, route: Route
) -> None:
    fields = await ada.fields(route)
    bo = selling.shopper("bo")
    await bo.add(await selling.variant(FLOWERS))
    foreign = _token(await bo.visit("/cart"))
    own = _token(await ada.shopper.visit("/cart"))
    before = await state(selling)
    for token in ("", "x", "99999999999.abc", foreign, f"{own}0", own.replace(".", ".0"), "\x00", "é"):
        answer = await sent(ada, route, [*fields, ("form_token", token)])
        assert answer.status_code == 422, token
        assert "This page was open for too long" in answer.text
    assert (await sent(ada, route, fields)).status_code == 422
    selling.clock.advance(hours=12, seconds=1)
    assert (await sent(ada, route, [*fields, ("form_token", own)])).status_code == 422
    assert await state(selling) == before
    own = _token(await ada.shopper.visit("/cart"))
    assert (await sent(ada, route, [*fields, ("form_token", own)])).status_code == 303
    assert await state(selling) != before


@pytest.mark.slow
@pytest.mark.parametrize("route", sorted(route for route, door in DOORS.items() if not door.needs_token), ids=str)
async def test_what_needs_no_token_works_without_one(selling: SellingShop, ada: Visited, route: Route) -> None:
    fields = await ada.fields(route)
    before = await state(selling)
    assert (await sent(ada, route, fields)).status_code == 303
    assert await state(selling) != before


@pytest.mark.slow
@pytest.mark.parametrize("route", sorted(DOORS), ids=str)
async def test_what_no_page_sends_is_refused_and_changes_nothing(
    selling: SellingShop, ada: Visited, route: Route
) -> None:
    before = await state(selling)
    own = {"sec_fetch_site": "same-origin"}
    assert (await sent(ada, route, [("a", "x" * 70_000)], **own)).status_code == 413
    assert (await sent(ada, route, [("f", "1")] * 600, **own)).status_code == 413
    assert await state(selling) == before


@pytest.mark.slow
async def test_a_wrong_secret_cancels_and_hands_over_nothing(selling: SellingShop, ada: Visited) -> None:
    before = await state(selling)
    client = selling.shopper("eve").client
    for path, secret in (
        (f"/orders/{ada.number}/cancellations", ""),
        (f"/orders/{ada.number}/cancellations", ada.token[:-1]),
        (f"/orders/{int(ada.number) + 1}/cancellations", ada.token),
        (f"/checkout/attempts/{ada.key[:-1]}/retries", ada.token),
        (f"/checkout/attempts/{ada.key.upper()}x/retries", ada.token),
    ):
        answer = await client.post(path, data={"t": secret})
        assert answer.status_code == 404, path
        assert "set-cookie" not in answer.headers
        nobody_keeps(answer)
    assert await state(selling) == before


def _token(page: Page) -> str:
    return dict(page.form("/cart").fields)["form_token"]
