"""One request through all logs of a stack: its lines in the order of time, each with the name of its process."""

from __future__ import annotations

import heapq
import json
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

#: What names a request, as the edge, Caddy and the apps take it (web/asgi.py).
ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
#: In every line, and said otherwise.
HIDDEN = frozenset(
    {"timestamp", "ts", "process", "logger", "level", "event", "msg", "request", "request_id", "exception"}
)
OF_CADDY = ("method", "uri")


class Line(NamedTuple):
    at: float
    """Seconds since 1970."""
    process: str
    fields: dict[str, Any]


def lines(folder: Path, id_: str) -> Iterator[Line]:
    """The lines of that request in all logs of `folder`, in order. One line of each process is in memory at a time."""
    logs = sorted(folder.glob("*.log*"), key=lambda path: (_process(path), -_age(path)))
    streams = [_of_process(name, list(files), id_) for name, files in groupby(logs, _process)]
    return heapq.merge(*streams, key=lambda line: line.at)


def told(line: Line) -> str:
    """As people read it: the name, the time, what happened, and what else is known."""
    own = line.fields
    event = own.get("event") or own.get("msg") or ""
    asked = own.get("request")
    known = {name: asked.get(name) for name in OF_CADDY} if isinstance(asked, dict) else {}
    known |= {name: value for name, value in own.items() if name not in HIDDEN}
    at = datetime.fromtimestamp(line.at, UTC).strftime("%H:%M:%S.%f")[:-3]
    level = own.get("level", "info")
    words = [f"{line.process:14} {at}", *([level.upper()] if level != "info" else []), str(event)]
    rest = [f"{name}={value if isinstance(value, str) else json.dumps(value)}" for name, value in known.items()]
    trace = [f"    {row}" for row in own.get("exception", "").splitlines()]
    return "\n".join([" ".join([*words, *rest]), *trace])


def _of_process(name: str, files: Iterable[Path], id_: str) -> Iterator[Line]:
    for file in files:
        try:
            with file.open("rb") as rows:
                yield from (line for row in rows if id_.encode() in row and (line := _read(name, row, id_)))
        except FileNotFoundError:  # the log was turned over meanwhile
            continue


def _read(name: str, row: bytes, id_: str) -> Line | None:
    """None: the words stand there, but the line is of another request."""
    try:
        fields = json.loads(row.decode(errors="replace"))
    except ValueError:
        return None
    if not isinstance(fields, dict) or id_ not in (fields.get("request"), fields.get("request_id")):
        return None
    said = fields.get("timestamp")
    return Line(datetime.fromisoformat(said).timestamp() if said else float(fields.get("ts", 0)), name, fields)


def _process(path: Path) -> str:
    return path.name.partition(".log")[0]


def _age(path: Path) -> int:
    """Supervisor calls what it has put aside NAME.log.1, NAME.log.2 and so on, the newest first."""
    number = path.suffix.removeprefix(".")
    return int(number) if number.isdecimal() else 0
