"""Whoever says nothing, or says it too slowly, is not waited for; others are heard, over one connection or many."""

from __future__ import annotations

import asyncio
import time

import httpx
import pytest

from hypermart.app import create_app
from hypermart.settings import Settings
from hypermart.web import connections
from tests.parts.server import free_port, serving

HELLO = b"GET /livez HTTP/1.1\r\nhost: shop.test\r\n\r\n"
POST = b"POST /cart/lines HTTP/1.1\r\nhost: shop.test\r\ncontent-type: application/x-www-form-urlencoded\r\n"


async def ends(base: str, *pieces: bytes) -> tuple[float, bytes]:
    """Seconds until the connection is closed on whoever says this, and what was answered."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(base.rpartition(":")[2]))
    began, got = time.monotonic(), b""
    reads = asyncio.create_task(reader.read())
    for piece in pieces:
        writer.write(piece)
        await asyncio.sleep(0.1)
    try:
        got = await asyncio.wait_for(reads, 10)
    except ConnectionResetError:
        pass
    finally:
        writer.transport.abort()
    return time.monotonic() - began, got


@pytest.mark.parametrize(
    "pieces",
    [
        (),
        (b"G", b"E"),
        tuple(bytes([each]) for each in HELLO[:8]),
        (HELLO, b"GET"),
        (POST + b"content-length: 9\r\n\r\nx",),
    ],
    ids=["nothing", "half a word", "a byte at a time", "half a second request", "half a body"],
)
async def test_what_is_not_said_is_not_waited_for(
    demo_settings: Settings, monkeypatch: pytest.MonkeyPatch, pieces: tuple[bytes, ...]
) -> None:
    monkeypatch.setattr(connections, "HEAD", 0.5)
    monkeypatch.setattr(connections, "BODY", 0.5)
    with serving(create_app(demo_settings), free_port()) as base:
        seconds, got = await ends(base, *pieces)
        assert seconds < 3
        assert (b"200 OK" in got) == (pieces[:1] == (HELLO,))
        async with httpx.AsyncClient(base_url=base) as client:
            for _ in range(8):  # longer than HEAD, over one connection
                assert (await client.get("/livez")).status_code == 200
                await asyncio.sleep(0.1)


async def test_of_too_many_the_most_silent_one_goes(demo_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "most", lambda: 5)
    with serving(create_app(demo_settings), free_port()) as base:
        async with httpx.AsyncClient(base_url=base) as client:
            await client.get("/livez")
            silent = [asyncio.create_task(ends(base)) for _ in range(8)]
            done, _ = await asyncio.wait(silent, timeout=1)
            assert len(done) == 4
            assert (await client.get("/livez")).status_code == 200
            assert (await asyncio.to_thread(httpx.get, f"{base}/livez")).status_code == 200
            for task in silent:
                task.cancel()
            await asyncio.gather(*silent, return_exceptions=True)
