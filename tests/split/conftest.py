"""Fixtures: a primary and its replica, the demo shop in them, and the settings of a shop that is split over both."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import msgspec
import pytest

from hypermart.demo import seed
from hypermart.qa.clock import QaClock
from hypermart.qa.tools import need
from hypermart.services import Services, opened
from hypermart.settings import Settings
from tests.parts import databases, pair
from tests.parts.pair import Pair
from tests.parts.selling import SellingShop, selling_shop

NAME = "split"


@pytest.fixture(scope="session")
def servers() -> Iterator[Pair]:
    need("mysql")
    with pair.running() as servers:
        yield servers


@pytest.fixture(scope="session")
def split_demo(servers: Pair, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The demo shop, on both servers."""
    url = servers.primary.url(NAME)
    databases.create(url)
    databases.run(databases._migrated, url)
    settings = databases.settings(tmp_path_factory.mktemp("split"), url)

    async def fill() -> None:
        async with opened(settings, QaClock(), is_patient=True) as services:
            await seed(services)
        await servers.caught_up()

    asyncio.run(fill())
    return msgspec.structs.replace(settings, database_read_url=servers.replica.url(NAME))


@pytest.fixture
async def split(servers: Pair, split_demo: Settings, tmp_path: Path) -> AsyncIterator[Settings]:
    """Settings of a shop over both servers, which are in good health at the beginning."""
    await servers.mend()
    yield msgspec.structs.replace(split_demo, data=tmp_path)
    await servers.mend()


@pytest.fixture
async def watched(split: Settings, clock: QaClock) -> AsyncIterator[Services]:
    """The services of such a shop; its replica is in use."""
    async with opened(split, clock) as services, services.db.watched():
        yield services


@pytest.fixture
async def selling(split: Settings, clock: QaClock) -> AsyncIterator[SellingShop]:
    async with selling_shop(split, clock) as shop:
        yield shop
