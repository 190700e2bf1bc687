"""What an import did, in numbers and words for a person."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from hypermart.domain.imports.problems import Problem


class Counts(msgspec.Struct):
    created: int = 0
    changed: int = 0
    unchanged: int = 0
    removed: int = 0

    @property
    def total(self) -> int:
        return self.created + self.changed + self.unchanged

    def __str__(self) -> str:
        text = f"{self.created} created, {self.changed} changed, {self.unchanged} unchanged"
        return f"{text}, {self.removed} removed" if self.removed else text


class Summary(msgspec.Struct):
    products: Counts = msgspec.field(default_factory=Counts)
    variants: Counts = msgspec.field(default_factory=Counts)
    pictures: Counts = msgspec.field(default_factory=Counts)
    refused: int = 0
    problems: list[Problem] = []
    notes: list[str] = []
    is_dry: bool = False

    def problem_lines(self, file: str) -> Iterator[str]:
        """`FILE:LINE: COLUMN: reason`, in the order of the file."""
        for each in self.problems:
            yield f"{file}:{each.line}: {each.column}: {each.reason}"
        if self.refused > len(self.problems):
            yield f"and {self.refused - len(self.problems)} more"

    def lines(self) -> Iterator[str]:
        for name in ("products", "variants", "pictures"):
            yield f"{name}: {getattr(self, name)}, 0 refused"
        yield from self.notes
        if self.is_dry:
            yield "Nothing was kept: this was a dry run."
