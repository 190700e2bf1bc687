"""What deploy/mysql does in the images, done to two real servers. The double is the images' own `mysql` client."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from hypermart.qa.tools import need
from hypermart.settings import ROOT
from hypermart.stack import mysql
from hypermart.stack.asking import ask
from tests.parts import containers

pytestmark = pytest.mark.stack
SCRIPTS = ROOT / "deploy" / "mysql"
#: Statements from -e or stdin; the first column of the first row, as `mysql -N` prints it.
CLIENT = f"""#!{sys.executable}
import os, sys
from hypermart.stack.asking import ask
text = sys.argv[sys.argv.index("-e") + 1] if "-e" in sys.argv else sys.stdin.read()
for statement in filter(str.strip, text.split(";")):
    for row in ask(int(os.environ["SERVER"]), statement):
        print(*row.values())
"""


def server(folder: Path, *options: str) -> AbstractContextManager[mysql.Server]:
    """With the options that compose.yaml gives it."""
    folder.mkdir(exist_ok=True)
    command = containers.compose(containers.DEMO)["services"][folder.name]["command"]
    return mysql.running(folder, (*command[1:], *options))


def run(tmp_path: Path, script: str, port: int, *arguments: str, source: int = 0) -> int:
    """The exit code of a script of deploy/mysql, at our places and ports; the others are sourced, as in the image."""
    text = (SCRIPTS / script).read_text().replace("/run/secrets", str(tmp_path / "secrets"))
    assert ("'mysql-primary'" in text) == bool(source)
    text = text.replace("'mysql-primary'", f"'127.0.0.1', SOURCE_PORT = {source}")
    program = f"docker_process_sql() {{ mysql; }}\nset -eo pipefail\n{text}"
    environ = os.environ | {
        "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}",
        "SERVER": str(port),
        "MYSQL_USER": mysql.USER,
    }
    return subprocess.run(["bash", "-c", program, script, *arguments], env=environ, check=False).returncode


@pytest.fixture
def places(tmp_path: Path) -> Path:
    need("mysql")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "mysql").write_text(CLIENT)
    (tmp_path / "bin" / "mysql").chmod(0o755)
    subprocess.run([ROOT / "deploy" / "make-secrets", tmp_path / "secrets"], check=True, capture_output=True)
    return tmp_path


def until(what: str, port: int, wanted: object) -> None:
    deadline = time.monotonic() + 30
    while True:
        with contextlib.suppress(OSError):
            (row,) = ask(port, what) or [{}]
            if next(iter(row.values()), None) == wanted:
                return
        assert time.monotonic() < deadline, ask(port, "SHOW REPLICA STATUS")
        time.sleep(0.2)


@pytest.fixture
def persisted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Servers read what SET PERSIST kept, as in the image; with --no-defaults they would not."""
    base, nothing = mysql._base, tmp_path / "nothing.cnf"
    nothing.touch()

    def without(*arguments: Any) -> list[str]:
        return [f"--defaults-file={nothing}" if word == "--no-defaults" else word for word in base(*arguments)]

    monkeypatch.setattr(mysql, "_base", without)


@pytest.mark.usefixtures("persisted")
def test_the_replica_follows_from_its_first_start_and_takes_no_other_write(places: Path) -> None:
    with server(places / "mysql-primary") as primary:
        assert run(places, "primary.sh", primary.port) == 0
        assert run(places, "healthy.sh", primary.port) == 0
        ask(primary.port, "CREATE DATABASE shop")
        with server(places / "mysql-replica") as replica:
            assert run(places, "replica.sh", replica.port, source=primary.port) == 0
            assert run(places, "healthy.sh", replica.port) == 0
            assert run(places, "healthy.sh", replica.port, "replica") == 1, "it does not follow yet"
        with server(
            places / "mysql-replica", "--init-file=/dev/null"
        ) as replica:  # as the image does: set up, then started anew
            ask(primary.port, "CREATE TABLE shop.seen SELECT 7 AS id")
            until("SELECT id FROM shop.seen", replica.port, 7)
            assert run(places, "healthy.sh", replica.port, "replica") == 0
            with pytest.raises(OSError, match="super-read-only"):
                ask(replica.port, "INSERT INTO shop.seen VALUES (8)")
            (status,) = ask(replica.port, "SHOW REPLICA STATUS")
            assert (status["Connect_Retry"], status["Source_Retry_Count"]) == (1, 1000000)
            ask(replica.port, "STOP REPLICA SQL_THREAD")
            assert run(places, "healthy.sh", replica.port, "replica") == 1
