"""What runs by the clock. Chores: each period one of all workers does them. Watches: every worker, every few seconds.

A chore is taken by one guarded UPDATE, which also says when it is due next. So a worker that dies at it, or freezes,
costs one period. A watch is for what must not wait so long: by a lease it would wait for a worker that stands still.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import structlog
from sqlalchemy import ColumnElement, and_, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from hypermart.db.chores import Chore
from hypermart.jobs.delivery import reason
from hypermart.jobs.idle import watch_idle
from hypermart.jobs.pictures import queue_renditions
from hypermart.jobs.reconcile import free_holds, watch_payments
from hypermart.jobs.sweep import sweep_attempts, sweep_carts, sweep_outbox
from hypermart.services import Services
from hypermart.settings import Settings

log = structlog.get_logger(__name__)

LOOK, PERIOD, NOTED = 15.0, 5.0, timedelta(minutes=1)
"""Seconds between looks (at chores, and at watches to note) and between turns of a watch; how often it is noted."""
BOUND, LEASE = 600.0, timedelta(seconds=630)
"""What takes longer than BOUND seconds is stopped. No period is shorter than LEASE: no chore runs twice at once."""
HOUR = timedelta(hours=1)


class Work(NamedTuple):
    """What it returns is kept with its row, as is why it failed. It may run twice: it must come to the same end."""

    run: Callable[[Services], Awaitable[str | None]]
    about: str
    period: timedelta = HOUR


class End(NamedTuple):
    is_failed: bool
    words: str | None


CHORES: dict[str, Work] = {
    work.run.__name__: work
    for work in (
        Work(sweep_outbox, "Forgets rows of the queue that were done a week ago"),
        Work(sweep_attempts, "Forgets attempts to pay that came to nothing three months ago"),
        Work(sweep_carts, "Forgets carts that nobody has changed for a month"),
        Work(queue_renditions, "Has the smaller sizes made of pictures that lack them"),
    )
}
FEW = timedelta(seconds=PERIOD)
WATCHES: dict[str, Work] = {
    work.run.__name__: work
    for work in (
        Work(free_holds, "Frees units whose hold has lapsed", FEW),
        Work(watch_payments, "Settles payments whose shopper did not come back", FEW),
        Work(watch_idle, "Ends transactions that lie idle, and free what they hold", FEW),
    )
}


def watches(settings: Settings) -> dict[str, Work]:
    """SQLite has one process, so nobody else's transaction lies idle."""
    return {name: work for name, work in WATCHES.items() if work.run is not watch_idle or not settings.is_embedded}


class Caretaker:
    """Does chores that are due, one after the other, for as long as a worker lives."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self._is_stopping = asyncio.Event()

    async def run(self) -> None:
        while not self._is_stopping.is_set():
            try:
                await self.look()
            except Exception as error:  # noqa: BLE001  (a database that is away for a while must not end the worker)
                log.warning("chores.look_failed", reason=reason(error))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._is_stopping.wait(), LOOK)

    def stop(self) -> None:
        """Begins nothing new; run() ends when what it runs has ended."""
        self._is_stopping.set()

    async def look(self) -> None:
        for name in await _due(self.services):
            if not self._is_stopping.is_set():
                await do(self.services, name)


async def do(services: Services, name: str) -> bool:
    """Does the chore if it is due and nobody else has begun it in this period. False: it is not."""
    work, began = CHORES[name], services.clock.now()
    values = {"about": work.about, "period": _seconds(work), "began_at": began, "leased_until": began + LEASE}
    if not await _change(services, _is_due(name, began, work.period), due_at=began + work.period, **values):
        return False
    end = await _ended(work, services)
    _say("chore", name, end)
    mine = and_(Chore.name == name, Chore.began_at == began)
    await _change(services, mine, leased_until=None, ended_at=services.clock.now(), **_outcome(end))
    return True


async def watch(services: Services, name: str) -> None:
    """For as long as a worker lives. Its work never waits for the note of it, nor fails with it."""
    work, loop = WATCHES[name], asyncio.get_running_loop()
    noted, last, is_known_to_fail = loop.time() + LOOK, End(is_failed=False, words=None), False
    while True:
        began = services.clock.now()
        end = await _ended(work, services)
        if end != last:
            _say("watch", name, end)
        if (is_news := end.is_failed != is_known_to_fail) or loop.time() >= noted:
            with contextlib.suppress(Exception):  # whatever it is, chores that fail to be looked for say so
                if await _note(services, name, began, end, is_news=is_news) and is_news:
                    is_known_to_fail = end.is_failed
                noted = loop.time() + LOOK  # if it raised, again at the next turn
        last = end
        await asyncio.sleep(PERIOD)


async def _note(services: Services, name: str, began: datetime, end: End, *, is_news: bool) -> bool:
    """Once in a while by one of all workers; news by whoever has them."""
    work, now = WATCHES[name], services.clock.now()
    which = Chore.name == name if is_news else _is_due(name, now, NOTED)
    values = {"about": work.about, "period": _seconds(work), "began_at": began, "ended_at": now}
    return await _change(services, which, due_at=now + NOTED, **values, **_outcome(end))


async def _due(services: Services) -> list[str]:
    """One statement, for all that a worker does while nothing is due."""
    now, known = services.clock.now(), CHORES | watches(services.settings)
    async with services.db.fresh() as db:
        rows = {row.name: row.due_at for row in await db.execute(select(Chore.name, Chore.due_at))}
    if new := known.keys() - rows.keys():
        with contextlib.suppress(IntegrityError):  # another worker came first
            await _add(services, {name: known[name] for name in new}, now)
    ends = {name: rows.get(name, now) for name in CHORES}
    return [name for name, due_at in ends.items() if not now < due_at <= now + CHORES[name].period]


async def _add(services: Services, new: dict[str, Work], now: datetime) -> None:
    rows = [
        {"name": name, "about": work.about, "period": _seconds(work), "due_at": now, "failures": 0}
        for name, work in sorted(new.items())
    ]
    async with services.db.write() as db:
        await db.execute(insert(Chore), rows)


def _is_due(name: str, now: datetime, period: timedelta) -> ColumnElement[bool]:
    """Also if it is due later than can be: somebody's clock was wrong, or was put back."""
    return and_(Chore.name == name, or_(Chore.due_at <= now, Chore.due_at > now + period))


async def _ended(work: Work, services: Services) -> End:
    try:
        async with asyncio.timeout(BOUND):
            return End(is_failed=False, words=await work.run(services))
    except Exception as error:  # noqa: BLE001  (whatever it raises is kept with its row)
        return End(is_failed=True, words=reason(error))


async def _change(services: Services, which: ColumnElement[bool], **values: Any) -> bool:
    async with services.db.write() as db:
        changed: Any = await db.execute(
            update(Chore).where(which).values(**values).execution_options(synchronize_session=False)
        )
    return bool(changed.rowcount)


def _outcome(end: End) -> dict[str, Any]:
    return {"failures": Chore.failures + 1 if end.is_failed else 0, "words": end.words and end.words[:500]}


def _say(kind: str, name: str, end: End) -> None:
    tell = log.warning if end.is_failed else log.info
    tell(f"{kind}.{'failed' if end.is_failed else 'done'}", name=name, words=end.words)


def _seconds(work: Work) -> int:
    return int(work.period.total_seconds())
