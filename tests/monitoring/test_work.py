"""What is counted of the work behind the pages: sign-ins, jobs, mails, purges, the queue, connections."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from prometheus_client import generate_latest
from sqlalchemy import update
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import create_async_engine

from hypermart.db.observed import ObservedPool
from hypermart.db.outbox import Outbox
from hypermart.db.session import Database
from hypermart.errors import Refused
from hypermart.jobs import JOBS, delivery, measure
from hypermart.jobs.delivery import deliver
from hypermart.jobs.measure import measuring
from hypermart.jobs.task import Task
from hypermart.ports import NotNow
from hypermart.qa.clock import QaClock
from hypermart.services import Services
from hypermart.settings import Settings
from tests.jobs.mails import order
from tests.jobs.rows import add, until
from tests.monitoring.counted import gained, value
from tests.parts.accounts import account_shop, sign_in
from tests.parts.selling import SellingShop
from tests.parts.valkeys import Valkey


async def test_sign_ins(demo_copy_settings: Settings, clock: QaClock, valkey: Valkey) -> None:
    few = msgspec.structs.replace(demo_copy_settings, sign_in_tries="2 per 10 minutes")
    async with account_shop(few, clock, valkey) as shop:
        await shop.account()
        with gained("hypermart_sign_ins_total") as tries:
            await shop.signed_in()
            for email in ("ada@example.com", "nobody@example.com", "ada@example.com"):
                await sign_in(shop.browser(), email, "not the kettle")
            valkey.kill()
            await sign_in(shop.browser(), "ada@example.com")
    assert tries == {"account,ok": 1, "account,wrong": 2, "account,too_many": 1, "account,away": 1}


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (None, "done"),
        (ConnectionError("away"), "failed"),
        (Refused("never"), "dead"),
        (NotNow("later", 60), "put_off"),
    ],
)
async def test_jobs_by_outcome(
    services: Services, error: Exception | None, outcome: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def work(services: Services, task: Task, /) -> None:
        if error:
            raise error

    monkeypatch.setitem(JOBS, "note", work)
    with gained("hypermart_job_seconds_count") as jobs:
        assert await deliver(services, await add(services, "note"), "quick")
    assert jobs == {f"note,{outcome}": 1}


async def test_a_job_of_another_release_has_no_name(services: Services) -> None:
    with gained("hypermart_job_seconds_count") as jobs:
        assert await deliver(services, await add(services, "no_such_job"), "quick")
    assert jobs == {"unknown,dead": 1}


async def test_mails_by_outcome(services: Services) -> None:
    await order(services)
    with gained("hypermart_mail_seconds_count") as mails:
        for id_ in await delivery.due(services, "mail"):
            await deliver(services, id_, "mail")
    assert mails == {"ok": 1}


async def test_a_purge_knows_when_the_change_was(services: Services, clock: QaClock) -> None:
    id_ = await add(services, "purge_pages", keys=["menu"])
    clock.advance(seconds=7)
    with gained("hypermart_purge_lag_seconds_sum") as seconds:
        assert await deliver(services, id_, "quick")
        clock.advance(minutes=1)
        (second,) = await delivery.due(services, "quick")
        assert await deliver(services, second, "quick")
    assert seconds == {"": 7}, "the second one is no news"


async def test_the_queue_as_it_is(services: Services, clock: QaClock) -> None:
    await add(services, "mail_order_confirmation", order=1)
    dead = await add(services, "purge_pages", keys=["menu"])
    async with services.db.write() as db:
        await db.execute(update(Outbox).where(Outbox.id == dead).values(dead_at=clock.now()))
    clock.advance(minutes=2)
    await measure.measure(services)
    found = {
        lane: tuple(value(f"hypermart_queue_{name}", lane=lane) for name in ("due", "oldest_seconds", "dead"))
        for lane in ("quick", "mail", "slow")
    }
    assert found == {"quick": (0, 0, 1), "mail": (1, 120, 0), "slow": (0, 0, 0)}
    assert 0 < value("hypermart_data_free_ratio") < 1


async def test_payments_under_way(selling: SellingShop) -> None:
    ada = selling.shopper()
    await ada.add(await selling.variant())
    await ada.place(await ada.to_review())
    selling.clock.advance(minutes=3)
    await measure.measure(selling.app.state.shop._services)
    assert value("hypermart_payments_open", state="pending") == 1
    assert value("hypermart_payments_oldest_seconds", state="pending") == timedelta(minutes=3).total_seconds()
    assert value("hypermart_payments_open", state="claimed") == 0


async def test_what_cannot_be_measured_is_not_said(
    services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measure, "PERIOD", 0.01)
    await measure.measure(services)
    assert "hypermart_queue_due" in _said()
    away = msgspec.structs.replace(services.settings, data=tmp_path / "gone")  # as good as a database that is
    task = asyncio.create_task(measuring(_with(services, away)))
    await until(lambda: "hypermart_queue_due" not in _said())
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_full_pool(tmp_path: Path) -> None:
    engine = create_async_engine(
        f"sqlite+aiosqlite:///{tmp_path}/small.db",
        poolclass=ObservedPool,
        pool_logging_name="small",
        pool_size=1,
        max_overflow=0,
        pool_timeout=0.05,
    )
    with gained("hypermart_pool_timeouts_total") as timeouts, gained("hypermart_pool_wait_seconds_count") as waits:
        async with engine.connect():
            assert (value("hypermart_pool_used", pool="small"), value("hypermart_pool_limit", pool="small")) == (1, 1)
            with pytest.raises(PoolTimeout):
                async with engine.connect():
                    pass
        await engine.dispose()  # which makes a new pool
        assert value("hypermart_pool_used", pool="small") == 0
        async with engine.connect():
            assert value("hypermart_pool_used", pool="small") == 1
        await engine.dispose()
    assert (timeouts, waits) == ({"small": 1}, {"small": 3})


async def test_each_engine_counts_under_its_name(database: Database) -> None:
    with gained("hypermart_pool_wait_seconds_count") as waits:
        async with database.write() as db:
            await db.connection()
        async with database.fresh():
            pass
    assert waits == {"write": 1, "read": 1}


def _said() -> str:
    return (
        generate_latest().decode().replace("# HELP hypermart_queue_due", "").replace("# TYPE hypermart_queue_due", "")
    )


def _with(services: Services, settings: Settings) -> Services:
    return replace(services, settings=settings)
