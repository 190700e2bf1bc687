"""How often somebody may try something: counted in Valkey for all processes together, else in this one."""

from __future__ import annotations

import structlog
from limits import RateLimitItem
from limits.aio.storage import MemoryStorage, RedisStorage
from limits.aio.strategies import MovingWindowRateLimiter
from redis.asyncio import BlockingConnectionPool
from redis.exceptions import RedisError

from hypermart.ports import LimiterAway

log = structlog.get_logger(__name__)
ANSWER, WAIT = 0.5, 2.0
"""Seconds that Valkey has; that a try waits for one of MOST connections, in a burst."""
MOST = 16


class WindowLimiter:
    """So many tries within any window of that length. A Valkey that does not answer lets everybody through.

    One that `fails_closed` lets nobody through then. One process alone, with a Valkey of its own, counts by itself.
    """

    def __init__(self, limit: RateLimitItem, valkey_url: str, *, fails_closed: bool = False) -> None:
        self._limit, self._fails_closed = limit, fails_closed
        self._pool: BlockingConnectionPool | None = None
        if valkey_url.startswith(("redis://", "rediss://", "unix://")):
            url = valkey_url if valkey_url.startswith("redis") else f"redis+{valkey_url}"
            self._pool = BlockingConnectionPool.from_url(
                valkey_url, max_connections=MOST, timeout=WAIT, socket_timeout=ANSWER, socket_connect_timeout=ANSWER
            )
            store = RedisStorage(
                f"async+{url}",
                implementation="redispy",
                key_prefix="hypermart:tries",
                connection_pool=self._pool,  # type: ignore[arg-type]  # its options are typed as plain values
            )
            self._window = MovingWindowRateLimiter(store)
        else:
            self._window = MovingWindowRateLimiter(MemoryStorage())

    async def close(self) -> None:
        if self._pool:
            await self._pool.disconnect()

    async def wait(self, key: str) -> int:
        try:
            is_free = await self._window.hit(self._limit, key)
        except (RedisError, OSError) as error:
            log.warning("limiter.down", reason=str(error))
            if self._fails_closed:
                raise LimiterAway(str(error)) from None
            return 0
        return 0 if is_free else self._limit.get_expiry()
