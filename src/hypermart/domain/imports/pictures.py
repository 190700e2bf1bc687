"""Finds pictures in the folder or ZIP that was given, and nowhere else: never outside it, never on the network."""

from __future__ import annotations

import lzma
import stat
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import Protocol
from urllib.parse import unquote, urlsplit

import msgspec

from hypermart.domain.catalog.pictures import MEGABYTES, Probe, original_key, probe
from hypermart.domain.imports.problems import BadCell, Unusable
from hypermart.errors import Refused

LARGEST = MEGABYTES * 1_000_000
ENTRIES = 100_000


class Found(msgspec.Struct, frozen=True):
    """A picture that can be used; its bytes are read again when they are kept."""

    key: str
    name: str
    width: int
    height: int
    content_type: str


class PictureSource(Protocol):
    def read(self, name: str) -> bytes:
        """The bytes of the picture that a cell names. Raises BadCell."""
        ...


def open_source(path: Path) -> PictureSource:
    """Raises Unusable for what is neither a folder nor a ZIP file."""
    if path.is_dir():
        return Folder(path)
    if not path.exists():
        raise Unusable(f"{path} does not exist: give a folder or a ZIP file of pictures")
    return Zip(path)


def name_in(src: str) -> tuple[str, str]:
    """(relative path, file name) that a cell names; of a URL only the file name counts. Raises BadCell."""
    path = src
    if "://" in src or src.startswith("//"):
        try:
            parts = urlsplit(src)
        except ValueError:
            raise BadCell("not a URL") from None
        if parts.scheme not in ("", "http", "https"):
            raise BadCell(f"{parts.scheme}: is not fetched; name a picture of the folder")
        path = PurePosixPath(unquote(parts.path)).name
    pieces = path.split("/")
    if "\\" in path or "\0" in path or path.startswith("/") or ":" in pieces[0] or ".." in pieces:
        raise BadCell("the path leaves the folder of pictures")
    name = PurePosixPath(path).name
    if not name or name.startswith("."):
        raise BadCell("names no picture file")
    return PurePosixPath(path).as_posix(), name


class Folder:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._root = folder.resolve()

    def read(self, name: str) -> bytes:
        path, file_name = name_in(name)
        for candidate in dict.fromkeys((path, file_name)):
            try:
                # Resolved before it is looked at: a link must not lead out of the folder.
                file = (self._root / candidate).resolve(strict=True)
                if not file.is_relative_to(self._root):
                    raise BadCell("the path leaves the folder of pictures")
                if not stat.S_ISREG(file.stat().st_mode):
                    raise BadCell("is not a plain file")
                with file.open("rb") as opened:
                    return opened.read(LARGEST + 1)
            except (FileNotFoundError, NotADirectoryError):
                continue
            except (OSError, RuntimeError) as error:
                raise BadCell(f"cannot be read: {getattr(error, 'strerror', None) or error}") from None
        raise BadCell(f"no picture {file_name} in {self._folder}")


class Zip:
    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._zip = zipfile.ZipFile(path)
        except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError) as error:
            raise Unusable(f"{path} is neither a folder nor a readable ZIP file ({error})") from None
        entries = [info for info in self._zip.infolist() if not info.is_dir()]
        if len(entries) > ENTRIES:
            raise Unusable(f"{path} has more than {ENTRIES:,} files")
        self._entries: dict[str, list[zipfile.ZipInfo]] = {}
        for info in entries:
            if info.filename.startswith("/") or "\\" in info.filename or ".." in info.filename.split("/"):
                raise Unusable(f"{path}: the entry {info.filename!r} leaves the archive: pack the pictures again")
            for name in {info.filename, PurePosixPath(info.filename).name}:
                if not info.filename.startswith("__MACOSX/"):
                    self._entries.setdefault(name, []).append(info)

    def read(self, name: str) -> bytes:
        path, file_name = name_in(name)
        found = self._entries.get(path) or self._entries.get(file_name) or []
        if not found:
            raise BadCell(f"no picture {file_name} in {self._path}")
        if len(found) > 1:
            raise BadCell(f"{len(found)} pictures in {self._path} are called {file_name}")
        info = found[0]
        if stat.S_ISLNK(info.external_attr >> 16):
            raise BadCell("is a link, not a picture")
        try:
            with self._zip.open(info) as opened:
                # The archive's own sizes may lie: only so many bytes are ever unpacked.
                return opened.read(LARGEST + 1)
        except (OSError, zipfile.BadZipFile, RuntimeError, EOFError, ValueError, zlib.error, lzma.LZMAError) as error:
            raise BadCell(f"cannot be unpacked: {error}") from None


class Pictures:
    """Each picture that cells name, looked at once."""

    def __init__(self, source: PictureSource) -> None:
        self._source = source
        self._seen: dict[str, Found | str] = {}

    def find(self, src: str) -> Found:
        """Raises BadCell."""
        if src not in self._seen:
            self._seen[src] = self._look(src)
        seen = self._seen[src]
        if isinstance(seen, str):
            raise BadCell(seen)
        return seen

    def _look(self, src: str) -> Found | str:
        try:
            _, name = name_in(src)
            content = self._source.read(src)
            found: Probe = probe(content)
        except (BadCell, Refused) as error:
            return f'"{src[:80]}": {error}'
        return Found(original_key(content, name, found), name[:255], found.width, found.height, found.content_type)

    def kept(self) -> dict[str, tuple[str, Found]]:
        """blob key -> (cell, picture) of every picture found."""
        return {seen.key: (src, seen) for src, seen in self._seen.items() if isinstance(seen, Found)}

    def read(self, src: str) -> bytes:
        return self._source.read(src)
