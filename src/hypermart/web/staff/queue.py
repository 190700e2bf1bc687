"""The queue as staff looks after it: what is owed, what failed, what runs by the clock; and trying again."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, cast, get_args

import msgspec
import structlog
from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from hypermart.addresses import queue_url
from hypermart.db.chores import ChoreView, chore_views
from hypermart.db.queue import QueueFilter, QueueRow, State, queue_row, queue_rows, retry_dead, retry_row
from hypermart.db.queue_numbers import QueueNumbers, queue_numbers
from hypermart.db.session import WriteSession
from hypermart.domain.staff.queries import PersonView
from hypermart.errors import NotFound, Refused
from hypermart.web.forms import whole
from hypermart.web.render import Answer, Shop
from hypermart.web.staff.shown import shown
from hypermart.web.visit import Visit

log = structlog.get_logger(__name__)
PAGE = 25
STATES = (*get_args(State), "failed")
LATE = timedelta(minutes=1)
"""What is due for longer than this waits for a worker."""


class QueuePage(msgspec.Struct, frozen=True):
    now: datetime
    wanted: QueueFilter
    rows: list[QueueRow]
    has_more: bool
    numbers: QueueNumbers
    chores: list[ChoreView]
    again: int | None = None
    """So many rows were just put in line again."""

    @property
    def is_late(self) -> bool:
        oldest = self.numbers.oldest_due_at
        return oldest is not None and oldest + LATE < self.now

    @property
    def is_alone(self) -> bool:
        """No worker is at work, or has ever been."""
        return all(chore.state in ("late", "new") for chore in self.chores)


class RowPage(msgspec.Struct, frozen=True):
    now: datetime
    row: QueueRow
    is_again: bool = False


@get("/staff/queue")
async def show_queue(
    visit: NamedDependency[Visit], shop: NamedDependency[Shop], person: NamedDependency[PersonView]
) -> Answer:
    return await _queue(visit, shop, person)


@get("/staff/queue/{id_:int}")
async def show_row(
    id_: FromPath[int],
    visit: NamedDependency[Visit],
    shop: NamedDependency[Shop],
    person: NamedDependency[PersonView],
) -> Answer:
    return await _row(visit, shop, person, id_)


@post("/staff/queue/retries")
async def retry(
    visit: NamedDependency[Visit], shop: NamedDependency[Shop], person: NamedDependency[PersonView]
) -> Answer:
    """A row, or all of a job that were given up, as the form says."""
    form = await visit.form()
    id_, job = whole(form.text("row"), 1, 999_999_999), form.text("job", limit=64)
    if form.problems or not (id_ or job):
        problems = form.problems or {"": "Choose what to try again"}
        return await _queue(visit, shop, person, problems=problems)
    if not id_:
        count = await shop.db.retried(lambda db: retry_dead(db, shop.now(), job=job))
        log.info("queue.retried", by=person.id, job=job, rows=count)
        return visit.leave(f"{queue_url(QueueFilter())}?again={count}")
    try:
        await shop.db.retried(lambda db: _retry(db, shop.now(), id_))
    except Refused as refusal:
        return await _row(visit, shop, person, id_, problems={"": f"It is not tried again: {refusal}"})
    log.info("queue.retried", by=person.id, row=id_)
    return visit.leave(f"/staff/queue/{id_}?again=1")


async def _retry(db: WriteSession, now: datetime, id_: int) -> None:
    """Raises NotFound, and Refused for what runs, is done, or waits for its time."""
    if (row := await queue_row(db, now, id_)).state == "waiting" and not row.may_be_retried:
        raise Refused(f"row {id_} waits for its time")
    await retry_row(db, now, id_)


async def _queue(visit: Visit, shop: Shop, person: PersonView, *, problems: dict[str, str] | None = None) -> Answer:
    asked, now = visit.request.query_params, shop.now()
    wanted = _wanted(asked)
    async with shop.db.fresh() as db:
        rows = await queue_rows(db, now, wanted, PAGE)
        numbers, chores = await queue_numbers(db, now), await chore_views(db, now)
    if wanted.page > 1 and not rows:
        raise NotFound("page")
    again = whole(asked.get("again", ""), 0, 999_999_999)
    page = QueuePage(now, wanted, rows[:PAGE], len(rows) > PAGE, numbers, chores, again)
    status = 422 if problems else 200
    return shown(visit, "staff/queue.html", page, status=status, person=person, problems=problems or {})


async def _row(
    visit: Visit, shop: Shop, person: PersonView, id_: int, *, problems: dict[str, str] | None = None
) -> Answer:
    async with shop.db.fresh() as db:
        row = await queue_row(db, shop.now(), id_)
    page = RowPage(shop.now(), row, is_again=visit.request.query_params.get("again") == "1")
    status = 409 if problems else 200
    return shown(visit, "staff/queue_row.html", page, status=status, person=person, problems=problems or {})


def _wanted(asked: Any) -> QueueFilter:
    """What an address asks for that nobody can is not asked."""
    state = cast("Any", asked.get("state", ""))
    return QueueFilter(
        state=state if state in STATES else "",
        job=asked.get("job", "")[:64],
        order=whole(asked.get("order", "").strip(), 1, 999_999_999),
        page=whole(asked.get("page", ""), 1, 9_999) or 1,
    )
