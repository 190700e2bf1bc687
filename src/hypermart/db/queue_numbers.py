"""The outbox at a glance: what each lane has before it, since when, and what was given up. Rows are in queue.py."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import case, func, select

from hypermart.db.outbox import LANE, LANES, Outbox
from hypermart.db.queue import state_of
from hypermart.db.session import AnySession

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
#: What is due is told apart by how far from now: up to each of these, the last one being the first second of the past.
BANDS = (-DAY, -HOUR, -10 * MINUTE, -MINUTE, timedelta(), HOUR, DAY)


class LaneView(msgspec.Struct, frozen=True):
    name: str
    due: int
    oldest_due_at: datetime | None
    running: int
    waiting: int
    """Due within a day. What is due later is not counted: reminders of invoices alone would be many."""
    dead: int


class QueueNumbers(msgspec.Struct, frozen=True):
    lanes: tuple[LaneView, ...]
    bands: tuple[int, ...]
    """Rows that are due or wait, by BANDS."""
    dead: tuple[tuple[str, int], ...]
    """What was given up, by job."""
    jobs: tuple[str, ...]

    @property
    def given_up(self) -> int:
        return sum(number for _, number in self.dead)

    @property
    def oldest_due_at(self) -> datetime | None:
        return min((lane.oldest_due_at for lane in self.lanes if lane.oldest_due_at), default=None)


async def queue_numbers(db: AnySession, now: datetime) -> QueueNumbers:
    """One statement on the index of open rows."""
    groups = (
        LANE.label("lane"),
        Outbox.job,
        state_of(now).label("state"),
        case(*((Outbox.due_at <= now + edge, band) for band, edge in enumerate(BANDS)), else_=len(BANDS)).label("band"),
    )
    statement = (
        select(*groups, func.count().label("number"), func.min(Outbox.due_at).label("oldest"))
        .where(Outbox.done_at.is_(None), Outbox.due_at <= now + DAY)
        .group_by("lane", Outbox.job, "state", "band")
    )
    rows = list(await db.execute(statement))
    bands, dead = Counter[int](), Counter[str]()
    for row in rows:
        if row.state in ("due", "waiting"):
            bands[row.band] += row.number
        elif row.state == "dead":
            dead[row.job] += row.number
    lanes = tuple(_lane(name, [row for row in rows if row.lane == name]) for name in LANES)
    jobs = tuple(sorted({row.job for row in rows}))
    return QueueNumbers(lanes, tuple(bands[band] for band in range(len(BANDS))), tuple(sorted(dead.items())), jobs)


def _lane(name: str, rows: list[Any]) -> LaneView:
    count = Counter[str]()
    for row in rows:
        count[row.state] += row.number
    oldest = min((row.oldest for row in rows if row.state == "due"), default=None)
    return LaneView(name, count["due"], oldest, count["running"], count["waiting"], count["dead"])
