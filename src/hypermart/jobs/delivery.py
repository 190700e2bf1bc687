"""Runs outbox rows: at least once each, never two at a time, again after a failure, and not for ever.

A row is taken by a lease, one guarded UPDATE. A worker that dies leaves its lease to run out; one that was frozen
and wakes up later finds its lease gone, and what it still does ends without a mark on the row.
"""

from __future__ import annotations

import asyncio
import random
import re
import time
from contextlib import nullcontext
from datetime import datetime, timedelta
from typing import Any, NamedTuple, TypeAlias

import structlog
from opentelemetry.trace import SpanKind
from sqlalchemy import ColumnElement, and_, case, delete, or_, select, update
from sqlalchemy.exc import SQLAlchemyError
from structlog.contextvars import bound_contextvars

from hypermart import traces
from hypermart.db.outbox import LANE, LaneName, Outbox
from hypermart.errors import Refused
from hypermart.jobs import JOBS, JobFunction, Patience, patience
from hypermart.jobs.task import Task
from hypermart.metrics import JOB_SECONDS
from hypermart.ports import NotNow
from hypermart.services import Services

log = structlog.get_logger(__name__)

Lanes: TypeAlias = tuple[LaneName, ...]

RUN, LEASE = 60, timedelta(seconds=90)
"""A job that runs longer than RUN seconds is stopped, well before its lease ends."""
CRASHES = 10
"""So many processes a job may take with it, however patient its kind is: each of them ran other jobs too."""
KEPT = timedelta(days=7)
BATCH = 100
PAUSE = 1.0
"""Seconds before a database that is away is told again how a job ended."""
_PERSON = re.compile(r"""[^\s<>"']+@""")


class Leased(NamedTuple):
    """A row that is ours for now."""

    task: Task
    lane: str
    trace: str | None
    job: str
    args: dict[str, Any]
    attempts: int
    crashes: int


async def deliver(services: Services, outbox_id: int, *lanes: LaneName) -> bool:
    """Runs the row if it is due, of one of these lanes, and run by nobody else. False: it is not."""
    row = await _lease(services, outbox_id, lanes)
    if row is None:
        return False
    origin = bound_contextvars(request=row.task.request) if row.task.request else nullcontext()
    with origin, traces.begun(services.tracer, f"process {row.job}", SpanKind.CONSUMER, parent=row.trace or ""):
        await _run(services, row)
    return True


async def _run(services: Services, row: Leased) -> None:
    task, lane, _, job, args, attempts, crashes = row
    began, outcome = time.perf_counter(), "done"
    traces.note(
        {
            "messaging.system": "outbox",
            "messaging.operation.type": "process",
            "messaging.destination.name": job,
            "messaging.message.id": str(task.id),
            "hypermart.lane": lane,
            "hypermart.attempts": attempts,
        }
    )
    try:
        run = _function(job, crashes)
        async with asyncio.timeout(RUN):
            result = await run(services, task, **args)
    except NotNow as error:
        outcome = "put_off"
        await _put_off(services, task, error, attempts)
    except Exception as error:  # noqa: BLE001  (whatever a job raises is kept with its row)
        outcome = await _failed(services, task, error, attempts, patience(job))
    else:
        await _mark(services, task, done_at=services.clock.now(), last_error=None, result=result and result[:500])
        log.info("outbox.done", id=task.id, job=job, attempts=attempts, result=result)
    JOB_SECONDS.labels(job if job in JOBS else "unknown", outcome).observe(time.perf_counter() - began)


def _function(job: str, crashes: int) -> JobFunction:
    if job not in JOBS:
        raise Refused(f"unknown job {job!r}: this release has {', '.join(sorted(JOBS))}")
    if crashes >= CRASHES:
        raise Refused(f"given up: {CRASHES} attempts ended with the process that made them")
    return JOBS[job]


async def due(services: Services, *lanes: LaneName) -> list[int]:
    """Rows that wait to be run, oldest first: also those whose bell was lost or never rung.

    Those that failed before come after the others: each may take as long again as it can. Those whose last run never
    ended come last: should they end this process too, the others have been run.
    """
    columns = (Outbox.id, Outbox.leased_until, Outbox.attempts)
    statement = (
        select(*columns).where(_free(services.clock.now(), lanes)).order_by(Outbox.due_at, Outbox.id).limit(BATCH)
    )
    async with services.db.write() as db:  # the primary: work must go on while the replica is away
        found = await db.execute(statement)
        return [row.id for row in sorted(found, key=lambda row: (row.leased_until is not None, row.attempts > 0))]


