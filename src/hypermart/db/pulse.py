"""The pulse of the primary: whether it answers, what it has committed, and how far our clock is from its own."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC

import msgspec
import structlog
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from hypermart.db.engine import CHECK, read_engine
from hypermart.db.half import IS_HALF
from hypermart.metrics import PRIMARY_ANSWERS
from hypermart.ports import Clock

log = structlog.get_logger(__name__)
LIMIT = 1.0
"""Seconds for one answer, a new connection included."""
#: Of databases that are away, or answer in no sensible way.
FAILURES = (SQLAlchemyError, OSError, TimeoutError)


class Beat(msgspec.Struct, frozen=True):
    """One answer."""

    at: float
    """When it was asked, on the monotonic clock: what is said was true then, or a little later."""
    gtids: str = ""
    """All transactions that it had executed."""
    skew: float = 0.0
    """Seconds that our clock is ahead of its clock for certain, however long the answer took; behind is negative."""
    is_half: bool = False
    """It is being restored, or that broke off."""


class Pulse:
    """Asked by a connection of its own, so that a busy pool is not taken for a lost database."""

    def __init__(self, url: str, clock: Clock) -> None:
        self._engine, self._clock = read_engine(url, CHECK, "check"), clock
        self._is_mysql = not url.startswith("sqlite")
        self.last: Beat | None = None
        """None: it did not answer when it was last asked."""
        self.skew = 0.0
        """As it last said."""
        self.is_half = False
        """As it last said."""
        self.is_watched = False
        """Somebody asks every second (db/replicas.py), so `last` need not be asked for again."""

    async def beat(self) -> Beat | None:
        was_away = self.last is None
        try:
            async with asyncio.timeout(LIMIT):
                self.last = await self._asked()
        except FAILURES as error:
            if not was_away:
                log.warning("primary.away", reason=" ".join(str(error).split())[:200])
            self.last = None
            PRIMARY_ANSWERS.set(0)
            return None
        self.skew, self.is_half = self.last.skew, self.last.is_half
        PRIMARY_ANSWERS.set(1)
        return self.last

    async def latest(self) -> Beat | None:
        return self.last if self.is_watched else await self.beat()

    async def _asked(self) -> Beat:
        at, ours = time.monotonic(), self._clock.now()
        async with self._engine.connect() as connection:
            if not self._is_mysql:
                found = await connection.execute(text(f"SELECT {IS_HALF['sqlite']}"))
                return Beat(at, is_half=bool(found.scalar_one()))
            at, ours = time.monotonic(), self._clock.now()  # a new connection took several round trips
            asked = f"SELECT UTC_TIMESTAMP(6), @@GLOBAL.gtid_executed, {IS_HALF['mysql']}"
            row = (await connection.execute(text(asked))).one()
        half = (time.monotonic() - at) / 2
        ahead = (ours - row[0].replace(tzinfo=UTC)).total_seconds() + half
        certain = max(abs(ahead) - half, 0.0)
        return Beat(at, row[1], certain if ahead > 0 else -certain, bool(row[2]))

    async def close(self) -> None:
        await self._engine.dispose()
