"""With a real replica that is late: a purge is never undone for good by a page that was made from it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest
from sqlalchemy import select

from hypermart.adapters.clock import SystemClock
from hypermart.domain.catalog.actions import change_price
from hypermart.domain.catalog.models import Variant
from hypermart.jobs import purge
from hypermart.jobs.lanes import Lane
from hypermart.services import Services, opened
from hypermart.settings import Settings
from tests.parts.pair import Pair
from tests.split.conftest import NAME

pytestmark = pytest.mark.stack
SKU = "AP042-S-U"


class Cache:
    """A CDN with one page, the price, which is asked for all the time."""

    def __init__(self, web: Services) -> None:
        self.web, self.page = web, 0
        self.purges: list[float] = []
        self.served: list[tuple[float, int]] = []

    async def purge(self, _: Iterable[str], /) -> None:
        self.page = 0
        self.purges.append(time.monotonic())

    async def browse(self) -> None:
        while True:
            if not self.page:
                async with self.web.db.read() as db:
                    self.page = (await db.execute(select(Variant.price).where(Variant.sku == SKU))).scalar_one()
            self.served.append((time.monotonic(), self.page))
            await asyncio.sleep(0.02)


@asynccontextmanager
async def browsed(worker: Services, web: Services) -> AsyncIterator[Cache]:
    """Somebody browses, and a worker purges."""
    cache = Cache(web)
    lane = Lane(replace(worker, cdn=cache), "quick")
    tasks = [asyncio.create_task(lane.run()), asyncio.create_task(cache.browse())]
    await asyncio.sleep(0.5)
    try:
        yield cache
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def new_price(services: Services) -> int:
    async with services.db.write() as db:
        id_, price = (await db.execute(select(Variant.id, Variant.price).where(Variant.sku == SKU))).one()
        at = services.clock.now()
        await change_price(db, id_, price + 100, compare_at=None, at=at, reason="paper is dearer")
    return int(price) + 100


@pytest.fixture(autouse=True)
async def quiet(servers: Pair, split: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing else is to be purged."""
    await servers.primary.ask(f"DELETE FROM {NAME}.outbox")
    await servers.caught_up()
    monkeypatch.setattr(purge, "AGAIN", timedelta(seconds=1))


async def test_a_late_replica_in_bounds_is_waited_for(servers: Pair, split: Settings) -> None:
    async with opened(split, SystemClock()) as services, services.db.watched():
        await servers.delay(3)
        async with browsed(services, services) as cache:
            price, changed_at = await new_price(services), time.monotonic()
            await asyncio.sleep(9)
        assert len(cache.purges) == 2
        assert cache.purges[0] - changed_at > 2
        old = [at for at, shown in cache.served if shown != price]
        assert max(old) <= cache.purges[0] + 0.1, "the first page after the purge is the new one"
        assert cache.page == price


async def test_a_replica_that_only_the_worker_gave_up_brings_old_pages_back_for_a_while(
    servers: Pair, split: Settings
) -> None:
    """It is far behind, and the web process takes its time to see that."""
    split = msgspec.structs.replace(split, replica_lag=3)
    async with opened(split, SystemClock()) as worker, opened(split, SystemClock()) as web, web.db.watched():
        await servers.delay(60)
        async with browsed(worker, web) as cache:
            price, changed_at = await new_price(worker), time.monotonic()
            await asyncio.sleep(14)
        assert len(cache.purges) == 2
        assert cache.purges[0] - changed_at < 3
        assert any(at > cache.purges[0] + 0.5 and shown != price for at, shown in cache.served), "the trap was set"
        old = [at for at, shown in cache.served if shown != price]
        assert max(old) <= cache.purges[1] + 0.1
        assert cache.page == price
