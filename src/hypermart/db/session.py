"""read() and write(): the only two ways to a session. What became stale in a write is purged by a row in it."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Any, TypeAlias, TypeVar

from prometheus_client import Counter
from sqlalchemy import Executable, event, insert
from sqlalchemy.engine import Result
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession
from sqlalchemy.orm import Session as SyncSession
from structlog.contextvars import get_contextvars

from hypermart import traces
from hypermart.db.base import Base
from hypermart.db.dialect import is_deadlock
from hypermart.db.engine import PRIMARY
from hypermart.db.observed import observe
from hypermart.db.outbox import Outbox, later
from hypermart.db.pulse import Pulse
from hypermart.db.replicas import Replica, Replicas
from hypermart.metrics import POOL_TIMEOUTS
from hypermart.ports import Clock

#: A result of any columns; the structs that are made of it are where types begin.
Rows: TypeAlias = Result[*tuple[Any, ...]]
Bell: TypeAlias = Callable[[list[int]], Awaitable[None]]
Instead: TypeAlias = Callable[[], AbstractAsyncContextManager[AsyncConnection]]
T = TypeVar("T")
RETRIES = 3
PUBLIC = 8
"""Public pages that are read from the primary at one time, in this process, while no replica can be."""


class ReadSession:
    """Runs selects and offers nothing that writes."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def execute(self, statement: Executable, params: Mapping[str, Any] | None = None) -> Rows:
        return await self._connection.execute(statement, params)


class SplitSession(ReadSession):
    """Reads a replica for as long as that answers, then the primary: each statement stands alone, so it can."""

    def __init__(self, stack: AsyncExitStack, replica: Replica | None, instead: Instead) -> None:
        self._stack, self._replica, self._instead = stack, replica, instead
        self._open: AsyncConnection | None = None

    async def execute(self, statement: Executable, params: Mapping[str, Any] | None = None) -> Rows:
        if self._replica:
            try:
                if self._open is None:
                    self._open = await self._stack.enter_async_context(self._replica.connected())
                return await self._open.execute(statement, params)
            except (DBAPIError, PoolTimeout) as error:
                if not self._replica.excuses(error):
                    raise
            self._replica = self._open = None
        if self._open is None:
            self._open = await self._stack.enter_async_context(self._instead())
        return await self._open.execute(statement, params)


class WriteSession(AsyncSession):
    """One transaction on the primary, open from the first line of the `async with` block to the last."""


#: Queries that a public page and an action both need take either.
AnySession: TypeAlias = ReadSession | WriteSession
Read: TypeAlias = Callable[[], AbstractAsyncContextManager[ReadSession]]
Write: TypeAlias = Callable[[], AbstractAsyncContextManager[WriteSession]]


def stale(db: AsyncSession, *keys: str) -> None:
    """Pages that carry one of `keys` are purged after the commit. For bulk SQL, which flushes no rows."""
    db.info["stale"].update(keys)


def count(db: AsyncSession, counter: Counter) -> None:
    """Is counted once this transaction has committed."""
    db.info["counted"].append(counter)


class Database:
    """The engines. `bell` is told the ids of new outbox rows after each commit.

    `reader` reads the primary, where private pages find what was just written; so do public ones without replicas.
    """

    def __init__(
        self, writer: AsyncEngine, reader: AsyncEngine, clock: Clock, pulse: Pulse, replicas: Replicas | None = None
    ) -> None:
        self.writer, self.reader, self.clock = writer, reader, clock
        observe(writer, "primary")
        observe(reader, "primary")
        self.pulse, self.replicas = pulse, replicas
        self.bell: Bell | None = None
        self._public = asyncio.Semaphore(PUBLIC)

    @contextlib.asynccontextmanager
    async def read(self) -> AsyncIterator[ReadSession]:
        if self.replicas is None:
            async with self.reader.connect() as connection:
                yield ReadSession(connection)
        else:
            async with AsyncExitStack() as stack:
                yield SplitSession(stack, self.replicas.pick(), self._instead)

    @contextlib.asynccontextmanager
    async def _instead(self) -> AsyncIterator[AsyncConnection]:
        """The primary, for public pages that have no replica: few at a time, so that checkout keeps its connections."""
        try:
            async with asyncio.timeout(PRIMARY.pool):
                await self._public.acquire()
        except TimeoutError:
            POOL_TIMEOUTS.labels("public").inc()
            raise PoolTimeout("no replica is in use, and the primary is read by enough others") from None
        try:
            async with self.reader.connect() as connection:
                yield connection
        finally:
            self._public.release()

    def watched(self) -> AbstractAsyncContextManager[None]:
        """Replicas are looked after for as long as the block lasts. Without it none is used."""
        return self.replicas.watched() if self.replicas else contextlib.nullcontext()

    @contextlib.asynccontextmanager
    async def fresh(self) -> AsyncIterator[ReadSession]:
        """Reads for one visitor's own pages: never behind what that visitor did."""
        async with self.reader.connect() as connection:
            yield ReadSession(connection)

    @contextlib.asynccontextmanager
    async def write(self) -> AsyncIterator[WriteSession]:
        async with WriteSession(self.writer, expire_on_commit=False) as db:
            db.info.update(later=[], stale=set(), counted=[])
            async with db.begin():
                yield db
                due = await self._fill_outbox(db)
        for counter in db.info["counted"]:
            counter.inc()
        if self.bell and due:
            await self.bell(due)

    async def retried(self, work: Callable[[WriteSession], Awaitable[T]]) -> T:
        """What `work` gives in a transaction of its own; run again, after a deadlock, up to RETRIES times.

        A deadlock rolls the whole transaction back, so `work` must keep its effects inside of it.
        """
        for left in reversed(range(RETRIES + 1)):
            try:
                async with self.write() as db:
                    return await work(db)
            except OperationalError as error:
                if not (left and is_deadlock(error)):
                    raise
            await asyncio.sleep(random.uniform(0.01, 0.05) * (RETRIES + 1 - left))  # noqa: S311  (no secret)
        raise AssertionError("the last try returns or raises")

    async def _fill_outbox(self, db: WriteSession) -> list[int]:
        """Gives the ids of the rows that are due at once."""
        await db.flush()  # cache keys are collected here, before the purge row is written
        if db.info["stale"]:
            later(db, "purge_pages", keys=sorted(db.info["stale"]))
        due, now = [], self.clock.now()
        origin = {"request": get_contextvars().get("request"), "trace": traces.address()}
        for job, args, due_at in db.info["later"]:
            row = {"job": job, "args": args, "created_at": now, "due_at": due_at or now, **origin}
            inserted: Any = await (await db.connection()).execute(insert(Outbox), row)
            if row["due_at"] <= now:
                due.append(inserted.inserted_primary_key[0])
        return due

    async def close(self) -> None:
        for each in (self.pulse, self.replicas):
            if each:
                await each.close()
        await self.writer.dispose()
        await self.reader.dispose()


@event.listens_for(SyncSession, "after_flush")  # new rows have their ids by now
def _collect_cache_keys(session: SyncSession, *_: Any) -> None:
    if "stale" not in session.info:
        return
    for row in (*session.new, *session.dirty, *session.deleted):
        if isinstance(row, Base) and (row in session.new or row in session.deleted or session.is_modified(row)):
            session.info["stale"].update(row.cache_keys())
