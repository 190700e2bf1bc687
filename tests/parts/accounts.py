"""Customers of a test's shop: browsers that open accounts, sign in and out, by the forms of the pages."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping

import httpx
import msgspec
from sqlalchemy import select

from hypermart.app import create_app
from hypermart.domain.customers.actions import Registration, register
from hypermart.domain.customers.models import Customer
from hypermart.domain.customers.queries import proof
from hypermart.domain.customers.resets import reset_token
from hypermart.domain.staff.actions import add_person
from hypermart.passwords import hashed
from hypermart.qa.clock import QaClock
from hypermart.settings import Settings
from tests.parts.selling import SellingShop
from tests.parts.valkeys import Valkey
from tests.parts.visitor import ORIGIN, here, visiting

PASSWORD = "purple kettle on the moon"
BROWSER = {"sec-fetch-site": "same-origin"}
_HASHES: dict[str, str] = {}


class AccountShop(SellingShop):
    """A shop where people sign in; `valkey` is where it knows them by."""

    valkey: Valkey

    async def account(self, name: str = "ada", password: str = PASSWORD) -> int:
        """There is one for NAME@example.com."""
        if password not in _HASHES:
            _HASHES[password] = await hashed(password)
        given = Registration(f"{name}@example.com", name.title(), _HASHES[password], wants_news=False)
        async with self.database.write() as db:
            await register(db, given, self.clock.now())
        return int(await self.value(select(Customer.id).where(Customer.email_key == given.email)))

    async def reset_token(self, name: str = "ada") -> str:
        """Of the link for a new password, as the mail has it."""
        async with self.database.fresh() as db:
            found = await proof(db, f"{name}@example.com")
        assert found
        return reset_token(self.app.state.shop.secret, found, self.clock.now())

    async def person(self, name: str = "stella") -> None:
        """Somebody of the staff."""
        async with self.database.write() as db:
            await add_person(db, name.title(), f"{name}@example.com", await hashed(PASSWORD), self.clock.now())

    def browser(self, origin: str = ORIGIN, host: str = "127.0.0.1") -> httpx.AsyncClient:
        """One that says where its forms come from, in the network of `host`."""
        return httpx.AsyncClient(transport=here(self.app, host), base_url=origin, headers=BROWSER)

    async def signed_in(self, name: str = "ada", browser: httpx.AsyncClient | None = None) -> httpx.AsyncClient:
        browser = browser or self.browser()
        answer = await sign_in(browser, f"{name}@example.com")
        assert answer.status_code == 303, answer.text
        return browser


async def sign_in(
    browser: httpx.AsyncClient, email: str, password: str = PASSWORD, more: Mapping[str, str] | None = None
) -> httpx.Response:
    fields = {"email": email, "password": password, **(more or {})}
    return await browser.post("/account/sign-in", data=fields)


@contextlib.asynccontextmanager
async def account_shop(
    settings: Settings, clock: QaClock, valkey: Valkey, origin: str = ORIGIN
) -> AsyncIterator[AccountShop]:
    settings = msgspec.structs.replace(settings, base_url=origin, valkey_url=valkey.url)
    app = create_app(settings, clock=clock)
    async with visiting(app) as client:
        shop = AccountShop(app, client, clock)
        shop.valkey = valkey
        yield shop
