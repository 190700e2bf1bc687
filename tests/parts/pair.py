"""A primary and its replica, started once per run where a test asks for them; to be killed, frozen and delayed."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from hypermart.stack import mysql
from tests.parts import databases

SMALL = ("--innodb-doublewrite=OFF", "--innodb-buffer-pool-size=64M")


class Node:
    """One server at a port of its own, which it keeps when it is started again."""

    def __init__(self, folder: Path, options: Sequence[str]) -> None:
        folder.mkdir()
        mysql.prepare(folder)
        self.folder, self.options, self.port = folder, (*options, *SMALL), mysql.free_port()
        self.process = mysql.start(folder, self.port, self.options)

    def url(self, database: str) -> str:
        return mysql.url(self.port, database)

    def ready(self) -> None:
        assert mysql.answers(self.process, self.port), (self.folder / mysql.LOG).read_text()[-2000:]

    def send(self, signum: signal.Signals) -> None:
        os.kill(self.process.pid, signum)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def start(self) -> None:
        self.process = mysql.start(self.folder, self.port, self.options)
        self.ready()

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        self.send(signal.SIGSTOP)
        try:
            yield
        finally:
            self.send(signal.SIGCONT)

    @contextlib.contextmanager
    def killed(self) -> Iterator[None]:
        """As by kill -9; started again at the end of the block."""
        self.kill()
        try:
            yield
        finally:
            self.start()

    async def ask(self, *statements: str) -> list[Any]:
        """The rows of the last of `statements`."""
        engine = create_async_engine(self.url(""), isolation_level="AUTOCOMMIT", connect_args={"read_timeout": 40})
        try:
            async with engine.connect() as connection:
                await connection.execute(text("SET sql_notes=0"))
                for statement in statements:
                    result = await connection.exec_driver_sql(statement.replace("%", "%%"))
                return list(result.all()) if result.returns_rows else []
        finally:
            await engine.dispose()

    def end(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self.send(signal.SIGCONT)
        self.process.terminate()
        try:
            self.process.wait(mysql.STOP)
        except subprocess.TimeoutExpired:
            self.kill()


@dataclass(frozen=True)
class Pair:
    primary: Node
    replica: Node

    async def mend(self) -> None:
        """Both answer, and the replica follows without delay."""
        for node in (self.primary, self.replica):
            if node.process.poll() is not None:
                node.start()
            node.send(signal.SIGCONT)
        await self.delay(0)
        await self.caught_up()

    async def delay(self, seconds: int) -> None:
        """What is committed shows on the replica so many seconds later."""
        change = f"CHANGE REPLICATION SOURCE TO SOURCE_DELAY={seconds}"
        await self.replica.ask("STOP REPLICA SQL_THREAD", change, "START REPLICA")

    async def caught_up(self) -> None:
        ((gtids,),) = await self.primary.ask("SELECT @@GLOBAL.gtid_executed")
        assert await self.replica.ask(f"SELECT WAIT_FOR_EXECUTED_GTID_SET('{gtids}', 20)") == [(0,)]


@contextlib.contextmanager
def running() -> Iterator[Pair]:
    """Four seconds, with the data in memory."""
    with tempfile.TemporaryDirectory(dir=os.environ[databases.FOLDER]) as folder:
        primary = Node(Path(folder, "primary"), (*mysql.PRIMARY, *mysql.DURABLE))
        replica = Node(Path(folder, "replica"), mysql.replica(1))
        try:
            primary.ready()
            replica.ready()
            asyncio.run(mysql.follow(replica.port, primary.port))
            yield Pair(primary, replica)
        finally:
            replica.end()
            primary.end()
