"""Real MySQL servers on loopback: a throwaway one, or a primary and its replicas. Which program: mysql_program.py.

For whoever starts servers himself: prepare(folder), then argv(folder, port, options) in the foreground, and once both
answer, follow(). Knows no table.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from hypermart.stack.mysql_program import NoMySQL, Program, cache, find

#: Seconds. Laying out an empty database takes 8 s and a start 1 s on a quiet machine with two cores.
INITIALISE, START, STOP = 180, 90, 30
USER = PASSWORD = "hypermart"  # noqa: S105  (a server on loopback that lives as long as its parent)
#: For databases that nobody will miss: no sync, no binary log, small.
THROWAWAY = (
    "--innodb-flush-log-at-trx-commit=0",
    "--innodb-doublewrite=OFF",
    "--skip-log-bin",
    "--performance-schema=OFF",
)
#: For databases that somebody would miss: what is committed survives a kill.
DURABLE = ("--innodb-flush-log-at-trx-commit=1", "--sync-binlog=1")
LOGGED = ("--gtid-mode=ON", "--enforce-gtid-consistency=ON", "--log-bin=binlog", "--relay-log=relay")
PRIMARY = ("--server-id=1", *LOGGED)
#: Otherwise every copy carries 100 MB of empty redo log.
SMALL_LOG = "--innodb-redo-log-capacity=32M"
LOG = "mysqld.log"


@dataclass(frozen=True)
class Server:
    """A running server, in which `USER` may do everything."""

    port: int
    pid: int
    log: Path

    def url(self, database: str) -> str:
        return url(self.port, database)


def replica(number: int) -> tuple[str, ...]:
    """Options of the `number`th replica: nobody can write to it, and it follows again after each restart."""
    return (f"--server-id={1 + number}", *LOGGED, "--super-read-only=ON")


def url(port: int, database: str = "") -> str:
    return f"mysql+asyncmy://{USER}:{PASSWORD}@127.0.0.1:{port}/{database}?charset=utf8mb4"


def prepare(folder: Path) -> None:
    """An empty database in `folder`, where there was none. Raises NoMySQL."""
    if not (folder / "data").exists():
        shutil.copytree(_empty(find()), folder / "data")
        (folder / "data" / "auto.cnf").unlink(missing_ok=True)  # the identity of a server: a copy must mint its own


def argv(folder: Path, port: int, options: Sequence[str] = ()) -> list[str]:
    """The command that serves what prepare() made, in the foreground, until SIGTERM."""
    return [
        *_base(find(), folder / "data", folder / LOG),
        "--bind-address=127.0.0.1",
        f"--port={port}",
        "--mysqlx=OFF",
        f"--socket={folder}/mysqld.sock",
        f"--pid-file={folder}/mysqld.pid",
        *options,
    ]


async def follow(replica: int, primary: int) -> None:
    """The server at port `replica` repeats whatever the one at port `primary` does. May be said again at any time."""
    engine = create_async_engine(url(replica), isolation_level="AUTOCOMMIT")
    try:
        async with engine.connect() as connection:
            await connection.execute(text("SET sql_notes=0"))  # that passwords go in plain text: here they may
            await connection.execute(text("STOP REPLICA"))
            await connection.execute(
                text(
                    f"CHANGE REPLICATION SOURCE TO SOURCE_HOST='127.0.0.1', SOURCE_PORT={primary}, "
                    f"SOURCE_USER='{USER}', SOURCE_PASSWORD='{PASSWORD}', SOURCE_AUTO_POSITION=1, "
                    # By default a lost primary is called again after a minute.
                    "GET_SOURCE_PUBLIC_KEY=1, SOURCE_CONNECT_RETRY=1, SOURCE_RETRY_COUNT=0, "
                    "SOURCE_HEARTBEAT_PERIOD=1"
                )
            )
            await connection.execute(text("START REPLICA"))
    finally:
        await engine.dispose()


@contextlib.contextmanager
def running(folder: Path, options: Sequence[str] = ()) -> Iterator[Server]:
    """A server whose data live in `folder`, until the end of the block or of this process. Raises NoMySQL."""
    prepare(folder)
    for _ in range(3):  # somebody else may take the free port before the server has it
        port = free_port()
        process = start(folder, port, options)
        if answers(process, port):
            break
        _stop(process)
    else:
        raise NoMySQL(f"mysqld does not start; its log ends:\n{_tail(folder / LOG)}")
    try:
        yield Server(port, process.pid, folder / LOG)
    finally:
        _stop(process)


def _base(program: Program, data: Path, log: Path) -> list[str]:
    options = ["--no-defaults", *program.options, f"--datadir={data}", f"--log-error={log}"]
    root = ["--user=root"] if os.geteuid() == 0 else []  # refused otherwise
    return [*program.argv, *options, *root, "--secure-file-priv=NULL", SMALL_LOG]


def _empty(program: Program) -> Path:
    """A data folder that knows USER and has no database, laid out once per version; to be copied, never used."""
    home = cache() / f"mysql-{program.version}.prepared"
    if not home.exists():
        with tempfile.TemporaryDirectory(dir=cache()) as scratch:
            data, log = Path(scratch) / "data", Path(scratch) / "log"
            grant = Path(scratch) / "grant.sql"
            grant.write_text(
                f"CREATE USER '{USER}'@'%' IDENTIFIED BY '{PASSWORD}';\n"
                f"GRANT ALL ON *.* TO '{USER}'@'%' WITH GRANT OPTION;\n"
            )
            command = [*_base(program, data, log), "--initialize-insecure", f"--init-file={grant}"]
            try:
                subprocess.run(command, check=True, timeout=INITIALISE, capture_output=True)
            except subprocess.SubprocessError as error:
                raise NoMySQL(f"mysqld cannot lay out a database; its log ends:\n{_tail(log)}") from error
            with contextlib.suppress(OSError):  # somebody else was faster
                data.rename(home)
    return home


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start(folder: Path, port: int, options: Sequence[str]) -> subprocess.Popen[bytes]:
    """argv() as a child of this process."""
    setpriv = shutil.which("setpriv")
    outlives_nobody = (setpriv, "--pdeathsig", "TERM", "--") if setpriv else ()  # however we die
    command = [*outlives_nobody, *argv(folder, port, options)]
    quiet = subprocess.DEVNULL
    # A session of its own: Ctrl-C is meant for us, and we stop the server in order.
    return subprocess.Popen(command, stdin=quiet, stdout=quiet, stderr=quiet, start_new_session=True)


def answers(process: subprocess.Popen[bytes], port: int) -> bool:
    """Waits for the server's greeting, which comes when it is ready. False if it ended or stays silent."""
    deadline = time.monotonic() + START
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1) as probe:
            if probe.recv(1):
                return process.poll() is None
        time.sleep(0.05)
    return False


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _tail(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-15:]) if log.exists() else "(no log)"


if __name__ == "__main__":
    try:
        found = find()
        _empty(found)
    except NoMySQL as error:
        sys.exit(str(error))
    sys.stdout.write(f"MySQL {found.version}: {found.argv[-1]}\n")
