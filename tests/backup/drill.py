"""What a restore drill is made of: a crowd that buys, a new home for the shop, and the way there, timed."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx

from hypermart.settings import Settings
from hypermart.stack import mysql
from tests.backup.conftest import environment
from tests.faults.audit import Seen
from tests.faults.buying import Shopper
from tests.parts import databases
from tests.parts.server import address, free_port

BUYERS = 3


class Crowd:
    """Buys without end, by card and by invoice; knows what was confirmed to whom, and when."""

    def __init__(self, url: str, variants: list[int]) -> None:
        self.url, self.variants = url, variants
        self.seen: list[tuple[datetime, Seen]] = []

    @contextlib.asynccontextmanager
    async def buying(self) -> AsyncIterator[None]:
        stop = asyncio.Event()
        tasks = [asyncio.create_task(self._buy(stop, place)) for place in range(BUYERS)]
        try:
            yield
        finally:
            stop.set()
            await asyncio.gather(*tasks)

    async def _buy(self, stop: asyncio.Event, place: int) -> None:
        for turn in itertools.count():
            if stop.is_set():
                return
            async with httpx.AsyncClient(base_url=self.url, timeout=30) as client:
                shopper = Shopper(client, f"buyer{place}-{turn}")
                await shopper.buy(self.variants[turn % 2], payment="invoice" if (turn + place) % 2 else "card")
                self.seen += [(datetime.now(UTC), line) for line in shopper.seen]

    async def bought(self, more: int) -> None:
        enough = len(self.seen) + more
        async with asyncio.timeout(60):
            while len(self.seen) < enough:  # noqa: ASYNC110
                await asyncio.sleep(0.05)

    def confirmed(self, before: datetime) -> list[Seen]:
        return [line for at, line in self.seen if at < before]


@contextlib.contextmanager
def new_home(data: Path) -> Iterator[str]:
    """The URL of an empty database, on a machine of its own so to speak."""
    if not databases.is_mysql():
        yield databases.sqlite_url(data / "hypermart.db")
        return
    with tempfile.TemporaryDirectory(prefix="hm") as folder, mysql.running(Path(folder), mysql.THROWAWAY) as server:
        databases.create(server.url("restored"))
        yield server.url("restored")


def process(settings: Settings, *words: str, **more: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "hypermart", *words],
        env=os.environ | environment(settings) | more,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def restored(settings: Settings, folder: Path) -> tuple[float, float]:
    """Seconds of the restore, and until the first page after it."""
    began = time.monotonic()
    restore = process(settings, "restore", str(folder))
    _, err = restore.communicate()
    assert restore.returncode == 0, err
    took = time.monotonic() - began
    with free_port() as probe:
        url, port = address(probe), str(probe.getsockname()[1])
    shop = process(settings, "serve", PORT=port, GATEWAY_URL=settings.gateway_url, WORKER="external")
    try:
        while shop.poll() is None:
            with contextlib.suppress(httpx.TransportError):
                assert "The Great Wave" in httpx.get(f"{url}/search?q=great+wave", timeout=10).text
                return took, time.monotonic() - began
            time.sleep(0.05)
        raise AssertionError(shop.communicate()[1])
    finally:
        shop.terminate()
        shop.communicate()
