"""A backup that is not whole is refused in one line that names what is wrong, before anything is written."""

from __future__ import annotations

import gzip
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from hypermart.backup import manifest as manifests
from hypermart.backup.files import found
from hypermart.backup.manifest import BLOBS, NAME, KeptTable, Manifest, encoded
from hypermart.settings import Settings
from tests.backup.conftest import Empty, Run, own

ORDERS, PRODUCTS = "tables/orders.jsonl.gz", "tables/products.jsonl.gz"


def cut(folder: Path) -> str:
    content = (folder / PRODUCTS).read_bytes()
    (folder / PRODUCTS).write_bytes(content[:-9])
    return PRODUCTS


def flip_a_bit(folder: Path) -> str:
    content = bytearray((folder / PRODUCTS).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / PRODUCTS).write_bytes(content)
    return PRODUCTS


def flip_a_bit_of_a_picture(folder: Path) -> str:
    path = next((folder / BLOBS).rglob("*.jpg"))
    content = bytearray(path.read_bytes())
    content[1000] ^= 1
    path.write_bytes(content)
    return path.name


def lose_a_table(folder: Path) -> str:
    (folder / ORDERS).unlink()
    return f"{ORDERS} is missing"


def lose_a_picture(folder: Path) -> str:
    path = next((folder / BLOBS).rglob("*.jpg"))
    path.unlink()
    return f"{path.name} is missing"


def add_a_file(folder: Path) -> str:
    (folder / "tables" / "coupons.jsonl.gz").write_bytes(gzip.compress(b""))
    return "coupons.jsonl.gz is in"


def changed(folder: Path, change: Callable[[Manifest], Manifest]) -> None:
    """The manifest says something else, with a digest that is right."""
    (folder / NAME).write_bytes(encoded(change(manifests.read(folder))))


def with_table(manifest: Manifest, name: str, table: KeptTable) -> Manifest:
    return msgspec.structs.replace(manifest, tables=manifest.tables | {name: table})


def count_wrongly(folder: Path) -> str:
    def change(manifest: Manifest) -> Manifest:
        table = manifest.tables["products"]
        return with_table(manifest, "products", msgspec.structs.replace(table, rows=table.rows + 1))

    changed(folder, change)
    return "the manifest says 63"


def leave_a_value_out(folder: Path) -> str:
    """By somebody who knows how to write a digest."""
    lines = gzip.decompress((folder / PRODUCTS).read_bytes()).splitlines(keepends=True)
    lines[3] = b"[1]\n"
    (folder / PRODUCTS).write_bytes(gzip.compress(b"".join(lines)))

    def change(manifest: Manifest) -> Manifest:
        table = msgspec.structs.replace(manifest.tables["products"], file=found(folder / PRODUCTS))
        return with_table(manifest, "products", table)

    changed(folder, change)
    return PRODUCTS


def come_from_a_newer_shop(folder: Path) -> str:
    changed(folder, lambda manifest: msgspec.structs.replace(manifest, revision="9999"))
    return "newer shop"


def have_another_format(folder: Path) -> str:
    content = (folder / NAME).read_bytes()
    (folder / NAME).write_bytes(content.replace(b'"format": 1', b'"format": 2, "pages": 7'))
    return "has format 2"


def change_the_manifest(folder: Path) -> str:
    content = (folder / NAME).read_bytes()
    (folder / NAME).write_bytes(re.sub(rb'"revision": "\d+"', b'"revision": "0004"', content))
    return "manifest.json was changed"


def cut_the_manifest(folder: Path) -> str:
    content = (folder / NAME).read_bytes()
    (folder / NAME).write_bytes(content[: len(content) // 2])
    return "manifest.json is torn"


def have_no_manifest(folder: Path) -> str:
    (folder / NAME).unlink()
    return "is no backup"


def mix_two_backups(folder: Path) -> str:
    """Of the same shop with other prices, so that names and counts are the same."""
    path = folder / PRODUCTS
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes()).replace(b"Print", b"print")))
    return f"{PRODUCTS} is not what was written"


FAULTS = [
    cut,
    flip_a_bit,
    flip_a_bit_of_a_picture,
    lose_a_table,
    lose_a_picture,
    add_a_file,
    count_wrongly,
    leave_a_value_out,
    come_from_a_newer_shop,
    have_another_format,
    change_the_manifest,
    cut_the_manifest,
    have_no_manifest,
    mix_two_backups,
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_it_is_refused(
    fault: Callable[[Path], str], demo_backup: Path, run: Run, demo_settings: Settings, tmp_path: Path
) -> None:
    folder = tmp_path / "backup"
    shutil.copytree(demo_backup, folder)
    words = fault(folder)
    code, said, complaint = run(demo_settings, "restore", str(folder), "--verify-only")
    assert (code, said) == (2, "")
    assert words in complaint


def test_what_is_whole_is_not(demo_backup: Path, run: Run, demo_settings: Settings) -> None:
    code, said, _ = run(demo_settings, "restore", str(demo_backup), "--verify-only")
    assert (code, said[: said.index(" is whole")]) == (0, str(demo_backup))


def test_nothing_is_written_before_all_is_read(demo_backup: Path, run: Run, empty: Empty, tmp_path: Path) -> None:
    folder, new = tmp_path / "backup", empty(own())
    shutil.copytree(demo_backup, folder)
    cut(folder)
    assert run(new, "restore", str(folder))[0] == 2
    assert not (new.data / "blobs").exists()
    shutil.copy(demo_backup / PRODUCTS, folder / PRODUCTS)
    assert run(new, "restore", str(folder))[0] == 0, "the database is as empty as it was"
