"""A job that takes its process with it, or never lets go of it, is given up in the end, and holds nobody up."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from datetime import timedelta

import msgspec
import pytest

from hypermart.services import Services, opened
from hypermart.settings import Settings
from tests.jobs.forked import BRISK, NO_VALKEY, worker
from tests.jobs.rows import add, row, rows

pytestmark = pytest.mark.slow  # workers start

QUICK = {
    **BRISK,
    "hypermart.jobs.delivery.LEASE": timedelta(seconds=0.5),
    "hypermart.jobs.delivery.CRASHES": 3,
    "hypermart.worker.STUCK": 2.0,
    "hypermart.worker.BEAT": 0.05,
}


@pytest.fixture
def of_shop(settings: Settings) -> Settings:
    return msgspec.structs.replace(settings, valkey_url=NO_VALKEY)


@pytest.fixture
async def shop(of_shop: Settings) -> AsyncIterator[Services]:
    async with opened(of_shop) as services:
        yield services


@pytest.mark.parametrize(("job", "code"), [("crash", -signal.SIGKILL), ("loop", 1)])
async def test_a_job_that_ends_its_process(shop: Services, of_shop: Settings, job: str, code: int) -> None:
    poison = await add(shop, job)
    others = [await add(shop, "note") for _ in range(5)]
    ends = []
    async with asyncio.timeout(60):
        while not (found := await row(shop, poison)).dead_at:
            with worker(of_shop, constants=QUICK) as process:  # as whoever watches over it starts it again
                while process.is_alive() and not found.dead_at:
                    await asyncio.sleep(0.05)
                    found = await row(shop, poison)
                if process.exitcode is not None:
                    ends.append(process.exitcode)
    assert ends == [code] * 3
    left = {found.id: found for found in await rows(shop)}
    assert left[poison].last_error == "given up: 3 attempts ended with the process that made them"
    assert all(left[id_].done_at for id_ in others)
    if job == "loop":  # where it looped is in the log
        assert "in loop" in (of_shop.data / "worker.log").read_text()
