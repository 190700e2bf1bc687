"""What can be done with a stack: up, status, logs, kill, restart, down. Each says what it does; gives an exit code."""

from __future__ import annotations

import asyncio
import functools
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from hypermart.settings import ROOT, BadSetting
from hypermart.stack import mysql
from hypermart.stack.asking import ask
from hypermart.stack.health import complaint, front_page
from hypermart.stack.one_request import ID, lines, told
from hypermart.stack.plan import DATABASE, DATABASES, HOST, ROW, STORES, Shape, programs, shop_environment
from hypermart.stack.supervision import Supervisor
from hypermart.templating import lay_out_files

HEALTHY = 120.0
"""Seconds that a process may take until it is healthy."""
SETTLED = 1.5
"""Seconds until Caddy has seen that an app is back (health_interval in deploy/caddy)."""


class Stack:
    """The stack whose files are in `folder`, running or not."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self._supervisor = Supervisor(self.folder)
        self._plan = self.folder / "shape.json"

    @property
    def shape(self) -> Shape:
        """Raises BadSetting if there is no stack."""
        if not (self._plan.exists() and self._supervisor.is_running()):
            raise BadSetting("no stack is running: start one with hypermart stack up")
        return msgspec.json.decode(self._plan.read_bytes(), type=Shape)

    def up(self, shape: Shape) -> int:
        if self._supervisor.is_running():
            if self.shape != shape:
                raise BadSetting("a stack of another shape is running: end it with hypermart stack down")
            return self.status()
        self._lay_out(shape)
        try:
            self._supervisor.open(programs(shape, self.folder))
            self._bring_up(shape)
        except BaseException:
            self._supervisor.close()
            raise
        _say(f"The shop is open: {shape.url}  (its mails: {shape.url}/mail; end it with hypermart stack down)")
        return 0

    def status(self) -> int:
        shape, problems = self.shape, 0
        for name in shape.names:
            problem = complaint(self._supervisor, shape, name)
            _say(f"{name:16} {problem or 'healthy'}")
            problems += bool(problem)
        return 1 if problems else 0

    def down(self) -> int:
        self._supervisor.close()
        _say("The stack is down.")
        return 0

    def show_log(self, name: str, count: int) -> int:
        self._check(name)
        text = self._supervisor.log(name).read_text(errors="replace") if self._supervisor.log(name).exists() else ""
        _say("\n".join(text.splitlines()[-count:]))
        return 0

    def show_request(self, id_: str) -> int:
        """Also of a stack that is down: its logs stay."""
        if not ID.fullmatch(id_):
            raise BadSetting(
                f"{id_!r} is no request's id: that has 8 to 64 letters, digits, dots, dashes or underscores"
            )
        is_known = False
        for line in lines(self._supervisor.logs, id_):
            is_known = True
            _say(told(line))
        if not is_known:
            _say(f"no log has a line of request {id_}")
        return 0 if is_known else 1

    def kill(self, name: str, number: int) -> int:
        self._check(name)
        if not self._supervisor.signal(name, number):
            raise BadSetting(f"{name} is not running: hypermart stack restart {name} starts it")
        return 0

    def restart(self, names: Sequence[str]) -> int:
        for name in names:
            self._check(name)
        for name in names:
            self._supervisor.stop(name)
            self._supervisor.start(name)
            self._wait(self.shape, [name])
            if name.startswith("app"):
                time.sleep(SETTLED)
            _say(f"{name} was restarted.")
        return 0

    def _check(self, name: str) -> None:
        if name not in (names := self.shape.names):
            raise BadSetting(f"{name!r} is not part of the stack: take one of {', '.join(names)}")

    def _lay_out(self, shape: Shape) -> None:
        """Programs, files and free ports, before anything is started."""
        if shape.has_prometheus and not shutil.which("prometheus"):
            raise BadSetting(
                "prometheus is not installed: apt-get install prometheus prometheus-varnish-exporter, or "
                "leave it out with --no-prometheus"
            )
        for port in range(shape.base, shape.base + ROW):
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind((HOST, port))
                except OSError:
                    raise BadSetting(f"port {port} is taken: choose others with --base-port") from None
        self.folder.mkdir(parents=True, exist_ok=True)
        for name in DATABASES:
            mysql.prepare(self.folder / name)
        shutil.rmtree(self.folder / "files", ignore_errors=True)
        lay_out_files(ROOT, self.folder / "files")
        (self.folder / "shop" / "blobs").mkdir(parents=True, exist_ok=True)
        self._plan.write_bytes(msgspec.json.encode(shape))

    def _bring_up(self, shape: Shape) -> None:
        _say("starting MySQL (primary and replica), Valkey, the practice bank and the mail server ...")
        self._supervisor.start(*STORES)
        for name in DATABASES:
            _until(functools.partial(ask, shape.port(name), "SELECT 1"))
        ask(shape.port("mysql-primary"), f"CREATE DATABASE IF NOT EXISTS {DATABASE}")
        asyncio.run(mysql.follow(shape.port("mysql-replica"), shape.port("mysql-primary")))
        self._wait(shape, STORES)
        _say("migrating, and filling the shop if it is empty ...")
        environment = os.environ | shop_environment(shape, self.folder)
        for command in (["migrate"], ["seed", "--if-empty"]):
            done = subprocess.run([sys.executable, "-m", "hypermart", *command], env=environment, check=False)
            if done.returncode:
                raise BadSetting(f"hypermart {' '.join(command)} failed; see above")
        _say(
            f"starting {shape.replicas} replicas, the workers, Caddy"
            + (" and Varnish ..." if shape.has_cdn else " ...")
        )
        self._supervisor.start(*(name for name in shape.names if name not in STORES))
        self._wait(shape, shape.names)
        _until(functools.partial(front_page, shape))  # Varnish believes in the gateway after two good answers only

    def _wait(self, shape: Shape, names: Sequence[str]) -> None:
        """Until all are healthy. Raises BadSetting."""
        deadline = time.monotonic() + HEALTHY
        for name in names:
            while problem := complaint(self._supervisor, shape, name):
                if time.monotonic() > deadline:
                    raise BadSetting(f"{name} {problem} after {HEALTHY:.0f} s: see {self._supervisor.log(name)}")
                time.sleep(0.1)


def _until(ask: Callable[[], object]) -> None:
    """Until it answers. Raises what it raises in the end."""
    deadline = time.monotonic() + HEALTHY
    while True:
        try:
            ask()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201
