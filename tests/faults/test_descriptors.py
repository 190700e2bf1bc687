"""A process with few file descriptors, and a crowd that opens connections to say nothing, or to say it slowly.

The docstring is a row of docs/reliability.md (tests/topology/table.py).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from hypermart.settings import ROOT, Settings
from tests.faults.audit import Records, bank, database, findings, mailbox
from tests.faults.buying import Shopper
from tests.parts.server import free_port

pytestmark = [pytest.mark.stack, pytest.mark.timeout(200)]
DESCRIPTORS, CROWD = 300, 600
LONGEST = 10.0


@pytest.fixture
def shop(demo_copy_settings: Settings) -> Iterator[tuple[Settings, str, subprocess.Popen[bytes]]]:
    """`hypermart serve`, with that few descriptors."""
    with free_port() as bound:
        port = bound.getsockname()[1]
    environ = os.environ | {
        "MODE": "demo",
        "DATA_DIR": str(demo_copy_settings.data),
        "DATABASE_URL": demo_copy_settings.database_url,
        "SECRET_KEY": demo_copy_settings.secret_key,
        "PORT": str(port),
        "TRIES": "1000 per minute",
    }
    command = ["prlimit", f"--nofile={DESCRIPTORS}", sys.executable, "-m", "hypermart", "serve"]
    log = demo_copy_settings.data / "serve.log"
    with (
        log.open("wb") as output,
        subprocess.Popen(command, cwd=ROOT, env=environ, stdout=output, stderr=output) as app,
    ):
        try:
            base = f"http://127.0.0.1:{port}"
            until_open(base, log)
            yield demo_copy_settings, base, app
        finally:
            app.terminate()


def until_open(base: str, log: Path) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            httpx.get(f"{base}/readyz").raise_for_status()
        except httpx.HTTPError:
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)
        else:
            return


@contextlib.contextmanager
def crowded(base: str) -> Iterator[None]:
    command = [sys.executable, "-m", "tests.parts.nuisances", base.rpartition(":")[2], str(CROWD)]
    with subprocess.Popen(command, cwd=ROOT) as crowd:
        try:
            time.sleep(3)
            assert crowd.poll() is None
            yield
        finally:
            crowd.kill()


async def newcomer(base: str) -> str:
    """What somebody is told who comes now; '' if nothing."""
    async with httpx.AsyncClient(base_url=base, timeout=LONGEST) as client:
        try:
            return str((await client.get("/p/earth")).status_code)
        except httpx.TimeoutException:
            return ""
        except httpx.TransportError as error:
            return type(error).__name__


async def test_connections_that_say_nothing(
    shop: tuple[Settings, str, subprocess.Popen[bytes]], capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing: of too many connections the one goes that has been silent for longest, and who speaks up is heard.

    Holds: no answer takes 10 s; no order is lost; the process lives, and has descriptors left.
    """
    settings, base, app = shop
    ada = Shopper(httpx.AsyncClient(base_url=base, timeout=30, limits=httpx.Limits(max_connections=1)), "ada")
    async with ada.client:
        variant = dict((await ada.visit("/p/earth")).form("/cart/lines").fields)["variant"]
        await ada.add(int(variant))
        with crowded(base):
            bob = asyncio.create_task(ada.place(await ada.to_review(payment="invoice")))
            told = Counter(await asyncio.gather(*(newcomer(base) for _ in range(20))))
            assert "/orders/" in (await bob).url
            assert told == {"200": 20}
            descriptors = in_use(app)
        assert "/orders/" in (await ada.visit(ada_order(ada))).url
    deadline = time.monotonic() + LONGEST
    while (await newcomer(base)) != "200":
        assert time.monotonic() < deadline
        await asyncio.sleep(0.2)
    assert app.poll() is None
    tables = await database(settings.database_url)
    records = Records(bank(settings.data / "bogus.db"), mailbox(settings.data / "mail"), ada.seen, tables)
    while (found := findings(records)) and time.monotonic() < deadline + 20:
        await asyncio.sleep(0.5)
        records.letters, records.tables = mailbox(settings.data / "mail"), await database(settings.database_url)
    assert found == []
    with capsys.disabled():
        print(f"\n{CROWD} nuisances, {DESCRIPTORS} descriptors, {descriptors} in use; newcomers: {dict(told)}")  # noqa: T201


def in_use(app: subprocess.Popen[bytes]) -> int:
    return len(list(Path(f"/proc/{app.pid}/fd").iterdir()))


def ada_order(ada: Shopper) -> str:
    return f"/orders/{ada.seen[-1].number}"
