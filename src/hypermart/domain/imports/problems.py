"""What can be wrong with an import: a file that cannot be used at all, or cells that are refused one by one."""

from __future__ import annotations

import msgspec

from hypermart.errors import Refused

SHOWN = 50
"""Refusals kept in words; the rest is counted."""


class Unusable(Refused):
    """Nothing can be read from what was given; the message is one line with the fix."""


class BadCell(Exception):
    """A cell says something that cannot be taken; the message is the reason."""


class Problem(msgspec.Struct, frozen=True, order=True):
    line: int
    column: str
    reason: str


class Problems:
    """Collects every refusal of one file."""

    def __init__(self) -> None:
        self.first: list[Problem] = []
        self.count = 0

    def add(self, line: int, column: str, reason: str) -> None:
        self.count += 1
        if len(self.first) < SHOWN:
            self.first.append(Problem(line, column, reason))
