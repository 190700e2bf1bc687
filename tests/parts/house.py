"""The house rules that Python's syntax tree can tell. Each rule yields complaints about one file."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import UnionType

from hypermart import jobs

FILE, HANDLER, DOMAIN_FUNCTION, ARGUMENTS = 400, 25, 40, 6
VERBS = {"get", "head", "post", "put", "patch", "delete", "route"}
PURGED = re.compile(r"# (no page shows this|purged by \w+)")

Function = ast.FunctionDef | ast.AsyncFunctionDef
Complaints = Iterator[str]


@dataclass(frozen=True)
class Source:
    """One Python file; `name` is relative to the package or to tests/."""

    name: str
    text: str

    @property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    def nodes(self, kinds: type[ast.AST] | UnionType) -> Iterator[ast.AST]:
        return (node for node in ast.walk(self.tree) if isinstance(node, kinds))

    def functions(self) -> Iterator[Function]:
        return (node for node in self.nodes(Function) if isinstance(node, Function))

    def calls(self, node: ast.AST | None = None) -> Iterator[ast.Call]:
        return (call for call in ast.walk(node or self.tree) if isinstance(call, ast.Call))


def sources(folder: Path) -> list[Source]:
    return [Source(path.relative_to(folder).as_posix(), path.read_text()) for path in sorted(folder.rglob("*.py"))]


def name_of(call: ast.Call) -> str:
    """`datetime.now` of datetime.now(UTC)."""
    return ast.unparse(call.func)


def size(function: Function) -> int:
    return (function.end_lineno or 0) - function.lineno + 1


def opens_with_what_it_owns(source: Source) -> Complaints:
    if source.text.strip() and not ast.get_docstring(source.tree):
        yield f"{source.name}: opens without a sentence on what it owns"


def is_short(source: Source) -> Complaints:
    if (lines := source.text.count("\n")) > FILE:
        yield f"{source.name}: {lines} lines; split it by the next smaller noun"


def functions_are_short(source: Source) -> Complaints:
    for function in source.functions():
        ceiling = HANDLER if is_handler(function) else DOMAIN_FUNCTION
        if (is_handler(function) or source.name.startswith("domain/")) and size(function) > ceiling:
            yield f"{source.name}: {function.name} has {size(function)} lines, over {ceiling}"


def is_handler(function: Function) -> bool:
    return any(isinstance(made, ast.Call) and name_of(made) in VERBS for made in function.decorator_list)


def functions_take_few_arguments(source: Source) -> Complaints:
    for function in source.functions():
        given = function.args
        names = [argument.arg for argument in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
        if len([name for name in names if name not in ("self", "cls")]) > ARGUMENTS:
            yield f"{source.name}: {function.name} takes {len(names)} arguments, over {ARGUMENTS}"


def time_comes_from_the_clock(source: Source) -> Complaints:
    if source.name == "adapters/clock.py":
        return
    for call in source.calls():
        if re.fullmatch(r"(.*\.)?(datetime|date)\.(now|utcnow|today)|time\.time(_ns)?|(.*\.)?func\.now", name_of(call)):
            yield f"{source.name}:{call.lineno}: {name_of(call)}() reads a clock; take ports.Clock"
    for node in source.nodes(ast.ImportFrom):
        if isinstance(node, ast.ImportFrom) and node.module == "time" and any(a.name == "time" for a in node.names):
            yield f"{source.name}:{node.lineno}: imports time.time; take ports.Clock"


def classes_are_nouns(source: Source) -> Complaints:
    for node in source.nodes(ast.ClassDef):
        if isinstance(node, ast.ClassDef) and re.search(r"(Manager|Helper|Utils?|Service)$", node.name):
            yield f"{source.name}: class {node.name} says nothing; name it for what it is"


def apps_leave_the_log_alone(source: Source) -> Complaints:
    """Litestar's own logging is the whole process's, shows every request of httpx, and so the secrets in addresses."""
    for call in source.calls():
        if name_of(call) == "Litestar" and not any(word.arg == "logging_config" for word in call.keywords):
            yield f"{source.name}:{call.lineno}: an app without logging_config=None takes the log over"


def jobs_exist(source: Source) -> Complaints:
    for call in source.calls():
        if name_of(call).split(".")[-1] != "later" or len(call.args) < 2:
            continue
        job = call.args[1]
        if not isinstance(job, ast.Constant):
            yield f"{source.name}:{call.lineno}: later() needs the job's name in plain sight"
        elif job.value not in jobs.JOBS:
            yield f"{source.name}:{call.lineno}: no job is called {job.value!r}"


def bulk_changes_purge(source: Source) -> Complaints:
    """Bulk SQL flushes no rows, so nobody collects their cache keys."""
    if not source.name.startswith("domain/"):
        return
    lines = source.text.splitlines()
    for function in source.functions():
        called = {name_of(call) for call in source.calls(function)}
        body = "\n".join(lines[function.lineno - 1 : function.end_lineno])
        if called & {"update", "delete"} and "stale" not in called and not PURGED.search(body):
            yield f"{source.name}: {function.name} changes rows in bulk: call stale(), or say {PURGED.pattern}"
