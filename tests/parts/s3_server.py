"""S3 for tests: moto's server in a process of its own, and a bucket that answers as it is told, or not at all."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import httpx
import msgspec

from hypermart.settings import ROOT, Settings
from tests.parts.listening import listening

ID, SECRET = "AKIDOFTHESHOP", "a-secret-that-nobody-may-see"
PAGE = "7"
"""Keys in one answer to a list, so that tests see several."""
#: moto leaves checks of signatures and rights aside, but a request that has none gets another service.
SIGNED = {
    "authorization": "AWS4-HMAC-SHA256 Credential=x/20260101/us-east-1/s3/aws4_request, SignedHeaders=h, Signature=s"
}


def settings_of(settings: Settings, url: str) -> Settings:
    """Of the same shop, with its pictures at `url`."""
    return msgspec.structs.replace(settings, blobs_url=url, aws_access_key_id=ID, aws_secret_access_key=SECRET)


@contextlib.contextmanager
def s3_server() -> Iterator[str]:
    """The address of an S3 that has the bucket "pictures"."""
    command = [sys.executable, "-m", "tests.parts.s3_server"]
    environ = {**os.environ, "MOTO_S3_DEFAULT_MAX_KEYS": PAGE}
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, cwd=ROOT, env=environ, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL
    ) as process:
        try:
            assert process.stdout is not None
            base = f"http://127.0.0.1:{int(process.stdout.readline())}"
            httpx.put(f"{base}/pictures", headers=SIGNED).raise_for_status()
            yield base
        finally:
            process.kill()


def url_in(base: str) -> str:
    """Of a part of the bucket that nobody else has."""
    return f"s3://pictures/{secrets.token_hex(6)}?endpoint={base}&region=us-east-1"


Step: TypeAlias = Callable[[asyncio.StreamWriter], Awaitable[None]]
"""What is done once a request has come."""


@dataclass
class ToldStore:
    port: int = 0
    steps: list[Step] = field(default_factory=list)
    """One for each request; the last one stays."""
    asked: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"s3://pictures?endpoint=http://127.0.0.1:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                line, _, rest = head.decode().partition("\r\n")
                if "100-continue" in rest:
                    writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                for header in rest.lower().split("\r\n"):
                    if header.startswith("content-length:"):
                        await reader.readexactly(int(header.partition(":")[2]))
                self.asked.append(line)
                await (self.steps.pop(0) if len(self.steps) > 1 else self.steps[0])(writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


def says(status: str, body: bytes = b"", length: int | None = None, kind: str = "application/xml") -> Step:
    """With a `length` beyond the body's it is cut off there."""

    async def step(writer: asyncio.StreamWriter) -> None:
        head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length or len(body)}\r\n"
        writer.write(f"{head}Last-Modified: Mon, 02 Nov 2026 12:00:00 GMT\r\n\r\n".encode() + body)
        await writer.drain()
        if length:
            raise ConnectionAbortedError

    return step


def refuses(status: str, code: str) -> Step:
    words = f"<Error><Code>{code}</Code><Message>Signature of {ID}: {SECRET}</Message></Error>"
    return says(status, words.encode())


async def is_silent(_: asyncio.StreamWriter) -> None:
    await asyncio.sleep(60)


async def begins(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    await asyncio.sleep(60)


async def drips(writer: asyncio.StreamWriter) -> None:
    """A body that never ends, with a byte often enough for who counts between bytes."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while not writer.is_closing():
        writer.write(b".")
        await writer.drain()
        await asyncio.sleep(0.03)


@contextlib.asynccontextmanager
async def told_store(*steps: Step) -> AsyncIterator[ToldStore]:
    store = ToldStore(steps=list(steps))
    async with listening(store.serve) as store.port:
        yield store


def main() -> None:
    """Says its port, and ends when whoever started it does."""
    from moto.moto_server.werkzeug_app import (  # noqa: PLC0415  (seconds, of this process alone)
        DomainDispatcherApplication,
        MotoRequestHandler,
        create_backend_app,
    )
    from werkzeug.serving import make_server  # noqa: PLC0415

    app, lock = DomainDispatcherApplication(create_backend_app), threading.Lock()

    def one_at_a_time(environ: Any, start: Any) -> list[bytes]:
        """moto closes what is replaced under those who read it."""
        with lock:
            return list(app(environ, start))

    server = make_server("127.0.0.1", 0, one_at_a_time, threaded=True, request_handler=MotoRequestHandler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.port, flush=True)  # noqa: T201
    sys.stdin.read()


if __name__ == "__main__":
    main()
