"""The types of metafield columns: told from all values of a file, or already fixed in the shop."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal

from hypermart.domain.imports.problems import BadCell

TYPES = ("number", "boolean", "url", "text")
_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,14})(\.[0-9]{1,9})?")
_URL = re.compile(r"https?://[^\s<>\"'{}|\\^`]{1,2000}")


def fits(type_: str, value: str) -> bool:
    """A number with leading zeros is a code, so it does not fit 'number'."""
    if type_ == "number":
        return bool(_NUMBER.fullmatch(value))
    if type_ == "boolean":
        return value.casefold() in ("true", "false")
    if type_ == "url":
        return bool(_URL.fullmatch(value))
    return True


def canonical(type_: str, value: str) -> str:
    if type_ == "number":
        return f"{Decimal(value).normalize() + 0:f}"
    return value.casefold() if type_ == "boolean" else value


class Types:
    """Narrows each column's type value by value; a type that the shop has already fixed refuses what does not fit."""

    def __init__(self, fixed: Mapping[str, str]) -> None:
        self._fixed = dict(fixed)
        self._open: dict[str, list[str]] = {}

    def see(self, code: str, value: str) -> None:
        if fixed := self._fixed.get(code):
            if not fits(fixed, value):
                raise BadCell(f'"{value[:40]}" is not a {fixed}, as {code} is in this shop')
            return
        left = self._open.get(code, list(TYPES))
        self._open[code] = [each for each in left if fits(each, value)]

    def known(self) -> dict[str, str]:
        """code -> type, for every column that has a value anywhere."""
        return self._fixed | {code: left[0] for code, left in self._open.items()}
