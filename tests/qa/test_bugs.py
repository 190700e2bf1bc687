"""Planted bugs: each is where bugs.toml says, is caught by the tests named for it, and never gets into a real shop."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import httpx
import pytest

from hypermart.qa import bugs
from hypermart.qa.bugs import Area, Bug
from hypermart.qa.tools import need
from hypermart.settings import PLANTED, ROOT, BadSetting
from hypermart.templating import environment
from tests.parts import databases
from tests.parts.planted import run_tests
from tests.parts.server import free_port
from tests.qa.bug_table import PAGE, patterns_of, told
from tests.qa.named import NAMED, needs_browser

BUGS = tuple(bugs.known().values())
EVERY = ",".join(str(bug.number) for bug in BUGS)
SELLS = "tests/qa/test_still_sells.py"
each = pytest.mark.parametrize("bug", BUGS, ids=lambda bug: str(bug.number))


@pytest.fixture
def compiled(worker: str) -> Path:
    if databases.is_mysql():
        pytest.skip("runs on SQLite: a bug is planted in the shop's files, whatever its database is")
    return databases.once("compiled", Path.mkdir)


def test_numbers_go_up_from_1_and_none_is_missing() -> None:
    assert [bug.number for bug in BUGS] == list(range(1, len(BUGS) + 1))
    assert len(BUGS) >= 18
    assert {*NAMED} == {bug.number for bug in BUGS}
    assert len({bug.title for bug in BUGS}) == len(BUGS)
    assert {bug.area for bug in BUGS} == {*get_args(Area)}


def test_the_page_tells_of_these_bugs_and_of_tests_that_exist() -> None:
    rows = told(PAGE.read_text())
    assert [row[:3] for row in rows] == [(bug.number, bug.area, bug.title) for bug in BUGS]
    for number, _, _, tests in rows:
        assert {test.partition("[")[0] for test in NAMED[number]} <= {*tests}
        for test in tests:
            file, _, name = test.partition("::")
            assert f"def {name}(" in (ROOT / file).read_text(), test


@each
def test_somebody_knows_what_to_run_for_it(bug: Bug) -> None:
    for pattern in patterns_of(bug):
        assert [*(ROOT / "tests").glob(pattern)], pattern


@each
def test_what_is_replaced_stands_there_once_and_the_rest_still_compiles(bug: Bug) -> None:
    env = environment(databases.settings(Path("var"), "sqlite+aiosqlite:///unused"))
    for path, text in bugs.changed(bug, ROOT).items():
        assert text != path.read_text()
        if path.suffix == ".py":
            compile(text, str(path), "exec")
        elif path.suffix in (".html", ".txt"):
            env.compile(text, path.name)


def test_a_text_that_has_drifted_is_seen() -> None:
    gone = Bug(1, "money", "", "", (bugs.Change("src/hypermart/money.py", "no such line", ""),))
    twice = Bug(1, "money", "", "", (bugs.Change("src/hypermart/money.py", "_same(other)", ""),))
    for bug, count in ((gone, 0), (twice, 2)):
        with pytest.raises(ValueError, match=rf"stands {count} times"):
            bugs.changed(bug, ROOT)


PLACES = [
    pytest.param(bug, id=str(bug.number), marks=[pytest.mark.browser] if needs_browser(bug.number) else [])
    for bug in BUGS
]


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("bug", PLACES)
def test_the_tests_named_for_it_fail(bug: Bug, compiled: Path) -> None:
    if needs_browser(bug.number):
        need("chromium")
    named = NAMED[bug.number]
    done = run_tests(str(bug.number), *named, compiled=compiled)
    assert (done.found, done.broken) == (tuple(sorted(named)), ()), done.output
    assert done.exit_code == 1


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_with_every_bug_at_once_it_still_sells(compiled: Path) -> None:
    done = run_tests(EVERY, SELLS, compiled=compiled)
    assert (done.found, done.broken, done.exit_code) == ((), (), 0), done.output


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_copy_without_bugs_is_the_shop_as_it_is(compiled: Path) -> None:
    done = run_tests("none", *NAMED[1], *NAMED[3], *NAMED[19], *NAMED[20], SELLS, compiled=compiled)
    assert (done.found, done.broken, done.exit_code) == ((), (), 0), done.output


KINDS = """
import pytest
@pytest.fixture
def away(): assert False
def test_asserts(): assert False
def test_raises():
    with pytest.raises(KeyError): pass
