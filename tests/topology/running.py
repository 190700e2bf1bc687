"""The whole topology of a test run: started by its own command, hurt by it, and healed after each test."""

from __future__ import annotations

import contextlib
import json
import os
import random
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

import httpx
import msgspec
from sqlalchemy import func, select

from hypermart.domain.catalog.models import Variant
from hypermart.domain.stock.actions import Level, set_on_hand
from hypermart.services import Services, opened
from hypermart.settings import load
from hypermart.stack.asking import ask
from hypermart.stack.health import complaint
from hypermart.stack.plan import HOST, ROW, Shape, mysql_url, shop_environment
from hypermart.stack.supervision import Supervisor
from tests.faults.audit import Records, accepted, bank, database, mailbox
from tests.faults.buying import Shopper
from tests.parts.origin import until

MANY = "100000 per minute"
"""Orders that may be tried: most visitors of a test come from one address."""
UP = 180
"""Seconds that a start may take (most of it is the first one's empty databases)."""


class Running:
    def __init__(self, data: Path, shape: Shape, options: tuple[str, ...] = ()) -> None:
        self.data, self.folder, self.shape, self._options = data, data / "stack", shape, options
        self.url = shape.url
        self.primary = mysql_url(shape, "mysql-primary")
        self.took = 0.0
        self.killed: list[str] = []
        """Whoever was, so far."""

    @property
    def gateway(self) -> str:
        """The practice bank."""
        return f"http://{HOST}:{self.shape.port('gateway')}"

    @property
    def gateway_secret(self) -> str:
        return shop_environment(self.shape, self.folder)["GATEWAY_SECRET"]

    def say(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """`hypermart stack WORDS`."""
        environment = os.environ | {"DATA_DIR": str(self.data), "TRIES": MANY}
        command = [sys.executable, "-m", "hypermart", "stack", *words]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)
        assert not check or done.returncode == 0, f"{words}: {done.stdout}\n{done.stderr}"
        return done

    def up(self) -> str:
        """What it said."""
        began = time.monotonic()
        said = self.say("up", "--base-port", str(self.shape.base), *self._options).stdout
        self.took = time.monotonic() - began
        return said

    def kill(self, name: str, signal_name: str = "KILL", *, check: bool = True) -> None:
        if signal_name == "KILL":
            self.killed.append(name)
        self.say("kill", name, signal_name, check=check)

    def ill(self) -> list[str]:
        """Names of the processes that are not healthy: what `status` asks, without the second that its start takes."""
        supervisor = Supervisor(self.folder)
        return [name for name in self.shape.names if complaint(supervisor, self.shape, name)]

    def heal(self) -> None:
        """Whatever a test has done: everything is healthy again, and the edge has noticed."""
        if ill := self.ill():
            for name in ill:
                self.say("kill", name, "CONT", check=False)
            if ill := self.ill():
                self.say("restart", *sorted(ill, key=lambda name: not name.startswith("mysql")))
            assert not self.ill()
        until(lambda: httpx.get(f"{self.url}/p/nope", timeout=30).status_code == HTTPStatus.NOT_FOUND, 30)

    def quieten(self) -> None:
        """Waits until all pictures are made (a minute after the first start) and no page is about to be purged."""
        due = "done_at IS NULL AND dead_at IS NULL AND due_at < UTC_TIMESTAMP() + INTERVAL 30 SECOND"
        changing = f"SELECT id FROM hypermart.outbox WHERE {due} AND job IN ('make_renditions', 'purge_pages') LIMIT 1"
        until(lambda: not self.sql("mysql-primary", changing), UP)

    def sql(self, name: str, statement: str) -> list[dict[str, Any]]:
        """Said to the server itself."""
        return ask(self.shape.port(name), statement)

    def log(self, name: str) -> Path:
        return self.folder / "logs" / f"{name}.log"

    def gain(self, name: str) -> Gain:
        """What a process logs from now on."""
        path = self.log(name)
        return Gain(path, path.stat().st_size if path.exists() else 0)

    @contextlib.asynccontextmanager
    async def services(self) -> AsyncIterator[Services]:
        """The shop's own services, opened in this process."""
        async with opened(load(os.environ | shop_environment(self.shape, self.folder))) as services:
            yield services

    async def stocked(self, count: int, *, units: int) -> list[int]:
        """Variants of `count` products, of each so many units."""
        async with self.services() as services, services.db.write() as db:
            rows = await db.execute(
                select(func.min(Variant.id)).group_by(Variant.product_id).order_by(Variant.product_id)
            )
            variants = [int(id_) for (id_,) in rows.all()][:count]
            levels = [Level(variant_id, units, may_oversell=False) for variant_id in variants]
            await set_on_hand(db, levels, at=services.clock.now(), reason="count")
        return variants

    async def records(self, shoppers: Iterable[Shopper]) -> Records:
        """The four ledgers, for the independent checker. A worker that was killed may have repeated a mail."""
        seen = [line for shopper in shoppers for line in shopper.seen]
        mail, tables = self.folder / "shop" / "mail", await database(self.primary)
        workers = sum(name.startswith("worker") for name in self.killed)
        return Records(bank(mail.parent / "bogus.db"), mailbox(mail), seen, tables, accepted(mail), workers)


class Gain(msgspec.Struct):
    path: Path
    start: int

    def rows(self) -> list[dict[str, Any]]:
        """The lines that are JSON."""
        with self.path.open(errors="replace") as file:
            file.seek(self.start)
            return [json.loads(line) for line in file if line.startswith("{")]


@contextlib.contextmanager
def running(data: Path, *options: str) -> Iterator[Running]:
    shape = Shape(
        has_cdn="--no-cdn" not in options,
        has_tls="--tls" in options,
        base=_free_row(),
        has_prometheus="--no-prometheus" not in options,
    )
    stack = Running(data, shape, options)
    with ended_however_we_end(data):
        stack.up()
        yield stack


@contextlib.contextmanager
def ended_however_we_end(data: Path) -> Iterator[None]:
    """The stack in `data` is taken down, and its data removed, by a process that reads a pipe to its end: so also
    after Ctrl-C or `kill -9`."""
    work = ['read -r _; "$@"; rm -rf "$DATA_DIR"', "sh", sys.executable, "-m", "hypermart", "stack", "down"]
    environment, quiet = os.environ | {"DATA_DIR": str(data)}, subprocess.DEVNULL
    with subprocess.Popen(
        ["sh", "-c", *work], env=environment, stdin=subprocess.PIPE, stdout=quiet, stderr=quiet, start_new_session=True
    ):
        yield  # then the pipe is closed, and it is waited for


def processes_of(folder: Path) -> list[int]:
    """Whatever runs in the name of this stack, or in its folder: Valkey writes its title over its environment."""
    mark, found = f"HYPERMART_STACK={folder}\0".encode(), []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if mark in (process / "environ").read_bytes() or (process / "cwd").readlink() == folder:
                found.append(int(process.name))
    return found


def _free_row() -> int:
    """The first of so many free ports, below those that the kernel gives to clients."""
    while True:
        base = random.randrange(12000, 30000, ROW)  # noqa: S311
        with contextlib.ExitStack() as probes, contextlib.suppress(OSError):
            for port in range(base, base + ROW):
                probes.enter_context(socket.socket()).bind((HOST, port))
            return base
