"""Sessions in Valkey: one hash for each, field by field, under names that nobody outside can make up."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterator, Mapping

from redis.asyncio import Redis
from redis.exceptions import RedisError

from hypermart.adapters import valkey
from hypermart.ports import SessionsAway

ANSWER = 0.5
"""Seconds that Valkey has: for the connection, and for each command."""
PREFIX = "hypermart:session:"
#: What has ended meanwhile does not come to life again as a session of a field or two.
PUT = """
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
redis.call('HSET', KEYS[1], unpack(ARGV, 2))
redis.call('EXPIRE', KEYS[1], ARGV[1])
return 1
"""


class ValkeySessions:
    """Implements ports.Sessions."""

    def __init__(self, client: Redis) -> None:
        self._client = client
        self._put = client.register_script(PUT)

    async def load(self, key: str) -> dict[str, str]:
        with _away():
            found = await self._client.hgetall(PREFIX + key)  # type: ignore[misc]  # redis-py types both its clients
            return {name.decode(): value.decode() for name, value in found.items()}

    async def make(self, key: str, fields: Mapping[str, str], seconds: int) -> None:
        with _away():
            async with self._client.pipeline(transaction=True) as both:
                both.hset(PREFIX + key, mapping=dict(fields))
                both.expire(PREFIX + key, seconds)
                await both.execute()

    async def put(self, key: str, fields: Mapping[str, str], seconds: int) -> bool:
        with _away():
            flat = [word for pair in fields.items() for word in pair]
            return bool(await self._put(keys=[PREFIX + key], args=[seconds, *flat]))

    async def drop(self, key: str) -> None:
        with _away():
            await self._client.delete(PREFIX + key)


@contextlib.asynccontextmanager
async def opened(url: str) -> AsyncIterator[ValkeySessions]:
    """Connects when it is first asked."""
    client = valkey.client(url, timeout=ANSWER, connect=ANSWER)
    try:
        yield ValkeySessions(client)
    finally:
        await client.aclose()


@contextlib.contextmanager
def _away() -> Iterator[None]:
    try:
        yield
    except (RedisError, OSError, UnicodeDecodeError) as error:
        raise SessionsAway(f"{type(error).__name__}: {error}") from None
