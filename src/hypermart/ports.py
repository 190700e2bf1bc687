"""What the inside may hold of the outside world: Protocols only, no implementation."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """The one shop clock. Everything that asks for the time takes it from here."""

    def now(self) -> datetime:
        """Now, aware, in UTC."""
        ...


class Blobs(Protocol):
    """Pictures and other files by key. Keys are immutable: a key once put always holds the same bytes."""

    async def put(self, key: str, content: bytes, content_type: str) -> None: ...

    async def get(self, key: str) -> bytes:
        """The bytes under `key`. Raises errors.NotFound."""
        ...

    def stream(self, key: str) -> AsyncIterator[bytes]:
        """The bytes under `key` in pieces. Raises errors.NotFound before the first piece."""
        ...

    async def exists(self, key: str) -> bool: ...

    async def delete(self, key: str) -> None: ...


class Cdn(Protocol):
    async def purge(self, keys: Iterable[str]) -> None:
        """Every cached response that carries one of the surrogate `keys` is gone when this returns."""
        ...
