"""The docs say only what there is: commands that can be given, pages and files that are there, what the doctor says."""

from __future__ import annotations

import argparse
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from hypermart.cli import _parser
from hypermart.settings import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
OURS = [ROOT / "docs" / name for name in ("operations.md", "growing.md", "migrations.md")]
"""Whose files are all looked for; older pages shorten paths in ways of their own."""
PLACES = (ROOT, ROOT / "src" / "hypermart", ROOT / "docs")
COMMAND = re.compile(r"(?:^|[\s/])hypermart ((?:[a-z]+)(?: .*)?)$")
FILE = re.compile(r"(?<![\w/.<-])((?:[a-z_]+/)+[\w.@-]*\w)(?![\w/*])")
FOLDERS = tuple(f"{name}/" for name in "deploy docs src tests db domain jobs web stack templates migrations".split())


def code(page: Path) -> Iterator[str]:
    """What stands in backquotes, and the lines of indented and fenced blocks."""
    text = page.read_text()
    yield from re.findall(r"`([^`\n]+)`", re.sub(r"(?ms)^```.*?^```", "", text))
    yield from re.findall(r"(?m)^ {4,}(.+)$", text)


def commands(page: Path) -> Iterator[str]:
    """As they would be typed: without what is before, behind, optional, or explained."""
    for line in code(page):
        for part in re.split(r"\s*(?:&&|\|\||[|;])\s*", re.split(r"\s{2,}#?", line.strip())[0]):
            found = COMMAND.search(part.split(" <")[0].split(" > ")[0])
            if found:
                yield re.sub(r"\s*\[[^\]]*\]|\.\.\.|…", "", found[1])


def parses(words: list[str], parser: argparse.ArgumentParser) -> bool:
    values = {"ID": "1", "N": "1", "NUMBER": "1"}
    try:
        parser.parse_args([values.get(word, word) for word in words])
    except SystemExit:
        return False
    return True


def is_a_name(words: list[str], parser: argparse.ArgumentParser) -> bool:
    """`words` name a command that takes more, as text does: hypermart outbox."""
    for word in words:
        verbs = [each.choices for each in parser._actions if isinstance(each, argparse._SubParsersAction)]
        if not verbs or word not in verbs[0]:
            return False
        parser = verbs[0][word]
    return True


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_commands_can_be_given(page: Path, capsys: pytest.CaptureFixture[str]) -> None:
    parser = _parser()
    wrong = [
        command
        for command in commands(page)
        if not is_a_name(words := shlex.split(command), parser) and not parses(words, parser)
    ]
    assert not wrong, capsys.readouterr().err[-500:]


def test_commands_are_found() -> None:
    found = {*commands(ROOT / "docs" / "operations.md")}
    assert {"doctor", "doctor --json", "migrate", "outbox retry --all-dead", "files /opt/hypermart/files"} <= found
    assert not parses(["outbox", "retry", "--all-alive"], _parser())
    assert not is_a_name(["backups"], _parser())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links_lead_somewhere(page: Path) -> None:
    lost = []
    for target in re.findall(r"\]\(([^)]+)\)", page.read_text()):
        name, _, heading = target.partition("#")
        if name.startswith("http"):
            continue
        there = page.parent / name if name else page
        if not there.exists() or (heading and heading not in headings(there)):
            lost.append(target)
    assert not lost


def headings(page: Path) -> set[str]:
    """As forges make anchors of them."""
    found = re.findall(r"(?m)^#+ (.+)$", page.read_text())
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in found}


@pytest.mark.parametrize("page", OURS, ids=lambda page: page.stem)
def test_files_are_there(page: Path) -> None:
    named = {name for line in code(page) for name in FILE.findall(line) if name.startswith(FOLDERS)}
    assert named
    lost = [name for name in named if not any((place / name.partition("@")[0]).exists() for place in PLACES)]
    assert not lost


def test_what_the_doctor_is_said_to_say() -> None:
    """The second column of the table of symptoms."""
    text = (ROOT / "docs" / "operations.md").read_text()
    table = text[text.index("| what is seen |") :].partition("\n\n")[0]
    said = [line for row in table.splitlines()[2:] for line in re.findall(r"`([^`]+)`", row.split(" | ")[1])]
    assert len(said) > 20
    source = "\n".join(path.read_text() for path in (ROOT / "src" / "hypermart").rglob("*.py"))
    assert not [line for line in said if line not in source]
