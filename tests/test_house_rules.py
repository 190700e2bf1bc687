"""The house rules for Python, each also shown a violation, so that we know that it sees one."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from hypermart.settings import ROOT
from tests.parts import house
from tests.parts.house import Source

PACKAGE = ROOT / "src" / "hypermart"
#: Files over a ceiling, each with its reason.
LIFTED: dict[str, str] = {}
FLOORS = {"litestar": (2, 20), "asyncmy": (0, 2, 13), "jinja2": (3, 1, 6), "authlib": (1, 6, 11)}
"""Older ones have known holes. authlib counts once it is there."""

Rule = Callable[[Source], house.Complaints]
LONG = "    pass\n" * 41
PLANTED: list[tuple[Rule, str, str]] = [
    (house.opens_with_what_it_owns, "money.py", "import os\n"),
    (house.is_short, "money.py", "\n" * 401),
    (house.functions_are_short, "web/store/home.py", f"@get('/')\nasync def show_home():\n{LONG[: 26 * 9]}"),
    (house.functions_are_short, "domain/stock/actions.py", f"async def reserve():\n{LONG}"),
    (house.functions_take_few_arguments, "money.py", "def f(a, b, c, d, *, e, f, g): ..."),
    (house.time_comes_from_the_clock, "money.py", "datetime.now(UTC)"),
    (house.time_comes_from_the_clock, "money.py", "dt.datetime.utcnow()"),
    (house.time_comes_from_the_clock, "money.py", "time.time()"),
    (house.time_comes_from_the_clock, "money.py", "from time import time"),
    (house.classes_are_nouns, "money.py", "class CartManager: ..."),
    (house.apps_leave_the_log_alone, "web/demo/app.py", "Litestar([show])"),
    (house.jobs_exist, "domain/stock/actions.py", "later(db, 'no_such_job', id=1)"),
    (house.jobs_exist, "domain/stock/actions.py", "later(db, name)"),
    (house.bulk_changes_purge, "domain/stock/actions.py", "async def f(db):\n    await db.execute(update(Product))"),
]
RULES = {rule: None for rule, _, _ in PLANTED}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_package_keeps(rule: Rule) -> None:
    complaints = [found for source in house.sources(PACKAGE) if source.name not in LIFTED for found in rule(source)]
    assert not complaints, "\n".join(complaints)


@pytest.mark.parametrize(
    "rule", [house.opens_with_what_it_owns, house.is_short, house.classes_are_nouns, house.apps_leave_the_log_alone]
)
def test_the_suite_keeps(rule: Rule) -> None:
    complaints = [found for source in house.sources(ROOT / "tests") for found in rule(source)]
    assert not complaints, "\n".join(complaints)


@pytest.mark.parametrize(("rule", "name", "text"), PLANTED)
def test_a_violation_is_seen(rule: Rule, name: str, text: str) -> None:
    assert len(list(rule(Source(name, text)))) == 1


def test_what_is_allowed_stays_allowed() -> None:
    fine = "async def f(db):\n    await db.execute(update(Product))  # no page shows this\n    clock.now()\n"
    also = "async def f(db):\n    await db.execute(delete(Product))\n    stale(db, 'menu')\n    await db.delete(row)\n"
    for source in (Source("domain/stock/actions.py", fine), Source("domain/stock/actions.py", also)):
        assert not [*house.bulk_changes_purge(source), *house.time_comes_from_the_clock(source)]


def test_a_lifted_ceiling_is_still_needed() -> None:
    tight = [source.name for source in house.sources(PACKAGE) if [*house.is_short(source)]]
    assert sorted(tight) == sorted(LIFTED)


def locked(name: str) -> tuple[int, ...] | None:
    found = re.search(rf"^{name}==([\d.]+)", (ROOT / "requirements.lock").read_text(), re.MULTILINE)
    return tuple(map(int, found[1].split("."))) if found else None


@pytest.mark.parametrize("name", FLOORS)
def test_locked_versions_have_no_known_holes(name: str) -> None:
    version = locked(name)
    assert version is not None or name == "authlib"
    assert version is None or version >= FLOORS[name]


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    """import-linter on the package in `folder`/src, which shadows the installed one."""
    return subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache", "--no-logo", "--config", "pyproject.toml"],
        cwd=folder,
        env={"PYTHONPATH": str(folder / "src"), "PATH": "", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def test_rooms_know_only_whom_they_may() -> None:
    done = lint_imports(ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("contract", "name", "text"),
    [
        ("the house: outer rooms", "domain/stock/planted.py", "import hypermart.web.caching"),
        ("the house: outer rooms", "adapters/planted.py", "import hypermart.domain.stock.models"),
        ("inside the domain", "domain/catalog/planted.py", "import hypermart.domain.stock.models"),
        ("the domain and the database speak", "domain/stock/planted.py", "import litestar"),
        ("the bogus gateway is another house", "bogus/planted.py", "import hypermart.ports"),
        ("audiences do not borrow", "web/hooks/planted.py", "import hypermart.web.store"),
    ],
)
def test_a_forbidden_import_is_seen(contract: str, name: str, text: str, tmp_path: Path) -> None:
    only_python = shutil.ignore_patterns("__pycache__", "art-prints")
    shutil.copytree(PACKAGE, tmp_path / "src" / "hypermart", ignore=only_python)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "src" / "hypermart" / name).write_text(f"{text}\n")
    done = lint_imports(tmp_path)
    assert done.returncode == 1, done.stdout + done.stderr
    broken = re.findall(r"^(.*) BROKEN", done.stdout, re.MULTILINE)
    assert [line for line in broken if line.startswith(contract)], done.stdout
    assert "hypermart." + name.removesuffix(".py").replace("/", ".") in done.stdout
