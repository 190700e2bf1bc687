"""Planted bugs: copies of the shop that have known defects, to train testers and to judge test suites.

A bug is data in bugs.toml: texts of the shop's files, each with the wrong text that takes its place. The shop itself
knows nothing of bugs, and only a copy ever has some.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Literal, NoReturn

import msgspec

from hypermart.settings import PLANTED, ROOT, BadSetting, load

PACKAGE = Path(__file__).resolve().parents[1]
IN_PACKAGE = "src/hypermart/"
CHANGED = ("templates", "static", "migrations")
"""Folders beside src/hypermart that a bug may change: they are copied, all others are linked."""
PICTURES = "demo/art-prints"
"""Of the package: 15 MB that no bug changes."""

Area = Literal["money", "stock", "caching", "accessibility", "forms", "security", "lists"]


class Change(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`right` stands exactly once in `file`, which is named as in a checkout."""

    file: str
    right: str
    wrong: str


class Bug(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    number: int
    area: Area
    title: str
    """What a user sees of it."""
    hint: str
    """Where to look, and what is wrong there."""
    changes: tuple[Change, ...]


class _File(msgspec.Struct, forbid_unknown_fields=True):
    bugs: tuple[Bug, ...]


@cache
def known() -> Mapping[int, Bug]:
    read = msgspec.toml.decode((PACKAGE / "qa" / "bugs.toml").read_bytes(), type=_File)
    return {bug.number: bug for bug in read.bugs}


def named(text: str) -> tuple[Bug, ...]:
    """The bugs that `text` names, like 3,7. Raises BadSetting."""
    words = [word for word in re.split(r"[,\s]+", text) if word]
    unknown = [word for word in words if not (word.isdecimal() and int(word) in known())]
    if unknown or not words:
        wrong = f"{', '.join(unknown)} is no bug" if unknown else "names no bug"
        raise BadSetting(f"BUGS={text!r}: {wrong}: use numbers from 1 to {max(known())}, like 3,7")
    return tuple(known()[number] for number in sorted({int(word) for word in words}))


def start_again(arguments: Sequence[str], environ: Mapping[str, str]) -> NoReturn:
    """This process goes on as the same command in a copy of the shop with the bugs that BUGS names.

    The copy lives in DATA_DIR, and the next start removes it. Raises BadSetting: bugs are for QA mode alone.
    """
    given = environ["BUGS"]
    settings = load(environ)
    if settings.mode != "qa":
        raise BadSetting(f"BUGS={given!r} is for QA mode alone: set MODE=qa, or unset BUGS")
    bugs = named(given)
    copies = settings.data / "bugs"
    copies.mkdir(parents=True, exist_ok=True)
    for old in copies.iterdir():
        if old.name.isdecimal() and (int(old.name) == os.getpid() or not _is_running(int(old.name))):
            shutil.rmtree(old, ignore_errors=True)
    plant(bugs, copy := copies / str(os.getpid()))
    around = {name: value for name, value in environ.items() if name != "BUGS"}
    around = inside(copy, {**around, "DATA_DIR": str(settings.data)})
    os.execve(sys.executable, [sys.executable, "-m", "hypermart", *arguments], around)  # noqa: S606  (our own program)


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # somebody else's
    return True


def plant(bugs: Iterable[Bug], copy: Path) -> None:
    """`copy` is a checkout of this shop that has the bugs. What is large, and what nobody changes, is linked."""
    _copied(PACKAGE, copy / IN_PACKAGE)
    (copy / IN_PACKAGE / PICTURES).symlink_to(PACKAGE / PICTURES)
    for folder in CHANGED:
        _copied(ROOT / folder, copy / folder)
    for entry in ROOT.iterdir():
        if entry.name not in (*CHANGED, "src", "var", PLANTED) and not entry.name.startswith("."):
            (copy / entry.name).symlink_to(entry.resolve())
    numbers = [_planted(bug, copy) for bug in bugs]
    (copy / PLANTED).write_text(f"{','.join(map(str, numbers))}\n")


def _copied(source: Path, target: Path) -> None:
    pictures = PICTURES.rpartition("/")[2]
    shutil.copytree(source, target, ignore=shutil.ignore_patterns(pictures))


def _planted(bug: Bug, copy: Path) -> int:
    for path, text in changed(bug, copy).items():
        path.write_text(text)
        for compiled in path.parent.glob(f"__pycache__/{path.stem}.*.pyc"):
            compiled.unlink()  # it may be of the same second and size
    return bug.number


def changed(bug: Bug, root: Path) -> dict[Path, str]:
    """The files of the shop in `root` as they are with the bug. Raises ValueError where its texts are not found."""
    texts: dict[Path, str] = {}
    for change in bug.changes:
        path = root / change.file
        before = texts.get(path) or path.read_text()
        if (count := before.count(change.right)) != 1:
            raise ValueError(f"bug {bug.number}: {change.right!r} stands {count} times in {change.file}")
        texts[path] = before.replace(change.right, change.wrong)
    return texts


def inside(copy: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """`environ` of a process whose shop is `copy`."""
    paths = [str(copy / "src"), *filter(None, [environ.get("PYTHONPATH")])]
    programs = [str(Path(sys.executable).parent), *filter(None, [environ.get("PATH")])]
    more = {"ROOT": str(copy), "PYTHONPATH": os.pathsep.join(paths), "PATH": os.pathsep.join(programs)}
    return {**environ, **more}


def run(bugs: Iterable[Bug], command: Sequence[str]) -> int:
    """Runs `command` where `import hypermart` finds a copy with the bugs; gives its exit code."""
    with tempfile.TemporaryDirectory(prefix="hypermart-bugs-") as folder:
        plant(bugs, copy := Path(folder, "shop"))
        try:
            return subprocess.run(command, env=inside(copy, os.environ), check=False).returncode
        except FileNotFoundError:
            sys.stderr.write(f"hypermart: there is no program called {command[0]}\n")
            return 127


def main(arguments: Sequence[str]) -> int:
    """`python -m hypermart.qa.bugs [--show N | NUMBERS -- COMMAND]`; without anything, a list of all bugs.

    `none` for the numbers is a copy without any: what is red there is no bug's doing.
    """
    ours, command = list(arguments), list[str]()
    if "--" in ours:
        place = ours.index("--")
        ours, command = ours[:place], ours[place + 1 :]
    parser = argparse.ArgumentParser(
        prog="python -m hypermart.qa.bugs", description=main.__doc__, usage="%(prog)s [--show N | NUMBERS -- COMMAND]"
    )
    parser.add_argument("numbers", nargs="?", help="which bugs to plant, like 3,7, or none")
    parser.add_argument("--show", metavar="N", help="where this bug is, and what is wrong there")
    args = parser.parse_args(ours)
    try:
        if args.show:
            sys.stdout.write("\n".join(map(_spoiler, named(args.show))))
        elif args.numbers and command:
            return run(() if args.numbers == "none" else named(args.numbers), command)
        elif args.numbers or command:
            parser.error("give both the bugs and, after --, what to run")
        else:
            sys.stdout.writelines(f"{bug.number:3}  {bug.area:14}{bug.title}\n" for bug in known().values())
    except BadSetting as refusal:
        sys.stderr.write(f"hypermart: {refusal}\n")
        return 2
    return 0


def _spoiler(bug: Bug) -> str:
    lines = [f"{bug.number}. {bug.title} ({bug.area})", bug.hint]
    for change in bug.changes:
        lines += [change.file, *(f"- {line}" for line in change.right.strip("\n").split("\n"))]
        lines += [f"+ {line}" for line in change.wrong.strip("\n").split("\n")]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
