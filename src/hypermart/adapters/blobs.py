"""Blobs in a local folder. A key is a relative path; a blob appears whole or not at all."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

from hypermart.errors import NotFound
from hypermart.ports import Blob, BlobsAway

PIECE = 64 * 1024
#: Bytes of a key; no file system takes longer names.
LONGEST = 255


def checked(key: str) -> str:
    """`key`, if every kind of store takes it. Raises NotFound, also for one that would leave the folder."""
    is_odd = any(not part or part.startswith(".") or "\\" in part for part in key.split("/"))
    if is_odd or not key.isprintable() or len(key.encode()) > LONGEST:
        raise NotFound(key)
    return key


class LocalBlobs:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def _path(self, key: str) -> Path:
        return self._folder / checked(key)

    async def put(self, key: str, content: bytes, content_type: str) -> None:  # noqa: ARG002  (a file has no type)
        path = self._path(key)

        def write() -> None:
            path.parent.mkdir(parents=True, exist_ok=True)
            part = path.with_name(f".{secrets.token_hex(8)}")  # several may put one key
            try:
                part.write_bytes(content)
                part.replace(path)
            finally:
                part.unlink(missing_ok=True)

        try:
            await asyncio.to_thread(write)
        except OSError as error:
            raise _away(error) from None

    async def renew(self, key: str, content_type: str) -> bool:  # noqa: ARG002
        try:
            with _judged(key):
                await asyncio.to_thread(os.utime, self._path(key))
        except NotFound:
            return False
        return True

    async def get(self, key: str) -> bytes:
        with _judged(key):
            return await asyncio.to_thread(self._path(key).read_bytes)

    async def stream(self, key: str) -> AsyncGenerator[bytes, None]:
        with _judged(key):
            file = await asyncio.to_thread(self._path(key).open, "rb")
        with file:
            while True:
                with _judged(key):
                    piece = await asyncio.to_thread(file.read, PIECE)
                if not piece:
                    return
                yield piece

    async def find(self, key: str) -> Blob | None:
        with contextlib.suppress(NotFound), _judged(key):
            path = self._path(key)
            return await asyncio.to_thread(lambda: _blob(path, key) if path.is_file() else None)
        return None

    async def exists(self, key: str) -> bool:
        return await self.find(key) is not None

    async def delete(self, key: str) -> None:
        with contextlib.suppress(NotFound), _judged(key):
            await asyncio.to_thread(self._path(key).unlink)

    async def listed(self) -> AsyncIterator[Blob]:
        with _judged(""):
            found = await asyncio.to_thread(lambda: list(self._walk()))
        for blob in found:
            yield blob

    def _walk(self) -> Iterator[Blob]:
        for folder, _, names in os.walk(self._folder):
            for path in (Path(folder, name) for name in names if not name.startswith(".")):
                with contextlib.suppress(FileNotFoundError):  # deleted meanwhile
                    yield _blob(path, path.relative_to(self._folder).as_posix())


def _blob(path: Path, key: str) -> Blob:
    found = path.stat()
    return Blob(key, found.st_size, datetime.fromtimestamp(found.st_mtime, UTC))


@contextlib.contextmanager
def _judged(key: str) -> Iterator[None]:
    try:
        yield
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        raise NotFound(key) from None
    except OSError as error:
        raise _away(error) from None


def _away(error: OSError) -> BlobsAway:
    return BlobsAway(f"the folder of pictures: {error.strerror}")
