"""The worker delivers with its doorbell and without, leaves nothing behind a kill, and stops quickly."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections import Counter
from pathlib import Path

import msgspec
import pytest

from hypermart.adapters import valkey
from hypermart.jobs import JOBS, lanes
from hypermart.jobs.delivery import LEASE, deliver, due
from hypermart.jobs.task import Task
from hypermart.qa.clock import QaClock
from hypermart.services import Services, opened
from hypermart.settings import Settings
from hypermart.worker import inline, ringing
from tests.jobs.mails import order
from tests.jobs.rows import add, row, until, until_done, until_ended
from tests.jobs.workers import start
from tests.parts.smtp_server import Gate, mail_server

pytestmark = pytest.mark.slow  # workers start

NOBODY = "redis://127.0.0.1:1"


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    ran: list[int] = []

    async def note(services: Services, task: Task, /) -> None:
        await asyncio.sleep(0.01)
        ran.append(task.id)

    monkeypatch.setitem(JOBS, "note", note)
    return ran


@pytest.fixture
def no_poll(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanes, "POLL", 600.0)


@pytest.mark.usefixtures("no_poll")
async def test_the_bell_is_heard(services: Services, ran: list[int]) -> None:
    async with inline(services):
        await asyncio.sleep(0.3)  # the lanes have looked and found nothing
        began = time.perf_counter()
        id_ = await add(services, "note")
        await until_done(services, id_)
        assert time.perf_counter() - began < 1
    assert ran == [id_]


@pytest.mark.usefixtures("no_poll")
async def test_the_bell_wakes_the_other_lanes(services: Services) -> None:
    async with inline(services):
        await asyncio.sleep(0.3)
        await until_done(services, await add(services, "make_renditions", picture_id=404))
        await until_ended(services, await add(services, "mail_order_confirmation", order=404), 10)


async def test_a_mail_server_that_does_not_answer_holds_up_no_purge(settings: Settings) -> None:
    async with mail_server() as server, opened(msgspec.structs.replace(settings, mail_url=server.url)) as services:
        server.steps["data"] = Gate()
        async with inline(services, grace=0.1):
            await order(services, "pickup")
            for _ in range(19):
                await add(services, "mail_order_confirmation", order=1001)
            await until(lambda: "data" in server.reached)
            await asyncio.sleep(0.5)  # all bells have been heard
            await until_done(services, await add(services, "purge_pages", keys=["menu"]), 3)
        assert server.reached.count("data") == 1


async def test_two_workers_run_each_row_once(settings: Settings, clock: QaClock, ran: list[int]) -> None:
    async with opened(settings, clock) as one, opened(settings, clock) as two, inline(one), inline(two):
        ids = [await add(services, "note") for _ in range(15) for services in (one, two)]
        await until(lambda: len(ran) >= len(ids), 20)
        await asyncio.sleep(0.3)
    assert Counter(ran) == Counter(ids)


async def test_a_write_without_valkey_succeeds_and_is_delivered(settings: Settings, ran: list[int]) -> None:
    async with opened(msgspec.structs.replace(settings, valkey_url=NOBODY)) as services, inline(services):
        began = time.perf_counter()
        id_ = await add(services, "note")
        assert time.perf_counter() - began < 1
        await until_done(services, id_)
    assert ran == [id_]


async def test_a_hanging_valkey_delays_no_write(services: Services) -> None:
    async with ringing(services) as url:
        client = valkey.client(url, timeout=2)
        pid = int((await client.info("server"))["process_id"])
        await client.aclose()
        os.kill(pid, signal.SIGSTOP)
        try:
            began = time.perf_counter()
            await add(services, "note")
            assert time.perf_counter() - began < 1
        finally:
            os.kill(pid, signal.SIGCONT)


async def test_valkey_wiped_and_killed_is_delivered_all_the_same(services: Services, ran: list[int]) -> None:
    async with ringing(services) as url:
        client = valkey.client(url, timeout=2)
        wiped = await add(services, "note")
        await client.flushall()
        async with inline(services):
            await until_done(services, wiped)
            pid = int((await client.info("server"))["process_id"])
            await client.aclose()
            os.kill(pid, signal.SIGKILL)
            killed = await add(services, "note")
            await until_done(services, killed)
    assert sorted(ran) == [wiped, killed]


async def test_what_a_killed_worker_left_in_valkey_is_not_waited_for(services: Services, ran: list[int]) -> None:
    """SAQ would subscribe and wait for it, in a loop that stops the process if Valkey goes away meanwhile."""
    async with ringing(services) as url:
        client = valkey.client(url, timeout=2)
        id_ = await add(services, "note")
        await client.blmove("saq:hypermart:queued", "saq:hypermart:active", 2)
        async with inline(services):
            await until_done(services, id_)
            await asyncio.sleep(0.3)
            assert await client.execute_command("PUBSUB", "NUMPAT") == 0  # type: ignore[no-untyped-call]
        await client.aclose()
    assert ran == [id_]


async def test_a_row_of_another_process_is_found(settings: Settings, ran: list[int], clock: QaClock) -> None:
    async with opened(settings, clock) as shop, opened(settings, clock) as command, inline(shop):
        assert command.db.bell is None
        await until_done(shop, await add(command, "note"))


async def test_stopping_is_quick_and_lets_a_job_finish(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    started = asyncio.Event()

    async def long(services: Services, task: Task, /) -> None:
        started.set()
        await asyncio.sleep(0.5)

    monkeypatch.setitem(JOBS, "long", long)
    async with inline(services):
        id_ = await add(services, "long")
        await started.wait()
        began = time.perf_counter()
    assert time.perf_counter() - began < 2
    assert (await row(services, id_)).done_at is not None
    assert services.db.bell is None


async def test_stopping_ends_also_what_a_cancel_was_lost_on(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a driver that reads by wait_for() when the answer and the cancel come together (Python 3.11)."""
    heard: list[str] = []

    async def unlucky(_services: Services, _name: str) -> None:
        while len(heard) < 2:
            try:
                await asyncio.sleep(600)
            except asyncio.CancelledError:
                heard.append("cancel")

    monkeypatch.setattr("hypermart.worker.watches", lambda _: ["one"])
    monkeypatch.setattr("hypermart.worker.watch", unlucky)
    async with asyncio.timeout(10):
        async with inline(services):
            await asyncio.sleep(0.1)
    assert len(heard) == 2


