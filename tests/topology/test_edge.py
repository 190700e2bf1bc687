"""What comes out at the edge of the running topology: new prices in time, the work of every replica, the journeys."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import msgspec
import pytest
from sqlalchemy import select

from hypermart.domain.catalog.actions import change_price, schedule_sale
from hypermart.domain.catalog.models import Product, Variant
from hypermart.services import Services
from hypermart.settings import ROOT
from tests.topology.crowd import shopper
from tests.topology.running import Running

pytestmark = pytest.mark.timeout(300)
DELAY = 5
"""Seconds that the replica is behind."""
ALLOWED = 5.0
"""Seconds that an old price may be seen after the replica shows the new one."""
CHANGES, SALES = 20, 3
LOOK = 0.2
CHEAPER = 337
"""Minor units: a price that nothing else has."""


class Watch(msgspec.Struct):
    """One product's price, as the edge and the replica say it."""

    slug: str
    variant_id: int
    price: int
    shown_at: float = 0.0
    """When the replica had the new one."""
    seen: list[tuple[float, bool]] = []
    """When the edge was asked, and whether it said the new one."""

    def late(self) -> str:
        """What is wrong; '' if nothing."""
        old = [at - self.shown_at for at, is_new in self.seen if not is_new]
        new = [at - self.shown_at for at, is_new in self.seen if is_new]
        if not new or min(new) > ALLOWED:
            return f"{self.slug}: never new within {ALLOWED} s"
        if old and max(old) > ALLOWED:
            return f"{self.slug}: old {max(old):.1f} s after the replica had the new price"
        return ""


def euros(price: int) -> str:
    return f"€{price // 100}.{price % 100:02}"


@contextlib.asynccontextmanager
async def delayed(stack: Running, seconds: int) -> AsyncIterator[None]:
    def delay(by: int) -> None:
        for statement in (
            "STOP REPLICA SQL_THREAD",
            f"CHANGE REPLICATION SOURCE TO SOURCE_DELAY={by}",
            "START REPLICA",
        ):
            stack.sql("mysql-replica", statement)

    await asyncio.to_thread(delay, seconds)
    try:
        yield
    finally:
        await asyncio.to_thread(delay, 0)


async def products(services: Services, count: int) -> list[tuple[str, int, int]]:
    """Slug, cheapest variant and its price."""
    async with services.db.fresh() as db:
        rows = await db.execute(
            select(Product.slug, Variant.id, Variant.price)
            .join(Variant, Variant.product_id == Product.id)
            .order_by(Product.id, Variant.price, Variant.id)
        )
    cheapest = {slug: (slug, variant_id, price) for slug, variant_id, price in reversed(rows.all())}
    return sorted(cheapest.values())[:count]


async def watched(stack: Running, client: httpx.AsyncClient, watch: Watch, seconds: float) -> None:
    """The edge is asked over and over; the replica is asked until it has the new price."""
    end = time.monotonic() + seconds
    wanted = euros(watch.price)
    while time.monotonic() < end:
        if not watch.shown_at:
            rows = await asyncio.to_thread(
                stack.sql, "mysql-replica", f"SELECT price FROM hypermart.variants WHERE id = {watch.variant_id}"
            )
            if rows[0]["price"] == watch.price:
                watch.shown_at = time.monotonic()
        began = time.monotonic()
        text = (await client.get(f"/p/{watch.slug}")).text
        watch.seen.append((began, wanted in text))
        await asyncio.sleep(LOOK)


