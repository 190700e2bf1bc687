"""A disk without a free block, under the database and under the shop's own files, while people buy and browse.

Docstrings are rows of docs/reliability.md (tests/topology/table.py).
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import msgspec
import pytest
from sqlalchemy import func, select

from hypermart.app import create_app
from hypermart.demo import seed
from hypermart.domain.catalog.models import Variant
from hypermart.domain.catalog.pictures import probe
from hypermart.domain.stock.actions import Level, set_on_hand
from hypermart.jobs.delivery import deliver, due
from hypermart.ports import BlobsAway
from hypermart.qa.clock import QaClock
from hypermart.qa.tools import need
from hypermart.services import Services, opened
from hypermart.settings import Settings
from hypermart.stack import mysql
from hypermart.worker import inline
from tests.faults.audit import Records, bank, database, findings, mailbox
from tests.faults.buying import Shopper
from tests.jobs.mails import mails, order
from tests.jobs.samples import file, halves
from tests.jobs.test_pictures import imported, widths
from tests.parts import databases
from tests.parts.pair import Node
from tests.parts.server import address, free_port, serving
from tests.parts.small_disk import Disk, small_disk
from tests.topology.crowd import Patient, shopper

pytestmark = [pytest.mark.stack, pytest.mark.timeout(400)]
LONGEST = 10.0
"""Seconds for any answer."""
PUBLIC = ("/", "/c/space", "/p/earth", "/search?q=moon")
FULL, BACK = 12, 75
"""Seconds that the disk is full, and until all is well after that: MySQL looks again every 60."""


@pytest.fixture
def disk() -> Iterator[Disk]:
    with small_disk(500) as disk:
        yield disk


@contextlib.contextmanager
def on_mysql(disk: Disk, data: Path) -> Iterator[Settings]:
    """A shop whose database is on that disk, written as carefully as one that somebody would miss."""
    need("mysql")
    node = Node(disk.folder / "mysql", (*mysql.PRIMARY, *mysql.DURABLE))
    try:
        node.ready()
        url = node.url("full")
        databases.create(url)
        yield databases.settings(data, url)
        assert node.process.poll() is None, "the server ended"
    finally:
        node.end()


@contextlib.contextmanager
def on_sqlite(disk: Disk, _: Path) -> Iterator[Settings]:
    """A shop of one process: its database, its mails and its pictures are on that disk."""
    data = disk.folder / "shop"
    data.mkdir()
    yield databases.settings(data, databases.sqlite_url(data / "hypermart.db"))


@pytest.fixture
def shop(request: pytest.FixtureRequest, disk: Disk, tmp_path: Path) -> Iterator[tuple[Settings, list[int]]]:
    """And variants of which there are many."""
    with request.param(disk, tmp_path) as settings:
        databases.run(databases._migrated, settings.database_url)
        yield settings, asyncio.run(filled(settings))


async def filled(settings: Settings) -> list[int]:
    """The demo shop; gives variants of which there are many."""
    async with opened(settings, is_patient=True) as services:
        await seed(services)
        async with services.db.write() as db:
            firsts = select(func.min(Variant.id)).group_by(Variant.product_id).limit(4)
            variants = list((await db.execute(firsts)).scalars())
            levels = [Level(id_, 1000, may_oversell=False) for id_ in variants]
            await set_on_hand(db, levels, at=services.clock.now(), reason="count")
    return variants


@contextlib.contextmanager
def serving_shop(settings: Settings) -> Iterator[str]:
    bound = free_port()
    app = create_app(msgspec.structs.replace(settings, base_url=address(bound)), beside=inline)
    with serving(app, bound) as base:
        yield base


async def browsed(client: httpx.AsyncClient, seconds: float) -> None:
    """Every page is there, and soon."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for page in PUBLIC:
            began = time.monotonic()
            answer = await client.get(page)
            assert (answer.status_code, answer.text.rstrip()[-7:]) == (200, "</html>"), page
            assert time.monotonic() - began < LONGEST
        await asyncio.sleep(0.1)


async def refused(client: httpx.AsyncClient, disk: Disk, variant: int) -> None:
    """Nothing can be kept, and that is said in time. What fits into blocks that were begun is still kept."""
    for _ in range(50):
        await asyncio.to_thread(disk.fill)
        began = time.monotonic()
        answer = await client.post("/cart/lines", data={"variant": str(variant), "quantity": "1"})
        assert time.monotonic() - began < LONGEST
        if answer.status_code != 303:
            break
    assert (answer.status_code, answer.headers.get("retry-after")) == (503, "10"), answer.text
    assert "not been charged" in answer.text


