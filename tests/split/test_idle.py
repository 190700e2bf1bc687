"""A transaction that lies idle ends, and what it held can be had; one that works, or is not ours, stays."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import msgspec
import pytest
from sqlalchemy import select, text, update
from sqlalchemy.exc import OperationalError

from hypermart.db.engine import write_engine
from hypermart.domain.catalog.models import Variant
from hypermart.jobs import chores, idle
from hypermart.services import Services, opened
from hypermart.settings import Settings
from hypermart.worker import inline
from tests.parts.pair import Pair
from tests.split.conftest import NAME

pytestmark = pytest.mark.stack
HOLD = update(Variant).where(Variant.sku == "AP004-S-U").values(price=Variant.price + 1)


@pytest.fixture
async def other(split: Settings) -> AsyncIterator[Services]:
    """Another process of the same shop."""
    async with opened(split) as services:
        yield services


async def test_what_a_frozen_process_held_can_be_had_again(
    watched: Services, other: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(idle, "IDLE", 2)
    async with other.db.writer.connect() as frozen:
        await frozen.execute(HOLD)
        with pytest.raises(OperationalError, match="Lock wait timeout"):
            async with watched.db.write() as db:
                await db.execute(HOLD)
        assert await idle.end_idle(watched) == 1
        async with watched.db.write() as db:
            await db.execute(HOLD)
        with pytest.raises(OperationalError):  # it wakes, and finds its transaction gone
            await frozen.execute(HOLD)
    assert await idle.end_idle(watched) == 0


async def test_transactions_that_work_or_are_short_or_are_not_ours_stay(
    servers: Pair, watched: Services, other: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(idle, "IDLE", 2)
    await servers.primary.ask(
        "DROP USER IF EXISTS 'clerk'@'%'",
        "CREATE USER 'clerk'@'%' IDENTIFIED BY 'x'",
        "GRANT ALL ON *.* TO 'clerk'@'%'",
    )
    clerk = write_engine(servers.primary.url(NAME).replace("hypermart:hypermart", "clerk:x"))
    elsewhere = write_engine(servers.primary.url("mysql"))
    rows = text(f"SELECT * FROM {NAME}.variants WHERE id < 3 LOCK IN SHARE MODE")
    async with clerk.connect() as foreign, elsewhere.connect() as other_shop, other.db.writer.connect() as working:
        await foreign.execute(rows)
        await other_shop.execute(rows)
        await working.execute(select(Variant.id))
        busy = asyncio.create_task(_busy(working.execute(text("SELECT SLEEP(4)"))))
        await asyncio.sleep(3)
        async with other.db.writer.connect() as short:
            await short.execute(select(Variant.id))
            assert await idle.end_idle(watched) == 0
        await busy
        await foreign.execute(rows)
    await clerk.dispose()
    await elsewhere.dispose()


async def _busy(work: object) -> None:
    await work  # type: ignore[misc]


async def test_a_user_who_may_not_see_transactions_says_so(servers: Pair, split: Settings) -> None:
    await servers.primary.ask(
        "DROP USER IF EXISTS 'modest'@'%'",
        "CREATE USER 'modest'@'%' IDENTIFIED BY 'x'",
        f"GRANT ALL ON {NAME}.* TO 'modest'@'%'",
    )
    url = split.database_url.replace("hypermart:hypermart", "modest:x")
    async with opened(msgspec.structs.replace(split, database_url=url)) as services:
        assert "lacks PROCESS" in str(await idle.watch_idle(services))


async def test_each_worker_does_it(split: Settings, other: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(idle, "IDLE", 1)
    monkeypatch.setattr(chores, "PERIOD", 0.2)
    settings = msgspec.structs.replace(split, valkey_url="redis://127.0.0.1:1")
    async with opened(settings) as services, inline(services), other.db.writer.connect() as frozen:
        await frozen.execute(HOLD)
        await asyncio.sleep(3)
        with pytest.raises(OperationalError):
            await frozen.execute(HOLD)
