"""The manifest: what a backup is of, and each of its files with the digest by which it is known again."""

from __future__ import annotations

import hashlib
from datetime import datetime
from pathlib import Path

import msgspec

from hypermart.db.moment import Position
from hypermart.errors import Refused

FORMAT = 1
NAME = "manifest.json"
SECRET = "secret"  # noqa: S105  (the name of a file)
BLOBS = "blobs"


class Kept(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One file."""

    size: int
    sha256: str


class KeptTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    file: Kept
    columns: tuple[str, ...]
    rows: int


class Manifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    format: int = FORMAT
    shop: str
    """The version of hypermart that made it."""
    revision: str
    """Of the database's schema."""
    at: datetime
    """By the shop's clock, just before the moment: what was confirmed by then is in it."""
    dialect: str
    position: Position | None
    tables: dict[str, KeptTable]
    blobs: dict[str, Kept]
    lost: list[str]
    """Pictures that rows name and that were not there to be kept."""
    secret: Kept | None
    """What signs links, of a shop that made it itself."""
    digest: str = ""
    """Of all of the above."""

    @property
    def rows(self) -> int:
        return sum(table.rows for table in self.tables.values())

    @property
    def files(self) -> dict[str, Kept]:
        """Every file of the folder but the manifest, by its path in it."""
        tables = {table_path(name): table.file for name, table in self.tables.items()}
        blobs = {f"{BLOBS}/{key}": kept for key, kept in self.blobs.items()}
        return tables | blobs | ({SECRET: self.secret} if self.secret else {})


def table_path(name: str) -> str:
    return f"tables/{name}.jsonl.gz"


def encoded(manifest: Manifest) -> bytes:
    """The manifest as it is in its file, with its own digest."""
    manifest = msgspec.structs.replace(manifest, digest=_digest(manifest))
    return msgspec.json.format(msgspec.json.encode(manifest), indent=1)


def read(folder: Path) -> Manifest:
    """The manifest of the backup in `folder`. Raises Refused."""
    try:
        content = (folder / NAME).read_bytes()
    except OSError as error:
        raise Refused(f"{folder} is no backup: {NAME}: {error.strerror}") from None
    try:
        version = msgspec.json.decode(content, type=_Version).format
        if version != FORMAT:
            raise Refused(f"{folder} has format {version}, and this shop reads {FORMAT}: take another version of it")
        manifest = msgspec.json.decode(content, type=Manifest)
    except msgspec.DecodeError as error:
        raise Refused(f"{NAME} is torn, or not of a backup: {error}") from None
    if manifest.digest != _digest(manifest):
        raise Refused(f"{NAME} was changed after it was written")
    return manifest


class _Version(msgspec.Struct):
    format: int


def _digest(manifest: Manifest) -> str:
    return hashlib.sha256(msgspec.json.encode(msgspec.structs.replace(manifest, digest=""))).hexdigest()
