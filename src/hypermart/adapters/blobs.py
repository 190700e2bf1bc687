"""Blobs in a local folder. A key is a relative path; a blob appears whole or not at all."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

from hypermart.errors import NotFound

PIECE = 64 * 1024
#: Bytes of a key; no file system takes longer names.
LONGEST = 255


class LocalBlobs:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def _path(self, key: str) -> Path:
        """Raises NotFound for a key that would leave the folder."""
        parts = key.split("/")
        is_odd = any(not part or part.startswith(".") or "\\" in part or "\0" in part for part in parts)
        if is_odd or len(key.encode()) > LONGEST:
            raise NotFound(key)
        return self._folder.joinpath(*parts)

    async def put(self, key: str, content: bytes, content_type: str) -> None:  # noqa: ARG002  (a file has no type)
        def write() -> None:
            path = self._path(key)
            path.parent.mkdir(parents=True, exist_ok=True)
            part = path.with_name(f".{path.name}.{os.getpid()}")
            part.write_bytes(content)
            part.replace(path)

        await asyncio.to_thread(write)

    async def get(self, key: str) -> bytes:
        try:
            return await asyncio.to_thread(self._path(key).read_bytes)
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
            raise NotFound(key) from None

    async def stream(self, key: str) -> AsyncIterator[bytes]:
        try:
            file = await asyncio.to_thread(self._path(key).open, "rb")
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
            raise NotFound(key) from None
        with file:
            while piece := await asyncio.to_thread(file.read, PIECE):
                yield piece

    async def exists(self, key: str) -> bool:
        return await asyncio.to_thread(self._path(key).is_file)

    async def delete(self, key: str) -> None:
        await asyncio.to_thread(self._path(key).unlink, missing_ok=True)
