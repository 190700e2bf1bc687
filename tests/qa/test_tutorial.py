"""The tutorial of docs/qa.md, followed in an empty folder: green without a warning, red with a bug, what is left."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from hypermart.qa.tools import need
from hypermart.settings import ROOT
from tests.parts import databases

pytestmark = [pytest.mark.browser, pytest.mark.slow]
BLOCK = re.compile(r"^`(?P<name>[\w.]+)`:\n\n```\w+\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
LEFT = {"trace.zip", "page.png", "page.html", "aria.yml", "console.txt", "network.txt", "shop.log", "mails.json"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """As a new tester has it after copying the two files."""
    need("chromium")
    if databases.is_mysql():
        pytest.skip("runs on SQLite: the tutorial's shop is the embedded one")
    doc = (ROOT / "docs" / "qa.md").read_text().replace("Two files. `pytest.ini`:", "`pytest.ini`:")
    blocks = {block["name"]: block["text"] for block in BLOCK.finditer(doc)}
    assert set(blocks) == {"pytest.ini", "test_first.py"}
    for name, text in blocks.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def follow(folder: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    own = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "HYPERMART_"))}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error"]
    return subprocess.run(
        command, cwd=folder, env=own | environ, check=False, capture_output=True, text=True, timeout=110
    )


def test_the_first_test_is_green(folder: Path) -> None:
    done = follow(folder)
    assert "1 passed" in done.stdout, done.stdout + done.stderr
    assert not (folder / "test-results").exists()


def test_with_a_bug_it_is_red_and_leaves_what_a_report_needs(folder: Path) -> None:
    done = follow(folder, BUGS="5")
    assert "1 failed" in done.stdout, done.stdout + done.stderr
    assert "error" not in done.stdout.splitlines()[-1]
    (left,) = (folder / "test-results").iterdir()
    assert {path.name for path in left.iterdir()} == LEFT
    assert all(path.stat().st_size for path in left.iterdir() if path.name != "console.txt")
    assert zipfile.is_zipfile(left / "trace.zip")
    assert "Thank you, your order is placed" in (left / "page.html").read_text()
    assert 'heading "Thank you, your order is placed" [level=1]' in (left / "aria.yml").read_text()
    assert re.search(r"^303 POST http\S+/checkout/orders$", (left / "network.txt").read_text(), re.MULTILINE)
    log = (left / "shop.log").read_text()
    assert '"path": "/checkout/orders"' in log
    assert "make_renditions" not in log, "only what this browser asked for"
