"""A shop for the doctor to look at: an environment in which nothing is wrong, and what the doctor says of one."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import ssl
from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timedelta

from sqlalchemy import text

from hypermart.adapters.clock import SystemClock
from hypermart.db.engine import write_engine
from hypermart.doctor.case import read
from hypermart.doctor.examine import examine
from hypermart.doctor.finding import Finding
from hypermart.ports import Clock
from hypermart.settings import Settings

BOUND = 60.0
"""Seconds: machines of tests are slow, and none of these tests is about time."""


class Ahead:
    """A machine whose clock is `seconds` fast."""

    def __init__(self, seconds: float) -> None:
        self._ahead, self._clock = timedelta(seconds=seconds), SystemClock()

    def now(self) -> datetime:
        return self._clock.now() + self._ahead


def practice(settings: Settings) -> dict[str, str]:
    """Of a demo shop that is not open: nothing is wrong with it."""
    return {
        "MODE": "demo",
        "DATA_DIR": str(settings.data),
        "DATABASE_URL": settings.database_url,
        "BASE_URL": "http://127.0.0.1:1",
        "SECRET_KEY": secrets.token_hex(32),
    }


def earnest(settings: Settings, mail_url: str) -> dict[str, str]:
    """Of a shop in production that is not open; of its servers only the one for mails is there."""
    return practice(settings) | {
        "MODE": "production",
        "BASE_URL": "https://localhost:1",
        "TRUSTED_PROXIES": "127.0.0.1",
        "MAIL_URL": mail_url,
        "MAIL_FROM": "Shop <shop@shop.example>",
        "DRAIN": "2.5",
    }


async def looked(environ: Mapping[str, str], clock: Clock | None = None, bound: float = BOUND) -> list[Finding]:
    return await examine(read(environ, clock or SystemClock()), bound)


async def problem_of(environ: Mapping[str, str], clock: Clock | None = None) -> str:
    """The line of the one problem that there is."""
    found = await looked(environ, clock)
    problems = [each for each in found if each.level == "problem"]
    assert len(problems) == 1, "\n".join(each.line for each in found)
    return problems[0].line


async def run(settings: Settings, statement: str, **values: object) -> None:
    engine = write_engine(settings.database_url)
    async with engine.begin() as connection:
        await connection.execute(text(statement), values)
    await engine.dispose()


@contextlib.asynccontextmanager
async def tls_before(port: int, context: ssl.SSLContext) -> AsyncIterator[int]:
    """The port of what ends TLS in front of the server at `port`, as Caddy does."""
    tasks = set[asyncio.Task[None]]()

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            while piece := await reader.read(65536):
                writer.write(piece)
                await writer.drain()
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inside, out = await asyncio.open_connection("127.0.0.1", port)
        for pair in ((reader, out), (inside, writer)):
            tasks.add(asyncio.create_task(pass_on(*pair)))

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
