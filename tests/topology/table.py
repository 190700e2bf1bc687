"""The tables of docs/reliability.md, made of the fault tests (python -m tests.topology.table)."""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Callable, Iterator
from typing import Any

from hypermart.settings import ROOT

DOC = ROOT / "docs" / "reliability.md"
#: Name of the table -> the modules whose tests are its rows.
TABLES = {
    "topology": ("faults", "purge", "sign_ins", "edge", "privacy", "storm", "rolling", "tls"),
    "mail": ("jobs.mail_faults", "jobs.mail_smtp"),
    "pictures": ("web.bucket_faults",),
    "room": ("faults.full_disk", "faults.descriptors"),
}
HEAD = "| what happens | what a visitor sees | what holds | test |\n|---|---|---|---|\n"


def rows(table: str) -> Iterator[str]:
    for name in TABLES[table]:
        folder, _, last = name.rpartition(".")
        module = importlib.import_module(f"tests.{folder or 'topology'}.test_{last}")
        for test in vars(module).values():
            if inspect.isfunction(test) and test.__name__.startswith("test_") and test.__module__ == module.__name__:
                sees, found, holds = (inspect.getdoc(test) or "").partition("Holds:")
                if found:
                    what = test.__name__.removeprefix("test_").replace("_", " ")
                    file = f"{folder.replace('.', '/')}/test_{last}.py".removeprefix("/")
                    cells = (what + _cases(test), _line(sees), _line(holds), f"`{file}::{test.__name__}`")
                    yield f"| {' | '.join(cells)} |\n"


def _cases(test: Callable[..., Any]) -> str:
    """What it is tried with, as pytest names it."""
    words = {"KILL": "killed", "STOP": "frozen", "9": "killed", "19": "frozen"}
    marks = [mark for mark in getattr(test, "pytestmark", ()) if mark.name == "parametrize"]
    named = [mark.kwargs.get("ids") or mark.args[1] for mark in marks]
    lists = [", ".join(words.get(str(each), str(each)) for each in names) for names in named]
    return f" ({'; '.join(lists)})" if lists else ""


def _line(text: str) -> str:
    return " ".join(text.split()).removesuffix(".")


def made() -> str:
    """The page as it should be."""
    page = DOC.read_text()
    for table in TABLES:
        begin, end = f"<!-- tests/topology/table.py {table}: begin -->\n", "<!-- end -->\n"
        whole = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
        assert whole.search(page), f"docs/reliability.md has no place for {table}"
        page = whole.sub(lambda _, t=table, b=begin, e=end: b + HEAD + "".join(rows(t)) + e, page)  # type: ignore[misc]
    return page


if __name__ == "__main__":
    DOC.write_text(made())