@pytest.mark.slow
async def test_a_killed_worker_loses_nothing(settings: Settings, tmp_path: Path, ran: list[int]) -> None:
    clock, mark = QaClock(), tmp_path / "mark"
    JOBS["rest"] = JOBS["note"]
    async with opened(settings, clock) as services:
        id_ = await add(services, "rest")
        worker = start(settings, mark, 60)
        try:
            await until(mark.exists, 20)
        finally:
            worker.kill()
            worker.wait()
        left = await row(services, id_)
        assert (left.done_at, left.attempts) == (None, 1)
        clock.at = left.leased_until - LEASE
        assert await due(services, "quick") == []
        assert not await deliver(services, id_, "quick")
        clock.at = left.leased_until
        assert await due(services, "quick") == [id_]
        assert await deliver(services, id_, "quick")
        assert (await row(services, id_)).attempts == 2
    del JOBS["rest"]
    assert ran == [id_]


@pytest.mark.slow
async def test_sigterm_lets_the_running_job_finish(services: Services, settings: Settings, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    id_ = await add(services, "rest")
    worker = start(settings, mark, 1)
    try:
        await until(mark.exists, 20)
        worker.terminate()
        assert await asyncio.to_thread(worker.wait, 10) == 0
    finally:
        worker.kill()
    assert (await row(services, id_)).done_at is not None
