"""The table of docs/reliability.md, made of the fault tests (python -m tests.topology.table): no row without a test."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from hypermart.settings import ROOT

DOC = ROOT / "docs" / "reliability.md"
FILES = ("test_faults.py", "test_edge.py", "test_privacy.py", "test_storm.py", "test_rolling.py")
BEGIN, END = "<!-- made by tests/topology/table.py: begin -->\n", "<!-- end -->\n"
HEAD = "| what happens | what a visitor sees | what holds | test |\n|---|---|---|---|\n"


def rows() -> Iterator[str]:
    for name in FILES:
        tree = ast.parse((Path(__file__).parent / name).read_text())
        for node in tree.body:
            if isinstance(node, ast.AsyncFunctionDef | ast.FunctionDef) and node.name.startswith("test_"):
                sees, found, holds = (ast.get_docstring(node) or "").partition("Holds:")
                if found:
                    what = node.name.removeprefix("test_").replace("_", " ")
                    cells = (what + _cases(node), _line(sees), _line(holds), f"`{name}::{node.name}`")
                    yield f"| {' | '.join(cells)} |\n"


def _cases(node: ast.AsyncFunctionDef | ast.FunctionDef) -> str:
    """The values that it is tried with."""
    for decorator in node.decorator_list:
        if isinstance(decorator, ast.Call) and "parametrize" in ast.unparse(decorator.func):
            values = ast.literal_eval(decorator.args[1])
            words = {"KILL": "killed", "STOP": "frozen"}
            return f" ({', '.join(words.get(value, str(value)) for value in values)})"
    return ""


def _line(text: str) -> str:
    return " ".join(text.split()).removesuffix(".")


def made() -> str:
    """The page as it should be."""
    before, _, rest = DOC.read_text().partition(BEGIN)
    return before + BEGIN + HEAD + "".join(rows()) + END + rest.partition(END)[2]


if __name__ == "__main__":
    DOC.write_text(made())
