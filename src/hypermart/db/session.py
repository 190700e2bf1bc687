"""read() and write(): the only two ways to a session. What became stale in a write is purged by a row in it."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, TypeAlias

from sqlalchemy import Executable, event
from sqlalchemy.engine import Result
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession
from sqlalchemy.orm import Session as SyncSession

from hypermart.db.base import Base
from hypermart.db.outbox import Outbox, later
from hypermart.ports import Clock

#: A result of any columns; the structs that are made of it are where types begin.
Rows: TypeAlias = Result[*tuple[Any, ...]]
Bell: TypeAlias = Callable[[list[int]], Awaitable[None]]


class ReadSession:
    """Runs selects on the replica and offers nothing that writes."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def execute(self, statement: Executable, params: Mapping[str, Any] | None = None) -> Rows:
        return await self._connection.execute(statement, params)


class WriteSession(AsyncSession):
    """One transaction on the primary, open from the first line of the `async with` block to the last."""


#: Queries that a public page and an action both need take either.
AnySession: TypeAlias = ReadSession | WriteSession
Read: TypeAlias = Callable[[], AbstractAsyncContextManager[ReadSession]]
Write: TypeAlias = Callable[[], AbstractAsyncContextManager[WriteSession]]


def stale(db: AsyncSession, *keys: str) -> None:
    """Pages that carry one of `keys` are purged after the commit. For bulk SQL, which flushes no rows."""
    db.info["stale"].update(keys)


class Database:
    """The two engines. `bell` is told the ids of new outbox rows after each commit."""

    def __init__(self, writer: AsyncEngine, reader: AsyncEngine, clock: Clock, bell: Bell | None = None) -> None:
        self.writer, self.reader, self.clock, self.bell = writer, reader, clock, bell

    @contextlib.asynccontextmanager
    async def read(self) -> AsyncIterator[ReadSession]:
        async with self.reader.connect() as connection:
            yield ReadSession(connection)

    @contextlib.asynccontextmanager
    async def write(self) -> AsyncIterator[WriteSession]:
        async with WriteSession(self.writer, expire_on_commit=False) as db:
            db.info.update(later=[], stale=set())
            async with db.begin():
                yield db
                rows = await self._fill_outbox(db)
        if rows and self.bell:
            await self.bell([row.id for row in rows])

    async def _fill_outbox(self, db: WriteSession) -> list[Outbox]:
        await db.flush()  # cache keys are collected here, before the purge row is written
        if db.info["stale"]:
            later(db, "purge_pages", keys=sorted(db.info["stale"]))
        now = self.clock.now()
        rows = [Outbox(job=job, args=args, created_at=now, due_at=now) for job, args in db.info["later"]]
        db.add_all(rows)
        await db.flush()
        return rows

    async def close(self) -> None:
        await self.writer.dispose()
        await self.reader.dispose()


@event.listens_for(SyncSession, "after_flush")  # new rows have their ids by now
def _collect_cache_keys(session: SyncSession, *_: Any) -> None:
    if "stale" not in session.info:
        return
    for row in (*session.new, *session.dirty, *session.deleted):
        if isinstance(row, Base) and (row in session.new or row in session.deleted or session.is_modified(row)):
            session.info["stale"].update(row.cache_keys())
