"""The log that varnishncsa writes: one line for each request, with its id, without secrets, after any restart."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hypermart.stack.varnish import VCL, log_command
from tests.parts.origin import Answer, Origin, page, until
from tests.parts.varnish import Browser, Varnish, running

pytestmark = pytest.mark.stack
KEY = "0123456789abcdef" * 2


class Log:
    def __init__(self, path: Path) -> None:
        self.path = path

    def rows(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.path.read_bytes().decode(errors="replace").splitlines()]

    def hears(self, ask: Browser) -> None:
        """Waits until requests make lines; the first ones do not, while it connects."""
        ids: list[str] = []

        def is_heard() -> bool:
            ids.append(ask("/cart").headers["x-request-id"])
            text = self.path.read_text(errors="replace")
            return any(id_ in text for id_ in ids)

        until(is_heard)

    def of(self, id_: str) -> dict[str, Any]:
        """The one line of that request, as soon as it is there."""
        until(lambda: id_ in self.path.read_text(errors="replace"))
        (row,) = [row for row in self.rows() if row["request"] == id_]
        return row


@contextlib.contextmanager
def written(folder: Path, path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """While the block lasts, varnishncsa writes there."""
    with path.open("wb") as out:
        process = subprocess.Popen(log_command(folder), env=os.environ | {"TZ": "UTC"}, stdout=out)
    try:
        yield process
    finally:
        process.terminate()
        assert process.wait(10) in (0, -15)


@pytest.fixture(scope="module")
def log(edge: tuple[Varnish, Origin], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Log]:
    path = tmp_path_factory.mktemp("log") / "varnish-log.log"
    with written(edge[0].folder, path):
        ask = Browser(edge[0].sockets.public, "begin.test")
        (log := Log(path)).hears(ask)
        yield log


@pytest.mark.parametrize(
    ("target", "method", "status", "cache", "path"),
    [
        ("/p/earth?option1=a&utm_source=x", "GET", 200, "miss", "/p/earth"),
        ("/search?q=ada@example.com", "GET", 200, "miss", "/search"),
        ("/orders/1001?t=a-secret-of-an-order", "GET", 200, "pass", "/orders/1001"),
        (f"/checkout/attempts/{KEY}/retries?x", "GET", 200, "pass", "/checkout/attempts/01234567*/retries"),
        ("/account/resets/5-1764-secret/x", "GET", 200, "pass", "/account/resets/*"),
        ("/", "PUT", 405, "pass", "/"),
        ('/"\\quoted', "GET", 200, "pass", '/"\\quoted'),
    ],
)
def test_a_request_is_a_line(
    ask: Browser, shop: Origin, log: Log, target: str, method: str, *, status: int, cache: str, path: str
) -> None:
    answer = ask(target, method, cookie="cart=a-secret-cookie", referer="/a-secret-page")
    row = log.of(answer.headers["x-request-id"])
    assert (row["status"], row["method"], row["cache"], row["path"]) == (status, method, cache, path)
    assert (row["process"], row["event"]) == ("varnish", "request")
    assert row["bytes"] > len(answer.body)
    assert row["us"] >= 0
    assert row["timestamp"][:4] > "2025"
    assert row["timestamp"].endswith("Z")
    assert "secret" not in log.path.read_text(errors="replace")
    assert "secret" not in str(shop.asked and {**shop.asked[-1].headers, "cookie": "", "referer": ""})


def test_a_hit_has_a_line_of_its_own(ask: Browser, shop: Origin, log: Log) -> None:
    first, second = ask("/p/earth"), ask("/p/earth")
    assert [log.of(each.headers["x-request-id"])["cache"] for each in (first, second)] == ["miss", "hit"]


def test_a_request_of_several_rounds_is_one_line(ask: Browser, shop: Origin, log: Log) -> None:
    shop.says(page(policy="public, s-maxage=1, stale-while-revalidate=0, stale-if-error=60"))
    ask("/p/earth")
    shop.says(Answer(status=500))
    until(lambda: ask("/p/earth").status == 200 and len(shop.asked) > 1)
    last = ask("/p/earth")
    row = log.of(last.headers["x-request-id"])
    assert (row["status"], row["path"]) == (last.status, "/p/earth")


def test_what_a_visitor_calls_a_request_stays(ask: Browser, shop: Origin, log: Log) -> None:
    for given in ("my-own-id.1_A", "e-" + "x" * 62):
        assert ask("/cart", x_request_id=given).headers["x-request-id"] == given
        assert shop.asked[-1].headers["x-request-id"] == given
        assert log.of(given)["path"] == "/cart"


@pytest.mark.parametrize("given", ["short", "x" * 65, "no blanks in it", 'no"quotes"here', "ada@example.com"])
def test_but_not_what_is_no_id(ask: Browser, shop: Origin, given: str) -> None:
    answer = ask("/cart", x_request_id=given)
    assert answer.headers["x-request-id"].startswith("e")
    assert shop.asked[-1].headers["x-request-id"] == answer.headers["x-request-id"] != given


def test_who_asks_how_it_is_makes_no_lines(ask: Browser, shop: Origin, varnish: Varnish, log: Log) -> None:
    ask("/cdn-health", port=varnish.sockets.purge)
    varnish.purge("nothing")
    asked = ask("/cdn-health")  # to the public it is an address like any other
    assert log.of(asked.headers["x-request-id"])["path"] == "/cdn-health"
    last = [(row["method"], row["path"]) for row in log.rows()][-2:]
    assert last == [("PURGE", "/"), ("GET", "/cdn-health")]


def test_it_waits_for_varnish_and_follows_the_next_one(tmp_path: Path, shop: Origin) -> None:
    log = Log(tmp_path / "log")
    with written(tmp_path, log.path) as process:
        for _ in range(2):
            with running(tmp_path, shop.port) as varnish:  # ends it with SIGTERM, which must do within 20 s
                log.hears(Browser(varnish.sockets.public, "a.test"))
        assert process.poll() is None


def test_in_a_container_one_script_runs_both(tmp_path: Path, shop: Origin) -> None:
    """deploy/varnish/with-log, which becomes varnishd itself, and starts a log again that was killed."""
    log = Log(tmp_path / "varnish.log")
    script = [str(VCL / "with-log"), str(tmp_path / "run")]
    with running(tmp_path, shop.port, before=script) as varnish:
        try:
            assert Path(f"/proc/{varnish.pid}/comm").read_text() == "varnishd\n"
            for _ in range(2):
                log.hears(Browser(varnish.sockets.public, "a.test"))
                (writer,) = children(varnish.pid, "varnishncsa")
                os.kill(writer, signal.SIGKILL)
        finally:
            # Varnish is to end alone; in a container all others end with it.
            for pid in children(varnish.pid, "with-log") + children(varnish.pid, "varnishncsa"):
                os.kill(pid, signal.SIGKILL)


def children(pid: int, name: str) -> list[int]:
    """Those of its process group."""
    shown = subprocess.run(["ps", "-e", "-o", "pid=,pgid=,comm="], capture_output=True, text=True, check=True).stdout
    rows = [line.split(maxsplit=2) for line in shown.splitlines()]
    return [int(row[0]) for row in rows if row[1:] == [str(pid), name]]