async def test_a_price_changes_at_the_edge_while_the_replica_is_late(stack: Running) -> None:
    """A new price within five seconds of the replica's having it, and the old one never again.

    Holds: pages are purged when the replica shows the change, and once more for what was being made then.
    """
    async with stack.services() as services, httpx.AsyncClient(base_url=stack.url, timeout=30) as client:
        chosen = await products(services, CHANGES)
        watches = [Watch(slug, variant_id, price + CHEAPER + n) for n, (slug, variant_id, price) in enumerate(chosen)]
        for watch in watches:
            await client.get(f"/p/{watch.slug}")  # kept, with the old price
        async with delayed(stack, DELAY):
            tasks = []
            for watch in watches:
                async with services.db.write() as db:
                    await change_price(
                        db, watch.variant_id, watch.price, compare_at=None, at=services.clock.now(), reason="test"
                    )
                tasks.append(asyncio.create_task(watched(stack, client, watch, DELAY + 2 * ALLOWED + 2)))
                await asyncio.sleep(0.5)
            await asyncio.gather(*tasks)
    assert [late for watch in watches if (late := watch.late())] == []


async def test_a_sale_begins_and_ends_at_the_edge_on_time(stack: Running) -> None:
    """The sale's price from its first second to its last, give or take five, also while the replica is late.

    Holds: a page that a scheduled change will alter is not kept beyond that moment.
    """
    async with stack.services() as services, httpx.AsyncClient(base_url=stack.url, timeout=30) as client:
        chosen = (await products(services, CHANGES + SALES))[CHANGES:]
        async with delayed(stack, DELAY):
            begins = services.clock.now() + timedelta(seconds=DELAY + 7)
            ends = begins + timedelta(seconds=12)
            for _, variant_id, price in chosen:
                async with services.db.write() as db:
                    await schedule_sale(db, variant_id, price - CHEAPER, starts_at=begins, ends_at=ends)
            seen: list[tuple[float, float, bool]] = []
            while services.clock.now() < ends + timedelta(seconds=8):
                for slug, _, price in chosen:
                    asked = (services.clock.now() - begins).total_seconds()
                    text = (await client.get(f"/p/{slug}")).text
                    told = (services.clock.now() - begins).total_seconds()
                    seen.append((asked, told, euros(price - CHEAPER) in text))
                await asyncio.sleep(LOOK)
    length = (ends - begins).total_seconds()
    wrong = [
        (asked, told, is_sale)
        for asked, told, is_sale in seen
        if (is_sale and (told < 0 or asked > length + ALLOWED)) or (not is_sale and asked >= ALLOWED and told < length)
    ]
    assert wrong == []


async def test_each_request_of_a_journey_meets_another_replica(stack: Running) -> None:
    """Nothing: a purchase goes on wherever its next request lands.

    Holds: replicas share all that a visitor has.
    """
    logs = {name: stack.gain(name) for name in stack.shape.apps}
    (variant,) = await stack.stocked(1, units=100)
    ids: list[str] = []

    async def note(answer: httpx.Response) -> None:
        ids.append(answer.headers["x-request-id"])

    ada = shopper(stack.url, "journey", httpx.AsyncHTTPTransport())
    ada.client.event_hooks["response"] = [note]
    async with ada.client:
        page = await ada.buy(variant, payment="invoice")
    assert "/orders/" in page.url
    await asyncio.sleep(0.5)  # the last line is being written
    served = {line["request"]: name for name, log in logs.items() for line in log.rows() if line["event"] == "request"}
    by = [served[id_] for id_ in ids]
    assert len(by) >= 11
    assert [pair for pair in itertools.pairwise(by) if pair[0] == pair[1]] == []


@pytest.mark.timeout(600)
def test_the_journeys_of_one_shop_pass_at_the_edge(stack: Running) -> None:
    """The shoppers' stories of `make journeys`, in browsers with and without JavaScript, and in text browsers."""
    logs = {name: stack.gain(name) for name in stack.shape.apps}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--shop", stack.url, "tests/journeys"]
    environment = os.environ | {"GATEWAY_SECRET": stack.gateway_secret, "GATEWAY": stack.gateway}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-6000:]
    assert " passed" in done.stdout
    assert "GATEWAY_SECRET" not in done.stdout, done.stdout  # no story was skipped because of the bank
    served = [sum(line["event"] == "request" for line in log.rows()) for log in logs.values()]
    assert min(served) > sum(served) / 5
