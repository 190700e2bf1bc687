"""A finding: what a look at one part of a shop has shown, in one line; a problem names its fix."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Literal, TypeAlias

import msgspec


class Finding(msgspec.Struct, frozen=True):
    level: Literal["ok", "note", "problem"]
    part: str
    words: str
    """Begin in small letters, without a full stop. Never hold a secret (case.py takes out what slips in)."""
    fix: str = ""

    @property
    def line(self) -> str:
        said = f"{self.words}. {self.fix}" if self.fix else self.words
        plain = "".join(char if char.isprintable() else " " for char in said)
        return f"{self.level:8} {self.part:10} {' '.join(plain.split())}"


Findings: TypeAlias = AsyncIterator[Finding]


def ok(part: str, words: str) -> Finding:
    return Finding("ok", part, words)


def note(part: str, words: str, fix: str = "") -> Finding:
    """Worth knowing; the shop works as it is."""
    return Finding("note", part, words, fix)


def problem(part: str, words: str, fix: str = "") -> Finding:
    return Finding("problem", part, words, fix)


def told(error: BaseException) -> str:
    """What an error says, in one short line."""
    return " ".join(str(getattr(error, "orig", None) or error).split())[:200] or type(error).__name__
