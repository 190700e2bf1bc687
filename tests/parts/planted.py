"""Runs tests of this suite in a copy of the shop with planted bugs, and tells which of them found something."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from hypermart.settings import ROOT

PYTEST = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "tests.parts.witness")
#: Of the pytest process that asks: not for the one that it starts.
OURS = ("PYTHONDONTWRITEBYTECODE", "PYTEST_ADDOPTS", "PYTEST_XDIST_WORKER", "PYTEST_CURRENT_TEST")


@dataclass(frozen=True)
class Outcome:
    found: tuple[str, ...]
    """Node ids of the tests that failed by an assertion of their own, sorted."""
    broken: tuple[str, ...]
    """Those that failed in another way, or could not run."""
    exit_code: int
    output: str


def run_tests(bugs: str, *arguments: str, compiled: Path) -> Outcome:
    """`arguments` are pytest's. All runs share the bytecode in `compiled`: compiling takes longer than testing."""
    with tempfile.TemporaryDirectory() as folder:
        witness = Path(folder, "failures")
        witness.touch()
        command = [sys.executable, "-m", "hypermart.qa.bugs", bugs, "--", *PYTEST, *arguments]
        environ = {name: value for name, value in os.environ.items() if name not in OURS}
        environ |= {
            "TEST_DATABASE": "sqlite",
            "CI": "true",  # a missing program is no reason to pass, and examples are the same each time
            "WITNESS": str(witness),
            "PYTHONPYCACHEPREFIX": str(compiled),
        }
        done = subprocess.run(command, env=environ, cwd=ROOT, capture_output=True, text=True, check=False)
        failures = [json.loads(line) for line in witness.read_text().splitlines()]
    found = {row["test"] for row in failures if row["is_finding"]}
    broken = {row["test"] for row in failures if not row["is_finding"]}
    return Outcome(tuple(sorted(found)), tuple(sorted(broken)), done.returncode, done.stdout + done.stderr)
