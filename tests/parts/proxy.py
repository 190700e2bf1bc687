"""A TCP proxy with a switch: what goes through it is held up, cut off or changed, as a test says at that moment."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from tests.parts.listening import listening

PIECE = 4096
CUT = 20_000
"""Bytes of one direction after which it is cut."""
FORBIDDEN = (
    b"HTTP/1.1 403 Forbidden\r\nContent-Type: application/xml\r\nContent-Length: 39\r\nConnection: close\r\n\r\n"
    b"<Error><Code>AccessDenied</Code></Error>"
)
BROKEN = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
FAULTS = ("down", "slow", "forbidden", "cut up", "cut down", "wrong")
"""Refuses; takes longer than anybody waits; answers 403; breaks off what is sent, or what is answered, in the middle;
answers with a bit of a picture turned round."""


@dataclass
class Proxy:
    target: int
    port: int = 0
    fault: str = ""
    pause: float = 0
    """Seconds that each piece takes."""
    connections: set[asyncio.StreamWriter] = field(default_factory=set)

    def set(self, fault: str) -> None:
        """From now on, also for connections that are open."""
        self.fault = fault
        if fault in ("down", "slow", "forbidden", "broken"):
            for writer in self.connections:
                writer.transport.abort()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections.add(writer)
        try:
            if self.fault in ("forbidden", "broken"):
                await reader.read(PIECE)
                writer.write(FORBIDDEN if self.fault == "forbidden" else BROKEN)
                await writer.drain()
            elif self.fault == "slow":
                await asyncio.sleep(60)
            elif self.fault != "down":
                await self._through(reader, writer)
        except OSError:
            pass
        finally:
            self.connections.discard(writer)
            writer.transport.abort() if self.fault == "down" else writer.close()

    async def _through(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", self.target)
        try:
            ways = [
                asyncio.create_task(self._pass(reader, back, "up")),
                asyncio.create_task(self._pass(there, writer, "down")),
            ]
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
        finally:
            back.transport.abort()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, way: str) -> None:
        passed, is_picture = 0, False
        while piece := await reader.read(PIECE):
            if piece.startswith((b"HTTP/1.1", b"GET ", b"PUT ", b"HEAD ")):
                passed, is_picture = 0, b"content-type: image/" in piece.lower()
            passed += len(piece)
            if self.fault == f"cut {way}" and passed > CUT:
                return
            if self.fault == "wrong" and way == "down" and is_picture and not piece.endswith(b"\r\n\r\n"):
                piece = piece[:-1] + bytes([piece[-1] ^ 1])
            if self.pause:
                await asyncio.sleep(self.pause)
            writer.write(piece)
            await writer.drain()


@contextlib.asynccontextmanager
async def proxy(target: int) -> AsyncIterator[Proxy]:
    """Leads to the port `target`, until the end of the block."""
    told = Proxy(target)
    async with listening(told.serve) as told.port:
        yield told
