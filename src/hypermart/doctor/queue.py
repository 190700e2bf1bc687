"""Looks at the queue: signs of life of workers, how long jobs have waited, and what was given up."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from hypermart.db.outbox import LANE, Outbox
from hypermart.db.queue import LaneNumbers, lane_numbers
from hypermart.db.session import ReadSession
from hypermart.doctor.case import Case
from hypermart.doctor.finding import Finding, Findings, note, ok, problem
from hypermart.worker import BEAT

LATE = timedelta(minutes=1)
SILENT = 5 * BEAT
"""Seconds since a worker last said that its loop turns."""


async def look(case: Case, connection: AsyncConnection) -> Findings:
    now = case.clock.now()
    lanes = await lane_numbers(ReadSession(connection), now)
    at_work = set(await connection.scalars(select(LANE).where(Outbox.done_at.is_(None), Outbox.leased_until > now)))
    for finding in (*_workers(case, now), *_late(case, lanes, at_work, now), _dead(lanes)):
        yield finding


def _workers(case: Case, now: datetime) -> Iterator[Finding]:
    if case.settings.worker == "inline":
        return
    folder = case.settings.data / "alive"
    ages = {path.name: now.timestamp() - path.stat().st_mtime for path in folder.glob("*")}
    for name, age in sorted(ages.items()):
        if age > SILENT:
            fix = f"Start it again; if it is no more: rm {folder / name}"
            yield problem("worker", f"{name} gave its last sign of life {_long(age)} ago", fix)
    if living := sorted(name for name, age in ages.items() if age <= SILENT):
        yield ok("worker", f"alive: {', '.join(living)}")
    elif not ages:
        words = f"WORKER=external, and no worker runs with DATA_DIR {case.settings.data}"
        yield note("worker", words, "If none runs elsewhere: hypermart worker")


def _late(case: Case, lanes: dict[str, LaneNumbers], at_work: set[str], now: datetime) -> Iterator[Finding]:
    late = {name: lane for name, lane in lanes.items() if lane.oldest_due_at and now - lane.oldest_due_at > LATE}
    for name, lane in late.items():
        age = (now - (lane.oldest_due_at or now)).total_seconds()
        words = f"{lane.due} job{'s' if lane.due > 1 else ''} due in the lane {name}, the oldest for {_long(age)}"
        start = "hypermart serve" if case.settings.worker == "inline" else "hypermart worker"
        if name in at_work:
            yield note("queue", f"{words}; a worker is at it", f"If that takes too long: one more {start}")
        else:
            yield problem("queue", words, f"Start {start}; what waits: hypermart outbox list")
    if not late:
        yield ok("queue", f"{sum(lane.due for lane in lanes.values())} due, none for long")


def _dead(lanes: dict[str, LaneNumbers]) -> Finding:
    if count := sum(lane.dead for lane in lanes.values()):
        fix = "hypermart outbox list --dead says why; then hypermart outbox retry --all-dead"
        return problem("queue", f"{count} job{'s were' if count > 1 else ' was'} given up", fix)
    return ok("queue", "nothing was given up")


def _long(seconds: float) -> str:
    for size, unit in ((86400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds // size:.0f} {unit}"
    return f"{seconds:.0f} seconds"
