"""The bogus gateway as a process of its own: killed at the worst moments, its memory is whole."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest
from litestar import Litestar, Request, post

from hypermart.adapters.clock import SystemClock
from hypermart.adapters.gateway import BogusGateway
from hypermart.bogus import journal
from hypermart.ports import GatewayAway, Intent
from hypermart.settings import ROOT
from tests.parts.bank import EUROS, SECRET
from tests.parts.server import address, free_port, serving

Came = list[tuple[dict[str, str], bytes]]


class Process:
    """A bank in a process that can be killed, at an address that outlives it."""

    def __init__(self, data: Path, shop: str) -> None:
        with contextlib.closing(free_port()) as bound:
            self.url = address(bound)
        self.port, self.data, self.shop = self.url.rpartition(":")[2], data, shop
        self.http = httpx.AsyncClient(base_url=self.url, headers={"authorization": f"Bearer {SECRET.decode()}"})

    def start(self, arguments: Sequence[str] = (), **environ: str) -> None:
        arguments = arguments or ("tests.parts.bank", str(self.data), self.port, self.shop)
        command = [sys.executable, "-m", *arguments]
        self._process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **environ}, stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + 60  # of a machine that is busy otherwise
        while time.monotonic() < deadline:
            assert self._process.poll() is None
            with contextlib.suppress(httpx.TransportError):
                httpx.get(self.url, timeout=2)
                return
            time.sleep(0.1)
        self.kill()
        raise TimeoutError

    def kill(self) -> None:
        self._process.send_signal(signal.SIGKILL)
        self._process.wait(10)

    async def control(self, **orders: Any) -> None:
        (await self.http.post("/control", json=orders)).raise_for_status()

    def kinds(self, intent: Intent) -> list[str]:
        entries = [entry for entry in journal.entries(self.data / "bogus.db") if entry.ref == intent.ref]
        return [entry.kind for entry in entries if not entry.kind.startswith("callback")]


@pytest.fixture
def came() -> Came:
    """The callbacks that the shop took."""
    return []


@pytest.fixture
def shop(came: Came) -> Iterator[str]:
    @post("/hooks/payments", status_code=204)
    async def take(request: Request[Any, Any, Any]) -> None:
        came.append((dict(request.headers), await request.body()))

    with serving(Litestar([take], openapi_config=None, logging_config=None), free_port()) as base:
        yield base


@pytest.fixture
async def process(tmp_path: Path, shop: str) -> AsyncIterator[Process]:
    process = Process(tmp_path, shop)
    process.start()
    yield process
    process.kill()
    await process.http.aclose()


@pytest.fixture
async def gateway(process: Process) -> AsyncIterator[BogusGateway]:
    async with BogusGateway(process.url, SECRET, SystemClock(), patience=3) as gateway:
        yield gateway


async def opened(process: Process, gateway: BogusGateway, outcome: str) -> Intent:
    intent = await gateway.open(f"key of {outcome}", EUROS, return_url=f"{process.shop}/checkout")
    await process.http.post(intent.pay_url, data={"outcome": outcome})
    return intent


@pytest.mark.slow
async def test_killed_between_doing_and_answering(process: Process, gateway: BogusGateway, came: Came) -> None:
    late = await opened(process, gateway, "callback_late")
    pending = await opened(process, gateway, "pending_failed")
    paid = await opened(process, gateway, "approve")
    await process.control(faults=[{"call": "capture", "kind": "late", "seconds": 60}])
    with pytest.raises(GatewayAway):
        await gateway.capture(paid.ref, key="c")
    assert process.kinds(paid) == ["opened", "authorised", "captured"]  # done, and nobody was told
    process.kill()
    process.start()
    again = await asyncio.gather(*(gateway.capture(paid.ref, key="c") for _ in range(30)))
    assert {intent.state for intent in again} == {"captured"}
    assert process.kinds(paid) == ["opened", "authorised", "captured"]

    await process.control(settle=True, deliver=True)  # what the dead one left to do, the next one does
    told = Counter(gateway.event(*each).ref for each in came)
    assert told[late.ref] >= 1
    assert told[pending.ref] >= 2  # that it is pending, and how it ended
    assert process.kinds(pending) == ["opened", "pending", "declined"]


@pytest.mark.slow
async def test_killed_under_thirty_calls_at_once(process: Process, gateway: BogusGateway) -> None:
    paid = await opened(process, gateway, "approve")
    calls = [asyncio.create_task(gateway.capture(paid.ref, key="c")) for _ in range(30)]
    await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
    process.kill()
    answers = await asyncio.gather(*calls, return_exceptions=True)
    assert {type(answer).__name__ for answer in answers} <= {"Intent", "GatewayAway"}
    process.start()
    assert (await gateway.capture(paid.ref, key="c")).state == "captured"
    assert process.kinds(paid) == ["opened", "authorised", "captured"]


@pytest.mark.slow
async def test_the_command_runs_it(tmp_path: Path) -> None:
    process = Process(tmp_path, "http://127.0.0.1:1")
    environ = {"DATA_DIR": str(tmp_path), "BASE_URL": process.shop, "GATEWAY_SECRET": SECRET.decode(), "MODE": "demo"}
    process.start(("hypermart", "bogus", "--port", process.port), **environ)
    try:
        async with BogusGateway(process.url, SECRET, SystemClock()) as gateway, process.http:
            intent = await opened(process, gateway, "approve")
            assert intent.pay_url == f"{process.url}/pay/{intent.ref}"
            assert (await gateway.capture(intent.ref, key="c")).state == "captured"
    finally:
        process.kill()
    assert process.kinds(intent) == ["opened", "authorised", "captured"]
