"""How each process of a stack is: alive, not frozen, and doing what it is there for."""

from __future__ import annotations

import smtplib
from collections.abc import Callable
from pathlib import Path

import httpx
import redis

from hypermart.adapters.clock import SystemClock
from hypermart.stack.asking import ask, replication_problem
from hypermart.stack.plan import DATABASES, HOST, VARNISH_LOG, Shape
from hypermart.stack.supervision import Supervisor, state

PATIENCE = 2.0
"""Seconds that a process has to answer."""
ALIVE = 10.0
"""Seconds since a worker last said that its loops turn."""


class Unwell(Exception):
    """The message says what is wrong."""


def complaint(supervisor: Supervisor, shape: Shape, name: str) -> str:
    """What is wrong with the process; '' if nothing is."""
    try:
        if not (pid := supervisor.pid(name)):
            return "is not running"
        if state(pid) == "T":
            return "is frozen"
        _probe(shape, supervisor.folder, name)()
    except (Unwell, OSError, httpx.HTTPError, redis.RedisError, smtplib.SMTPException) as error:
        return " ".join(f"does not answer: {error}".split())
    return ""


def _probe(shape: Shape, folder: Path, name: str) -> Callable[[], None]:
    if name.startswith("worker"):
        return lambda: _beats(folder / "shop" / "alive" / name)
    if name == VARNISH_LOG:
        return lambda: None  # it waits for Varnish, and nobody waits for it
    port = shape.port("purge" if name == "varnish" else name)
    if name.startswith("app"):
        return lambda: _http(port, "/readyz")
    if name in DATABASES:
        return lambda: _mysql(port, name)
    return {
        "valkey": lambda: _valkey(port),
        "caddy": lambda: _http(port, "/caddy"),
        "varnish": lambda: _http(port, "/cdn-health"),
        "gateway": lambda: _http(port, "/"),
        "smtp": lambda: _smtp(port),
        "prometheus": lambda: _http(port, "/-/ready"),
        "varnish-metrics": lambda: _http(port, "/metrics"),
    }[name]


def front_page(shape: Shape) -> None:
    """The home page comes out at the edge. Raises OSError if not."""
    try:
        _http(shape.port("edge"), "/")
    except (Unwell, httpx.HTTPError) as error:
        raise OSError(str(error)) from error


def _http(port: int, path: str) -> None:
    answer = httpx.get(f"http://{HOST}:{port}{path}", timeout=PATIENCE)
    if answer.status_code >= 500:
        raise Unwell(f"{answer.status_code} {answer.text.strip()[:200]}")


def _beats(file: Path) -> None:
    if not file.exists():
        raise Unwell("no sign of life yet")
    age = SystemClock().now().timestamp() - file.stat().st_mtime
    if age > ALIVE:
        raise Unwell(f"no sign of life for {age:.0f} s")


def _mysql(port: int, name: str) -> None:
    if name == "mysql-primary":
        ask(port, "SELECT 1")
    elif problem := replication_problem(port):
        raise Unwell(problem)


def _valkey(port: int) -> None:
    with redis.Redis(HOST, port, socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE) as client:
        client.ping()


def _smtp(port: int) -> None:
    with smtplib.SMTP(HOST, port, timeout=PATIENCE) as client:
        client.noop()
