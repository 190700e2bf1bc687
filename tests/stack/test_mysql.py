"""Which MySQL is taken, and that a server ends with whoever started it, however that dies."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hypermart.qa.tools import need
from hypermart.stack import mysql_program
from hypermart.stack.mysql_program import NoMySQL


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder on the PATH, and nothing fetched before."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr(mysql_program, "SBIN", "")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return folder


def program(path: Path, says: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho '{says}'\n")
    path.chmod(0o755)


@pytest.mark.parametrize("version", ["8.4.0", "9.7.4", "10.0.1"])
def test_a_mysql_on_the_path_is_taken(machine: Path, version: str) -> None:
    program(machine / "mysqld", f"mysqld  Ver {version} for Linux on x86_64")
    found = mysql_program.find()
    assert (found.version, found.argv) == (version, (str(machine / "mysqld"),))


@pytest.mark.parametrize("says", ["mysqld Ver 8.0.36 for Linux", "mysqld Ver 10.11.6-MariaDB for debian", "oops"])
def test_what_does_not_do_is_passed_over_and_the_fix_is_named(machine: Path, says: str) -> None:
    program(machine / "mysqld", says)
    with pytest.raises(NoMySQL, match=r"install MySQL 8\.4 or newer"):
        mysql_program.find()


def test_of_those_fetched_before_the_newest_is_taken(machine: Path) -> None:
    for version in ("9.7.4", "9.10.0"):
        root = mysql_program.cache() / f"mysql-{version}.root"
        program(root / "usr/lib64/ld-linux-x86-64.so.2", f"mysqld Ver {version} for Linux")
    assert mysql_program.find().version == "9.10.0"


STARTS = """
import sys, time
from pathlib import Path
from hypermart.stack.mysql import THROWAWAY, running
with running(Path(sys.argv[1]), THROWAWAY) as server:
    print(server.port, flush=True)
    time.sleep(60)
"""


def is_open(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.slow
def test_no_server_outlives_a_killed_parent(tmp_path: Path) -> None:
    need("mysql")
    with subprocess.Popen([sys.executable, "-c", STARTS, str(tmp_path)], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout
        port = int(parent.stdout.readline())
        assert is_open(port)
        os.kill(parent.pid, signal.SIGKILL)
    deadline = time.monotonic() + 30
    while is_open(port):
        assert time.monotonic() < deadline
        time.sleep(0.1)
