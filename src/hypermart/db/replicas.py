"""Replicas: which of them public pages may be read from. What a replica is asked for, session.py knows.

Every second the primary is asked for the transactions that it has executed (a sample), and half a second later each
replica, which of the last samples it contains. It lags no more than the newest of those is old. One that lags more
than `longest`, fails or answers too late falls out; it comes back when it lags less than BACK. While the primary does
not answer, lag is measured against the last sample: the replicas that were good stay good, and browsing goes on.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import random
import time
from collections import deque
from collections.abc import AsyncIterator, Sequence

import structlog
from sqlalchemy import make_url, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from hypermart.db.engine import CHECK, REPLICA, read_engine
from hypermart.db.observed import observe
from hypermart.db.pulse import FAILURES, LIMIT, Beat, Pulse
from hypermart.db.tasks import ended
from hypermart.metrics import REPLICA_IN_USE, REPLICA_LAG

log = structlog.get_logger(__name__)
PERIOD, BACK = 1.0, 1.0
"""Seconds."""
BELIEVED = 5.0
"""Seconds that a verdict is believed: one look takes 3 at most, but a process may have been frozen since."""
#: MySQL's number for a server that is about to end.
SHUTDOWN = 1053
#: And for a database, a column and a table that are not there: a migration has not arrived yet.
NOT_THERE = (1049, 1054, 1146)


class Replica:
    def __init__(self, url: str) -> None:
        address = make_url(url)
        self.name = f"{address.host}:{address.port or 3306}"
        self.engine = read_engine(url, REPLICA, self.name)
        observe(self.engine, "replica")
        self._asked = read_engine(url, CHECK, "check")
        self._counted = REPLICA_IN_USE.labels(self.name)
        self.is_in_use = False
        self.fell_at = -math.inf

    def fall_out(self, reason: object) -> None:
        if self.is_in_use:
            log.warning("replica.out", replica=self.name, reason=" ".join(str(reason).split())[:200])
        self.is_in_use, self.fell_at = False, time.monotonic()
        self._counted.set(0)

    def come_back(self, lag: float) -> None:
        log.info("replica.in", replica=self.name, lag=round(lag, 2))
        self.is_in_use = True
        self._counted.set(1)

    @contextlib.asynccontextmanager
    async def connected(self) -> AsyncIterator[AsyncConnection]:
        async with contextlib.AsyncExitStack() as stack:
            try:
                connection = await stack.enter_async_context(self.engine.connect())
            except DBAPIError as error:
                error.connection_invalidated = True  # it cannot be reached, or not by us
                raise
            yield connection

    def excuses(self, error: Exception) -> bool:
        """Whether the primary may do better with the same statement. A replica that was lost falls out at once."""
        if not isinstance(error, DBAPIError):
            return True  # no connection was free in time
        number = next(iter(getattr(error.orig, "args", ())), None)
        if error.connection_invalidated or number == SHUTDOWN:
            self.fall_out(error.orig)
            return True
        return number in NOT_THERE

    async def newest(self, samples: Sequence[Beat]) -> float:
        """When the newest of `samples` that it contains was taken; minus infinity for none."""
        columns = [f"GTID_SUBSET(:s{n}, @@GLOBAL.gtid_executed)" for n in range(len(samples))]
        values = {f"s{n}": sample.gtids for n, sample in enumerate(samples)}
        async with asyncio.timeout(LIMIT), self._asked.connect() as connection:
            row = (await connection.execute(text(f"SELECT {', '.join(columns) or 1}"), values)).one()
        return max((sample.at for sample, has in zip(samples, row, strict=False) if has), default=-math.inf)

    async def close(self) -> None:
        await self.engine.dispose()
        await self._asked.dispose()


class Replicas:
    def __init__(self, urls: Sequence[str], primary: Pulse, longest: float) -> None:
        """`longest`: seconds that a replica in use may lag."""
        self.all = tuple(Replica(url) for url in urls)
        self.longest = longest
        self._primary = primary
        self._samples: deque[Beat] = deque()
        self.looked_at = -math.inf

    @property
    def longest_seen(self) -> float:
        """Seconds after which a change is in every page that any process renders, whatever replicas it believes in."""
        return self.longest + BELIEVED

    @property
    def in_use(self) -> list[Replica]:
        """None before somebody watches."""
        is_fresh = time.monotonic() - self.looked_at < BELIEVED
        return [replica for replica in self.all if replica.is_in_use] if is_fresh else []

    def pick(self) -> Replica | None:
        in_use = self.in_use
        return random.choice(in_use) if in_use else None  # noqa: S311  (no secret)

    @contextlib.asynccontextmanager
    async def watched(self) -> AsyncIterator[None]:
        await self.look()
        self._primary.is_watched = True
        task = asyncio.create_task(self._watch())
        try:
            yield
        finally:
            self._primary.is_watched = False
            await ended(task)

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(PERIOD / 2)
            try:
                await self.look()
            except Exception as error:
                log.exception("replicas.look_failed", exc_info=error)

    async def look(self) -> None:
        """One look at all servers: the verdict on every replica."""
        beat = await self._primary.beat()
        if beat:
            self._samples.append(beat)
            while self._samples[0].at < beat.at - self.longest - 2 * PERIOD:
                self._samples.popleft()
        await asyncio.sleep(PERIOD / 2)  # what was committed just now is given time to arrive
        await asyncio.gather(*(self._judge(replica, is_heard=beat is not None) for replica in self.all))
        self.looked_at = time.monotonic()

    async def _judge(self, replica: Replica, *, is_heard: bool) -> None:
        asked_at = time.monotonic()
        try:
            newest = await replica.newest(tuple(self._samples))
        except FAILURES as error:
            REPLICA_LAG.labels(replica.name).set(math.nan)
            replica.fall_out(str(error) or "it does not answer in time")
            return
        if replica.fell_at >= asked_at:
            return  # a request knows better
        lag = self._lag(newest, asked_at if is_heard else None)
        REPLICA_LAG.labels(replica.name).set(lag)
        if not replica.is_in_use and lag <= BACK:
            replica.come_back(lag)
        elif replica.is_in_use and lag > self.longest:
            replica.fall_out(f"it lags more than {self.longest:g} s")

    def _lag(self, newest: float, asked_at: float | None) -> float:
        if not self._samples:
            return 0.0  # the primary has never been heard: there is nothing better to read
        return (asked_at if asked_at is not None else self._samples[-1].at) - newest

    async def close(self) -> None:
        for replica in self.all:
            await replica.close()
