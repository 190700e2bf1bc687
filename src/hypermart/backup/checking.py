"""Whether a backup is whole: every file that its manifest names, as it was written, and no other."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

from hypermart.backup import manifest as manifests
from hypermart.backup.files import found, read_rows
from hypermart.backup.manifest import Manifest, table_path
from hypermart.db import migrate
from hypermart.errors import Refused
from hypermart.ports import Progress


def check(folder: Path, migrations: Path, progress: Progress) -> Manifest:
    """Gives what it is of. Raises Refused, which names what is wrong. Reads all of it, and needs no database."""
    manifest = manifests.read(folder)
    if not migrate.knows(migrations, manifest.revision):
        raise Refused(
            f"{folder} is of a newer shop: install hypermart {manifest.shop} ({manifest.revision} is not known here)"
        )
    _check_names(folder, manifest)
    files = manifest.files
    for place, (name, kept) in enumerate(files.items()):
        progress("checking", place / len(files))
        try:
            is_same = found(folder / name) == kept
        except OSError as error:
            raise Refused(f"{name} cannot be read: {error.strerror}") from None
        if not is_same:
            raise Refused(f"{name} is not what was written: it is torn, was changed, or is of another backup")
    for name, table in manifest.tables.items():
        widths = Counter(len(row) for row in read_rows(folder / table_path(name)))
        if widths != Counter({len(table.columns): table.rows}):
            raise Refused(f"{table_path(name)} holds {widths.total()} rows, and the manifest says {table.rows}")
    progress("checking", 1)
    return manifest


def _check_names(folder: Path, manifest: Manifest) -> None:
    there = {
        Path(parent, name).relative_to(folder).as_posix() for parent, _, names in os.walk(folder) for name in names
    }
    expected = {*manifest.files, manifests.NAME}
    if missing := sorted(expected - there):
        raise Refused(f"{missing[0]} is missing from {folder}" + _more(missing))
    if extra := sorted(there - expected):
        raise Refused(f"{extra[0]} is in {folder} and not in its manifest" + _more(extra))


def _more(names: list[str]) -> str:
    return f", and {len(names) - 1} more" if len(names) > 1 else ""
