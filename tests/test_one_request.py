"""`hypermart stack logs --request ID`: one request through all logs, those put aside too."""

from __future__ import annotations

import json
import tempfile
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hypermart.cli import main
from hypermart.stack.one_request import lines

ID = "e1764000000-32770-4012345678"


@pytest.fixture
def data(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="hm") as folder:  # not pytest's own: sockets want short paths
        monkeypatch.setenv("DATA_DIR", folder)
        yield Path(folder)


@pytest.fixture
def logs(data: Path) -> Path:
    """A stack that is down, whose processes have logged."""
    folder = data / "stack" / "logs"
    folder.mkdir(parents=True)
    other = row(5, request="another-request", event="request")
    write(folder / "varnish-log.log", other, row(1, process="varnish", request=ID, event="request", path="/cart", us=9))
    caddy = {"level": "info", "ts": 1767348003.5, "msg": "handled request", "status": 303, "request_id": ID}
    write(folder / "caddy.log", caddy | {"request": {"method": "POST", "uri": "/cart?*", "proto": "HTTP/1.1"}})
    write(folder / "app1.log.2", row(2.25, process="app1", request=ID, event="oldest", level="warning"))
    write(folder / "app1.log.1", other, row(2.5, process="app1", request=ID, event="older"), other)
    write(folder / "app1.log", row(3, request=ID, event="request", exception="Traceback:\nValueError", level="error"))
    write(folder / "worker1.log", row(4, request=ID, event="outbox.done", job="mail_order"), other)
    (folder / "mysql-primary.log").write_text(f"not JSON: {ID}\n{{broken {ID}\n[]\n")
    write(folder / "app2.log", row(3, request=f"{ID}-not", event="request"), row(3, event=ID), {"request": ID + "x"})
    return folder


def row(second: float, **fields: Any) -> dict[str, Any]:
    return {"timestamp": f"2026-01-02T10:00:{second:09.6f}Z", **fields}


def write(path: Path, *rows: dict[str, Any]) -> None:
    path.write_text("".join(json.dumps(each) + "\n" for each in rows))


def test_all_its_lines_stand_in_order(logs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["stack", "logs", "--request", ID]) == 0
    assert capsys.readouterr().out == (
        "varnish-log    10:00:01.000 request path=/cart us=9\n"
        "app1           10:00:02.250 WARNING oldest\n"
        "app1           10:00:02.500 older\n"
        "app1           10:00:03.000 ERROR request\n"
        "    Traceback:\n"
        "    ValueError\n"
        "caddy          10:00:03.500 handled request method=POST uri=/cart?* status=303\n"
        "worker1        10:00:04.000 outbox.done job=mail_order\n"
    )


@pytest.mark.parametrize("folder_is_there", [True, False])
def test_an_unknown_one_is_one_line(
    data: Path, capsys: pytest.CaptureFixture[str], folder_is_there: bool, request: pytest.FixtureRequest
) -> None:
    if folder_is_there:
        request.getfixturevalue("logs")
    assert main(["stack", "logs", "--request", "no-such-id"]) == 1
    assert capsys.readouterr().out == "no log has a line of request no-such-id\n"


@pytest.mark.parametrize("id_", ["short", "x" * 65, "two words", "../../etc/passwd", "[a-z]{8,}", ""])
def test_what_is_no_id_is_an_error(id_: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["stack", "logs", "--request", id_]) == 2
    said = capsys.readouterr()
    assert (said.out, said.err.count("\n")) == ("", 1)
    assert "no request's id" in said.err


def test_either_a_name_or_a_request(capsys: pytest.CaptureFixture[str]) -> None:
    for words in ([], ["app1", "--request", ID]):
        with pytest.raises(SystemExit):
            main(["stack", "logs", *words])


def test_large_logs_take_little_memory(logs: Path) -> None:
    """Also when all of it is of one request: a visitor may give all of theirs the same id."""
    text = json.dumps(row(6, request=ID, event="request", path="x" * 200)) + "\n"
    (logs / "app3.log").write_text(text * 40_000)
    tracemalloc.start()
    count = sum(1 for _ in lines(logs, ID))
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 40_006
    assert most < 2_000_000 < (logs / "app3.log").stat().st_size / 4
