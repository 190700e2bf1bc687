"""`hypermart stack`: up in time, honest about each process, clear about mistakes, and gone without a trace."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx
import pytest

from hypermart.settings import ROOT
from hypermart.stack.plan import HOST, ROW
from tests.topology.running import UP, Running, processes_of, running


def test_it_is_up_in_time_and_all_are_healthy(stack: Running) -> None:
    assert stack.took < UP
    said = stack.say("status").stdout.splitlines()
    assert [line.split()[0] for line in said] == stack.shape.names
    assert all(line.endswith(" healthy") for line in said)


def test_up_again_says_how_it_is(stack: Running) -> None:
    assert stack.up() == stack.say("status").stdout
    other = stack.say("up", "--replicas", "2", check=False)
    assert (other.returncode, other.stderr.count("\n")) == (2, 1)
    assert "hypermart stack down" in other.stderr


@pytest.mark.parametrize(
    ("signal_name", "how"), [("KILL", "is not running"), ("STOP", "is frozen")], ids=["killed", "frozen"]
)
def test_status_says_who_is_ill(stack: Running, signal_name: str, how: str) -> None:
    for name in ("app2", "worker1", "mysql-replica", "valkey", "smtp"):
        stack.kill(name, signal_name)
    said = stack.say("status", check=False)
    assert said.returncode == 1
    ill = [line.split(maxsplit=1) for line in said.stdout.splitlines() if not line.endswith("healthy")]
    assert ill == [[name, how] for name in ("app2", "worker1", "mysql-replica", "valkey", "smtp")]


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["kill", "app9"], "take one of app1"),
        (["restart", "nobody"], "take one of app1"),
        (["logs", "mysql"], "take one of app1"),
        (["up", "--replicas", "0"], "--replicas"),
        (["up", "--tls", "--no-cdn"], "--no-cdn"),
    ],
)
def test_a_mistake_is_one_line_with_the_fix(stack: Running, words: list[str], hint: str) -> None:
    said = stack.say(*words, check=False)
    assert (said.returncode, said.stderr.count("\n")) == (2, 1)
    assert hint in said.stderr


def test_logs_show_the_last_lines(stack: Running) -> None:
    httpx.get(f"{stack.url}/cart").raise_for_status()
    logs = [stack.say("logs", name, "--lines", "5").stdout for name in stack.shape.apps]
    assert all(len(log.splitlines()) <= 5 for log in logs)
    assert any('"/cart"' in log for log in logs)


def test_down_leaves_nothing_even_when_the_supervisor_was_killed() -> None:
    with (
        tempfile.TemporaryDirectory(prefix="hm") as folder,
        running(Path(folder), "--no-cdn", "--replicas", "1") as own,
    ):
        assert len(processes_of(own.folder)) > 8
        os.kill(int((own.folder / "supervisord.pid").read_text()), signal.SIGKILL)
        own.say("down")
        assert not processes_of(own.folder)
        for port in range(own.shape.base, own.shape.base + ROW):
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind((HOST, port))
        assert "no stack is running" in own.say("status", check=False).stderr
        began = time.monotonic()
        own.up()  # what a kill has left is good enough to go on with
        assert time.monotonic() - began < UP
        own.say("down")
        assert not processes_of(own.folder)


KILLED = """
import os, signal, sys
from pathlib import Path
from tests.topology.running import ended_however_we_end
with ended_however_we_end(Path(sys.argv[1])):
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_run_leaves_no_stack(tmp_path: Path) -> None:
    data = tmp_path / "data"
    (data / "stack").mkdir(parents=True)
    subprocess.run([sys.executable, "-c", KILLED, str(data)], cwd=ROOT, check=False)
    deadline = time.monotonic() + 30
    while data.exists():
        assert time.monotonic() < deadline
        time.sleep(0.1)
