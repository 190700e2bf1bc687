"""Connections of a process: how many it keeps, and how long it waits for a request that does not come.

Whoever opens connections and says nothing would else take all its file descriptors, for as long as they like.
"""

from __future__ import annotations

import asyncio
import resource

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD, BODY = 10.0, 60.0
"""Seconds to the end of a request's head, and of its body."""
BACKLOG = 128
"""Connections that may come in at one turn of the loop, before any of them can be turned away."""
OWN, MOST = BACKLOG + 72, 10_000
"""File descriptors for those, for databases, pictures and the process itself; connections, if there are very many."""


def most() -> int:
    """Connections that this process keeps."""
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return MOST if limit == resource.RLIM_INFINITY else min(MOST, max(limit - OWN, limit // 4))


class Connection(HttpToolsProtocol):
    """uvicorn's own waits for ever, for the first request and for the end of each. Where there are too many, the one
    goes that has said nothing, or nothing whole, for longest: who speaks up is heard."""

    _end: asyncio.TimerHandle | None = None
    _silent: dict[Connection, None] = {}  # noqa: RUF012  (of all connections together, the oldest first)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn does
        super().connection_made(transport)
        self._silent[self] = None
        self._wait(HEAD)
        if len(self.connections) > most():
            next(iter(self._silent)).leave()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._silent[self] = None
        if self._end is None:
            self._wait(HEAD)

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        self._silent.pop(self, None)
        self._wait(BODY)

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._wait(None)

    def connection_lost(self, exc: Exception | None) -> None:
        self._silent.pop(self, None)
        self._wait(None)
        super().connection_lost(exc)

    def leave(self) -> None:
        self._silent.pop(self, None)
        self.transport.abort()

    def _wait(self, seconds: float | None) -> None:
        """The connection ends after so many seconds, and no more by what was said before."""
        if self._end:
            self._end.cancel()
        self._end = self.loop.call_later(seconds, self.leave) if seconds else None
