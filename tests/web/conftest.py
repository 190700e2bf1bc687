"""A browser without scripting, in the same process as the app it talks to."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from hypermart.app import create_app
from hypermart.db.session import Database
from hypermart.qa.clock import QaClock
from hypermart.settings import Settings
from tests.parts.selling import SellingShop, selling_shop
from tests.parts.visitor import visiting


@pytest.fixture
async def client(demo_settings: Settings, clock: QaClock) -> AsyncIterator[httpx.AsyncClient]:
    """Looks at the demo shop, which many tests share."""
    async with visiting(create_app(demo_settings, clock=clock)) as client:
        yield client


@pytest.fixture
async def selling(demo_copy_settings: Settings, clock: QaClock) -> AsyncIterator[SellingShop]:
    """A demo shop of the test's own, where things are bought."""
    async with selling_shop(demo_copy_settings, clock) as shop:
        yield shop


@pytest.fixture
async def shopper(demo_copy_settings: Settings, clock: QaClock) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody with a demo shop for themselves, to be changed at will."""
    async with visiting(create_app(demo_copy_settings, clock=clock)) as client:
        yield client


@pytest.fixture
def db(shopper: httpx.AsyncClient) -> Database:
    database: Database = shopper._transport.app.state.shop.db  # type: ignore[attr-defined]
    return database