async def sweep(services: Services) -> int:
    """Done rows go after a while; dead ones stay for people to look at. Gives how many went."""
    async with services.db.write() as db:
        gone: Any = await db.execute(delete(Outbox).where(Outbox.done_at < services.clock.now() - KEPT))
    return int(gone.rowcount)


def _free(now: datetime, lanes: Lanes) -> ColumnElement[bool]:
    return and_(
        LANE.in_(lanes),
        Outbox.done_at.is_(None),
        Outbox.dead_at.is_(None),
        Outbox.due_at <= now,
        or_(Outbox.leased_until.is_(None), Outbox.leased_until <= now),
    )


async def _lease(services: Services, outbox_id: int, lanes: Lanes) -> Leased | None:
    """The row, ours from now on. A lease that was left lying there is of a process that died, or stood still."""
    now = services.clock.now()
    lease = now + LEASE
    async with services.db.write() as db:
        taken: Any = await db.execute(
            update(Outbox)
            .where(Outbox.id == outbox_id, _free(now, lanes))
            .ordered_values(  # MySQL takes them one after the other
                (Outbox.crashes, Outbox.crashes + case((Outbox.leased_until.is_(None), 0), else_=1)),
                (Outbox.leased_until, lease),
                (Outbox.attempts, Outbox.attempts + 1),
            )
            .execution_options(synchronize_session=False)
        )
        if taken.rowcount != 1:
            return None
        origin = (Outbox.request, Outbox.created_at)
        columns = (LANE, Outbox.trace, Outbox.job, Outbox.args, Outbox.attempts, Outbox.crashes)
        request, created_at, *rest = (await db.execute(select(*origin, *columns).where(Outbox.id == outbox_id))).one()
    return Leased(Task(outbox_id, lease, request, created_at), *rest)


async def _put_off(services: Services, task: Task, error: NotNow, attempts: int) -> None:
    """As if it had not been tried. The spread keeps rows that were put off together from coming back together."""
    due_at = services.clock.now() + timedelta(seconds=error.seconds * random.uniform(0.5, 1.0))  # noqa: S311
    await _mark(services, task, due_at=due_at, attempts=attempts - 1, last_error=str(error))


async def _failed(services: Services, task: Task, error: Exception, attempts: int, patience: Patience) -> str:
    """What became of it."""
    words = reason(error)
    now = services.clock.now()
    traces.failed(type(error).__name__)
    if isinstance(error, Refused) or attempts >= patience.attempts:
        log.error("outbox.dead", id=task.id, attempts=attempts, reason=words)
        await _mark(services, task, dead_at=now, last_error=words)
        return "dead"
    delay = backoff(attempts, patience.longest)
    log.warning("outbox.failed", id=task.id, attempts=attempts, reason=words, again_in=round(delay, 1))
    await _mark(services, task, due_at=now + timedelta(seconds=delay), last_error=words)
    return "failed"


def reason(error: Exception) -> str:
    """In one line, and without the names of people that servers put into their answers."""
    words = str(error) if isinstance(error, Refused) else f"{type(error).__name__}: {error}"
    return _PERSON.sub("…@", " ".join(words.split()))[:500]


def backoff(attempts: int, longest: float) -> float:
    """Seconds until the next attempt. The spread keeps rows that failed together from coming back together."""
    return min(2.0 ** min(attempts, 30), longest) * random.uniform(0.5, 1.0)  # noqa: S311  (no secret)


async def _mark(services: Services, task: Task, **values: Any) -> None:
    """Only while the lease is still ours, and until it ends: what was done and has no mark is done again."""
    loop = asyncio.get_running_loop()
    end = loop.time() + (task.lease - services.clock.now()).total_seconds()
    while True:
        try:
            return await _mark_once(services, task, values)
        except (SQLAlchemyError, OSError) as error:
            if loop.time() + PAUSE >= end:
                raise
            log.warning("outbox.mark_failed", id=task.id, reason=reason(error))
        await asyncio.sleep(PAUSE)


async def _mark_once(services: Services, task: Task, values: dict[str, Any]) -> None:
    async with services.db.write() as db:
        marked: Any = await db.execute(
            update(Outbox)
            .where(Outbox.id == task.id, Outbox.leased_until == task.lease, Outbox.done_at.is_(None))
            .values(leased_until=None, **values)
            .execution_options(synchronize_session=False)
        )
        if marked.rowcount != 1:
            log.warning("outbox.lease_lost", id=task.id)
