"""The shop on a real port, answered by uvicorn in a thread, for browsers that cannot be handed an ASGI app."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any, Literal

import httpx
import uvicorn

from hypermart.web.connections import Connection


def free_port(port: int = 0) -> socket.socket:
    """A bound socket (of `port`, if one is named): nobody else can take its port between asking and serving."""
    bound = socket.socket()
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind(("127.0.0.1", port))
    return bound


def address(bound: socket.socket) -> str:
    return f"http://127.0.0.1:{bound.getsockname()[1]}"


@contextlib.contextmanager
def serving(app: Any, bound: socket.socket, loop: Literal["auto", "asyncio", "uvloop"] = "auto") -> Iterator[str]:
    """`app` answers at the yielded address until the end of the block."""
    config = uvicorn.Config(
        app,
        loop=loop,
        http=Connection,
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]}, daemon=True)
    thread.start()
    base = address(bound)
    try:
        _wait(base, thread)
        yield base
    finally:
        server.should_exit = True
        thread.join(15)
        bound.close()


def _wait(base: str, thread: threading.Thread) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            httpx.get(f"{base}/livez", timeout=2)
        except httpx.TransportError:
            if not thread.is_alive() or time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return
