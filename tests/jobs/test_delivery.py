"""An outbox row is run at least once, never twice at a time, again after a failure, and not for ever."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import OperationalError
from structlog.contextvars import bound_contextvars, get_contextvars

from hypermart.db.outbox import LANES, Outbox
from hypermart.errors import Refused
from hypermart.jobs import JOBS, Patience, delivery, patience
from hypermart.jobs.delivery import LEASE, backoff, deliver, due, sweep
from hypermart.jobs.task import Task
from hypermart.qa.clock import QaClock
from hypermart.services import Services, opened
from hypermart.settings import Settings
from tests.jobs.rows import add, row, rows, until


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The rows that the job `note` was run for."""
    ran: list[int] = []

    async def note(services: Services, task: Task, /) -> None:
        ran.append(task.id)
        await asyncio.sleep(0)

    monkeypatch.setitem(JOBS, "note", note)
    return ran


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(services: Services, task: Task, /) -> None:
        raise ConnectionError("the mail server\nis away")

    monkeypatch.setitem(JOBS, "fail", fail)


async def test_a_row_is_run_and_done(services: Services, ran: list[int], clock: QaClock) -> None:
    id_ = await add(services, "note")
    assert await due(services, "quick") == [id_]
    assert await deliver(services, id_, "quick")
    done = await row(services, id_)
    assert (ran, done.done_at, done.leased_until, done.attempts) == ([id_], clock.now(), None, 1)
    assert not await deliver(services, id_, "quick")
    assert await due(services, "quick") == []
    assert ran == [id_]


