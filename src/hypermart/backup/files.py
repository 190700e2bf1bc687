"""Files of a backup: written and read in pieces, none of them in memory as a whole, and each with its digest."""

from __future__ import annotations

import gzip
import hashlib
import os
import zlib
from collections.abc import AsyncIterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from hypermart.backup.manifest import Kept
from hypermart.db.plain_rows import Row
from hypermart.errors import Refused

PIECE = 1 << 20
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(list).decode


class KeptFile:
    """A new file for its owner's eyes only. After the block it is on the disk, whatever happens to the machine."""

    def __init__(self, path: Path) -> None:
        make_folder(path.parent)
        self._file = open(path, "xb", opener=_private)  # noqa: SIM115  (closed in __exit__)
        self._sha256, self._size = hashlib.sha256(), 0

    def write(self, piece: bytes) -> int:
        self._sha256.update(piece)
        self._size += len(piece)
        return self._file.write(piece)

    def flush(self) -> None:
        self._file.flush()

    @property
    def kept(self) -> Kept:
        return Kept(self._size, self._sha256.hexdigest())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None) -> None:
        with self._file:
            if kind is None:
                self._file.flush()
                os.fsync(self._file.fileno())


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def make_folder(path: Path) -> None:
    for each in (*reversed(path.parents), path):
        if not each.exists():
            each.mkdir(mode=0o700)


def sync_names(folder: Path) -> None:
    """The names in `folder` are on the disk, too."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


async def write_rows(path: Path, chunks: AsyncIterable[list[Row]]) -> tuple[Kept, int]:
    """One line of JSON for each row, compressed. Gives how many, too."""
    count = 0
    with KeptFile(path) as file:
        with gzip.GzipFile("", "wb", 6, file, 0) as packed:
            async for chunk in chunks:
                count += len(chunk)
                packed.write(b"".join(_encode(row) + b"\n" for row in chunk))
        return file.kept, count


def read_rows(path: Path) -> Iterator[Row]:
    """Raises Refused."""
    try:
        with gzip.open(path) as packed:
            for line in packed:
                yield _decode(line)
    except (OSError, EOFError, zlib.error, msgspec.DecodeError) as error:
        raise Refused(f"{path.name} cannot be read: {error}") from None


def found(path: Path) -> Kept:
    """The file that is there. Raises OSError."""
    sha256, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            sha256.update(piece)
            size += len(piece)
    return Kept(size, sha256.hexdigest())
