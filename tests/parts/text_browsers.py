"""edbrowse and lynx, driven by scripts of what a person would type. Neither runs JavaScript here."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable
from pathlib import Path

from hypermart.qa.tools import need


def edbrowse(lines: Iterable[str], home: Path) -> str:
    """What edbrowse printed for its commands. A command that fails prints its reason, because of H."""
    program = need("edbrowse")
    (home / ".ebrc").touch()
    script = "\n".join(["js-", "H", *lines, "qt", ""])
    environment = os.environ | {"HOME": str(home), "LANG": "C.UTF-8"}
    command = [program]
    done = subprocess.run(
        command, input=script, env=environment, check=False, capture_output=True, text=True, timeout=60
    )
    return done.stdout


class Lynx:
    """A person at the keyboard of lynx. The keys are collected, and pressed by read()."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._keys: list[str] = []
        self._saved: list[Path] = []

    def find(self, text: str) -> None:
        """To the first place that says `text`, and to the link or field there."""
        self.press("/", *text, "^J")

    def search(self, words: str) -> None:
        """In the field at the top of every page: after the skip link and the name of the shop."""
        self.press("Home", "Down Arrow", "Down Arrow", "^J", *words, "^J", "^J")

    def type(self, label: str, words: str) -> None:
        """Into the field there, instead of what it holds."""
        self.find(label)
        self.press("^J", "^U", *words, "Down Arrow")

    def choose(self, text: str) -> None:
        """A radio button or a box."""
        self.follow(text)

    def press(self, *keys: str) -> None:
        self._keys += keys

    def follow(self, text: str) -> None:
        self.find(text)
        self.press("^J")

    def save(self) -> None:
        """Keeps what the page says now, for read()."""
        path = self._folder / f"page{len(self._saved)}.txt"
        self._saved.append(path)
        self._keys += ["p", "^J", "^U", *str(path), "^J"]

    def read(self, url: str) -> list[str]:
        """The saved pages, in order, with one blank between words."""
        script = self._folder / "keys"
        script.write_text("".join(f"key {key}\n" for key in [*map(_name, self._keys), "q", "y"]))
        # Fields are typed into once ^J was pressed on them (-tna): a / there would be a letter of it.
        options = ["-nopause", "-nocolor", "-display_charset=utf-8", "-tna", "-accept_all_cookies"]
        command = [need("lynx"), f"-cmd_script={script}", *options, url]
        environment = os.environ | {"HOME": str(self._folder), "LANG": "C.UTF-8", "TERM": "vt100", "LINES": "50"}
        subprocess.run(command, env=environment, check=False, capture_output=True, stdin=subprocess.DEVNULL, timeout=60)
        return [" ".join(path.read_text().split()) if path.exists() else "" for path in self._saved]


def _name(key: str) -> str:
    return {" ": "<space>"}.get(key, key)
