"""Makes smaller WebP copies of a picture in a child process (pixels.py) that may die of it. Knows no catalogue."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Sequence

from hypermart.errors import Refused

WALL, CPU = 20, 15
"""Seconds."""
MEMORY = 1024
"""Megabytes of address space; WebP is the greediest: four times four bytes a pixel."""
REFUSED = 3
"""Exit code of a child that says why on stderr."""
#: A decoder that was broken into should find no secrets, so the child gets only what Python needs to start.
ENVIRONMENT = ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")


async def webp(content: bytes, widths: Sequence[int], megapixels: int) -> dict[int, bytes]:
    """Width -> WebP file, upright, sRGB, without metadata. Raises Refused with a reason of one line."""
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-P", "-m", "hypermart.adapters.pixels"),
        *map(str, (CPU, MEMORY, megapixels, *widths)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={name: os.environ[name] for name in ENVIRONMENT if name in os.environ},
        start_new_session=True,  # Ctrl-C is for the app, which lets a running job finish
    )
    try:
        async with asyncio.timeout(WALL):
            out, err = await child.communicate(content)
    except TimeoutError:
        raise Refused(f"not decoded within {WALL} s") from None
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    _check(child.returncode or 0, err)
    return dict(zip(widths, _split(out), strict=True))


def _check(code: int, err: bytes) -> None:
    last = err.decode(errors="replace").strip().rpartition("\n")[2][:300]
    if code == REFUSED:
        raise Refused(last)
    if code == -signal.SIGXCPU:
        raise Refused(f"decoding took over {CPU} s of computing")
    if code == -signal.SIGKILL:  # from outside: the machine was short of memory, so a later attempt may do
        raise RuntimeError("the picture process was killed")
    if code < 0:
        raise Refused(f"decoding crashed ({signal.Signals(-code).name})")
    if code:
        raise RuntimeError(f"the picture process failed: {last}")


def _split(out: bytes) -> list[bytes]:
    files, at = [], 0
    while at < len(out):
        size = int.from_bytes(out[at : at + 4], "big")
        files.append(out[at + 4 : at + 4 + size])
        at += 4 + size
    return files
