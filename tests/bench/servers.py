"""Servers as processes, and what they cost: CPU time of a process before and after a number of requests."""

from __future__ import annotations

import contextlib
import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

TICK = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int) -> float:
    """User and system time of the process and its threads (proc(5))."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def serving(what: str, port: int, environ: Mapping[str, str], log: Path) -> Iterator[int]:
    """A server process of tests.bench.serve on `port`; gives its pid."""
    command = [sys.executable, "-m", "tests.bench.serve", what, str(port)]
    with log.open("wb") as output:
        process = subprocess.Popen(command, env={**os.environ, **environ}, stdout=output, stderr=output)
    try:
        _wait(process, port, log)
        yield process.pid
    finally:
        process.terminate()
        process.wait(20)


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    for _ in range(300):
        if process.poll() is not None:
            break
        with contextlib.suppress(OSError):
            http.client.HTTPConnection("127.0.0.1", port, timeout=2).connect()
            return
        time.sleep(0.1)
    raise RuntimeError(f"no server on {port}:\n{log.read_text()[-3000:]}")


def fetch(connection: http.client.HTTPConnection, path: str) -> bytes:
    connection.request("GET", path)
    answer = connection.getresponse()
    body = answer.read()
    if answer.status != 200:
        raise RuntimeError(f"{path}: {answer.status}")
    return body
