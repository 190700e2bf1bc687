"""What runs by the clock is run by one of all workers in each period, whatever becomes of that worker."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import msgspec
import pytest
from sqlalchemy import text, update
from structlog.testing import capture_logs

from hypermart.db.chores import Chore, ChoreView, chore_views
from hypermart.jobs import chores
from hypermart.jobs.chores import CHORES, HOUR, LEASE, WATCHES, Caretaker, Work, do, watch
from hypermart.qa.clock import QaClock
from hypermart.services import Services, opened
from hypermart.settings import Settings
from hypermart.worker import inline
from tests.jobs.rows import until
from tests.web.test_cost_and_cache import counted


class Trial:
    """The chores of these tests: one that is run as told, and counts."""

    def __init__(self) -> None:
        self.runs = 0
        self.error: Exception | None = None
        self.gate: asyncio.Event | None = None

    async def tidy(self, _: Services) -> str:
        self.runs += 1
        if self.gate:
            await self.gate.wait()
        if self.error:
            raise self.error
        return f"run {self.runs}"


@pytest.fixture
def trial(monkeypatch: pytest.MonkeyPatch) -> Trial:
    trial = Trial()
    monkeypatch.setattr(chores, "LOOK", 0.02)
    monkeypatch.setattr(chores, "PERIOD", 0.02)
    for table in (CHORES, WATCHES):
        for name in list(table):
            monkeypatch.delitem(table, name)
    monkeypatch.setitem(CHORES, "tidy", Work(trial.tidy, "Puts things where they belong"))
    return trial


async def look(services: Services) -> None:
    """As a worker does when it begins and every LOOK seconds: once."""
    caretaker = Caretaker(services)
    await caretaker.look()


async def the(services: Services, name: str = "tidy") -> ChoreView:
    async with services.db.fresh() as db:
        return {view.name: view for view in await chore_views(db, services.clock.now())}[name]


async def until_it_is(state: str, services: Services) -> ChoreView:
    async with asyncio.timeout(20):
        while True:
            async with services.db.fresh() as db:
                found = {view.name: view for view in await chore_views(db, services.clock.now())}
            if "tidy" in found and found["tidy"].state == state:
                return found["tidy"]
            await asyncio.sleep(0.02)


async def test_a_chore_is_done_once_a_period(services: Services, clock: QaClock, trial: Trial) -> None:
    began = clock.now()
    await look(services)
    await look(services)
    assert trial.runs == 1
    found = await the(services)
    assert (found.state, found.words, found.began_at, found.ended_at) == ("well", "run 1", began, began)
    assert (found.period, found.due_at, found.about) == (HOUR, began + HOUR, "Puts things where they belong")
    clock.advance(seconds=3599)
    await look(services)
    assert trial.runs == 1
    clock.advance(seconds=1)
    await look(services)
    assert (trial.runs, (await the(services)).words) == (2, "run 2")


async def test_of_two_workers_one_does_it(settings: Settings, clock: QaClock, trial: Trial) -> None:
    trial.gate = asyncio.Event()
    settings = msgspec.structs.replace(settings, valkey_url="redis://127.0.0.1:1")
    async with opened(settings, clock) as one, opened(settings, clock) as two, inline(one), inline(two):
        await until(lambda: trial.runs)
        await asyncio.sleep(0.2)  # each looks some times meanwhile
        trial.gate.set()
        for hours in range(1, 5):
            clock.advance(hours=1)
            await until(lambda count=hours: trial.runs > count)  # type: ignore[misc]
        await asyncio.sleep(0.2)
        assert (await the(one)).words == f"run {trial.runs}"
    assert trial.runs == 5


async def test_many_at_once_take_it_once(services: Services, trial: Trial) -> None:
    await look(services)
    async with services.db.write() as db:
        await db.execute(update(Chore).values(due_at=services.clock.now()))
    assert sorted(await asyncio.gather(*(do(services, "tidy") for _ in range(5)))) == [False] * 4 + [True]
    assert trial.runs == 2


async def test_workers_that_begin_together_know_the_same_chores(services: Services, trial: Trial) -> None:
    await asyncio.gather(*(look(services) for _ in range(5)))
    assert trial.runs == 1


async def test_a_chore_that_raises_is_noted_and_done_next_time(
    services: Services, clock: QaClock, trial: Trial
) -> None:
    trial.error = ConnectionError("ada@example.com\nis away")
    for failures in (1, 2):
        await look(services)
        found = await the(services)
        assert (found.state, found.failures, found.words) == (
            "failed",
            failures,
            "ConnectionError: …@example.com is away",
        )
        clock.advance(hours=1)
    trial.error = None
    await look(services)
    assert ((await the(services)).state, (await the(services)).failures, trial.runs) == ("well", 0, 3)


async def test_one_that_fails_stands_in_no_others_way(
    services: Services, trial: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Trial()
    monkeypatch.setitem(CHORES, "zz", Work(other.tidy, ""))
    trial.error = RuntimeError("always")
    await look(services)
    assert (trial.runs, other.runs) == (1, 1)


async def test_a_chore_that_hangs_is_stopped(services: Services, trial: Trial, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chores, "BOUND", 0.05)
    trial.gate = asyncio.Event()
    await look(services)
    found = await the(services)
    assert (found.state, found.words) == ("failed", "TimeoutError:")


async def test_a_worker_that_dies_at_it_costs_one_period(services: Services, clock: QaClock, trial: Trial) -> None:
    trial.gate = asyncio.Event()
    dying = asyncio.create_task(look(services))
    await until(lambda: trial.runs)
    assert (await the(services)).state == "running"
    dying.cancel()  # as by kill -9: nothing is written any more
    await asyncio.gather(dying, return_exceptions=True)
    trial.gate = None
    clock.advance(seconds=LEASE.total_seconds())
    assert (await the(services)).state == "lost"
    await look(services)
    assert trial.runs == 1
    clock.advance(seconds=(HOUR - LEASE).total_seconds())
    await look(services)
    assert (trial.runs, (await the(services)).state) == (2, "well")


async def test_a_worker_that_was_frozen_at_it_leaves_no_mark(services: Services, clock: QaClock, trial: Trial) -> None:
    gate = trial.gate = asyncio.Event()
    frozen = asyncio.create_task(look(services))
    await until(lambda: trial.runs)
    clock.advance(hours=1)
    trial.gate = None
    await look(services)
    assert (await the(services)).words == "run 2"
    gate.set()
    trial.error = RuntimeError("too late")
    await frozen
    found = await the(services)
    assert (found.state, found.words) == ("well", "run 2")


async def test_told_to_stop_a_worker_ends_what_it_does_and_begins_nothing(
    services: Services, trial: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Trial()
    monkeypatch.setitem(CHORES, "zz", Work(other.tidy, ""))
    trial.gate = asyncio.Event()
    caretaker = Caretaker(services)
    running = asyncio.create_task(caretaker.run())
    await until(lambda: trial.runs)
    caretaker.stop()
    trial.gate.set()
    await asyncio.wait_for(running, 5)
    assert ((await the(services)).state, other.runs) == ("well", 0)


async def test_a_clock_that_was_wrong_puts_nothing_off(services: Services, clock: QaClock, trial: Trial) -> None:
    now = clock.now()
    clock.advance(days=40_000)
    await look(services)
    clock.at = now
    await look(services)
    assert trial.runs == 2
    assert (await the(services)).due_at == now + HOUR


async def test_nobody_at_work_is_seen(services: Services, clock: QaClock, trial: Trial) -> None:
    await look(services)
    clock.advance(hours=1, minutes=2)
    assert (await the(services)).state == "well"
    clock.advance(seconds=1)
    assert (await the(services)).state == "late"


async def test_while_nothing_is_due_a_look_is_one_statement(services: Services, trial: Trial) -> None:
    await look(services)
    with counted(services.db) as seen:
        await look(services)
    assert (len(seen["reader"]), len(seen["writer"]), trial.runs) == (1, 0, 1)


@pytest.fixture
def watched(trial: Trial, monkeypatch: pytest.MonkeyPatch) -> Trial:
    """The same, run by every worker."""
    monkeypatch.delitem(CHORES, "tidy")
    monkeypatch.setitem(WATCHES, "tidy", Work(trial.tidy, "Looks after things", timedelta(seconds=5)))
    return trial


async def test_every_worker_watches_and_one_notes_it(settings: Settings, clock: QaClock, watched: Trial) -> None:
    settings = msgspec.structs.replace(settings, valkey_url="redis://127.0.0.1:1")
    async with opened(settings, clock) as one, opened(settings, clock) as two, inline(one), inline(two):
        await until(lambda: watched.runs > 20)
        found = await until_it_is("well", one)
    assert (found.period, found.began_at) == (timedelta(seconds=5), clock.now())
    assert found.due_at == clock.now() + chores.NOTED


async def test_a_watch_is_noted_soon_after_there_is_a_row_for_it(services: Services, watched: Trial) -> None:
    watching = asyncio.create_task(watch(services, "tidy"))
    try:
        await until(lambda: watched.runs > 5)
        await look(services)
        await until_it_is("well", services)
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)


async def test_a_watch_that_fails_goes_on_and_is_noted_at_once(services: Services, watched: Trial) -> None:
    watched.error = ConnectionError("the bank is away")
    with capture_logs() as logs:
        async with inline(services):
            await until_it_is("failed", services)
            runs, watched.error = watched.runs, None
            await until_it_is("well", services)
    assert watched.runs > runs
    said = [each["event"] for each in logs if each.get("name") == "tidy"]
    assert said[:2] == ["watch.failed", "watch.done"], "once, however often it failed"


async def test_a_watch_goes_on_where_it_cannot_be_noted(services: Services, watched: Trial) -> None:
    await rename(services, "chores", "away")
    watching = asyncio.create_task(watch(services, "tidy"))
    try:
        for count, error in ((5, RuntimeError("news")), (10, None)):
            watched.error = error
            await until(lambda count=count: watched.runs > count)  # type: ignore[misc]
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        await rename(services, "away", "chores")


async def rename(services: Services, old: str, new: str) -> None:
    async with services.db.write() as db:
        await db.execute(text(f"ALTER TABLE {old} RENAME TO {new}"))


async def test_what_the_shop_does_by_the_clock_fits_its_lease(settings: Settings) -> None:
    assert all(work.period > LEASE for work in CHORES.values())
    assert LEASE.total_seconds() > chores.BOUND
    assert all(len(name) <= 64 and len(work.about) <= 200 for name, work in (CHORES | WATCHES).items())


async def test_a_worker_does_all_of_it(services: Services, clock: QaClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chores, "LOOK", 0.1)
    monkeypatch.setattr(chores, "PERIOD", 0.1)
    wanted = dict.fromkeys(CHORES | chores.watches(services.settings), "well")
    found: dict[str, str] = {}
    async with inline(services):
        for _ in range(400):
            async with services.db.fresh() as db:
                found = {view.name: view.state for view in await chore_views(db, clock.now())}
            if found == wanted:
                break
            await asyncio.sleep(0.05)
    assert found == wanted
