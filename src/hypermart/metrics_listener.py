"""Where Prometheus reads a process's metrics: a port of its own, so that no visitor of the shop can reach it."""

from __future__ import annotations

import asyncio
import contextlib
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from hypermart.settings import BadSetting, Settings

PATIENCE = 2.0
"""Seconds for one answer. It is given by the loop that does the shop's work: one that hangs is down for Prometheus."""
MOST, LONGEST = 8, 8192
"""Connections at a time; bytes of a request."""


@contextlib.asynccontextmanager
async def listening(settings: Settings) -> AsyncIterator[None]:
    """For as long as the block lasts, if METRICS says where. Raises BadSetting."""
    if settings.metrics is None:
        yield
        return
    host, port = settings.metrics
    try:
        server = await asyncio.start_server(_Listener().answer, host, port, limit=LONGEST)
    except OSError as error:
        raise BadSetting(f"METRICS={host}:{port} cannot be used: {error.strerror}. Choose another port") from None
    async with server:
        yield


class _Listener:
    def __init__(self) -> None:
        self._open = 0

    async def answer(self, reader: StreamReader, writer: StreamWriter) -> None:
        self._open += 1
        try:
            if self._open <= MOST:
                async with asyncio.timeout(PATIENCE):
                    head = await reader.readuntil(b"\r\n\r\n")
                    writer.write(_answer(head))
                    await writer.drain()
        except (OSError, TimeoutError, EOFError, asyncio.LimitOverrunError):
            pass  # who asks so gets no answer
        finally:
            self._open -= 1
            writer.close()


def _answer(head: bytes) -> bytes:
    if head.startswith(b"GET /metrics "):
        status, kind, body = "200 OK", CONTENT_TYPE_LATEST, generate_latest()
    else:
        status, kind, body = "404 Not Found", "text/plain", b"see /metrics\n"
    fields = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    return fields.encode() + body
