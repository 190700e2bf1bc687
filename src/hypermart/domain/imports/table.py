"""Reads a CSV file as a stream of rows with line numbers, whatever program wrote it. Knows no column's meaning."""

from __future__ import annotations

import codecs
import csv
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any, BinaryIO, TextIO

import msgspec

from hypermart.domain.imports.problems import Unusable

LINE_LIMIT = 1 << 20
"""Characters of one line: a file without line ends must not fill the memory. A cell ends at csv.field_size_limit()."""
BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
DELIMITERS = ",;\t"


class Row(msgspec.Struct, frozen=True):
    line: int
    """Where the row begins, counted from 1."""
    cells: list[str]
    read: float
    """Share of the file that has been read."""


def rows(path: Path, knows: Callable[[str], bool]) -> Iterator[Row]:
    """The header first, then every row that has a word in it. `knows` tells a column's name, to find the delimiter."""
    try:
        if not path.is_file():
            what = "is a folder" if path.is_dir() else "does not exist" if not path.exists() else "is not a plain file"
            raise Unusable(f"{path} {what}: give the CSV file that Shopify exported")
        size = path.stat().st_size
        if not size:
            raise Unusable(f"{path} is empty: export the products again")
        with path.open("rb") as raw:
            encoding = _encoding(raw)
        with path.open(encoding=encoding, newline="") as text:
            yield from _parsed(path, text, size, knows)
    except OSError as error:
        raise Unusable(f"{path} cannot be read: {error.strerror}") from None


def _encoding(raw: BinaryIO) -> str:
    start = raw.read(4096)
    for bom, encoding in BOMS:
        if start.startswith(bom):
            return encoding
    # Without a mark: ASCII text in UTF-16 is every other byte zero.
    if len(start) > 3 and start[1] == 0 and start[3] == 0 and start[0] and start[2]:
        return "utf-16-le"
    if len(start) > 3 and start[0] == 0 and start[2] == 0 and start[1] and start[3]:
        return "utf-16-be"
    return "utf-8"


def _parsed(path: Path, text: TextIO, size: int, knows: Callable[[str], bool]) -> Iterator[Row]:
    reader: Any = None
    try:
        lines = _lines(path, text)
        first = next(lines, "")
        delimiter = _delimiter(first, knows)
        reader = csv.reader(_chain(first, lines), delimiter=delimiter, strict=True)
        line = 1
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield Row(line, cells, min(1.0, text.buffer.tell() / size))
            line = reader.line_num + 1
    except UnicodeError:
        raise Unusable(f"{path}{_undecodable(path)} is not UTF-8 text: save it as 'CSV UTF-8'") from None
    except csv.Error as error:
        at = reader.line_num if reader else 1
        raise Unusable(f"{path}:{at}: {_explained(str(error))}") from None


def _undecodable(path: Path) -> str:
    """`:LINE` of the first line that is not UTF-8. The reader cannot tell: it decodes in blocks."""
    with path.open("rb") as raw:
        for number, line in enumerate(iter(lambda: raw.readline(LINE_LIMIT), b""), start=1):
            try:
                line.decode()
            except UnicodeDecodeError:
                return f":{number}:"
    return ":"


def _lines(path: Path, text: TextIO) -> Iterator[str]:
    number = 0
    while line := text.readline(LINE_LIMIT):
        number += 1
        if len(line) == LINE_LIMIT:
            raise Unusable(f"{path}:{number}: the line is longer than {LINE_LIMIT:,} characters: is this a CSV file?")
        yield line


def _chain(first: str, rest: Iterator[str]) -> Iterator[str]:
    yield first
    yield from rest


def _delimiter(header: str, knows: Callable[[str], bool]) -> str:
    """The one that cuts the header into the most columns we know."""

    def known(delimiter: str) -> int:
        cells: Collection[str] = next(iter(csv.reader([header], delimiter=delimiter)), [])
        return sum(knows(cell) for cell in cells)

    return max(DELIMITERS, key=known)


def _explained(error: str) -> str:
    if "field larger" in error:
        return (
            f"a cell is longer than {csv.field_size_limit():,} characters: shorten it, or look for a quote not closed"
        )
    if "unexpected end" in error:
        return 'a quoted cell is not closed: the file is cut off, or a " is missing'
    if "expected after" in error:
        return 'text follows a closing quote: a " inside a cell must be doubled'
    return f"not a CSV row ({error})"
