"""The CDN shows pages and does not purge them: how long that goes on, who sees it, and how it ends.

The docstring is a row of docs/reliability.md (tests/topology/table.py).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from hypermart.domain.catalog.actions import change_price
from hypermart.stack.plan import HOST, shop_environment
from tests.parts.proxy import Proxy, proxy
from tests.topology.running import Running
from tests.topology.test_edge import ALLOWED, CHEAPER, euros, products

pytestmark = pytest.mark.timeout(500)
FAILS = 6
"""Seconds that purges fail."""
BACK = 60
"""Seconds until a purge is tried again: tries are seconds apart at first."""


@contextlib.contextmanager
def worker(stack: Running, purge_port: int) -> Iterator[None]:
    """The only one: those of the stack are dead, and healed after the test."""
    for name in stack.shape.workers:
        stack.kill(name)
    environment = os.environ | shop_environment(stack.shape, stack.folder)
    environment |= {"CDN_URL": f"varnish:http://{HOST}:{purge_port}", "INSTANCE": "worker-of-test"}
    log = stack.log("worker-of-test").open("wb")
    with (
        log,
        subprocess.Popen(
            [sys.executable, "-m", "hypermart", "worker"], env=environment, stdout=log, stderr=log
        ) as process,
    ):
        try:
            yield
        finally:
            process.terminate()


@pytest.fixture
async def line(stack: Running) -> AsyncIterator[Proxy]:
    """Between the worker and the CDN's socket for purges."""
    async with proxy(stack.shape.port("purge")) as line:
        with worker(stack, line.port):
            yield line


async def outbox(stack: Running) -> str:
    """What staff are told."""
    environment = os.environ | shop_environment(stack.shape, stack.folder)
    command = [sys.executable, "-m", "hypermart", "outbox", "list", "--job", "purge_pages"]
    done = await asyncio.to_thread(subprocess.run, command, env=environment, capture_output=True, text=True, check=True)
    return str(done.stdout)


@pytest.mark.parametrize("how", ["down", "slow", "broken"])
async def test_cdn_does_not_purge(stack: Running, line: Proxy, how: str) -> None:
    """The old price, until the CDN purges again; never for longer than 300 s.

    Holds: `hypermart outbox list` shows the purge as due, with the reason; it is tried again until it is done, and from
    then on nobody sees the old price.
    """
    async with stack.services() as services, httpx.AsyncClient(base_url=stack.url, timeout=30) as client:
        ((slug, variant_id, price),) = (await products(services, 30))[-1:]
        wanted = euros(price + CHEAPER)
        kept = await client.get(f"/p/{slug}")
        assert "s-maxage=300" in kept.headers["cache-control"]
        line.set(how)
        async with services.db.write() as db:
            await change_price(db, variant_id, price + CHEAPER, compare_at=None, at=services.clock.now(), reason="test")
        end = time.monotonic() + FAILS
        while time.monotonic() < end:
            assert wanted not in (await client.get(f"/p/{slug}")).text
            await asyncio.sleep(0.5)
        while "varnish: 1 of 1 calls failed" not in (said := await outbox(stack)):
            assert time.monotonic() < end + 60, said
        line.set("")
        back = time.monotonic()
        while wanted not in (await client.get(f"/p/{slug}")).text:
            assert time.monotonic() - back < BACK
            await asyncio.sleep(0.2)
        new = time.monotonic()
        while time.monotonic() < new + ALLOWED + 3:
            assert wanted in (await client.get(f"/p/{slug}")).text
            await asyncio.sleep(0.2)
        while "calls failed" in (said := await outbox(stack)):  # other purges may be due
            assert time.monotonic() < new + 60, said
