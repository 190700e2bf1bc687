"""Whoever takes the traces may be away, silent or broken: no request and no end waits for it, and it fills no log."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import msgspec
import pytest
from structlog.testing import capture_logs

from hypermart.adapters import otlp
from hypermart.app import create_app
from hypermart.qa.clock import QaClock
from hypermart.services import opened
from hypermart.settings import ROOT, Settings
from tests.parts.otlp_collector import Collector
from tests.parts.visitor import visiting

PAGES = 50


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """Takes connections, reads nothing, says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server
    for thread in threading.enumerate():
        if thread.name.startswith("OtelBatch"):
            thread.join(30)  # by now it is refused; what it says is of no other test


def tracing(settings: Settings, server: socket.socket) -> Settings:
    return msgspec.structs.replace(settings, traces=url(server), traces_share=1.0)


def url(server: socket.socket) -> str:
    return f"http://127.0.0.1:{server.getsockname()[1]}"


@contextmanager
def killed(process: subprocess.Popen[str]) -> Iterator[subprocess.Popen[str]]:
    """In the end, whatever the test finds."""
    with process:
        try:
            yield process
        finally:
            process.kill()


async def test_no_request_waits_for_a_collector_that_hangs(
    demo_settings: Settings, clock: QaClock, silent: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Were it waited for, it would be by the minute. The queue overflows, too."""
    monkeypatch.setattr(otlp, "SEND", 60.0)
    monkeypatch.setattr(otlp, "PERIOD", 0.01)
    monkeypatch.setattr(otlp, "WAITING", 20)
    monkeypatch.setattr(otlp, "BATCH", 10)
    monkeypatch.setattr(otlp, "LAST", 0.5)
    with capture_logs() as logs:
        async with asyncio.timeout(50), visiting(create_app(tracing(demo_settings, silent), clock=clock)) as client:
            await client.get("/")
            with closing((await asyncio.to_thread(silent.accept))[0]):  # it is being sent to
                answers = [(await client.get("/p/wave")).status_code for _ in range(PAGES)]
    assert answers == [answers[0]] * PAGES
    assert len([entry for entry in logs if entry["event"] == "request"]) == PAGES + 1
    (said,) = [entry for entry in logs if entry["event"] not in ("request", "primary.away")]
    assert (said["event"], said["reason"]) == ("traces.trouble", "Queue full, dropping Span.")


@pytest.mark.parametrize("how", ["closed", "broken"])
async def test_a_collector_that_is_away_is_told_of_once(
    settings: Settings,
    collector: Collector,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    how: str,
) -> None:
    monkeypatch.setattr(otlp, "PERIOD", 0.01)
    collector.status = 500
    with socket.create_server(("127.0.0.1", 0)) as gone:
        address = url(gone) if how == "closed" else collector.url
    away = msgspec.structs.replace(settings, traces=address, traces_share=1.0)
    with capture_logs() as logs, caplog.at_level(logging.WARNING):
        async with opened(away) as services:
            assert services.tracer
            async with asyncio.timeout(20):
                while not logs:
                    services.tracer.start_span("x").end()
                    await asyncio.sleep(0.01)
            for _ in range(20):
                services.tracer.start_span("x").end()
                await asyncio.sleep(0.02)
    assert [entry["event"] for entry in logs] == ["traces.trouble"]
    assert not caplog.records


@pytest.mark.slow
def test_a_process_ends_in_time_although_the_collector_hangs(settings: Settings, silent: socket.socket) -> None:
    own = {"MODE": "qa", "DATA_DIR": str(settings.data), "DATABASE_URL": settings.database_url}
    environ = {**os.environ, **own, "TRACES": url(silent), "TRACES_SHARE": "1", "SECRET_KEY": "x" * 32}
    command = [sys.executable, "-m", "tests.traces.process"]
    with killed(subprocess.Popen(command, cwd=ROOT, env=environ, stderr=subprocess.PIPE, text=True)) as process:
        assert process.stderr
        assert any("worker.ready" in line for line in process.stderr)
        silent.settimeout(60)
        with closing(silent.accept()[0]):
            began = time.monotonic()
            process.send_signal(signal.SIGTERM)
            _, errors = process.communicate(timeout=60)
            took = time.monotonic() - began
    assert process.returncode == 0, errors
    assert took < 20, "the SDK's own end waits for 30 seconds"


def test_without_it_neither_tracer_nor_exporter_is_imported(tmp_path: Path) -> None:
    code = """
import asyncio, sys
from hypermart.app import create_app
from hypermart.services import opened
from hypermart.settings import load
import hypermart.worker
async def work():
    async with opened(load()) as services:
        assert services.tracer is None
create_app(load())
asyncio.run(work())
sys.exit(any(name.startswith(("opentelemetry.sdk.trace", "opentelemetry.exporter")) for name in sys.modules))
"""
    environ = {"PATH": os.environ["PATH"], "DATA_DIR": str(tmp_path), "MODE": "demo"}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environ, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
