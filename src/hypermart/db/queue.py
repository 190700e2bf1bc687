"""The outbox as people look after it: what stands in it, in what state, and what to try again. Knows no job."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, TypeAlias

import msgspec
from sqlalchemy import ColumnElement, and_, case, func, or_, select, update

from hypermart.db.outbox import LANE, LANES, Outbox
from hypermart.db.session import AnySession, WriteSession
from hypermart.errors import NotFound, Refused

State: TypeAlias = Literal["waiting", "due", "running", "done", "dead"]
LISTED = frozenset({"order", "picture_id", "product_ids", "keys"})
"""Arguments that tell nothing of a person, and open nothing. Others are not shown."""


class QueueRow(msgspec.Struct, frozen=True):
    id: int
    job: str
    args: Mapping[str, Any]
    state: State
    created_at: datetime
    due_at: datetime
    ended_at: datetime | None
    attempts: int
    crashes: int
    words: str
    """How it ended, or why it has not yet."""


class LaneNumbers(msgspec.Struct, frozen=True):
    """What a lane has before it."""

    due: int = 0
    oldest_due_at: datetime | None = None
    """Minutes ago: the workers do not keep up, or are away."""
    dead: int = 0
    """Wait for people."""


async def lane_numbers(db: AnySession, now: datetime) -> dict[str, LaneNumbers]:
    """One statement on the index of open rows. What is due later is not counted."""
    lane = LANE.label("lane")
    due = Outbox.dead_at.is_(None)
    statement = (
        select(lane, func.count(case((due, 1))), func.min(case((due, Outbox.due_at))), func.count(Outbox.dead_at))
        .where(Outbox.done_at.is_(None), Outbox.due_at <= now)
        .group_by(lane)
    )
    found = {name: LaneNumbers(*numbers) for name, *numbers in await db.execute(statement)}
    return {name: found.get(name, LaneNumbers()) for name in LANES}


async def queue_rows(
    db: AnySession, now: datetime, *, is_dead: bool = False, job: str = "", limit: int = 100
) -> list[QueueRow]:
    """What is not done, the oldest first."""
    return await _rows(db, now, [_open(is_dead, job)], limit)


async def queue_row(db: AnySession, now: datetime, id_: int) -> QueueRow:
    """Raises errors.NotFound."""
    for row in await _rows(db, now, [Outbox.id == id_], 1):
        return row
    raise NotFound("outbox row")


async def mail_rows(db: AnySession, now: datetime, *, order: int | None = None, limit: int = 100) -> list[QueueRow]:
    """The log of mails: every one that is owed, or was within the time that done rows are kept; the newest first."""
    which = [Outbox.job.startswith("mail_", autoescape=True)]
    if order is not None:
        which.append(Outbox.args["order"].as_integer() == order)
    return await _rows(db, now, which, limit, newest_first=True)


async def retry_row(db: WriteSession, now: datetime, id_: int) -> None:
    """Is due now, with all its attempts before it. Raises errors.NotFound, and Refused if it is done or being run."""
    row = await queue_row(db, now, id_)
    if row.state in ("done", "running") or not await _retry(db, now, Outbox.id == id_):
        raise Refused(f"row {id_} is {'done' if row.state == 'done' else 'being run'}")


async def retry_dead(db: WriteSession, now: datetime, *, job: str = "") -> int:
    """All dead rows, or those of `job`, are due now; gives how many."""
    return await _retry(db, now, _open(is_dead=True, job=job))


async def _retry(db: WriteSession, now: datetime, which: ColumnElement[bool]) -> int:
    is_free = or_(Outbox.leased_until.is_(None), Outbox.leased_until <= now)
    retried: Any = await db.execute(
        update(Outbox)
        .where(which, Outbox.done_at.is_(None), is_free)
        .values(due_at=now, dead_at=None, leased_until=None, attempts=0, crashes=0)
        .execution_options(synchronize_session=False)
    )
    return int(retried.rowcount)


def _open(is_dead: bool, job: str) -> ColumnElement[bool]:
    of_job = (Outbox.job == job,) if job else ()
    return and_(Outbox.done_at.is_(None), *((Outbox.dead_at.is_not(None),) if is_dead else ()), *of_job)


async def _rows(
    db: AnySession, now: datetime, which: list[ColumnElement[bool]], limit: int, *, newest_first: bool = False
) -> list[QueueRow]:
    order = Outbox.id.desc() if newest_first else Outbox.id
    found = await db.execute(select(*Outbox.__table__.c).where(*which).order_by(order).limit(limit))
    return [_row(row, now) for row in found]


def _row(row: Any, now: datetime) -> QueueRow:
    return QueueRow(
        id=row.id,
        job=row.job,
        args={name: value if name in LISTED else "(not shown)" for name, value in row.args.items()},
        state=_state(row, now),
        created_at=row.created_at,
        due_at=row.due_at,
        ended_at=row.done_at or row.dead_at,
        attempts=row.attempts,
        crashes=row.crashes,
        words=row.result or row.last_error or "",
    )


def _state(row: Any, now: datetime) -> State:
    if row.done_at or row.dead_at:
        return "done" if row.done_at else "dead"
    if row.leased_until and row.leased_until > now:
        return "running"
    return "due" if row.due_at <= now else "waiting"