def test_breaks(): raise KeyError
def test_cannot_begin(away): pass
def test_is_content(): pass
"""


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_only_a_finding_counts(compiled: Path, tmp_path: Path) -> None:
    (tmp_path / "test_kinds.py").write_text(KINDS)
    done = run_tests("1", str(tmp_path), compiled=compiled)
    found, broken = ([test.rpartition("::")[2] for test in tests] for tests in (done.found, done.broken))
    assert (found, broken) == (["test_asserts", "test_raises"], ["test_breaks", "test_cannot_begin"])
    done = run_tests("1", f"{tmp_path}/test_kinds.py::no_such_test", compiled=compiled)
    assert (done.found, done.broken) == ((), ())
    assert done.exit_code not in (0, 1)


@pytest.mark.parametrize("text", ["0", "-1", "3,x", "1.5", "999", "²", ",", " "])
def test_what_is_no_bug_is_refused(text: str) -> None:
    with pytest.raises(BadSetting, match="use numbers from 1 to"):
        bugs.named(text)


def test_several_are_named_in_any_order() -> None:
    assert [bug.number for bug in bugs.named(" 3,1 3,")] == [1, 3]


def command(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """`hypermart` as it is installed, where nothing is set but what is said here."""
    program = str(Path(sys.executable).with_name("hypermart"))
    return subprocess.run(
        [program, *arguments], env={"PATH": os.environ["PATH"], **environ}, capture_output=True, text=True, check=False
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("mode", "subcommand"), [("production", "serve"), ("demo", "serve"), ("", "serve"), ("", "worker"), ("", "migrate")]
)
def test_bugs_are_refused_outside_of_qa_mode(mode: str, subcommand: str, tmp_path: Path) -> None:
    done = command(subcommand, BUGS="3", MODE=mode, DATA_DIR=str(tmp_path))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "hypermart: BUGS='3' is for QA mode alone: set MODE=qa, or unset BUGS\n"
    assert not [*tmp_path.iterdir()]


@pytest.mark.slow
@pytest.mark.parametrize("text", ["99", "all"])
def test_unknown_bugs_are_refused(text: str, tmp_path: Path) -> None:
    done = command("routes", BUGS=text, MODE="qa", DATA_DIR=str(tmp_path))
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert done.stderr.startswith(f"hypermart: BUGS='{text}': {text} is no bug: use numbers from 1 to ")
    assert not [*tmp_path.iterdir()]


@pytest.mark.slow
def test_an_empty_value_counts_as_not_said(tmp_path: Path) -> None:
    done = command("routes", BUGS="", MODE="production", DATA_DIR=str(tmp_path))
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["production", "demo"])
@pytest.mark.parametrize("subcommand", ["serve", "worker"])
def test_a_copy_with_bugs_opens_in_qa_mode_only_however_it_is_started(
    mode: str, subcommand: str, tmp_path: Path
) -> None:
    bugs.plant(bugs.named("1"), tmp_path / "shop")
    around = bugs.inside(tmp_path / "shop", {"DATA_DIR": str(tmp_path / "data"), "MODE": mode})
    done = command(subcommand, **around)
    assert done.returncode == 2
    assert done.stderr == f"hypermart: the shop in {tmp_path / 'shop'} has planted bugs: set MODE=qa\n"


def test_this_shop_has_none() -> None:
    assert not (ROOT / PLANTED).exists()


@contextlib.contextmanager
def started(**environ: str) -> Iterator[subprocess.Popen[str]]:
    program = str(Path(sys.executable).with_name("hypermart"))
    around = {"PATH": os.environ["PATH"], **environ}
    with subprocess.Popen([program, "serve"], env=around, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.send_signal(signal.SIGINT)
            assert process.stdout
            process.stdout.read()


def ready_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    return next(line for line in process.stdout if "is open" in line)


@pytest.mark.slow
def test_a_shop_with_bugs_says_so_and_its_copy_is_gone_with_the_next_start(tmp_path: Path) -> None:
    if databases.is_mysql():
        pytest.skip("runs on SQLite: a bug is planted in the shop's files, whatever its database is")
    with free_port() as port:
        here = {"MODE": "qa", "DATA_DIR": str(tmp_path), "PORT": str(port.getsockname()[1])}
    copies = tmp_path / "bugs"
    with started(BUGS="1", **here) as process:
        said = ready_line(process)
        assert said.startswith("Plate & Paper is open, with planted bugs: http://127.0.0.1:")
        assert bugs.known()[1].title not in said
        assert [copy.name for copy in copies.iterdir()] == [str(process.pid)]
        address = said.split(": ", 1)[1].split()[0]
        assert httpx.get(f"{address}/livez").status_code == 200
    wrong = bugs.known()[1].changes[0]
    assert wrong.wrong in (copies / str(process.pid) / wrong.file).read_text()
    (copies / "notes").mkdir()
    assert command("routes", BUGS="2", **here).returncode == 0
    assert not (copies / str(process.pid)).exists()
    assert len([*copies.iterdir()]) == 2, "its own copy, and what is none"
