"""Every route of accounts and of staff: nobody keeps its answers, and only forms of our own pages change anything."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest
from sqlalchemy import select, text

from hypermart.db.outbox import Outbox
from hypermart.domain.customers.models import SavedAddress
from hypermart.tables import metadata
from tests.parts.accounts import PASSWORD, AccountShop
from tests.parts.selling import FLOWERS
from tests.parts.shopping import FORM, JSON, PARTIAL
from tests.web.private_routes import ACCOUNT, ACCOUNT_DOORS, Route
from tests.web.test_private_walk import FOREIGN, OWN, nobody_keeps

ADDRESS = {"country": "DE", "name": "Ada L", "line1": "Allee 77", "postcode": "10115", "city": "Berlin"}
TYPED: dict[str, dict[str, str]] = {
    "/account/sign-in": {"email": "ada@example.com", "password": PASSWORD},
    "/account/register": {"email": "new@example.com", "name": "New", "password": PASSWORD},
    "/account/sign-out": {},
    "/account/resets/{token:str}": {"password": "green bottle under a tree"},
    "/account/addresses": ADDRESS,
    "/account/addresses/{id_:int}": ADDRESS | {"name": "Countess"},
    "/account/addresses/{id_:int}/choices": {"op": "remove"},
    "/account/password": {"current": PASSWORD, "password": "green bottle under a tree"},
    "/staff/sign-in": {"email": "stella@example.com", "password": PASSWORD},
    "/staff/sign-out": {},
    "/staff/queue/retries": {"job": "no_such_job"},
    "/cart/partings": {},
}


class Ada:
    """Signed in as a customer and as staff, with an address and a cart that was made of two; something was given up."""

    def __init__(self, shop: AccountShop, browser: httpx.AsyncClient, address: int, reset: str) -> None:
        self.shop, self.browser, self._address, self._reset = shop, browser, address, reset

    def path(self, route: Route) -> str:
        path = route.path.replace("{id_:int}", str(self._address)).replace("{number:int}", "1001")
        return path.replace("{token:str}", self._reset)

    async def send(self, route: Route, headers: dict[str, str], **more: str) -> httpx.Response:
        fields = TYPED[route.path] | more
        answer = await self.browser.post(self.path(route), data=fields, headers=FORM | headers)
        nobody_keeps(answer)
        return answer

    async def token(self, page: str) -> str:
        found = re.search(r'name="form_token" value="([^"]+)"', (await self.browser.get(page)).text)
        assert found, page
        return found[1]

    async def state(self) -> dict[str, Any]:
        """Every row of every table, what the queue gave up, and every session, but when it was last seen."""
        found: dict[str, Any] = {}
        async with self.shop.database.fresh() as db:
            for name in sorted(set(metadata.tables) - {"outbox"}):
                found[name] = sorted(str(tuple(row)) for row in await db.execute(text(f"SELECT * FROM {name}")))
            found["given up"] = (await db.execute(select(Outbox.id).where(Outbox.dead_at.is_not(None)))).all()
        with self.shop.valkey.client() as client:
            found["sessions"] = sorted(client.keys("*session*"))
        return found


@pytest.fixture
async def ada(shop: AccountShop) -> Ada:
    """Her browser says nothing of where its forms come from, as text browsers do."""
    await shop.account()
    await shop.person()
    async with shop.database.write() as db:
        now = shop.clock.now()
        db.add(Outbox(job="no_such_job", args={}, created_at=now, due_at=now, dead_at=now))
    earlier = await shop.signed_in()
    lines = {"variant": str(await shop.variant(FLOWERS)), "quantity": "1"}
    await earlier.post("/cart/lines", data=lines)
    await earlier.post("/account/addresses", data=ADDRESS)
    browser = shop.browser()
    await browser.post("/cart/lines", data=lines)
    await shop.signed_in(browser=browser)
    await browser.post("/staff/sign-in", data=TYPED["/staff/sign-in"])
    del browser.headers["sec-fetch-site"]
    return Ada(shop, browser, int(await shop.value(select(SavedAddress.id))), await shop.reset_token())


@pytest.mark.slow
async def test_nobody_keeps_a_page_of_an_account(shop: AccountShop, ada: Ada) -> None:
    nobody = shop.browser()
    for route in sorted(ACCOUNT):
        for browser in (ada.browser, nobody):
            for headers in ({}, PARTIAL, JSON, {"if-none-match": "*"}):
                answer = await browser.get(ada.path(route), headers=headers)
                nobody_keeps(answer)
                assert answer.status_code in (200, 204, 303, 404), route
            nobody_keeps(await browser.get(f"{ada.path(route)}x.css"))
        assert "set-cookie" not in (await ada.browser.get(ada.path(route))).headers


@pytest.mark.slow
@pytest.mark.parametrize("route", sorted(ACCOUNT_DOORS), ids=str)
async def test_another_site_can_change_nothing(ada: Ada, route: Route) -> None:
    token = await ada.token("/account")
    before = await ada.state()
    for headers in FOREIGN:
        for more in ({}, {"form_token": token}):
            answer = await ada.send(route, headers, **more)
            assert (answer.status_code, "set-cookie" in answer.headers) == (403, False), headers
    assert await ada.state() == before


@pytest.mark.slow
@pytest.mark.parametrize("route", sorted(ACCOUNT_DOORS), ids=str)
async def test_a_browser_that_says_nothing_needs_the_token_of_the_form(ada: Ada, route: Route) -> None:
    door = ACCOUNT_DOORS[route].page.replace("{id_:int}", str(ada._address))
    page = "/staff" if door.startswith("/staff") else "/account"
    before = await ada.state()
    foreign = ada.shop.shopper("eve").client
    theirs = re.search(r'name="form_token" value="([^"]+)"', (await foreign.get("/account/sign-in")).text)
    assert theirs
    for token in ("", "x", "99999999999.abc", theirs[1], "\x00", "é"):
        answer = await ada.send(route, {}, form_token=token)
        assert answer.status_code in (303, 422), token
    assert await ada.state() == before
    assert (await ada.send(route, {}, form_token=await ada.token(page))).status_code == 303
    assert await ada.state() != before, "or else this would prove nothing"


@pytest.mark.slow
@pytest.mark.parametrize("route", sorted(ACCOUNT_DOORS), ids=str)
async def test_a_page_of_ours_changes_what_it_is_for(ada: Ada, route: Route) -> None:
    before = await ada.state()
    assert (await ada.send(route, OWN[0])).status_code == 303
    assert await ada.state() != before


@pytest.mark.slow
@pytest.mark.parametrize("route", sorted(ACCOUNT_DOORS), ids=str)
async def test_what_no_page_sends_is_refused_and_changes_nothing(ada: Ada, route: Route) -> None:
    before = await ada.state()
    for content in (b"a=" + b"x" * 70_000, b"&".join([b"f=1"] * 600)):
        answer = await ada.browser.post(ada.path(route), content=content, headers=FORM | OWN[0])
        assert answer.status_code == 413
    assert await ada.state() == before
