"""The port for Prometheus: what it answers, what it does not bear, and what is said when it is taken."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator

import httpx
import msgspec
import pytest

from hypermart import metrics_listener
from hypermart.app import create_app
from hypermart.metrics_listener import LONGEST, MOST, listening
from hypermart.qa.clock import QaClock
from hypermart.services import opened
from hypermart.settings import ROOT, BadSetting, Settings
from hypermart.worker import inline
from tests.jobs.rows import until
from tests.parts.server import free_port
from tests.parts.visitor import visiting

HOST = "127.0.0.1"


@pytest.fixture
def counting(settings: Settings) -> Settings:
    with contextlib.closing(free_port()) as bound:
        port = bound.getsockname()[1]
    return msgspec.structs.replace(settings, metrics=(HOST, port))


@pytest.fixture
async def port(counting: Settings) -> AsyncIterator[int]:
    async with listening(counting):
        assert counting.metrics
        yield counting.metrics[1]


@contextlib.contextmanager
def taken() -> Iterator[int]:
    with socket.socket() as other:
        other.bind((HOST, 0))
        other.listen()
        yield other.getsockname()[1]


async def test_it_says_what_was_counted(port: int) -> None:
    async with httpx.AsyncClient() as client:
        answer = await client.get(f"http://{HOST}:{port}/metrics")
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/plain; version=")
        assert "# TYPE hypermart_orders_total counter" in answer.text
        assert "_created" not in answer.text
        for path in ("/", "/metrics/", "/metricsx", "/livez"):
            assert (await client.get(f"http://{HOST}:{port}{path}")).status_code == 404
        assert (await client.post(f"http://{HOST}:{port}/metrics")).status_code == 404


async def test_who_says_nothing_or_too_much_is_left(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics_listener, "PATIENCE", 0.2)
    for said in (b"", b"GET /metrics HTTP/1.1\r\n", b"GET /" + b"x" * 3 * LONGEST):
        reader, writer = await asyncio.open_connection(HOST, port)
        writer.write(said)
        with contextlib.suppress(ConnectionError):
            assert await asyncio.wait_for(reader.read(), 5) == b""
        writer.close()


async def test_many_who_wait_cost_little(port: int) -> None:
    """As many as may are held for a while; the next one is sent away, and when they have gone there is room again."""
    held = [await asyncio.open_connection(HOST, port) for _ in range(MOST)]
    reader, writer = await asyncio.open_connection(HOST, port)
    writer.write(b"GET /metrics HTTP/1.1\r\n\r\n")
    with contextlib.suppress(ConnectionError):
        assert await asyncio.wait_for(reader.read(), 5) == b""
    for each in (writer, *(writer for _, writer in held)):
        each.close()
    async with httpx.AsyncClient() as client:
        for _ in range(50):
            with contextlib.suppress(httpx.TransportError):
                if (await client.get(f"http://{HOST}:{port}/metrics")).status_code == 200:
                    return
            await asyncio.sleep(0.05)
    raise AssertionError("there is no room")


async def test_no_port_without_a_setting(settings: Settings) -> None:
    assert settings.metrics is None
    async with listening(settings):
        pass


async def test_a_taken_port_is_one_line(settings: Settings) -> None:
    with taken() as port, pytest.raises(BadSetting, match=f"METRICS=127.0.0.1:{port} cannot be used"):
        async with listening(msgspec.structs.replace(settings, metrics=(HOST, port))):
            pass


@pytest.mark.slow
@pytest.mark.parametrize("command", ["serve", "worker"])
def test_a_command_whose_port_is_taken_says_so_and_ends(command: str, settings: Settings) -> None:
    with taken() as port, contextlib.closing(free_port()) as bound:
        free = str(bound.getsockname()[1])
        environ = {"DATA_DIR": str(settings.data), "METRICS": f"{HOST}:{port}", "MODE": "demo", "PATH": ""}
        done = subprocess.run(
            [sys.executable, "-m", "hypermart", command],
            env=environ | {"PORT": free, "ROOT": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert str(port) in done.stderr
    assert "METRICS" in done.stderr


async def test_the_shop_listens_while_it_is_open_and_has_no_such_page(counting: Settings, clock: QaClock) -> None:
    assert counting.metrics
    url = f"http://{HOST}:{counting.metrics[1]}/metrics"
    async with httpx.AsyncClient() as prometheus:
        async with visiting(create_app(counting, clock=clock)) as visitor:
            assert (await visitor.get("/metrics")).status_code == 404
            answer = await prometheus.get(url)
            assert 'hypermart_request_seconds_count{method="GET",route="",status="404"}' in answer.text
        with pytest.raises(httpx.ConnectError):
            await prometheus.get(url)


async def test_a_worker_measures_the_queue_if_somebody_listens(counting: Settings, clock: QaClock) -> None:
    assert counting.metrics
    url = f"http://{HOST}:{counting.metrics[1]}/metrics"
    async with (
        opened(counting, clock) as services,
        listening(counting),
        inline(services),
        httpx.AsyncClient() as client,
    ):
        seen: list[str] = []

        async def look() -> None:
            while not seen:
                text = (await client.get(url)).text
                seen.extend(row for row in text.splitlines() if row.startswith('hypermart_queue_due{lane="mail"}'))
                await asyncio.sleep(0.05)

        task = asyncio.create_task(look())
        await until(lambda: seen)
        await task
