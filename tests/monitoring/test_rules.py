"""The rules and the configuration of Prometheus, as its own tool judges them."""

from __future__ import annotations

import subprocess

import pytest

from hypermart.qa.tools import need
from hypermart.settings import ROOT

pytestmark = pytest.mark.stack
FILES = ROOT / "deploy" / "prometheus"


@pytest.mark.parametrize(
    "words",
    [
        ("check", "config", str(FILES / "prometheus.yml")),
        ("check", "rules", str(FILES / "alerts.yml")),
        ("test", "rules", str(ROOT / "tests" / "monitoring" / "alerts.test.yml")),
    ],
    ids=" ".join,
)
def test_promtool_finds_nothing(words: tuple[str, ...]) -> None:
    done = subprocess.run([need("promtool"), *words], capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "WARNING" not in done.stdout + done.stderr
