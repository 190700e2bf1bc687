"""The outbox as people look after it: what stands in it, in what state, and what to try again. Knows no job."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, NamedTuple, TypeAlias

import msgspec
from sqlalchemy import Case, ColumnElement, and_, case, func, or_, select, update

from hypermart.db.outbox import LANE, LANES, Outbox
from hypermart.db.session import AnySession, WriteSession
from hypermart.errors import NotFound, Refused

State: TypeAlias = Literal["waiting", "due", "running", "done", "dead"]
LISTED = frozenset({"order", "picture_id", "product_ids", "keys"})
"""Arguments that tell nothing of a person, and open nothing. Others are not shown."""


class QueueFilter(msgspec.Struct, frozen=True):
    """Which rows; by itself, all that are not done."""

    state: Literal["", "waiting", "due", "running", "failed", "dead", "done"] = ""
    """`failed` is not given up, so it also waits, or is due."""
    job: str = ""
    order: int | None = None
    """Only mails about it, also those that are done; `state` and `job` then say nothing."""
    page: int = 1


class Cut(NamedTuple):
    """Which part of what is found."""

    limit: int
    skipped: int = 0


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
    leased_until: datetime | None
    request: str | None
    """Whose work it is part of, as in the log."""

    @property
    def has_failed(self) -> bool:
        """And is tried again."""
        return self.state in ("waiting", "due") and bool(self.words and self.attempts)

    @property
    def may_be_retried(self) -> bool:
        """By people who see it: not what waits for its time."""
        return self.state == "dead" or self.has_failed

    @property
    def order(self) -> int | None:
        """Which order the mail is about."""
        return self.args.get("order") if self.job.startswith("mail_") else None


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


async def queue_rows(db: AnySession, now: datetime, wanted: QueueFilter, limit: int = 100) -> list[QueueRow]:
    """One page, and one row more if there is another: of what is open the longest due first, else the newest."""
    cut = Cut(limit + 1, (wanted.page - 1) * limit)
    if wanted.order is not None:
        return await _rows(db, now, _mails(wanted.order), cut, newest_first=True)
    which = [*_of_state(wanted.state, now), *([Outbox.job == wanted.job] if wanted.job else ())]
    return await _rows(db, now, which, cut, newest_first=wanted.state == "done")


async def queue_row(db: AnySession, now: datetime, id_: int) -> QueueRow:
    """Raises errors.NotFound."""
    if id_ < 2**63:  # or else no database knows such a number
        for row in await _rows(db, now, [Outbox.id == id_], Cut(1)):
            return row
    raise NotFound("outbox row")


async def mail_rows(db: AnySession, now: datetime, *, order: int | None = None, limit: int = 100) -> list[QueueRow]:
    """The log of mails: every one that is owed, or was within the time that done rows are kept; the newest first."""
    return await _rows(db, now, _mails(order), Cut(limit), newest_first=True)


async def retry_row(db: WriteSession, now: datetime, id_: int) -> None:
    """Is due now, with all its attempts before it. Raises errors.NotFound, and Refused if it is done or being run."""
    row = await queue_row(db, now, id_)
    if row.state in ("done", "running") or not await _retry(db, now, Outbox.id == id_):
        raise Refused(f"row {id_} is {'done' if row.state == 'done' else 'being run'}")


async def retry_dead(db: WriteSession, now: datetime, *, job: str = "") -> int:
    """All dead rows, or those of `job`, are due now; gives how many."""
    return await _retry(db, now, and_(*_of_state("dead", now), *([Outbox.job == job] if job else ())))


async def _retry(db: WriteSession, now: datetime, which: ColumnElement[bool]) -> int:
    is_free = or_(Outbox.leased_until.is_(None), Outbox.leased_until <= now)
    retried: Any = await db.execute(
        update(Outbox)
        .where(which, Outbox.done_at.is_(None), is_free)
        .values(due_at=now, dead_at=None, leased_until=None, attempts=0, crashes=0)
        .execution_options(synchronize_session=False)
    )
    return int(retried.rowcount)


def state_of(now: datetime) -> Case[str]:
    """The state of a row, in SQL."""
    return case(
        (Outbox.done_at.is_not(None), "done"),
        (Outbox.dead_at.is_not(None), "dead"),
        (Outbox.leased_until > now, "running"),
        (Outbox.due_at <= now, "due"),
        else_="waiting",
    )


def _of_state(state: str, now: datetime) -> list[ColumnElement[bool]]:
    """The index begins with done_at and dead_at, so these are named where they can be."""
    if state == "done":
        return [Outbox.done_at.is_not(None)]
    unfinished = Outbox.done_at.is_(None)
    if state == "dead":
        return [unfinished, Outbox.dead_at.is_not(None)]
    if state == "failed":
        is_alive = Outbox.dead_at.is_(None), or_(Outbox.leased_until.is_(None), Outbox.leased_until <= now)
        return [unfinished, *is_alive, Outbox.attempts > 0, Outbox.last_error.is_not(None)]
    return [unfinished, state_of(now) == state] if state else [unfinished]


def _mails(order: int | None) -> list[ColumnElement[bool]]:
    about = (Outbox.args["order"].as_integer() == order,) if order is not None else ()
    return [Outbox.job.startswith("mail_", autoescape=True), *about]


async def _rows(
    db: AnySession, now: datetime, which: list[ColumnElement[bool]], cut: Cut, *, newest_first: bool = False
) -> list[QueueRow]:
    order = (Outbox.id.desc(),) if newest_first else (Outbox.due_at, Outbox.id)
    columns = *Outbox.__table__.c, state_of(now).label("state")
    statement = select(*columns).where(*which).order_by(*order)
    return [_row(row) for row in await db.execute(statement.limit(cut.limit).offset(cut.skipped))]


def _row(row: Any) -> QueueRow:
    return QueueRow(
        id=row.id,
        job=row.job,
        args={name: value if name in LISTED else "(not shown)" for name, value in row.args.items()},
        state=row.state,
        created_at=row.created_at,
        due_at=row.due_at,
        ended_at=row.done_at or row.dead_at,
        attempts=row.attempts,
        crashes=row.crashes,
        words=row.result or row.last_error or "",
        leased_until=row.leased_until,
        request=row.request,
    )
