"""A text browser in a terminal of its own (tmux), driven by the keys that a person would press."""

from __future__ import annotations

import shlex
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

import msgspec

from hypermart.qa.tools import need

#: So tall that a page fits, and all of it can be read at once.
WIDTH, HEIGHT = 110, 300
PATIENCE = 10.0
SETTLED = 0.15
"""Seconds that a screen stays as it is before it is believed."""
MOMENT, MOMENTS = 0.02, 15
"""A key that moves nothing in that time moves nothing."""


class Keys(msgspec.Struct, frozen=True):
    """How one browser is spoken to."""

    options: str
    next: tuple[str, ...]
    """To the next link or field."""
    back: tuple[str, ...]
    """To the one before."""
    before: tuple[str, ...]
    """In a field, before one types: what it holds goes."""
    after: str
    """When one has typed."""
    reload: str


ARROWS = (("Down",), ("Up",))
CONFIRM = "-eval 'set document.browse.forms.confirm_submit = 0'"
BROWSERS = {
    "w3m": Keys("-cookie -o confirm_qq=0", ("Tab",), ("Escape", "Tab"), ("Enter", "C-u"), "Enter", "R"),
    "links2": Keys("", *ARROWS, ("End", "C-u"), "Down", "C-r"),
    "elinks": Keys(f"-no-connect 1 {CONFIRM}", *ARROWS, ("Enter", "End", "C-u"), "Down", "C-r"),
}


class NotReached(Exception):
    """What a person would have looked for in vain."""


class Screen(NamedTuple):
    rows: list[str]
    column: int
    row: int

    def is_at(self, text: str) -> bool:
        """The cursor is at the beginning of `text`; on buttons some browsers put it a little further."""
        found = self.rows[self.row].find(text, max(0, self.column - 4)) if self.row < len(self.rows) else -1
        return 0 <= found <= self.column + 1

    def row_of(self, text: str) -> int:
        return next((number for number, row in enumerate(self.rows) if text in row), -1)


class TextBrowser:
    """One browser at one address, until the end of the block."""

    def __init__(self, name: str, url: str, home: Path) -> None:
        self._keys = BROWSERS[name]
        self._tmux = [need("tmux"), "-L", f"{home.name}-{name}", "-f", "/dev/null"]
        home.mkdir(exist_ok=True)
        surroundings = f"env HOME={shlex.quote(str(home))} LANG=C.UTF-8 TERM=xterm"
        command = f"{surroundings} {need(name)} {self._keys.options} {shlex.quote(url)}"
        self._ask("new-session", "-d", "-x", str(WIDTH), "-y", str(HEIGHT), command)
        if self.settled().row_of("Welcome") >= 0:
            self.press("Enter")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        subprocess.run([*self._tmux, "kill-server"], check=False, capture_output=True)

    def _ask(self, *command: str) -> str:
        return subprocess.run([*self._tmux, *command], check=True, capture_output=True, text=True).stdout

    def screen(self) -> Screen:
        column, row = self._ask("display-message", "-p", "#{cursor_x} #{cursor_y}").split()
        return Screen(self._ask("capture-pane", "-p").split("\n"), int(column), int(row))

    def settled(self, pause: float = SETTLED) -> Screen:
        """The screen once it stays as it is."""
        before, deadline = self.screen(), time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            time.sleep(pause)
            if (now := self.screen()) == before:
                return now
            before = now
        raise NotReached("the screen does not come to rest")

    def press(self, *keys: str) -> None:
        self._ask("send-keys", *keys)

    def read(self, text: str) -> None:
        """Waits until the page says `text`."""
        deadline = time.monotonic() + PATIENCE
        while (screen := self.screen()).row_of(text) < 0:
            if time.monotonic() > deadline:
                raise NotReached(f"{text!r} is not on:\n" + "\n".join(row for row in screen.rows if row.strip()))
            time.sleep(SETTLED)

    def follow(self, text: str) -> None:
        """A link or a button that begins so."""
        self._go(lambda screen: screen.is_at(text), text)
        self.press("Enter")
        self.settled()

    def reload(self) -> None:
        """links2 and elinks show a page as they have seen it before, whatever its Cache-Control says."""
        self.press(self._keys.reload)
        self.settled()

    def choose(self, text: str) -> None:
        """A radio button or a box."""
        wanted = self.settled().row_of(text)
        self._go(lambda screen: screen.row == wanted, text)
        self.press("Enter")
        self.settled()

    def type(self, label: str, words: str) -> None:
        """Into the field that comes after its label, or after what is wrong with it."""
        labelled = self.settled().row_of(label)
        self._go(lambda screen: screen.row >= labelled, label)
        self.press(*self._keys.before)
        self._ask("send-keys", "-l", words)
        self.press(self._keys.after)
        self.settled()

    def _go(self, is_there: Callable[[Screen], bool], text: str) -> None:
        """From link to link, to the end of the page and then back to its beginning."""
        for keys in (self._keys.next, self._keys.back):
            screen, moved = self.settled(), True
            while moved and not is_there(screen):
                self.press(*keys)
                screen, moved = self._changed(screen)
            if is_there(screen):
                return
        raise NotReached(f"no way leads to {text!r} on:\n" + "\n".join(filter(str.strip, screen.rows)))

    def _changed(self, before: Screen) -> tuple[Screen, bool]:
        for _ in range(MOMENTS):
            if self.screen() != before:
                return self.settled(MOMENT), True
            time.sleep(MOMENT)
        return before, False
