"""A real Varnish with the shop's VCL, before whatever answers at a port; and what its log says."""

from __future__ import annotations

import contextlib
import http.client
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from hypermart.qa.tools import need
from hypermart.stack.varnish import Sockets, command

#: The VCL runs for a minute: half a second less to compile it is worth more than quick code.
QUICK = ("-p", "cc_command=exec gcc -O0 -fPIC %w -shared -o %o %s")


@dataclass(frozen=True)
class Varnish:
    sockets: Sockets
    folder: Path
    pid: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.sockets.public}"

    @property
    def purge_url(self) -> str:
        return f"http://127.0.0.1:{self.sockets.purge}"

    def purge(self, *keys: str) -> int:
        """How many objects went."""
        answer = httpx.request("PURGE", self.purge_url, headers={"surrogate-key": " ".join(keys)})
        assert answer.status_code == 200
        return int(answer.text)

    def log(self) -> str:
        """What it has written to its log in memory."""
        done = subprocess.run(
            ["varnishlog", "-n", self.folder / "run", "-d", "-g", "raw"], capture_output=True, text=True, check=True
        )
        return done.stdout


@contextlib.contextmanager
def running(folder: Path, gateway: int, before: Sequence[str] = ()) -> Iterator[Varnish]:
    """Before `gateway`, a port of loopback, until the end of the block. `before`: what its command is handed to."""
    need("varnishd")
    sockets = Sockets(*_free_ports(3))
    die_with_us = ("setpriv", "--pdeathsig", "TERM", "--") if shutil.which("setpriv") else ()
    with (folder / "varnish.log").open("wb") as log:
        process = subprocess.Popen(
            [*die_with_us, *before, *command(folder, sockets, gateway, probed_every="0.1s"), *QUICK],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    varnish = Varnish(sockets, folder, process.pid)
    try:
        _wait(varnish, process, folder / "varnish.log")
        yield varnish
    finally:
        process.terminate()
        process.wait(20)


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]


def _wait(varnish: Varnish, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 30
    while True:
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(f"{varnish.purge_url}/cdn-health", timeout=2).status_code == 200:
                return
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.03)


@dataclass(frozen=True)
class Got:
    status: int
    headers: httpx.Headers
    body: bytes

    @property
    def cache(self) -> str:
        return self.headers["x-cache"]


@dataclass(frozen=True)
class Browser:
    """Sends what a test says, byte for byte, to a host of its own: tests that share a Varnish share no pages."""

    port: int
    host: str

    def __call__(
        self,
        target: str,
        method: str = "GET",
        *,
        body: bytes | None = None,
        port: int = 0,
        **headers: Any,
    ) -> Got:
        connection = http.client.HTTPConnection("127.0.0.1", port or self.port, timeout=20)
        connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
        own = {name.replace("_", "-"): value for name, value in headers.items()}
        length = {} if body is None or own.get("transfer-encoding") else {"content-length": str(len(body))}
        for name, value in ({"host": self.host} | length | own).items():
            if value:
                connection.putheader(name, value)
        connection.endheaders(body)
        answer = connection.getresponse()
        got = Got(answer.status, httpx.Headers(answer.getheaders()), answer.read())
        connection.close()
        return got