async def test_a_row_carries_the_id_of_its_request_on_to_what_the_job_asks_for(
    services: Services, ran: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def pass_on(services: Services, task: Task, /) -> None:
        assert get_contextvars()["request"] == task.request == "request-1"
        await add(services, "note")

    monkeypatch.setitem(JOBS, "pass_on", pass_on)
    with bound_contextvars(request="request-1"):
        first = await add(services, "pass_on")
    assert "request" not in get_contextvars()
    assert await deliver(services, first, "quick")
    assert [each.request for each in await rows(services)] == ["request-1", "request-1"]
    assert (await row(services, first)).done_at


async def test_many_at_once_run_a_row_once(settings: Settings, clock: QaClock, ran: list[int]) -> None:
    async with opened(settings, clock) as one, opened(settings, clock) as two:
        ids = [await add(one, "note") for _ in range(5)]
        results = await asyncio.gather(*(deliver(s, id_, "quick") for id_ in ids for s in (one, two, one)))
    assert sorted(ran) == ids
    assert sum(results) == len(ids)


async def test_a_running_row_is_not_run_beside(
    services: Services, clock: QaClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    started, go_on = asyncio.Event(), asyncio.Event()

    async def long(services: Services, task: Task, /) -> None:
        started.set()
        await go_on.wait()

    monkeypatch.setitem(JOBS, "long", long)
    id_ = await add(services, "long")
    first = asyncio.create_task(deliver(services, id_, "quick"))
    await started.wait()
    clock.advance(seconds=LEASE.total_seconds() - 1)
    assert await due(services, "quick") == []
    assert not await deliver(services, id_, "quick")
    go_on.set()
    assert await first


async def test_who_lost_the_lease_leaves_no_mark(
    services: Services, clock: QaClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that was frozen past its lease, as by SIGSTOP, while another one took the row."""
    go_on: list[asyncio.Event] = []

    async def long(services: Services, task: Task, /) -> None:
        go_on.append(asyncio.Event())
        await go_on[-1].wait()
        if len(go_on) == 2:
            raise ConnectionError("the second one fails")

    monkeypatch.setitem(JOBS, "long", long)
    id_ = await add(services, "long")
    frozen = asyncio.create_task(deliver(services, id_, "quick"))
    await until(lambda: go_on)
    clock.advance(seconds=LEASE.total_seconds() + 1)
    second = asyncio.create_task(deliver(services, id_, "quick"))
    await until(lambda: len(go_on) == 2)
    go_on[0].set()
    await frozen
    left = await row(services, id_)
    assert (left.done_at, left.leased_until) == (None, clock.now() + LEASE)
    go_on[1].set()
    await second
    assert "the second one fails" in (await row(services, id_)).last_error


async def test_a_task_knows_whether_it_is_held(
    services: Services, clock: QaClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    held: list[bool] = []
    tasks: list[Task] = []

    async def ask(services: Services, task: Task, /) -> None:
        tasks.append(task)
        held.append(await task.is_held(services))
        if len(held) > 1:
            assert not await tasks[0].is_held(services)  # another one has the row now
        else:
            clock.advance(seconds=LEASE.total_seconds())  # frozen: the lease ends, nobody has the row yet
            held.append(await task.is_held(services))
            assert await deliver(services, task.id, "quick")
            held.append(await task.is_held(services))

    monkeypatch.setitem(JOBS, "ask", ask)
    await deliver(services, await add(services, "ask"), "quick")
    assert held == [True, False, True, False]
    assert tasks[0].lease < tasks[1].lease
    async with services.db.write() as db:  # done by hand
        await db.execute(update(Outbox).values(leased_until=tasks[1].lease))
    assert not await tasks[1].is_held(services)


@pytest.mark.usefixtures("failing")
async def test_a_failure_comes_again_later_and_dies_at_last(services: Services, clock: QaClock) -> None:
    id_ = await add(services, "fail")
    delays = []
    for attempt in range(1, Patience().attempts + 1):
        assert await deliver(services, id_, "quick")
        failed = await row(services, id_)
        assert (failed.attempts, failed.leased_until) == (attempt, None)
        assert failed.last_error == "ConnectionError: the mail server is away"
        assert not await deliver(services, id_, "quick")
        delays.append((failed.due_at - clock.now()).total_seconds())
        clock.at = max(clock.at, failed.due_at)
    assert failed.dead_at is not None
    assert failed.done_at is None
    for attempt, delay in enumerate(delays[:-1], 1):
        assert 2**attempt / 2 <= delay <= 2**attempt
    clock.advance(days=1)
    assert await due(services, "quick") == []
    assert not await deliver(services, id_, "quick")


def test_backoff_is_spread_and_bounded() -> None:
    assert len({backoff(3, 600) for _ in range(20)}) > 10
    assert max(backoff(60, 600) for _ in range(20)) <= 600


def test_mails_are_tried_for_days() -> None:
    """As long as mail servers themselves do: an evening's outage costs no confirmation."""
    waits = [min(2.0**attempt, patience("mail_order_confirmation").longest) / 2 for attempt in range(1, 90)]
    assert sum(waits) > 36 * 3600
    assert patience("purge_pages") == Patience()


async def test_an_unknown_job_is_dead_and_says_so(services: Services) -> None:
    id_ = await add(services, "polish_silver")
    await deliver(services, id_, "quick")
    dead = await row(services, id_)
    assert dead.dead_at is not None
    assert dead.last_error.startswith("unknown job 'polish_silver': this release has ")


async def test_a_refusal_is_not_tried_again(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(services: Services, task: Task, /) -> None:
        raise Refused("not a picture")

    monkeypatch.setitem(JOBS, "refuse", refuse)
    id_ = await add(services, "refuse")
    await deliver(services, id_, "quick")
    dead = await row(services, id_)
    assert (dead.dead_at is not None, dead.last_error, dead.attempts) == (True, "not a picture", 1)


async def test_a_row_that_ends_its_processes_is_given_up(services: Services, clock: QaClock, ran: list[int]) -> None:
    id_ = await add(services, "note")
    async with services.db.write() as db:
        await db.execute(update(Outbox).values(crashes=delivery.CRASHES - 1, leased_until=clock.now()))
    await deliver(services, id_, "quick")
    dead = await row(services, id_)
    assert (ran, dead.dead_at is not None) == ([], True)
    assert dead.last_error == "given up: 10 attempts ended with the process that made them"


async def test_a_job_that_hangs_is_stopped(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    async def hang(services: Services, task: Task, /) -> None:
        await asyncio.sleep(60)

    monkeypatch.setitem(JOBS, "hang", hang)
    monkeypatch.setattr(delivery, "RUN", 0.05)
    id_ = await add(services, "hang")
    await deliver(services, id_, "quick")
    failed = await row(services, id_)
    assert (failed.leased_until, failed.dead_at) == (None, None)
    assert failed.last_error.startswith("TimeoutError")


@pytest.mark.slow  # as long as a locked database is waited for, and longer
@pytest.mark.parametrize("lease", [90.0, 2.0])
async def test_a_database_that_is_away_as_the_job_ends(
    services: Services, monkeypatch: pytest.MonkeyPatch, lease: float
) -> None:
    """The job is not run again for it, unless the lease ends meanwhile."""
    ran: list[int] = []
    away: list[asyncio.Task[None]] = []

    async def refuse_all() -> None:
        async with services.db.write() as db:
            await db.execute(select(Outbox.id).with_for_update())  # of SQLite, the whole file is locked
            ran.append(0)
            await asyncio.sleep(4)

    async def sent(services: Services, task: Task, /) -> None:
        away.append(asyncio.create_task(refuse_all()))
        await until(lambda: ran)
        ran.append(task.id)

    monkeypatch.setitem(JOBS, "sent", sent)
    monkeypatch.setattr(delivery, "LEASE", timedelta(seconds=lease))
    id_ = await add(services, "sent")
    if lease > 4:
        assert await deliver(services, id_, "quick")
    else:
        with pytest.raises(OperationalError):
            await deliver(services, id_, "quick")
    await away[0]
    found = await row(services, id_)
    assert (found.done_at is not None, found.leased_until is None) == (lease > 4, lease > 4)
    assert ran == [0, id_]


async def test_slow_jobs_and_mails_have_lanes_of_their_own(services: Services) -> None:
    slow, quick = await add(services, "make_renditions", picture_id=1), await add(services, "purge_pages", keys=["a"])
    mail = await add(services, "mail_order_confirmation", order=404)
    assert [await due(services, name) for name in LANES] == [[quick], [mail], [slow]]
    for other in (slow, mail):
        assert not await deliver(services, other, "quick")


async def test_done_rows_are_swept_after_a_week(services: Services, clock: QaClock, ran: list[int]) -> None:
    done, dead = await add(services, "note"), await add(services, "no_such_job")
    for id_ in (done, dead):
        await deliver(services, id_, "quick")
    clock.at += delivery.KEPT
    open_ = await add(services, "note")
    await sweep(services)
    assert [r.id for r in await rows(services)] == [done, dead, open_]
    clock.at += timedelta(seconds=1)
    await sweep(services)
    assert [r.id for r in await rows(services)] == [dead, open_]