async def well_again(client: httpx.AsyncClient, variant: int) -> float:
    began = time.monotonic()
    while (await client.post("/cart/lines", data={"variant": str(variant), "quantity": "1"})).status_code != 303:
        assert time.monotonic() - began < BACK
        await asyncio.sleep(0.5)
    return time.monotonic() - began


@contextlib.asynccontextmanager
async def buying(variants: list[int], crowd: list[Shopper]) -> AsyncIterator[None]:
    """People who do not give up, each with one purchase; at the end of the block all have their orders."""

    async def buy(number: int) -> str:
        async with crowd[number].client:
            await asyncio.sleep(number / 4)
            page = await crowd[number].buy(variants[number % len(variants)], payment="invoice")
            return page.url if "/orders/" in page.url else f"{page.status} {page.title}"

    tasks = [asyncio.create_task(buy(number)) for number in range(len(crowd))]
    yield
    endings = await asyncio.gather(*tasks)
    assert [ending for ending in endings if "/orders/" not in ending] == []


async def settled(settings: Settings, crowd: list[Shopper]) -> list[str]:
    """What the checker finds once the mails have come."""
    deadline = time.monotonic() + 60
    while True:
        seen = [line for each in crowd for line in each.seen]
        tables = await database(settings.database_url)
        found = findings(Records(bank(settings.data / "bogus.db"), mailbox(settings.data / "mail"), seen, tables))
        if not found or time.monotonic() > deadline:
            return found
        await asyncio.sleep(1)


@pytest.mark.parametrize("shop", [on_mysql, on_sqlite], ids=["of MySQL", "of a shop in one process"], indirect=True)
async def test_disk_is_full(disk: Disk, shop: tuple[Settings, list[int]], capsys: pytest.CaptureFixture[str]) -> None:
    """Browsing goes on. What would be kept is answered 503, says that nothing was charged, and keeps what was typed.

    Holds: no answer takes 10 s; nothing that was confirmed is lost; once there is room it goes on without a restart:
    at once with SQLite, within a minute with MySQL, which looks for room every 60 s.
    """
    settings, variants = shop
    crowd = [shopper(settings.base_url, f"full{number}", Patient(pause=2)) for number in range(12)]
    with serving_shop(settings) as base:
        for each in crowd:
            each.client.base_url = httpx.URL(base)
        async with httpx.AsyncClient(base_url=base, timeout=30) as client, buying(variants, crowd):
            await asyncio.sleep(1.5)
            await refused(client, disk, variants[0])
            await browsed(client, FULL)
            await refused(client, disk, variants[0])
            disk.empty()
            seconds = await well_again(client, variants[0])
        waits = [wait for each in crowd for wait in patience(each).waits]
        troubles = [trouble for each in crowd for trouble in patience(each).troubles]
        assert await settled(settings, crowd) == []
    assert max(waits) < LONGEST
    assert {trouble.rpartition(" ")[2] for trouble in troubles} == {"503"}
    with capsys.disabled():
        print(f"\nwell {seconds:.0f} s after there was room; longest answer {max(waits):.1f} s")  # noqa: T201


def patience(each: Shopper) -> Patient:
    transport = each.client._transport
    assert isinstance(transport, Patient)
    return transport


async def test_disk_of_mails_and_pictures_is_full(settings: Settings, clock: QaClock) -> None:
    """Nothing: mails and pictures come once there is room.

    Holds: each mail is there once; an upload is refused in words; nothing half written is left, however often it is
    tried, and no row names a picture that is not there.
    """
    with small_disk(4) as disk:
        shop = msgspec.structs.replace(
            settings, mail_url=f"file:{disk.folder}/mail", blobs_url=f"file:{disk.folder}/blobs"
        )
        async with opened(shop, clock) as services:
            content = file(halves(), "JPEG")
            picture_id, key, _ = await imported(services, content, probe(content))
            await order(services, "pickup")
            disk.fill()
            before = left_in(disk)
            for _ in range(3):
                await a_round(services)
                clock.advance(minutes=2)
            with pytest.raises(BlobsAway, match="No space left"):
                await services.blobs.put(key.replace("blue", "red"), content, "image/jpeg")
            assert left_in(disk) == before
            assert await widths(services, picture_id) == ""
            disk.empty()
            await a_round(services)
            assert len(await mails(services)) == 1
            assert await widths(services, picture_id) == "320 480 640"
            assert left_in(disk) - before == {".eml", ".webp"}


def left_in(disk: Disk) -> set[str]:
    """Endings of the files there."""
    return {path.suffix or path.name for path in disk.folder.rglob("*") if path.is_file() and path.name != "ballast"}


async def a_round(services: Services) -> None:
    for id_ in await due(services, "quick", "mail", "slow"):
        await deliver(services, id_, "quick", "mail", "slow")
