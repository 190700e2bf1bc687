"""A shop in a process of its own that dies at a named place, the bank beside it, and the shop that is started after."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import msgspec

from hypermart.app import bank_app, create_app
from hypermart.jobs.delivery import deliver, due
from hypermart.jobs.reconcile import free_holds, reconcile
from hypermart.qa.clock import QaClock
from hypermart.services import opened
from hypermart.settings import Settings
from tests.faults import audit
from tests.faults.buying import Shopper
from tests.parts.server import address, free_port, serving

NOBODY = "redis://127.0.0.1:1"
"""A Valkey that is wiped out: whatever must arrive, arrives without it."""


def later_by(**ahead: float) -> QaClock:
    return QaClock(datetime.now(UTC) + timedelta(**ahead))


class Place:
    """Where shop and bank are to be found, before and after the crash."""

    def __init__(self, settings: Settings) -> None:
        self.shop_port, self.bank_port = free_port(), free_port()
        self.settings = msgspec.structs.replace(
            settings,
            base_url=address(self.shop_port),
            port=self.shop_port.getsockname()[1],
            gateway_url=f"bogus:{address(self.bank_port)}",
            valkey_url=NOBODY,
        )

    @contextlib.contextmanager
    def bank(self) -> Iterator[str]:
        with serving(bank_app(self.settings, later_by()), self.bank_port) as url:
            yield url

    @contextlib.contextmanager
    def dying_shop(self, crash_at: str, log: Path) -> Iterator[subprocess.Popen[bytes]]:
        """`hypermart serve` with its worker, until it reaches `crash_at`."""
        settings = self.settings
        self.shop_port.close()  # the shop binds it itself
        environ = {
            **os.environ,
            "MODE": "demo",
            "DATA_DIR": str(settings.data),
            "DATABASE_URL": settings.database_url,
            "SECRET_KEY": settings.secret_key,
            "TRIES": settings.tries,
            "PORT": str(settings.port),
            "BASE_URL": settings.base_url,
            "GATEWAY_URL": settings.gateway_url,
            "VALKEY_URL": settings.valkey_url,
            "CRASH_AT": crash_at,
        }
        with log.open("wb") as out:
            process = subprocess.Popen(
                [sys.executable, "-m", "hypermart", "serve"], env=environ, stdout=out, stderr=out
            )
            try:
                _wait(settings.base_url, process, log)
                yield process
            finally:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                process.wait()

    @contextlib.contextmanager
    def next_shop(self) -> Iterator[str]:
        """The shop started anew, a minute later. No worker runs beside it: what is done, the test does."""
        bound = free_port(self.settings.port)
        with serving(create_app(self.settings, clock=later_by(minutes=1)), bound) as url:
            yield url

    async def settle(self) -> None:
        """Everything that is owed is done: reconciler and worker, twenty minutes later, when all holds have lapsed."""
        clock = later_by(minutes=20)
        async with opened(self.settings, clock) as services:
            for _ in range(10):
                looked = await reconcile(services)
                await free_holds(services)
                owed = await due(services, "quick", "mail")
                for outbox_id in owed:
                    await deliver(services, outbox_id, "quick", "mail")
                if not (looked or owed):
                    return
                clock.advance(minutes=6)
        raise AssertionError("there is no end to what is owed")

    async def audit(self, *shoppers: Shopper) -> list[str]:
        data = self.settings.data
        tables = await audit.database(self.settings.database_url)
        seen = [line for shopper in shoppers for line in shopper.seen]
        return audit.findings(audit.Records(audit.bank(data / "bogus.db"), audit.mailbox(data / "mail"), seen, tables))


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(httpx.TransportError):
            httpx.get(f"{url}/livez", timeout=2)
            return
        time.sleep(0.05)
    raise AssertionError(f"the shop did not start: {log.read_text()[-2000:]}")


async def died(process: subprocess.Popen[bytes]) -> None:
    """The place was reached: the process killed itself there, within a while."""
    for _ in range(200):
        if process.poll() is not None:
            assert process.returncode == -signal.SIGKILL, process.returncode
            return
        await asyncio.sleep(0.1)
    raise AssertionError("the place was never reached")


@contextlib.asynccontextmanager
async def shopping(url: str) -> AsyncIterator[Shopper]:
    async with httpx.AsyncClient(base_url=url, timeout=10) as client:
        yield Shopper(client)
